public import Logging
package import MetricModel

/// What the scrape manager needs besides its configuration.
public struct ScrapeManagerOptions: Sendable {
    /// Whether a target's first scrape is at once and not at its place in the interval.
    public var firstScrapeImmediately = true
    /// The User-Agent header.
    public var userAgent = "Prometheus/3.5.0"
    /// Environment variables, for proxies.
    public var environment: [String: String] = [:]
    /// Changes which place in the interval each target has; two servers with different seeds scrape at different times.
    public var offsetSeed: UInt64 = 0
    /// Makes the transport of a job; `nil` for HTTP.
    public var makeTransport: (@Sendable (ScrapeConfig) throws(TransportError) -> any TargetTransport)?
    /// Whether nothing is scraped but by ``ScrapeManager/advance(_:milliseconds:)`` and ``ScrapeManager/scrapeNow(job:)``.
    public var isDriven = false
    /// Whether an engine of simulated time drives the scrapes, by ``ScrapeManager/nextDue()``: slots are then multiples of the
    /// intervals.
    package var isSimulated = false
    /// When a target was scraped first in a recording that is replayed (milliseconds since 1970): its slots go by that. `nil` for
    /// multiples of the interval.
    package var firstScrape: (@Sendable (_ pool: String, _ url: String) -> Timestamp?)?
    /// When a recorded scrape of a target happened that is close to a slot (both in milliseconds since 1970).
    package var recordedScrape: (@Sendable (_ pool: String, _ url: String, _ slot: Timestamp) -> Timestamp?)?
    /// Is told of each scrape when all of it is stored; has to return at once.
    public var observe: ScrapeObserver?
    /// Asks for names in DNS discovery.
    var resolver = DNSResolver()
    /// Where messages go.
    public var logger: Logger

    /// Options with the defaults.
    public init(logger: Logger = Logger(label: "scrape")) {
        self.logger = logger
    }
}

/// Who is told of scrapes: the target, the name of its job, and how it fared.
public typealias ScrapeObserver = @Sendable (_ target: ScrapeTarget, _ job: String, _ report: TargetReport) -> Void
