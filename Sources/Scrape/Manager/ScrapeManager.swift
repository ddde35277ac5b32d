import Logging
public import MetricModel
import Synchronization

/// Keeps a pool of targets for each job, finds targets and scrapes them.
///
/// Use: ``apply(_:)`` a configuration, ``run()`` it, apply others whenever they come, ``stop()`` it. Pools whose configuration did
/// not change keep running undisturbed. What it knows can be asked for at any time from anywhere.
public final class ScrapeManager: Sendable {
    struct State {
        var pools: [String: ScrapePool] = [:]
        /// Jobs in the order of the configuration.
        var jobs: [String] = []
        var isRunning = false
        var isStopped = false
        /// Whether it is to be stopped: changes that are under way are given up.
        var isEnding = false
        /// The loops that a change waits for, whose targets are gone.
        var leaving: [LoopControl] = []
        /// The last change under way; the next one waits for it.
        var tail: Task<Void, Never>?
        /// Scrapes that were asked for and have not begun, by job.
        var waitingScrapes: [String?: Task<Void, Never>] = [:]
        var nextLingering = 0
        /// When the targets of a simulated clock are scraped.
        var timetable = ScrapeTimetable()

        /// A change waits for the loops of targets that are gone, and nothing else for those of the change before.
        mutating func leave(_ gone: [ScrapePool.Active]) {
            leaving = gone.map(\.control)
            if isEnding { for control in leaving { control.close() } }
        }

        /// Runs a change after those that are waiting.
        mutating func enqueue(_ change: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
            let previous = tail
            let task = Task {
                await previous?.value
                await change()
            }
            tail = task
            return task
        }
    }

    let store: any MetricStore
    let clock: any StackClock
    let options: ScrapeManagerOptions
    let counters = ScrapeCounters()
    let bodies = BodySpaces()
    let discoveryCounters = DiscoveryCounters()
    let failureLogs: FailureLogs
    /// The pools and what goes on with them.
    let state = Mutex(State())

    /// A manager without jobs.
    public init(store: any MetricStore, clock: any StackClock, options: ScrapeManagerOptions) {
        self.store = store
        self.clock = clock
        self.options = options
        failureLogs = FailureLogs(clock: clock)
    }

    var logger: Logger { options.logger }

    // MARK: Life

    /// Takes over a configuration: new jobs begin, changed ones go on with the new settings, the others are gone. Returns once
    /// statically configured targets are known.
    public func apply(_ config: PrometheusConfig) async {
        await apply(jobs: config.jobs)
    }

    /// Like ``apply(_:)``, for jobs without a file around them.
    public func apply(jobs: [ScrapeConfig]) async {
        await serially { await self.change(to: jobs) }
    }

    /// Scrapes until the task is cancelled, then stops.
    public func run() async throws {
        await start()
        while !Task.isCancelled {
            // Nothing is due here: the loops have tasks of their own. A day is as good as any other span.
            if (try? await clock.sleep(milliseconds: 86_400_000)) == nil { break }
        }
        await stop()
    }

    /// Begins to scrape and to discover.
    public func start() async {
        await serially {
            let names = self.state.withLock { state -> [String] in
                guard !state.isRunning, !state.isStopped else { return [] }
                state.isRunning = true
                return state.jobs
            }
            for name in names {
                self.startDiscovery(name)
                await self.synchronize(name)
            }
        }
    }

    /// Stops all scraping and returns once no sample can come any more. As Prometheus, it writes no stale markers.
    public func stop() async {
        // Scrapes that changes wait for are given up now: they may take as long as their timeouts.
        state.withLock { state in
            state.isEnding = true
            for control in state.leaving { control.close() }
            for pool in state.pools.values { for active in pool.active.values { active.control.close() } }
        }
        await serially { await self.shutDown() }
    }

    private func shutDown() async {
        let (tasks, transports) = state.withLock { state -> ([Task<Void, Never>], [any TargetTransport]) in
            state.isStopped = true
            state.isRunning = false
            var tasks: [Task<Void, Never>] = []
            for pool in state.pools.values {
                for active in pool.inOrder {
                    active.task?.cancel()
                    active.control.close()
                    tasks += active.task.map { [$0] } ?? []
                }
                for task in pool.lingering.values { task.cancel() }
                for provider in pool.providers {
                    provider.task?.cancel()
                    tasks += provider.task.map { [$0] } ?? []
                }
                tasks += pool.lingering.values
            }
            return (tasks, state.pools.values.map(\.transport))
        }
        for task in tasks { await task.value }
        await withTaskGroup(of: Void.self) { group in
            for transport in transports { group.addTask { await transport.close() } }
        }
        _ = failureLogs.open([])
    }

    /// Runs one change after the other, and returns when this one is done.
    func serially(_ change: @escaping @Sendable () async -> Void) async {
        await enqueue(change).value
    }

    /// Runs a change after those that are waiting.
    @discardableResult
    func enqueue(_ change: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        state.withLock { $0.enqueue(change) }
    }

    // MARK: Changing the configuration

    private func change(to jobs: [ScrapeConfig]) async {
        let wanted = Dictionary(jobs.map { ($0.jobName, $0) }, uniquingKeysWith: { first, _ in first })
        let (old, order) = state.withLock { ($0.pools.mapValues(\.config), $0.jobs) }
        // All files are opened anew, so that they may be moved away before.
        for problem in failureLogs.open(Set(jobs.map(\.scrapeFailureLogFile))) {
            logger.error("Cannot open the log of failed scrapes", metadata: ["err": "\(problem)"])
        }
        for name in order where wanted[name] == nil { await remove(name) }
        state.withLock { $0.jobs = jobs.map(\.jobName) }
        for job in jobs {
            if let known = old[job.jobName] {
                if known != job { await reload(job, from: known) }
            } else {
                await add(job)
            }
        }
    }

    private func makeTransport(_ config: ScrapeConfig) throws(TransportError) -> any TargetTransport {
        if let make = options.makeTransport { return try make(config) }
        return try HTTPTransport(
            config.client,
            clock: clock,
            environment: options.environment
        )
    }

    func add(_ config: ScrapeConfig, _ manner: TargetChange = .usual) async {
        counters.update { $0.pools += 1 }
        let made = madeTransport(config, or: "error creating new scrape pool") { $0.poolsFailed += 1 }
        guard let transport = made else { return }
        let isRunning = state.withLock { state in
            var pool = ScrapePool(config: config, transport: transport)
            pool.providers = config.discovery.map { ScrapePool.Provider(config: $0) }
            state.pools[config.jobName] = pool
            return state.isRunning
        }
        noteFixedTargets(config.jobName)
        if isRunning { startDiscovery(config.jobName) }
        await synchronize(config.jobName, manner)
    }

    /// What a pool's targets are asked by; counted and logged where there can be none.
    private func madeTransport(
        _ config: ScrapeConfig,
        or complaint: Logger.Message,
        _ count: (inout ScrapeCounters.Values) -> Void
    ) -> (any TargetTransport)? {
        do throws(TransportError) {
            return try makeTransport(config)
        } catch {
            counters.update(count)
            logger.error(
                complaint,
                metadata: ["err": "\(error.message)", "scrape_pool": "\(config.jobName)"]
            )
            return nil
        }
    }

    func remove(_ name: String) async {
        let pool = state.withLock { state in
            state.timetable.isOld = true
            state.timetable.farewells.removeAll { $0.pool == name }
            let pool = state.pools.removeValue(forKey: name)
            state.leave(pool?.inOrder ?? [])
            return pool
        }
        guard let pool else { return }
        for task in pool.lingering.values { task.cancel() }
        for provider in pool.providers { provider.task?.cancel() }
        for active in pool.inOrder { active.task?.cancel() }
        for active in pool.inOrder { await active.task?.value }
        for provider in pool.providers { await provider.task?.value }
        await pool.transport.close()
        for active in pool.inOrder {
            await store.releaseSeries(active.cache.references)
        }
        counters.update { values in
            values.syncLengths[name] = nil
            values.syncs[name] = nil
            values.syncFailures[name] = nil
        }
    }

    func reload(_ config: ScrapeConfig, from old: ScrapeConfig, _ manner: TargetChange = .usual) async {
        let name = config.jobName
        let start = clock.steadyNanoseconds
        counters.update { $0.poolReloads += 1 }
        let made = madeTransport(config, or: "error reloading scrape pool") { $0.poolReloadsFailed += 1 }
        guard let transport = made else { return }
        let keepsMemory = ScrapePool.keepsMemory(old, config)
        let stopped = state.withLock { state -> ([ScrapePool.Active], [Task<Void, Never>], (any TargetTransport)?) in
            guard var pool = state.pools[name] else { return ([], [], nil) }
            let oldTransport = pool.transport
            pool.config = config
            pool.transport = transport
            var discovery: [Task<Void, Never>] = []
            if old.discovery != config.discovery {
                discovery = pool.providers.compactMap(\.task)
                pool.providers = config.discovery.map { ScrapePool.Provider(config: $0) }
            }
            let active = pool.inOrder
            state.pools[name] = pool
            return (active, discovery, oldTransport)
        }
        for task in stopped.1 { task.cancel() }
        for active in stopped.0 { active.task?.cancel() }
        for active in stopped.0 { await active.task?.value }
        for task in stopped.1 { await task.value }
        if !keepsMemory {
            for active in stopped.0 { linger(active, in: name) }
        }
        state.withLock { state in
            guard var pool = state.pools[name] else { return }
            state.timetable.isOld = true
            for (id, active) in pool.active {
                pool.active[id]?.task = nil
                pool.active[id]?.due = nil
                if !keepsMemory {
                    pool.active[id]?.cache = ScrapeCache()
                    pool.active[id]?.control = LoopControl()
                    pool.active[id]?.hasStarted = active.hasStarted
                }
            }
            state.pools[name] = pool
        }
        if let transport = stopped.2 { await transport.close() }
        noteFixedTargets(name)
        if state.withLock({ $0.isRunning }), old.discovery != config.discovery { startDiscovery(name) }
        await synchronize(name, manner)
        let seconds = Double(clock.steadyNanoseconds - start) / 1e9
        counters.update {
            $0.reloadLengths[config.scrapeInterval.description, default: RecentDurations()].observe(seconds)
        }
    }

    /// Static targets are known without looking.
    func noteFixedTargets(_ name: String) {
        state.withLock { state in
            guard var pool = state.pools[name] else { return }
            for index in pool.providers.indices {
                guard case .fixed(let groups) = pool.providers[index].config else { continue }
                for group in groups { pool.providers[index].groups[group.source] = group }
                pool.providers[index].order = groups.map(\.source)
                pool.providers[index].lastRefresh = clock.now
            }
            state.pools[name] = pool
        }
    }
}
