import ConfigTree
public import Logging
public import MetricModel
import NIOCore
import NIOPosix
public import PromQL
import PrometheusClient
import Rules
import Pushgateway
import RemoteStorage
public import Scrape
import ServiceLifecycle
import Synchronization
import TSDB
import UnixSignals
public import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where a stack's servers listen.
public struct StackAddresses: Sendable, Hashable {
    /// The Prometheus server.
    public var prometheus: ListenAddress
    /// The Pushgateway.
    public var pushgateway: ListenAddress?
    /// The demo server.
    public var demo: ListenAddress?
    /// Where OpenTelemetry's clients send to by default.
    public var otlp: ListenAddress?

    package init(prometheus: ListenAddress, pushgateway: ListenAddress? = nil, demo: ListenAddress? = nil) {
        self.prometheus = prometheus
        self.pushgateway = pushgateway
        self.demo = demo
    }
}

/// A whole stack: store, scraper, query engine and the three servers. The only place that names their types together.
public final class Stack: Sendable {
    /// What it was started with.
    public let options: StackOptions
    /// The time by which it lives.
    public let clock: any StackClock
    /// Where its samples are.
    public let store: any MetricStore & RecordStore
    /// What evaluates queries.
    public let engine: PromQLEngine
    /// The demo server; `nil` where there is none.
    public let demo: DemoServer?
    /// What scrapes.
    public let scraper: ScrapeManager
    /// The demo server as a service; `nil` where there is none.
    let demoEngine: DemoEngine?
    let state: StackState
    let logger: Logger
    let gateway: GroupStore?
    let queryMetrics: QueryMetrics
    /// Who else is asked for samples, and the store elsewhere; `nil` where the samples are here.
    let reading: RemoteReading
    let storeEngine: EngineClient?
    /// What sends samples on; `nil` where the store cannot be followed.
    let remote: RemoteWriter?
    /// What evaluates rules and tells of alerts.
    let rules: StackRules
    /// The rules that the configuration had when it was read.
    let rulesAtStart: [RuleGroupDefinition]
    /// What the servers know of each other.
    let survey: StackSurvey
    /// What tests do to the stack; `nil` where it is no test fixture.
    let fixture: StackFixture?
    /// What answers for the Pushgateway; `nil` where there is none.
    public let pushgateway: PushgatewayResponder?
    /// Counts the connections of the Prometheus server.
    let connections = ConnectionCounts()
    /// The connections that there is room for, whichever server they are made to.
    let slots: ConnectionSlots
    let startNanoseconds: Int64
    /// The lessons, and who is going through one.
    let classroom: Classroom
    /// Who may talk to the Prometheus server, and to the Pushgateway.
    let access: (prometheus: WebConfig, gateway: WebConfig)
    /// Lets one read the configuration again at a time.
    let reloads = Turnstile()
    /// Lets one move a manual clock at a time.
    let moves = Turnstile()
    /// The running services, for whoever wants to end them.
    private let services = Mutex<ServiceGroup?>(nil)
    /// Since when nothing is stored, and why.
    let storageRefusal = Mutex<(reason: String, since: Int64)?>(nil)
    /// Since when there are samples that are later than the clock.
    let clockLag = Mutex<Int64?>(nil)
    /// Whether an end was asked for before there were services.
    private let isEnding = Atomic(false)

    /// With fewer it starts, and then answers nobody.
    private static let neededFiles = 32

    /// Opens the store and puts the parts together. Nothing listens or scrapes yet.
    /// - Throws: ``StackError`` where the data folder cannot be used, `ConfigError` for a web configuration with mistakes.
    public init(options: StackOptions, clock: any StackClock, logger: Logger) async throws {
        self.options = options
        self.clock = clock
        self.logger = logger
        startNanoseconds = clock.wallNanoseconds
        classroom = Classroom(try Self.course(options.flags["learn.dir"], logger), clock: clock)
        access = (
            try Self.webConfig(options.flags["web.config.file"]),
            try Self.webConfig(options.flags["pushgateway.config.file"])
        )
        guard ConnectionFiles.limit >= Self.neededFiles else {
            throw StackError(
                "this process may have only \(ConnectionFiles.limit) files open at a time, and a stack needs "
                    + "\(Self.neededFiles) at least: ulimit -n 1024 gives it room"
            )
        }
        if let folder = options.dataFolder {
            // What cannot be written may be read nevertheless.
            let file = folder + "/" + StackOptions.databaseName
            let failure = FileAccess.createFolder(folder) ? nil : StackError.system(errno)
            if let failure, FileAccess.stamp(file) == nil {
                throw StackError("cannot write to the data folder \(StackPlaces.absolute(folder)): \(failure)")
            }
            var settings = options.store
            settings.memoryFreed = { ProcessMemory.giveBack() }
            store = try TimeSeriesDatabase.open(path: file, options: settings, clock: clock)
        } else {
            store = TimeSeriesDatabase.inMemory(options: options.store, clock: clock)
        }
        slots = ConnectionSlots(clock: clock)
        let events = StackEvents(clock: clock)
        state = StackState(config: options.config, now: clock.wallNanoseconds / 1_000_000_000, events: events)
        let queryMetrics = QueryMetrics(clock: clock)
        self.queryMetrics = queryMetrics
        let concurrency = options.flags.integer("query.max-concurrency")
        engine = PromQLEngine(
            options: options.engine,
            clock: clock,
            activeQueries: ActiveQueries(limit: concurrency),
            threads: EvaluationThreads(.queries(concurrency: concurrency)),
            observe: { queryMetrics.observe($0, seconds: $1) }
        )
        remote = Self.makeRemote(options, store, clock, logger)
        (reading, storeEngine) = try Self.makeReading(options, store, clock, logger)
        rules = StackRules(
            options: options,
            clock: clock,
            store: store,
            reader: reading,
            logger: logger,
            events: events
        )
        rulesAtStart = try rules.groups(of: options.config)
        var scraping = ScrapeManagerOptions(logger: logger)
        scraping.environment = ProcessEnvironment.all
        // Nobody moves a manual clock while a scrape waits, so scrapes are run by whoever moves it.
        scraping.isDriven = clock is ManualClock
        scraping.observe = { target, job, report in
            events.tell(.scrape(StackEvent.Scrape(target, job: job, report)))
        }
        let fixture = options.isFixture ? StackFixture() : nil
        self.fixture = fixture
        if let fixture { scraping.makeTransport = Self.faultyTransport(fixture.faults, clock, scraping.environment) }
        scraper = ScrapeManager(store: store, clock: clock, options: scraping)
        gateway = options.gatewayAddress == nil ? nil : Self.makeGateway(options, clock, store)
        let survey = StackSurvey(
            scraper: scraper,
            gateway: gateway,
            clock: clock,
            surroundings: Self.surroundings(options, state)
        )
        self.survey = survey
        demo =
            options.demoAddress == nil
            ? nil : try DemoServer(seed: options.config.demo.seed, clock: clock, survey: survey)
        if let demo, let address = options.demoAddress {
            demoEngine = try DemoEngine(
                demo,
                at: address,
                access: options.accessPolicy(url: "web.external-url"),
                limits: options.connectionLimits,
                slots: slots,
                clock: clock,
                group: MultiThreadedEventLoopGroup.singleton,
                logger: logger
            )
        } else {
            demoEngine = nil
        }
        let database = store as? TimeSeriesDatabase
        pushgateway = gateway.map { groups in
            var settings = options.pushgateway
            settings.faults = fixture?.faults
            settings.events = events
            settings.survey = survey
            settings.logger = logger
            settings.storageProblem = { database?.refusal?.message }
            return PushgatewayResponder(store: groups, settings: settings, clock: clock)
        }
        pushgateway?.onQuit { [weak self] in self?.end() }
        if let demoControl { demo?.allow(demoControl) }
        demo?.allow(clockControl)
        pushgateway?.allow(clockControl)
        do throws(StorageError) {
            let damaged = try await gateway?.restore() ?? 0
            if damaged > 0 {
                logger.error("Groups of the Pushgateway are damaged and left out", metadata: ["count": "\(damaged)"])
            }
        } catch {
            guard error.code == .corrupt else { throw error }
            logger.error("The Pushgateway's groups cannot be read", metadata: ["err": "\(error.message)"])
        }
        await applyRemotes(options.config.prometheus)
        if !options.configFile.isEmpty { state.read(fileStamps()) }
    }

    /// Transports that go wrong where tests want it.
    private static func faultyTransport(
        _ faults: FaultBoard,
        _ clock: any StackClock,
        _ environment: [String: String]
    ) -> @Sendable (ScrapeConfig) throws(TransportError) -> any TargetTransport {
        { config throws(TransportError) in
            FaultTransport(
                job: config.jobName,
                board: faults,
                outside: try HTTPTransport(
                    config.client,
                    clock: clock,
                    environment: environment
                )
            )
        }
    }

    /// Reads a web configuration; everybody may come in where there is no file.
    private static func webConfig(_ file: String) throws(ConfigError) -> WebConfig {
        if file.isEmpty { return WebConfig() }
        guard let bytes = FileAccess.read(file) else {
            throw ConfigError(file: file, problems: [ConfigProblem(.meaning, FileReading.reason)])
        }
        return try WebConfig(reading: YAMLReader.parse(bytes, file: file), file: file)
    }

    private static func makeGateway(
        _ options: StackOptions,
        _ clock: any StackClock,
        _ records: any RecordStore
    ) -> GroupStore {
        let process = ProcessCollector(clock: clock)
        let metrics = GatewayMetrics(
            clock: clock,
            build: [
                Label(name: "branch", value: "main"), Label(name: "goarch", value: StackVersion.architecture),
                Label(name: "goos", value: StackVersion.system), Label(name: "goversion", value: "swift"),
                Label(name: "revision", value: StackVersion.build.revision), Label(name: "tags", value: "unknown"),
                Label(name: "version", value: StackVersion.pushgateway),
            ],
            processFamilies: { process.collect() }
        )
        let section = options.config.gateway
        var settings = section.options
        settings.checksConsistency = !options.flags.isOn("push.disable-consistency-check")
        settings.allowsUTF8Names = options.flags.isOn("push.enable-utf8-names")
        return GroupStore(
            options: settings,
            clock: clock,
            metrics: metrics,
            records: section.isPersistent ? records : nil,
            together: LoopExecutor.together
        )
    }

    /// Asks everything to end: what is in flight finishes, what is pending is written.
    public func end() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        state.enter(.stopping)
        let group = services.withLock { $0 }
        if let group { Task { await group.triggerGracefulShutdown() } }
    }

    /// Serves and scrapes until ``end()`` is called, the task is cancelled or (with `signals`) SIGINT or SIGTERM comes.
    /// - Parameters:
    ///   - onReady: is called once, when everything listens and the first scrapes are under way.
    ///   - onEnding: is called when the end begins, if it ever was ready.
    public func run(
        signals: Bool = false,
        onReady: @escaping @Sendable (StackAddresses) async -> Void = { _ in },
        onEnding: @escaping @Sendable (StackAddresses) -> Void = { _ in }
    ) async throws {
        let servers = try StackServers(stack: self)
        let scraping = ScrapeService(stack: self, servers: servers, onReady: onReady)
        var list: [any Service] = [StoreService(stack: self)]
        list += servers.services
        list.append(scraping)
        if let demo, options.config.demo.trafficRate > 0 {
            list.append(
                TaskService(name: "demo traffic") { [clock, options] in
                    await DemoTraffic(
                        server: demo,
                        requestsPerSecond: options.config.demo.trafficRate,
                        seed: options.config.demo.seed,
                        clock: clock
                    ).run()
                }
            )
        }
        if let gateway {
            list.append(TaskService(name: "expiry of groups") { await gateway.expireGroups() })
        }
        list.append(RuleService(stack: self))
        if let remote { list.append(TaskService(name: "remote write") { await remote.run() }) }
        list.append(StoppingService(state: state, queries: engine.activeQueries, onEnding: onEnding))
        list.append(TaskService(name: "maintenance") { [self] in await maintain() })
        if !options.configFile.isEmpty {
            if signals {
                list.append(TaskService(name: "SIGHUP") { [self] in await reloadOnHangup() })
            }
            if options.watchesConfiguration {
                list.append(TaskService(name: "configuration watch") { [self] in await reloadOnChange() })
            }
        }
        var configuration = ServiceGroupConfiguration(
            services: list.map {
                // Without a name the library makes one of all that the service holds, which is a seventh of the start.
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: $0,
                    successTerminationBehavior: .ignore,
                    failureTerminationBehavior: .gracefullyShutdownGroup,
                    serviceName: ($0 as? TaskService)?.name ?? "service"
                )
            },
            gracefulShutdownSignals: signals ? [.sigint, .sigterm] : [],
            logger: quietLogger
        )
        // Supervisors kill after ten. What is acknowledged is stored by then; who is still sending or does not read is cut off.
        configuration.maximumGracefulShutdownDuration = .seconds(4)
        let group = ServiceGroup(configuration: configuration)
        services.withLock { $0 = group }
        if isEnding.load(ordering: .sequentiallyConsistent) { await group.triggerGracefulShutdown() }
        do {
            try await group.run()
        } catch {
            throw StackError.explained(error)
        }
    }

    /// Which services start and end tells those who debug nothing of what the stack does; what fails is thrown.
    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = .critical
        return quiet
    }

    /// Targets of the configuration that have followed the stack's own servers: job, address there, address now.
    public var followedTargets: [(job: String, from: String, to: String)] {
        state.now.moves.map { ($0.job, $0.from, $0.to) }
    }

    // MARK: Chores

    /// Lets the store do what is due, every ten seconds.
    private func maintain() async {
        let database = store as? TimeSeriesDatabase
        for problem in (try? await database?.problems()) ?? [] {
            // What is only read for want of room, or because nobody may write there, is not damaged.
            let isWhole = database?.refusal.map { $0.code != .corrupt && $0.message == problem } ?? false
            let words: Logger.Message =
                isWhole ? "The database is only read" : "Part of the database is damaged"
            logger.error(words, metadata: ["err": "\(problem)"])
        }
        var told: String?
        // After a start from what was stored long ago the time is as much ahead, and there is nothing to tell.
        var doubtedClock = true
        while !Task.isCancelled {
            do {
                try await clock.sleep(milliseconds: 10_000)
            } catch {
                return
            }
            let problem = storageProblem
            if problem != told {
                if let problem { logger.error("\(problem)") } else { logger.info("Changes are stored again") }
                told = problem
            }
            // Where there was no room at the start, this tries again.
            if let refusal = database?.refusal, refusal.code != .diskFull { continue }
            do throws(StorageError) {
                try await store.maintain(now: clock.now)
            } catch {
                if database?.refusal != nil { continue }
                logger.error("Maintenance of the store failed", metadata: ["err": "\(error.message)"])
            }
            let doubtsClock = database?.doubtsClock ?? false
            if doubtsClock, !doubtedClock {
                logger.warning(
                    "The clock went ahead: nothing is deleted for its age before it has stood by that for an hour"
                )
            }
            doubtedClock = doubtsClock
        }
    }

    /// The configuration with the stack's own targets where its servers really are, if that is wanted; each that has moved is
    /// told.
    func followingPorts(_ config: PrometheusConfig, _ addresses: StackAddresses) -> PrometheusConfig {
        guard options.followsPorts else { return config }
        let (config, moves) = OwnTargets(addresses, isFixture: options.isFixture).applied(to: config)
        state.moved(moves)
        if !options.isFixture {
            for move in moves {
                logger.info(
                    "A target follows the stack's own server",
                    metadata: ["job": "\(move.job)", "from": "\(move.from)", "to": "\(move.to)"]
                )
            }
        }
        return config
    }

    /// What reading a configuration needs to know.
    public static func context(_ file: String, _ flags: FlagSet) -> ConfigContext {
        let features = Set(flags.list("enable-feature"))
        var context = ConfigContext(
            directory: FilePath.folder(of: file),
            environment: ProcessEnvironment.all
        )
        context.scrapeNativeHistograms = features.contains("native-histograms")
        context.extraScrapeMetrics = features.contains("extra-scrape-metrics")
        return context
    }
}
