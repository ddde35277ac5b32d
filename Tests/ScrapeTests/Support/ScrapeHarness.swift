import Logging
import MetricModel
import Scrape

/// A manager with a store to look into, a transport to script and a clock to move.
struct ScrapeHarness {
    let store = RecordingStore()
    let clock: ManualClock
    let transport: ScriptedTransport
    let manager: ScrapeManager
    private(set) var job: ScrapeConfig

    static let start: Timestamp = 1_700_000_000_000

    init(
        _ body: String = "",
        type: String = "text/plain; version=0.0.4",
        _ change: (inout ScrapeConfig) -> Void = { _ in }
    )
        async
    {
        let transport = ScriptedTransport(body, type: type)
        let clock = ManualClock(now: Self.start)
        self.transport = transport
        self.clock = clock
        var options = ScrapeManagerOptions(
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        options.makeTransport = { _ in transport }
        manager = ScrapeManager(store: store, clock: clock, options: options)
        job = ScrapeConfig(jobName: "j")
        job.scrapeInterval = PrometheusDuration(milliseconds: 10_000)
        job.discovery = [.fixed([TargetGroup(source: "0", targets: [[Label(name: "__address__", value: "a:1")]])])]
        change(&job)
        await manager.apply(jobs: [job])
    }

    /// Scrapes all targets once and moves the clock by an interval.
    func scrape(advancing milliseconds: Int64 = 10_000) async {
        await manager.scrapeNow()
        clock.advance(milliseconds: milliseconds)
    }

    var target: ActiveTarget? { manager.pools().first?.active.first }

    /// Waits until so many scrapes are done and so many tasks sleep on the clock, or the test's time is up.
    func settle(scrapes: Int? = nil, sleepers: Int) async {
        while true {
            let changes = clock.changes
            let isThere = scrapes.map { $0 == manager.statistics.scrapes } ?? true
            if isThere, clock.sleeperCount == sleepers { return }
            guard (try? await clock.change(after: changes)) != nil else { return }
        }
    }

    /// Waits for something that no clock tells of, looking again and again, but not for ever.
    /// - Parameter step: what to do before looking again.
    static func eventually(_ isSo: () -> Bool, step: () -> Void = {}) async -> Bool {
        for _ in 0..<60_000 {
            if isSo() { return true }
            step()
            guard (try? await SystemClock().sleep(milliseconds: 1)) != nil else { return false }
        }
        return false
    }
}
