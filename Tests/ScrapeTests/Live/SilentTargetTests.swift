import HTTPCalling
import Scrape
import Testing

/// Targets that are silent leave connections to others.
@Suite(.timeLimit(.minutes(5))) struct SilentTargetTests {
    @Test(arguments: TransportError.Code.allCases)
    func `a target is doubted from a silence on until it answers, or fails otherwise`(_ code: TransportError.Code) {
        let memory = RequestMemory()
        #expect(!memory.isDoubtful)
        memory.end(code)
        #expect(memory.isDoubtful == (code == .timeout))
        memory.end(.timeout)
        #expect(memory.isDoubtful)
        memory.end(code)
        #expect(memory.isDoubtful == [.timeout, .noConnection, .cancelled].contains(code))
        memory.end(nil)
        #expect(!memory.isDoubtful)
    }

    @Test func `a silent target that is refused a connection again and again is not doubted once in a while`() {
        let memory = RequestMemory()
        memory.end(.timeout)
        var believed: [Int] = []
        for scrape in 1...20 {
            if !memory.isDoubtful { believed.append(scrape) }
            memory.end(.noConnection)
        }
        #expect(believed == [8, 16])
    }
}
