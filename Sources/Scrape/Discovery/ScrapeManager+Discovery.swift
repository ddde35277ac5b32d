import MetricModel

extension ScrapeManager {
    /// Starts the tasks of a pool's discovery mechanisms.
    func startDiscovery(_ name: String) {
    }
}
