import MetricModel
import Synchronization

/// What becomes of targets that come and go.
enum TargetChange: Hashable {
    /// As Prometheus: new ones are scraped by their loops; those that are gone get stale markers two intervals later.
    case usual
    /// Those that are gone get stale markers at once.
    case staleAtOnce
    /// As ``staleAtOnce``, and the change is done when new ones were scraped once.
    case scrapedFirst
}

/// Jobs that are changed one by one, for test fixtures.
extension ScrapeManager {
    /// Adds a job, or changes the one of that name; all others go on undisturbed. What is gone is stale at once.
    /// - Parameter waits: whether to return only when the samples of new targets can be queried.
    package func set(_ job: ScrapeConfig, waits: Bool) async {
        await serially { [self] in
            let manner = waits ? TargetChange.scrapedFirst : .staleAtOnce
            guard let old = config(ofPool: job.jobName) else {
                state.withLock { state in
                    if !state.jobs.contains(job.jobName) { state.jobs.append(job.jobName) }
                }
                return await add(job, manner)
            }
            var rest = old
            rest.discovery = job.discovery
            if rest != job { return await reload(job, from: old, manner) }
            // Only the targets differ: those that stay are not even interrupted.
            let tasks = state.withLock { state -> [Task<Void, Never>] in
                guard var pool = state.pools[job.jobName] else { return [] }
                let tasks = pool.providers.compactMap(\.task)
                pool.config = job
                pool.providers = job.discovery.map { ScrapePool.Provider(config: $0) }
                state.pools[job.jobName] = pool
                return tasks
            }
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
            noteFixedTargets(job.jobName)
            if state.withLock({ $0.isRunning }) { startDiscovery(job.jobName) }
            await synchronize(job.jobName, manner)
        }
    }

    /// Ends a job; its series are stale at once.
    package func end(job name: String) async {
        await serially { [self] in
            state.withLock { $0.pools[name]?.providers = [] }
            await synchronize(name, .staleAtOnce)
            await remove(name)
            state.withLock { $0.jobs.removeAll { $0 == name } }
        }
    }

    /// Scrapes new targets before their loops begin.
    func scrapeFirst(_ targets: [ScrapeTarget.ID], of name: String) async {
        await scrapeOnce(targets.map { (name, $0) })
        state.withLock { state in
            for id in targets { state.pools[name]?.active[id]?.hasStarted = true }
        }
    }

    /// Marks the series of a target whose loop has ended stale.
    func markStaleNow(_ active: ScrapePool.Active, in name: String) async {
        guard let stream = active.stream, let last = active.control.lastTime,
            let pool = state.withLock({ $0.pools[name] })
        else { return }
        await loop(pool, active, stream).markEverythingStale(at: max(clock.now, last + 1))
    }
}
