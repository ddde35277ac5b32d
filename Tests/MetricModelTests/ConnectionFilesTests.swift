import MetricModel
import Testing

/// How connections share the files that a process may have open.
@Suite(.timeLimit(.minutes(5))) struct ConnectionFilesTests {
    /// How many connections go out while so many come in, and how many may come in then.
    @Test(arguments: [
        (64, 0, 32, 16), (64, 40, 8, 40), (300, 0, 150, 75), (1024, 0, 640, 256), (1024, 768, 128, 768),
        (65_536, 1536, 49_024, 16_384), (4, 0, 2, 1),
    ])
    func `some are left for the rest`(_ limit: Int, _ incoming: Int, _ outgoing: Int, _ left: Int) {
        let files = ConnectionFiles(limit: limit)
        for _ in 0..<incoming { files.addIncoming() }
        var taken = 0
        var tight: Int?
        while taken < limit {
            guard let full = files.takeOutgoing() else {
                taken += 1
                if tight == nil, files.isTight { tight = taken }
                continue
            }
            let open = "no more connections: \(incoming + taken) are open"
            #expect(full == "\(open), and this process may have \(limit) files open (ulimit -n)")
            break
        }
        #expect(taken == outgoing && files.incomingRoom == left)
        #expect(tight == outgoing * 3 / 4 + 1)
        files.leaveOutgoing(2)
        #expect(files.takeOutgoing(2) == nil && files.takeOutgoing() != nil)
    }

    @Test func `who said nothing the last time leaves a quarter of the room to others`() {
        let files = ConnectionFiles(limit: 300)
        #expect((0..<150).filter { _ in files.takeOutgoing(isDoubtful: true) == nil }.count == 112)
        #expect((0..<150).filter { _ in files.takeOutgoing() == nil }.count == 38)
        files.leaveOutgoing(38)
        #expect(files.takeOutgoing(isDoubtful: true) != nil && files.takeOutgoing() == nil)
        // One of them has answered; another one is gone.
        files.trustOutgoing()
        files.leaveOutgoing(isDoubtful: true)
        #expect((0..<150).filter { _ in files.takeOutgoing(isDoubtful: true) == nil }.count == 2)
    }

    @Test func `connections that others keep do not count as those of the silent`() {
        let files = ConnectionFiles(limit: 300)
        for _ in 0..<149 { _ = files.takeOutgoing() }
        #expect(files.takeOutgoing(isDoubtful: true) == nil && files.takeOutgoing(isDoubtful: true) != nil)
    }

    @Test func `what nobody asked for counts`() {
        let files = ConnectionFiles(limit: 64)
        for _ in 0..<40 { files.addOutgoing() }
        #expect(files.takeOutgoing() != nil && files.incomingRoom == 16)
        files.leaveOutgoing(40)
        files.addIncoming()
        files.leaveIncoming()
        #expect(files.takeOutgoing(32) == nil && files.incomingRoom == 16)
    }
}
