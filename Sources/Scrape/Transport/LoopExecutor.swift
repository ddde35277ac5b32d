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
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        loop.execute { job.runSynchronously(on: executor) }
    }
}
