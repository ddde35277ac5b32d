import Dispatch
import MetricModel
import Pushgateway
import Synchronization
import Testing

/// Who takes long holds up nobody's thread.
@Suite(.timeLimit(.minutes(5))) struct PatientLockTests {
    /// A lock that somebody holds for long, until `end` is called.
    private static func held(_ lock: PatientLock<[Int]>) async -> (holder: Task<Void, Never>, end: () -> Void) {
        let gate = DispatchSemaphore(value: 0)
        let (begun, teller) = AsyncStream.makeStream(of: Void.self)
        let holder = Task {
            await lock.enter()
            await EvaluationThreads.run(on: .reading) {
                lock.alone { numbers in
                    teller.yield()
                    gate.wait()
                    numbers.append(0)
                }
            }
        }
        for await _ in begun { break }
        return (holder, { gate.signal() })
    }

    @Test func `what is brief is done at once, what is long is not`() {
        let lock = PatientLock([Int](), longSize: 10)
        for size in [0, 10, 11] {
            switch lock.attempt({ _ in size }, { $0.append(size) }) {
            case .done: #expect(size <= 10)
            case .tooLong: #expect(size == 11)
            case .busy: Issue.record("nobody is there")
            }
        }
        #expect(lock.brief(\.self) == [0, 10])
    }

    /// Many more than there are threads: were each to keep one, nothing would go on.
    @Test func `who comes meanwhile waits without a thread`() async {
        let lock = PatientLock([Int](), longSize: 10)
        let (holder, end) = await Self.held(lock)
        #expect(lock.brief(\.self) == nil)
        switch lock.attempt({ _ in 0 }, { _ in }) {
        case .busy: break
        case .done, .tooLong: Issue.record("somebody takes long")
        }
        let waiting = (1...200).map { number in
            Task {
                await lock.pass()
                return lock.brief { numbers in
                    numbers.append(number)
                    return numbers.first
                }
            }
        }
        let (told, teller) = AsyncStream.makeStream(of: Void.self)
        lock.later { teller.yield() }
        // What others do in the meantime.
        await withTaskGroup { group in
            for _ in 0..<200 { group.addTask { await Task.yield() } }
        }
        end()
        await holder.value
        for task in waiting { #expect(await task.value == 0) }
        for await _ in told { break }
        #expect(lock.brief { $0.sorted() } == Array(0...200))
    }

    @Test func `of large groups, too, only what is stored is seen`() async throws {
        let gateway = Fixture()
        let body = { (value: Int) in (0..<5000).map { "m\($0) \(value)\n" }.joined() }
        let line = { (value: Int) in ["m4999{instance=\"\",job=\"a\"} \(value)"] }
        #expect(try await gateway.push("job/a", body(1)) == .accepted)
        gateway.records.state.withLock { $0.failure = StorageError(.diskFull, "no space left") }
        #expect(try await gateway.push("job/a", body(2)) == .failed("no space left"))
        #expect(gateway.store.problem == "storing pushed metrics failed: no space left")
        #expect(await gateway.lines("m4999{") == line(1))
        gateway.records.state.withLock { $0.failure = nil }
        #expect(try await gateway.push("job/a", body(3)) == .accepted)
        #expect(gateway.store.problem == nil)
        // A short one beside it, of the same names.
        #expect(try await gateway.push("job/b", "m7 2\n") == .accepted)
        #expect(await gateway.lines("m7{").count == 2)
        #expect(await gateway.lines("m4999{") == line(3))
        await gateway.store.delete(try Fixture.key("job/a"))
        #expect(await gateway.lines("m") == ["m7{instance=\"\",job=\"b\"} 2"])
    }

    /// Each family that is put in its place by itself moves those behind it: minutes for some ten thousand.
    @Test(.timeLimit(.minutes(1))) func `many families take the places of those that are there`() async throws {
        let gateway = Fixture()
        let count = 60_000
        let body = { (name: String, labels: String) in (0..<count).map { "\(name)\($0)\(labels) 1\n" }.joined() }
        for (path, text, mode, lines) in [
            ("job/a", body("m", ""), .replaceGroup, count), ("job/a", body("m", "{a=\"b\"}"), .replaceGroup, count),
            ("job/a", body("b", ""), .replaceFamilies, 2 * count),
            ("job/a", body("z", ""), .replaceFamilies, 3 * count),
            ("job/a", body("b", "{a=\"b\"}"), .replaceFamilies, 3 * count),
            ("job/a", "c 1\nb7 1\n", .replaceFamilies, 3 * count + 1),
            ("job/a", body("m", ""), .replaceGroup, count),
        ] as [(String, String, PushRequest.Mode, Int)] {
            #expect(try await gateway.push(path, text, mode: mode) == .accepted)
            let found = await gateway.lines().filter { !$0.hasPrefix("push_") }
            #expect(found.count == lines)
            #expect(found.count { $0.hasPrefix("m777{a=\"b\"") || $0.hasPrefix("m777{instance") } == 1)
        }
        let again = Fixture.store(PushgatewayOptions(), gateway.clock, gateway.records)
        #expect(try await again.restore() == 0)
        #expect(again.groupCount == 1)
    }
}
