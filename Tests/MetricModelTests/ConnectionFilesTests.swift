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
        var taken: [ConnectionFiles.Outgoing] = []
        var tight: Int?
        while taken.count < limit {
            do throws(ConnectionFiles.Full) {
                taken.append(try files.takeOutgoing())
                if tight == nil, files.isTight { tight = taken.count }
            } catch {
                let open = "no more connections: \(incoming + taken.count) are open"
                #expect(error.message == "\(open), and this process may have \(limit) files open (ulimit -n)")
                break
            }
        }
        #expect(taken.count == outgoing && files.incomingRoom == left)
        #expect(tight == outgoing * 3 / 4 + 1)
        taken.last?.giveBack()
        taken.removeLast(2)
        let (both, more) = (try? files.takeOutgoing(2), try? files.takeOutgoing())
        #expect(both != nil && more == nil && taken.count == outgoing - 2)
    }

    /// Takes as many one by one as there is room for.
    private func all(_ files: ConnectionFiles, isDoubtful: Bool = false) -> [ConnectionFiles.Outgoing] {
        (0..<150).compactMap { _ in try? files.takeOutgoing(isDoubtful: isDoubtful) }
    }

    @Test func `who said nothing the last time leaves a quarter of the room to others`() {
        let files = ConnectionFiles(limit: 300)
        var silent = all(files, isDoubtful: true)
        var others = all(files)
        #expect(silent.count == 112 && others.count == 38)
        others = []
        let more = all(files, isDoubtful: true)
        #expect(more.isEmpty && all(files).count == 38)
        // One of them has answered; another one is gone.
        silent[0].trust()
        silent[0].trust()
        silent.removeLast()
        others = all(files, isDoubtful: true)
        #expect(others.count == 2)
        // Who has answered is gone, too.
        silent.removeFirst()
        let (doubtful, trusted) = (all(files, isDoubtful: true), all(files))
        #expect(doubtful.isEmpty && trusted.count == 38 && silent.count + others.count == 112)
    }

    @Test func `connections that others keep do not count as those of the silent`() {
        let files = ConnectionFiles(limit: 300)
        let others = (0..<149).compactMap { _ in try? files.takeOutgoing() }
        let silent = all(files, isDoubtful: true)
        #expect(others.count == 149 && silent.count == 1)
    }

    @Test func `what nobody asked for counts`() {
        let files = ConnectionFiles(limit: 64)
        let kept = (0..<40).map { _ in files.addOutgoing() }
        #expect((try? files.takeOutgoing()) == nil && files.incomingRoom == 16)
        for room in kept { room.giveBack() }
        files.addIncoming()
        files.leaveIncoming()
        let all = try? files.takeOutgoing(32)
        let room = files.incomingRoom
        #expect(all != nil && room == 16)
    }
}
