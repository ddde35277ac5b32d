package import NIOCore
import NIOPosix

/// Runs tasks on the thread of an event loop. For work so short that waking another thread would take longer.
package final class LoopExecutor: TaskExecutor {
    /// The loop.
    package let loop: any EventLoop
    /// Whoever sends all the time has a thread of its own: requests are made, written and answered there without another one being
    /// woken for each step, and nobody who is served waits for that.
    private static let senders = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// That thread.
    package static let sending = LoopExecutor(senders.next())

    /// An executor for a loop.
    package init(_ loop: any EventLoop) { self.loop = loop }

    /// Runs a job on the loop's thread.
    package func enqueue(_ job: consuming ExecutorJob) {
        let work = Work(job: UnownedJob(job), executor: self)
        if let bundle = Self.bundle.currentValue { return bundle.add(work) }
        loop.execute { work.run() }
    }

    /// Hands over all jobs that `body` has come up in one piece for each loop: one after the other, each would wake a loop's thread
    /// that has gone to sleep again after the last one.
    package static func together(_ body: () -> Void) {
        if bundle.currentValue != nil { return body() }
        let collected = Bundle()
        bundle.currentValue = collected
        body()
        bundle.currentValue = nil
        collected.handOver()
    }

    /// What this thread is collecting.
    private static let bundle = ThreadSpecificVariable<Bundle>()

    private struct Work {
        let job: UnownedJob
        let executor: LoopExecutor

        func run() { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
    }

    /// Jobs by loop; there are as few loops as processors. Unchecked: only the thread that collects them has it.
    private final class Bundle: @unchecked Sendable {
        private var loops: [(loop: any EventLoop, work: [Work])] = []

        func add(_ work: Work) {
            let loop = work.executor.loop
            if let known = loops.firstIndex(where: { $0.loop === loop }) {
                loops[known].work.append(work)
            } else {
                loops.append((loop, [work]))
            }
        }

        func handOver() {
            for (loop, work) in loops { loop.execute { for item in work { item.run() } } }
        }
    }
}
