/// Figures about scraping, as `prometheus_target_*` shows them.
public struct ScrapeStatistics: Sendable {
    /// Samples refused because their series had another value at that time.
    public var duplicateSamples = 0
    /// Samples refused because they were older than their series' newest.
    public var outOfOrderSamples = 0
    /// Samples refused for being too old or too far in the future.
    public var outOfBoundsSamples = 0
    /// Scrapes since the start.
    public var scrapes = 0
    /// Samples exposed since the start.
    public var samples = 0
}

extension ScrapeManager {
    /// Figures about scraping since the start.
    public var statistics: ScrapeStatistics {
        let values = counters.current
        return ScrapeStatistics(
            duplicateSamples: values.duplicates,
            outOfOrderSamples: values.outOfOrder,
            outOfBoundsSamples: values.outOfBounds,
            scrapes: values.scrapes,
            samples: values.samples
        )
    }
}
