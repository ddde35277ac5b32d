import Logging
import MetricModel
import Scrape

/// Scrapes of servers on ports of this machine.
struct LiveScrape {
    let manager: ScrapeManager
    let store: RecordingStore

    init(
        _ port: Int,
        environment: [String: String] = [:],
        clock: any StackClock = SystemClock(),
        _ change: (inout ScrapeConfig) -> Void = { _ in }
    ) async {
        store = RecordingStore()
        var options = ScrapeManagerOptions(
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        options.environment = environment
        manager = ScrapeManager(store: store, clock: clock, options: options)
        var job = ScrapeConfig(jobName: "j")
        job.discovery = [
            .fixed([TargetGroup(source: "0", targets: [[Label(name: "__address__", value: "127.0.0.1:\(port)")]])])
        ]
        change(&job)
        await manager.apply(jobs: [job])
    }

    /// What the last scrape failed with; empty where it did not.
    var error: String? { manager.pools().first?.active.first?.report.lastError }

    /// Scrapes once and stops. Answers what it failed with; empty where it did not.
    static func error(
        _ port: Int,
        environment: [String: String] = [:],
        _ change: (inout ScrapeConfig) -> Void = { _ in }
    ) async -> String? {
        let scrape = await LiveScrape(port, environment: environment, change)
        await scrape.manager.scrapeNow()
        await scrape.manager.stop()
        return scrape.error
    }
}
