import Dispatch
import MetricModel
import Pushgateway
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

    @Test func `a gateway says how it was while somebody takes long`() async throws {
        let gateway = Fixture()
        let body = (0..<5000).map { "m\($0) 1\n" }.joined()
        // Both ways: first as one that takes long, then as one that is compared with it.
        try await gateway.push("job/a", body)
        #expect(gateway.store.problem == nil)
        try await gateway.push("job/b", "m7 2\n")
        #expect(await gateway.lines("m7{").count == 2)
        #expect(await gateway.lines("m4999") == ["m4999{instance=\"\",job=\"a\"} 1"])
        await gateway.store.delete(try Fixture.key("job/a"))
        #expect(await gateway.lines("m4999") == [])
        #expect(await gateway.lines("m7{") == ["m7{instance=\"\",job=\"b\"} 2"])
    }
}
