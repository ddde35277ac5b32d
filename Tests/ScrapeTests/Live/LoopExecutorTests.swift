import NIOCore
import NIOPosix
import Scrape
import Synchronization
import Testing

/// Tasks that run on the thread of an event loop.
@Suite(.timeLimit(.minutes(5)))
struct LoopExecutorTests {
    /// What the tasks share.
    private final class Shared: Sendable {
        /// Those that wait.
        let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
        /// Gets an element when one more waits.
        let arrivals = AsyncStream.makeStream(of: Void.self)
        /// Those that went on.
        let gone = Mutex<[Int]>([])

        func pass(_ number: Int, on loop: any EventLoop) async {
            await withCheckedContinuation { continuation in
                waiting.withLock { $0.append(continuation) }
                arrivals.continuation.yield()
            }
            #expect(loop.inEventLoop)
            gone.withLock { $0.append(number) }
        }
    }

    @Test("what many tasks wait for has them go on in one piece, in order")
    func together() async throws {
        let executor = LoopExecutor(MultiThreadedEventLoopGroup.singleton.next())
        let shared = Shared()
        var arrivals = shared.arrivals.stream.makeAsyncIterator()
        let count = 10
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask(executorPreference: executor) { await shared.pass(number, on: executor.loop) }
                // So that they wait in this order.
                await arrivals.next()
            }
            let early = executor.loop.makePromise(of: Int.self)
            LoopExecutor.together {
                for continuation in shared.waiting.withLock({ $0 }) { continuation.resume() }
                // Comes to the loop before them.
                executor.loop.execute { early.succeed(shared.gone.withLock { $0.count }) }
            }
            #expect(try await early.futureResult.get() == 0)
            try await group.waitForAll()
        }
        #expect(shared.gone.withLock { $0 } == Array(0..<count))
    }
}
