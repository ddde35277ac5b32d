public import MetricModel
import Synchronization

/// Scraping by a clock that somebody moves.
extension ScrapeManager {
    /// Moves a manual clock, and scrapes on the way whatever falls due, one target after the other: by time, then in the order
    /// of the configuration. A target falls due whenever its interval has passed since it came. Samples have the exact times.
    ///
    /// For managers whose options say ``ScrapeManagerOptions/isDriven``. Nothing waits for real time but targets outside of
    /// this process. Where the task is cancelled, the clock stands where it had come to.
    public func advance(_ clock: ManualClock, milliseconds: Int64) async {
        let work = enqueue { [self] in
            let end = clock.steadyNanoseconds.plus(milliseconds * 1_000_000)
            while !Task.isCancelled, let (name, id, due) = takeDue(until: end) {
                clock.advance(nanoseconds: max(0, due - clock.steadyNanoseconds))
                guard let loop = await makeLoop(name, id) else { continue }
                await loop.scrapeOnce()
            }
            if Task.isCancelled { return }
            clock.advance(nanoseconds: end - clock.steadyNanoseconds)
        }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
    }

    /// The next target that falls due, which then waits for its next turn.
    private func takeDue(until end: Int64) -> (String, ScrapeTarget.ID, Int64)? {
        state.withLock { state in
            var first: (String, ScrapeTarget.ID, Int64)?
            for name in state.jobs {
                for id in state.pools[name]?.order ?? [] {
                    guard let due = state.pools[name]?.active[id]?.due, due <= end, due < first?.2 ?? .max else {
                        continue
                    }
                    first = (name, id, due)
                }
            }
            if let (name, id, due) = first, let target = state.pools[name]?.active[id]?.target {
                state.pools[name]?.active[id]?.due = due + max(1_000_000, target.interval.nanoseconds)
            }
            return first
        }
    }
}

/// The time of one scrape while the clock around it stands still: whoever sleeps here is there at once.
final class ScrapeTimeline: StackClock {
    private let clock: any StackClock
    /// How long was slept.
    private let slept = Mutex<Int64>(0)

    init(_ clock: any StackClock) { self.clock = clock }

    /// A scrape begins: nothing was slept yet.
    func begin() { slept.withLock { $0 = 0 } }

    var wallNanoseconds: Int64 { clock.wallNanoseconds.plus(slept.withLock { $0 }) }
    var steadyNanoseconds: Int64 { clock.steadyNanoseconds.plus(slept.withLock { $0 }) }

    func sleep(untilSteady deadline: Int64) async throws {
        try Task.checkCancellation()
        let now = clock.steadyNanoseconds
        slept.withLock { $0 = max($0, deadline - now) }
    }
}
