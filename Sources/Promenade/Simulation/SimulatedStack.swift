import ConfigTree
import Exposition
package import MetricModel
package import PromQL
package import Pushgateway
import RemoteStorage
import Rules
package import Scrape
import Logging
import Simulation
import Synchronization
package import TSDB
package import Web

/// The real parts of a stack on a simulated clock, driven by a ``World``: scraper, store, rules, Pushgateway. No sockets, no tasks of
/// their own.
package final class SimulatedStack {
    /// Where the samples go.
    package enum Keeping: Sendable, Hashable {
        /// To memory.
        case memory
        /// To a folder, which then can be looked into or served from.
        case folder(String)
    }

    /// Where somebody looks at the parts from within.
    package struct Taps: Sendable {
        /// Puts something between the stack and each store that it opens.
        package var store: (@Sendable (any MetricStore & RecordStore) -> any MetricStore & RecordStore)?
        /// Changes how stores are opened.
        package var tune: (@Sendable (inout StoreOptions) -> Void)?
        /// Makes what the pages are told, where people look at the stack in a browser.
        package var pages: (@Sendable (ManualClock) -> WorldPages)?

        /// Nobody looks.
        package init() {}
    }

    /// What parts told since the world asked last. They tell it from within their own calls.
    final class Reports: Sendable {
        struct Told: Sendable {
            var scrapes: [(name: String, job: String, report: TargetReport)] = []
            var rules: [RuleEvaluationReport] = []
        }

        /// What was told.
        let told = Mutex(Told())

        func take() -> Told {
            told.withLock { told in
                defer { told = Told() }
                return told
            }
        }
    }

    let options: StackOptions
    package let clock: ManualClock
    let targets: WorldTargets
    let reports = Reports()
    let faults = FaultBoard()
    /// Real sockets; `nil` where nobody asked for them.
    let sockets: WorldSockets?
    private let logger: Logger
    private let keeping: Keeping
    private let fileSystem: String?
    private let taps: Taps
    /// The samples. Another one where the server was restarted without its data.
    package private(set) var store: any MetricStore & RecordStore
    /// What scrapes; `nil` while the server is down.
    package private(set) var scraper: ScrapeManager?
    private(set) var rules: StackRules?
    /// What sends on what is stored, and to whom; `nil` where no configuration said so yet.
    private(set) var remote: RemoteWriter?
    private(set) var receiver: WorldReceiver?
    /// The groups; `nil` while the Pushgateway is down, or where there is none.
    package private(set) var gateway: GroupStore?
    package private(set) var responder: PushgatewayResponder?
    /// What answers queries.
    package let engine: PromQLEngine
    /// Where the Pushgateway keeps its groups.
    private let records: GatewayRecords
    private(set) var config: StackConfig
    /// What pages are told; `nil` where nobody looks at any.
    let pages: WorldPages?
    /// Counts starts and ends of parts, for who serves them.
    private(set) var changes = 0
    /// Since when parts are down that are down, in milliseconds since 1970.
    private(set) var downSince: (prometheus: Timestamp?, gateway: Timestamp?) = (nil, nil)
    /// What the server itself exposes.
    var figures = SimulatedFigures()

    /// The stack of a configuration. Nothing is scraped yet.
    package init(
        config: StackConfig,
        clock: ManualClock,
        seed: UInt64,
        start: Timestamp,
        keeping: Keeping,
        fileSystem: String? = nil,
        taps: Taps = Taps(),
        sockets: WorldSockets? = nil
    ) throws {
        let flags = try FlagSet(parsing: ["--test", "--web.external-url=http://localhost:9090"])
        options = try StackOptions(flags: flags, config: config)
        self.config = config
        self.clock = clock
        self.keeping = keeping
        self.fileSystem = fileSystem
        self.taps = taps
        self.sockets = sockets
        targets = WorldTargets(start: start)
        logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        engine = PromQLEngine(options: options.engine, clock: clock, activeQueries: ActiveQueries(limit: 20))
        store = try Self.makeStore(keeping, options, clock, fileSystem, taps)
        records = GatewayRecords(store)
        pages = taps.pages?(clock)
        let survey = pages?.survey(clock)
        targets.demo =
            config.demo.isEnabled
            ? try SimulatedDemo(config.demo, seed: seed, clock: clock, survey: survey) : nil
        if let pages { targets.demo?.server.allow(pages.clock) }
    }

    private static func makeStore(
        _ keeping: Keeping,
        _ options: StackOptions,
        _ clock: ManualClock,
        _ fileSystem: String?,
        _ taps: Taps
    ) throws -> any MetricStore & RecordStore {
        var settings = options.store
        taps.tune?(&settings)
        let tapped = { (store: any MetricStore & RecordStore) in taps.store?(store) ?? store }
        switch keeping {
        case .memory: return tapped(TimeSeriesDatabase.inMemory(options: settings, clock: clock))
        case .folder(let folder):
            guard FileAccess.createFolder(folder) else {
                throw StackError("cannot write to the folder \(folder): \(StackError.system(lastErrorNumber()))")
            }
            settings.fileSystem = fileSystem
            let file = folder + "/" + StackOptions.databaseName
            return tapped(try TimeSeriesDatabase.open(path: file, options: settings, clock: clock))
        }
    }

    // MARK: The Prometheus server

    /// Starts the server with what is in the store.
    package func startPrometheus() async throws {
        try await sockets?.start()
        var scraping = ScrapeManagerOptions(logger: logger)
        scraping.isDriven = true
        scraping.isSimulated = true
        let (reports, targets, faults, events) = (reports, targets, faults, pages?.events)
        scraping.observe = { target, job, report in
            let name = target.publicLabels["instance"] ?? target.url
            reports.told.withLock { $0.scrapes.append((name, job, report)) }
            events?.tell(.scrape(StackEvent.Scrape(target, job: job, report)))
        }
        let sockets = sockets
        scraping.makeTransport = { (config) throws(TransportError) in
            var way: (world: WorldSockets, outside: any TargetTransport)?
            if let sockets { way = (sockets, try HTTPTransport(config.client, clock: SystemClock())) }
            let outside = WorldTransport(targets, job: config.jobName, sockets: way)
            return FaultTransport(job: "", board: faults, outside: outside, name: Scenario.host)
        }
        if let recorded = targets.recorded {
            scraping.firstScrape = { recorded.first($1, of: $0) }
            scraping.recordedScrape = { recorded.scrape($1, of: $0, near: $2) }
        }
        let scraper = ScrapeManager(store: store, clock: clock, options: scraping)
        self.scraper = scraper
        pages?.scrapes(with: scraper)
        rules = StackRules(options: options, clock: clock, store: store, logger: logger, events: events) { report in
            reports.told.withLock { $0.rules.append(report) }
        }
        figures = SimulatedFigures()
        figures.started = clock.now
        targets.own = { [unowned self] in
            let sending = remote.map { FamilyEncoder.encode($0.families, as: ExpositionFormat(.text)) }
            return figures.text(now: clock.now) + (sending ?? [])
        }
        try await apply(config)
        await scraper.start()
        downSince.prometheus = nil
        changes += 1
    }

    /// Goes by a configuration from now on.
    package func apply(_ config: StackConfig) async throws {
        guard let scraper, let rules else {
            self.config = config
            return
        }
        let groups = try rules.groups(of: config)
        self.config = config
        await scraper.apply(jobs: config.prometheus.jobs)
        let settings = options.prometheus(listening: ListenAddress(host: "localhost", port: 9090))
        await rules.apply(groups, config.prometheus, settings: settings)
        await sendOn(config)
        figures.reloaded = clock.now
        pages?.goes(by: config, started: figures.started, since: clock.now)
    }

    /// Sends what is stored to where a configuration says.
    private func sendOn(_ config: StackConfig) async {
        let writes = config.prometheus.remoteWrites
        if remote == nil, !writes.isEmpty, let source = store as? any FeedSource {
            let (store, faults) = (store, faults)
            let receiver =
                receiver ?? WorldReceiver(options, clock: clock, engine: engine, faults: faults, logger: logger)
            self.receiver = receiver
            let remote = RemoteWriter(
                source: source,
                clock: clock,
                logger: logger,
                version: StackVersion.build.version,
                flushDeadline: 0,
                metadata: { (try? await store.metadata()) ?? [:] }
            ) { request, body throws(TransportError) in
                try await receiver.post(request, body)
            }
            self.remote = remote
            // Before it begins, so that it knows whose cursors are still wanted.
            await remote.apply(writes, externalLabels: config.prometheus.global.externalLabels)
            return await remote.begin()
        }
        await remote?.apply(writes, externalLabels: config.prometheus.global.externalLabels)
    }

    /// Ends the server as a signal does: what is in flight is stored, nothing is marked stale.
    package func stopPrometheus() async {
        await remote?.leave()
        await losePrometheus()
    }

    /// The server is not there any more.
    private func losePrometheus() async {
        remote = nil
        await scraper?.stop()
        pages?.scrapes(with: nil)
        downSince.prometheus = downSince.prometheus ?? clock.now
        scraper = nil
        rules = nil
        targets.own = nil
        changes += 1
    }

    /// Opens the store anew; without its data it begins empty. The Pushgateway's groups are not the server's.
    package func reopenStore(keepsData: Bool) async throws {
        let groups = keepsData ? [] : try await records.records(in: GroupRecord.table)
        switch keeping {
        case .memory:
            if keepsData { return }
            store = try Self.makeStore(keeping, options, clock, fileSystem, taps)
        case .folder(let folder):
            try await store.close()
            if !keepsData {
                StoreCopy.remove(folder)
            }
            store = try Self.makeStore(keeping, options, clock, fileSystem, taps)
        }
        records.move(to: store)
        if !groups.isEmpty {
            try await records.apply(groups.map { (table: GroupRecord.table, key: $0.key, value: Optional($0.value)) })
        }
    }

    /// Ends the server from one moment to the next, as `kill -9` does: what its files hold is all that is there when it begins again.
    package func killPrometheus() async throws {
        await losePrometheus()
        guard case .folder(let folder) = keeping else { return }
        // What the store still writes when it is closed is not what was there.
        let kept = folder + "/killed"
        try StoreCopy.copy(from: folder, to: kept)
        try await store.close()
        StoreCopy.remove(folder)
        try StoreCopy.copy(from: kept, to: folder)
        StoreCopy.remove(kept)
        store = try Self.makeStore(keeping, options, clock, fileSystem, taps)
        records.move(to: store)
    }

    // MARK: The Pushgateway

    /// Starts the Pushgateway with the groups that were kept.
    package func startGateway() async throws {
        guard options.config.gateway.isEnabled else { return }
        let section = config.gateway
        let groups = GroupStore(
            options: section.options,
            clock: clock,
            metrics: GatewayMetrics(clock: clock, build: [Label(name: "version", value: StackVersion.pushgateway)]),
            records: section.isPersistent ? records : nil
        )
        _ = try await groups.restore()
        gateway = groups
        var serving = options.pushgateway
        serving.events = pages?.events
        serving.survey = pages?.survey(clock)
        let responder = PushgatewayResponder(store: groups, settings: serving, clock: clock)
        if let pages {
            pages.keepsGroups(in: groups)
            responder.allow(pages.clock)
        }
        self.responder = responder
        changes += 1
        downSince.gateway = nil
        targets.gateway = responder
        if let sockets {
            targets.isGatewayOurs = false
            try await sockets.open(responder)
        }
        // Groups that expire go without anybody's doing.
        if section.options.timeToLive != nil { targets.isGatewayStill = false }
    }

    /// Ends the Pushgateway.
    /// - Parameters:
    ///   - keepsData: whether the groups that it kept are still there afterwards.
    ///   - isKilled: whether it has no time to write anything.
    package func stopGateway(keepsData: Bool, isKilled: Bool = false) async throws {
        await sockets?.closeGateway()
        if !isKilled { _ = await gateway?.persist() }
        pages?.keepsGroups(in: nil)
        gateway = nil
        responder = nil
        changes += 1
        downSince.gateway = downSince.gateway ?? clock.now
        targets.gateway = nil
        if keepsData { return }
        let stored = try await records.records(in: GroupRecord.table)
        try await records.apply(stored.map { (table: GroupRecord.table, key: $0.key, value: nil) })
    }

    /// Ends everything and closes the store.
    package func close() async throws {
        await stopPrometheus()
        _ = await gateway?.persist()
        await sockets?.close()
        try await store.close()
    }
}

/// The Pushgateway's groups, wherever they are now: they are in the server's file, but a restart of the server is none of the
/// Pushgateway.
private final class GatewayRecords: RecordStore {
    /// Where they are.
    private let store: Mutex<any RecordStore>

    init(_ store: any RecordStore) { self.store = Mutex(store) }

    func move(to other: any RecordStore) { store.withLock { $0 = other } }

    func apply(_ changes: [(table: String, key: [UInt8], value: [UInt8]?)]) async throws(StorageError) {
        try await store.withLock { $0 }.apply(changes)
    }

    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        try await store.withLock { $0 }.records(in: table)
    }
}

/// What the simulated Prometheus server exposes about itself: no figure that depends on the machine.
struct SimulatedFigures {
    var started: Timestamp = 0
    var reloaded: Timestamp = 0
    var scrapes = 0
    var failedScrapes = 0
    var samples = 0
    var evaluations = 0
    var ruleFailures = 0
    var notices = 0
    private var template: ExpositionTemplate?
    private var body: [UInt8] = []

    mutating func text(now: Timestamp) -> [UInt8] {
        if template == nil { template = Self.makeTemplate() }
        body.removeAll(keepingCapacity: true)
        let values = [
            1, Double(started) / 1000, Double(reloaded) / 1000, 1, Double(scrapes), Double(failedScrapes),
            Double(samples), Double(evaluations), Double(ruleFailures), Double(notices),
        ]
        template?.write(values, timestamp: nil, to: &body)
        return body
    }

    private static func makeTemplate() -> ExpositionTemplate {
        var template = ExpositionTemplate()
        func add(_ name: String, _ kind: MetricSpec.Kind, _ help: String, _ labels: [Label] = []) {
            template.family(name, help, kind)
            template.line(name, labels)
        }
        add(
            "prometheus_build_info",
            .gauge,
            "A metric with a constant '1' value labeled by version from which prometheus was built.",
            [Label(name: "version", value: StackVersion.build.version)]
        )
        add(
            "process_start_time_seconds",
            .gauge,
            "Start time of the process since unix epoch in seconds."
        )
        add(
            "prometheus_config_last_reload_success_timestamp_seconds",
            .gauge,
            "Timestamp of the last successful configuration reload."
        )
        add("prometheus_ready", .gauge, "Whether Prometheus startup was fully completed.")
        add("promenade_scrapes_total", .counter, "Scrapes.")
        add("promenade_scrapes_failed_total", .counter, "Scrapes that failed.")
        add("prometheus_tsdb_head_samples_appended_total", .counter, "Total number of appended samples.")
        add("prometheus_rule_evaluations_total", .counter, "The total number of rule evaluations.")
        add(
            "prometheus_rule_evaluation_failures_total",
            .counter,
            "The total number of rule evaluation failures."
        )
        add("prometheus_notifications_sent_total", .counter, "Total number of alerts sent.")
        return template
    }
}
