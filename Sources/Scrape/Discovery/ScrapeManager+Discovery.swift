import Logging
import MetricModel
import Synchronization

extension ScrapeManager {
    /// Starts the tasks of a pool's discovery mechanisms. Runs inside a change.
    func startDiscovery(_ name: String) {
        let configs = state.withLock { state in
            (state.pools[name]?.providers ?? []).map { ($0.config, $0.task == nil) }
        }
        for (index, (config, isIdle)) in configs.enumerated() where isIdle {
            guard let task = discoveryTask(name, index, config) else { continue }
            state.withLock { $0.pools[name]?.providers[index].task = task }
        }
    }

    private func discoveryTask(_ name: String, _ index: Int, _ config: DiscoveryConfig) -> Task<Void, Never>? {
        switch config {
        case .fixed: return nil
        case .file(let file): return Task(executorPreference: reading) { await self.watchFiles(name, index, file) }
        case .http(let http): return Task(executorPreference: reading) { await self.askServer(name, index, http) }
        case .dns(let dns): return Task { await self.lookUp(name, index, dns) }
        }
    }

    /// Where what others say of targets is read, which may be long; `nil` where one thread does all.
    var reading: EvaluationThreads? { options.isDriven ? nil : .reading }

    // MARK: The mechanisms

    @concurrent
    private func watchFiles(_ name: String, _ index: Int, _ config: DiscoveryConfig.FileDiscovery) async {
        var files = FileDiscoverer(config, counters: discoveryCounters, logger: logger)
        var nextFull: Int64 = .min
        while !Task.isCancelled {
            let now = clock.steadyNanoseconds
            let readsAll = now >= nextFull
            if readsAll { nextFull = now.plus(config.refreshInterval.nanoseconds) }
            guard let (looked, found) = await look(files, readsAll: readsAll) else { return }
            files = looked
            if let (groups, problem) = found {
                let seconds = Double(clock.steadyNanoseconds - now) / 1e9
                discoveryCounters.update { $0.fileScans.observe(seconds) }
                await self.found(groups, name, index, error: problem, isWhole: true)
            }
            let pause = min(FileDiscoverer.pollMilliseconds, max(1, config.refreshInterval.milliseconds))
            if (try? await clock.sleep(milliseconds: pause)) == nil { return }
        }
    }

    /// So many milliseconds a look at the files of a job may take.
    private static let filesLimit: Int64 = 30_000

    /// Looks at files; `nil` where the task was cancelled meanwhile.
    private func look(
        _ files: FileDiscoverer,
        readsAll: Bool
    ) async -> (FileDiscoverer, (groups: [TargetGroup], error: String)?)? {
        let refresh = { @Sendable () -> (FileDiscoverer, (groups: [TargetGroup], error: String)?) in
            var files = files
            let found = files.refresh(readsAll: readsAll)
            return (files, found)
        }
        if options.isDriven { return refresh() }
        // One look at a time, however long a disk takes to answer.
        return await EvaluationThreads.files.wait(milliseconds: Self.filesLimit, isPatient: true, for: refresh)
    }

    @concurrent
    private func askServer(_ name: String, _ index: Int, _ config: DiscoveryConfig.HTTPDiscovery) async {
        let transport: any TargetTransport
        do throws(TransportError) {
            transport = try discoveryTransport(config)
        } catch {
            discoveryCounters.update { $0.failedConfigs += 1 }
            logger.error("Cannot create service discovery", metadata: ["err": "\(error)", "type": "http"])
            return
        }
        let server = HTTPDiscoverer(
            config: config,
            transport: transport,
            userAgent: options.userAgent
        )
        await repeatedly(config.refreshInterval, at: .init(mechanism: "http", job: name)) {
            do throws(DiscoveryError) {
                await self.found(try await server.refresh(), name, index, error: "", isWhole: true)
                return nil
            } catch {
                self.discoveryCounters.update { $0.httpFailures += 1 }
                await self.found([], name, index, error: error.description, isWhole: false)
                return error.description
            }
        }
        await transport.close()
    }

    private func discoveryTransport(_ config: DiscoveryConfig.HTTPDiscovery) throws(TransportError)
        -> any TargetTransport
    {
        if let make = options.makeTransport {
            var job = ScrapeConfig(jobName: "http_sd")
            job.client = config.client
            return try make(job)
        }
        return try HTTPTransport(
            config.client,
            clock: clock,
            environment: options.environment
        )
    }

    @concurrent
    private func lookUp(_ name: String, _ index: Int, _ config: DiscoveryConfig.DNSDiscovery) async {
        let names = DNSDiscoverer(
            config: config,
            resolver: options.resolver,
            counters: discoveryCounters,
            logger: logger
        )
        await repeatedly(config.refreshInterval, at: .init(mechanism: "dns", job: name)) {
            let (groups, problem) = await names.refresh()
            await self.found(groups, name, index, error: problem, isWhole: false)
            return nil
        }
    }

    /// Looks again and again until the task is cancelled; the look answers what went wrong.
    private func repeatedly(
        _ interval: PrometheusDuration,
        at place: DiscoveryCounters.Place,
        _ look: () async -> String?
    ) async {
        let length = max(1_000_000, interval.nanoseconds)
        var next = clock.steadyNanoseconds
        while !Task.isCancelled {
            let start = clock.steadyNanoseconds
            let problem = await look()
            let seconds = Double(clock.steadyNanoseconds - start) / 1e9
            discoveryCounters.update { values in
                values.refreshes[place, default: RecentDurations()].observe(seconds)
                if problem != nil { values.refreshFailures[place, default: 0] += 1 }
            }
            if let problem, !Task.isCancelled {
                logger.error("Unable to refresh target groups", metadata: ["err": "\(problem)"])
            }
            next = max(next + length, clock.steadyNanoseconds)
            if (try? await clock.sleep(untilSteady: next)) == nil { return }
        }
    }

    // MARK: What was found

    /// Takes over what a mechanism found and makes the pool scrape it.
    /// - Parameter isWhole: whether groups that were not found are gone.
    private func found(
        _ groups: [TargetGroup],
        _ name: String,
        _ index: Int,
        error: String,
        isWhole: Bool
    ) async {
        if Task.isCancelled { return }
        let isChanged = state.withLock { state -> Bool in
            guard var pool = state.pools[name], index < pool.providers.count else { return false }
            var provider = pool.providers[index]
            let before = provider.groups
            let isFirst = provider.lastRefresh == nil
            if isWhole {
                provider.groups = [:]
                provider.order = []
            }
            for group in groups {
                if provider.groups.updateValue(group, forKey: group.source) == nil {
                    provider.order.append(group.source)
                }
            }
            provider.lastError = error.shortened(to: ScrapeLoop.longestProblem)
            provider.lastRefresh = clock.now
            let isChanged = provider.groups != before || isFirst
            pool.providers[index] = provider
            state.pools[name] = pool
            return isChanged
        }
        discoveryCounters.update { $0.received += 1 }
        guard isChanged else { return }
        discoveryCounters.update { $0.updates += 1 }
        // Not awaited: whoever changes the pool may be waiting for this very task to end.
        enqueue { await self.synchronize(name) }
    }
}
