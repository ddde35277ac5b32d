import MetricModel
package import NIOCore
import NIOPosix
import Synchronization

/// Runs tasks on the thread of an event loop. For work so short that waking another thread would take longer.
package final class LoopExecutor: TaskExecutor {
    /// The loop.
    package let loop: any EventLoop
    /// Whoever sends all the time has a thread of its own: requests are made, written and answered there without another one being
    /// woken for each step, and nobody who is served waits for that.
    private static let senders = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// That thread.
    package static let sending = LoopExecutor(senders.next())

    /// Targets are scraped on threads of their own, each target always on the same one: what a scrape does itself takes less than
    /// waking another thread for a part of it.
    package static let scraping = (0..<scrapers).map { _ in LoopExecutor(scrapingLoops.next()) }
    private static let scrapingLoops = MultiThreadedEventLoopGroup(numberOfThreads: scrapers)
    /// One thread scrapes some thousand targets a second; where there are many cores, several may be needed.
    private static let scrapers = max(1, min(4, System.coreCount / 2))
    /// How many threads all of these are, once each has been used.
    package static let threadCount = 1 + 2 * scrapers

    /// Where connections live that are not plain: those over TLS to thousands of targets that say nothing take a thread all its time,
    /// and neither those who are served nor plain targets wait for that.
    static let calling: any EventLoopGroup = MultiThreadedEventLoopGroup(numberOfThreads: scrapers)

    /// An executor for a loop.
    package init(_ loop: any EventLoop) {
        self.loop = loop
        waker = Waker(loop)
    }

    private let waker: Waker
    /// Those who sleep until the loop's timer wakes them.
    var sleepers: SleepQueue { waker.sleepers }

    private final class Waker: NIOScheduledCallbackHandler, Sendable {
        private let loop: any EventLoop
        /// The same timer for all: a loop looks through those that it has when it is given one and when it takes one back.
        private let queue = Mutex<SleepQueue?>(nil)

        init(_ loop: any EventLoop) { self.loop = loop }

        var sleepers: SleepQueue {
            queue.withLock { queue in
                if let queue { return queue }
                let new = SleepQueue(earliness: 1_000_000) { [weak self] in self?.arm($0) }
                queue = new
                return new
            }
        }

        private func arm(_ deadline: Int64) {
            let remaining = min(max(0, deadline.minus(SystemClock().steadyNanoseconds)), 1 << 60)
            // A loop takes none when it has ended, and with it the process.
            _ = try? loop.scheduleCallback(in: .nanoseconds(remaining), handler: self)
        }

        func handleScheduledCallback(eventLoop: some EventLoop) { sleepers.wake(at: SystemClock().steadyNanoseconds) }
    }

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
