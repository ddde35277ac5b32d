import Logging
import MetricModel
import Synchronization

extension ScrapeManager {
    /// Makes the scraped targets of a pool those that discovery found. Runs inside a change.
    /// - Parameter manner: what becomes of targets that come and go.
    func synchronize(_ name: String, _ manner: TargetChange = .usual) async {
        let start = clock.steadyNanoseconds
        let plan = await plan(name)
        let sync = state.withLock { state -> Sync in
            var sync = Sync()
            guard let plan, var pool = state.pools[name], !state.isEnding else { return sync }
            pool.dropped = plan.dropped
            pool.droppedCount = plan.droppedCount
            sync.failures = plan.failures
            var order: [ScrapeTarget.ID] = []
            for item in plan.targets {
                order.append(item.id)
                if pool.active[item.id] != nil {
                    pool.active[item.id]?.target = ScrapeTarget(labels: item.target.labels, config: pool.config)
                    pool.active[item.id]?.discovered = item.discovered
                    pool.active[item.id]?.group = item.group
                } else {
                    pool.active[item.id] = ScrapePool.Active(
                        target: item.target,
                        discovered: item.discovered,
                        group: item.group,
                        status: TargetStatus(),
                        control: LoopControl(),
                        cache: ScrapeCache()
                    )
                }
            }
            let wanted = Set(order)
            for id in pool.order where !wanted.contains(id) {
                if let active = pool.active.removeValue(forKey: id) { sync.gone.append(active) }
            }
            pool.order = order
            state.timetable.isOld = true
            let forced = pool.targetLimitError
            if forced != nil { sync.isOverLimit = true }
            for id in order { pool.active[id]?.control.forcedError = forced }
            if state.isRunning {
                sync.starting = order.filter { pool.active[$0]?.task == nil && pool.active[$0]?.due == nil }
            }
            state.pools[name] = pool
            state.leave(sync.gone)
            return sync
        }
        for failure in sync.failures {
            logger.error("Creating target failed", metadata: ["err": "\(failure)", "scrape_pool": "\(name)"])
        }
        for active in sync.gone { active.task?.cancel() }
        if manner == .scrapedFirst { await scrapeFirst(sync.starting, of: name) }
        for (index, id) in sync.starting.enumerated() {
            await startLoop(name, id, canBeFirst: index < Self.immediateLimit)
        }
        for active in sync.gone {
            await active.task?.value
            if manner == .usual { linger(active, in: name) } else { await markStaleNow(active, in: name) }
        }
        let seconds = Double(clock.steadyNanoseconds - start) / 1e9
        counters.update { values in
            if sync.isOverLimit { values.exceededTargetLimit += 1 }
            values.syncFailures[name, default: 0] += sync.failures.count
            values.syncs[name, default: 0] += 1
            values.syncLengths[name, default: RecentDurations()].observe(seconds)
        }
    }

    /// What relabelling makes of what was found. Not under the lock, which others wait for: it may be many targets, and what is found
    /// meanwhile is synchronized after this.
    /// - Returns: `nil` where the targets stay as they were.
    private func plan(_ name: String) async -> ScrapePool.Plan? {
        guard let pool = state.withLock({ $0.isStopped ? nil : $0.pools[name] }) else { return nil }
        guard let reading, !pool.isFixed else { return pool.plan() }
        let isEnding: @Sendable () -> Bool = { [self] in state.withLock { $0.isEnding } }
        let plan = await EvaluationThreads.run(on: reading) {
            let machine = SystemClock()
            let end = machine.steadyNanoseconds.plus(Self.planLimit * 1_000_000)
            return await TaskLimit { machine.steadyNanoseconds > end || isEnding() }.run {
                let plan = pool.plan()
                return TaskLimit.isOver ? nil : plan
            }
        }
        guard let plan else {
            if isEnding() || Task.isCancelled { return nil }
            let message =
                "relabelling what was found takes more than \(Self.planLimit / 1000) s; the targets stay as they were"
            logger.error("Creating targets failed", metadata: ["err": "\(message)", "scrape_pool": "\(name)"])
            return nil
        }
        return plan
    }

    /// So many milliseconds all targets of a job may take to be relabelled: expressions with groups take microseconds for a byte.
    private static let planLimit: Int64 = 10_000

    /// So many targets that are found at once are scraped at once. The others wait for their places in the interval: all together
    /// they would keep those from theirs that are there already.
    private static let immediateLimit = 1000

    private struct Sync {
        var failures: [String] = []
        var gone: [ScrapePool.Active] = []
        var starting: [ScrapeTarget.ID] = []
        var isOverLimit = false
    }

    /// The loop of a target, with what the pool has now.
    /// - Parameter canBeFirst: whether it may be scraped as soon as the loop runs.
    func makeLoop(_ name: String, _ id: ScrapeTarget.ID, canBeFirst: Bool = true) async -> ScrapeLoop? {
        guard var stream = state.withLock({ state in state.pools[name]?.active[id].map(\.stream) }) else { return nil }
        if stream == nil {
            do throws(StorageError) {
                stream = try await store.openStream()
            } catch {
                logger.error("Opening a stream failed", metadata: ["err": "\(error.message)"])
                return nil
            }
            state.withLock { $0.pools[name]?.active[id]?.stream = stream }
        }
        // Not before: a pool that somebody holds while another is written to is copied with all its targets.
        let found = state.withLock { state in state.pools[name].flatMap { pool in pool.active[id].map { (pool, $0) } } }
        guard let stream, let (pool, active) = found else { return nil }
        return loop(
            pool,
            active,
            stream,
            startsImmediately: canBeFirst && options.firstScrapeImmediately && !active.hasStarted
        )
    }

    /// A loop of a target, with these.
    func loop(
        _ pool: ScrapePool,
        _ active: ScrapePool.Active,
        _ stream: StreamRef,
        startsImmediately: Bool = false
    ) -> ScrapeLoop {
        var loop = ScrapeLoop(
            target: active.target,
            config: pool.config,
            rules: ScrapePool.rules(for: active.target, pool.config),
            store: store,
            transport: pool.transport,
            clock: options.isDriven ? ScrapeTimeline(clock) : clock,
            counters: counters,
            bodies: bodies,
            failures: failureLogs,
            status: active.status,
            control: active.control,
            cache: active.cache,
            stream: stream,
            offsetSeed: options.offsetSeed,
            request: ScrapeLoop.request(active.target, pool.config, userAgent: options.userAgent),
            logger: logger,
            startsImmediately: startsImmediately
        )
        loop.isDriven = options.isDriven
        if clock is SystemClock, !options.isDriven, options.makeTransport == nil {
            let all = LoopExecutor.scraping
            let executor = all[Int(active.target.hash % UInt64(all.count))]
            loop.executor = executor
            loop.clock = LoopClock(executor)
        }
        loop.observe = options.observe
        return loop
    }

    private func startLoop(_ name: String, _ id: ScrapeTarget.ID, canBeFirst: Bool) async {
        if state.withLock({ $0.isEnding }) { return }
        if options.isDriven {
            state.withLock { state in
                guard let active = state.pools[name]?.active[id] else { return }
                state.pools[name]?.active[id]?.hasStarted = true
                let interval = active.target.interval.nanoseconds
                state.pools[name]?.active[id]?.due =
                    options.isSimulated
                    ? ScrapeTimetable.slot(interval, clock, like: options.firstScrape?(name, active.target.url))
                    : clock.steadyNanoseconds.plus(interval)
                state.timetable.isOld = true
            }
            return
        }
        guard let loop = await makeLoop(name, id, canBeFirst: canBeFirst) else { return }
        state.withLock { state in
            guard state.pools[name]?.active[id] != nil, state.isRunning else { return }
            state.pools[name]?.active[id]?.hasStarted = true
            state.pools[name]?.active[id]?.task = Task(executorPreference: loop.executor) { await loop.run() }
        }
    }

    /// Writes the stale markers of a target whose loop has ended, unless the pool ends before: at the time of the next scrape
    /// that did not happen, two intervals and a tenth later, so that a target that comes back in the meantime is not harmed.
    func linger(_ active: ScrapePool.Active, in name: String) {
        guard let last = active.control.last, let stream = active.stream else { return }
        let interval = active.target.interval.nanoseconds
        let found = state.withLock { state -> (ScrapePool, Int)? in
            guard let pool = state.pools[name], !state.isStopped else { return nil }
            state.nextLingering += 1
            return (pool, state.nextLingering)
        }
        guard let (pool, number) = found else { return }
        let loop = loop(pool, active, stream)
        let ticked = (clock.steadyNanoseconds - last) / interval * interval + last
        if options.isSimulated {
            let due = ticked + 2 * interval + interval / 10
            let farewell = ScrapeTimetable.Farewell(due: due, mark: ticked + interval, pool: name, loop: loop)
            return state.withLock { $0.timetable.farewells.append(farewell) }
        }
        let task = Task { [self] in
            guard (try? await clock.sleep(untilSteady: ticked + interval)) != nil else { return }
            let time = clock.now
            guard (try? await clock.sleep(untilSteady: ticked + 2 * interval + interval / 10)) != nil else { return }
            await loop.markEverythingStale(at: time)
            state.withLock { $0.pools[name]?.lingering[number] = nil }
        }
        state.withLock { $0.pools[name]?.lingering[number] = task }
    }

    /// Scrapes all targets of a job (of all jobs without one) once, at once, besides their loops. Returns when the samples can
    /// be queried. Who asks while others wait for the same shares their scrape.
    public func scrapeNow(job: String? = nil) async {
        let task = state.withLock { state in
            if let waiting = state.waitingScrapes[job] { return waiting }
            let task = state.enqueue { [self] in
                let all = self.state.withLock { state in
                    state.waitingScrapes[job] = nil
                    return state.jobs.filter { job == nil || $0 == job }.flatMap { name in
                        (state.pools[name]?.order ?? []).map { (name, $0) }
                    }
                }
                await scrapeOnce(all)
            }
            state.waitingScrapes[job] = task
            return task
        }
        await task.value
    }

    /// Scrapes some targets, side by side.
    func scrapeOnce(_ targets: [(String, ScrapeTarget.ID)]) async {
        await withTaskGroup(of: Void.self) { group in
            for (name, id) in targets {
                guard let loop = await makeLoop(name, id) else { continue }
                group.addTask { await loop.scrapeOnce() }
            }
        }
    }
}
