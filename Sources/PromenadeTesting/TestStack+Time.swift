public import MetricModel
import Promenade
import Scrape

/// Time that passes when the test says so.
extension TestStack {
    /// The time on the stack's clock, in milliseconds since 1970.
    public var now: Timestamp { stack.clock.now }

    /// Lets time pass: every scrape that falls due is done when this returns, with the exact time on its samples, and nothing
    /// waits. A target falls due whenever its `scrape_interval` has passed since it came. Targets of the test answer at once;
    /// only those behind sockets take real time.
    ///
    /// For stacks on a manual clock, as ``withStack(config:flags:clock:_:)`` makes them unless it is given another one; on any
    /// other clock nothing happens, because its time cannot be moved.
    public func advance(by duration: Duration) async {
        guard let clock = stack.clock as? ManualClock else { return }
        let (seconds, attoseconds) = duration.components
        await stack.advance(clock, milliseconds: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    /// Scrapes all targets (or those of a job) now; their samples can be queried when it returns.
    ///
    /// A manual clock moves by a millisecond where a target was scraped at this very moment: a series has one sample at a time.
    public func scrape(job: String? = nil) async {
        await stack.leaveMoment(job: job)
        await stack.scraper.scrapeNow(job: job)
    }

}
