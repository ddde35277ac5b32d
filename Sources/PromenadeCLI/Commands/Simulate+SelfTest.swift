import ArgumentParser
import Promenade

/// The stack's own simulation test.
extension Simulate {
    /// Runs random worlds that are checked against what has to be true of every world.
    func testItself(_ seeds: ClosedRange<UInt64>) async throws {
        let isShown = Console.isTerminal(2) && seeds.count > 1 && !quiet
        let count = seeds.count
        Interruption.begin()
        let outcome = try await SelfTest.run(seeds, jobs: workers, goesOn: Self.goesOn) { done in
            if isShown, done % 10 == 0 { Console.complain("\r\(done) of \(count) worlds") }
        }
        if isShown { Console.complain("\r\u{1b}[K") }
        if !quiet, seeds.count == 1 {
            Console.print(TrialScenario(seed: seeds.lowerBound).text)
        }
        Console.print(outcome.text)
        if let name = Interruption.name {
            Complaint.remark("ended by \(name) after \(outcome.worlds) of \(count) worlds")
        }
        Interruption.endBySignal()
        if !outcome.failures.isEmpty { throw ExitCode(1) }
    }
}
