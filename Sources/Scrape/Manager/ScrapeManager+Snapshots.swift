public import MetricModel
import Synchronization

extension ScrapeManager {
    /// The names of all pools, in the order of the configuration.
    public var poolNames: [String] { state.withLock { state in state.jobs.filter { state.pools[$0] != nil } } }

    /// The configuration of a pool; `nil` where there is none of that name.
    public func config(ofPool name: String) -> ScrapeConfig? { state.withLock { $0.pools[name]?.config } }

    /// All pools (or one) with their targets.
    public func pools(named wanted: String? = nil) -> [PoolSnapshot] {
        let pools = state.withLock { state in
            state.jobs.compactMap { name in wanted == nil || wanted == name ? state.pools[name] : nil }
        }
        return pools.map(snapshot)
    }

    private func snapshot(_ pool: ScrapePool) -> PoolSnapshot {
        let name = pool.config.jobName
        func discovered(_ target: [Label], _ group: [Label]) -> Labels {
            TargetBuilder.discoveredLabels(pool.config, target: target, group: group).build()
        }
        let active = pool.order.compactMap { id -> ActiveTarget? in
            guard let active = pool.active[id] else { return nil }
            return ActiveTarget(
                scrapePool: name,
                target: active.target,
                discoveredLabels: discovered(active.discovered, active.group),
                report: active.status.report,
                globalURL: active.target.url
            )
        }
        return PoolSnapshot(
            name: name,
            config: pool.config,
            active: active.sorted { ($0.target.url, $0.target.labels) < ($1.target.url, $1.target.labels) },
            dropped: pool.dropped.map {
                DroppedTarget(scrapePool: name, discoveredLabels: discovered($0.discovered, $0.group))
            },
            droppedCount: pool.droppedCount,
            discovery: pool.providers.map { provider in
                DiscoverySnapshot(
                    mechanism: provider.config.mechanism,
                    groups: provider.order.compactMap { provider.groups[$0] },
                    lastError: provider.lastError,
                    lastRefresh: provider.lastRefresh
                )
            }
        )
    }

    /// What the expositions of targets say about metric families, target by target.
    /// - Parameters:
    ///   - isWanted: whether a target with these public labels is asked for.
    ///   - family: only this family; `nil` for all.
    public func metadata(of isWanted: (Labels) -> Bool = { _ in true }, family: String? = nil) -> [TargetMetadata] {
        let found = state.withLock { state in
            state.jobs.flatMap { name -> [(Labels, MetadataMemory)] in
                guard let pool = state.pools[name] else { return [] }
                return pool.order.compactMap { id in
                    pool.active[id].map { ($0.target.publicLabels, $0.cache.metadata) }
                }
            }
        }
        var result: [TargetMetadata] = []
        for (labels, memory) in found where isWanted(labels) {
            if let family {
                if let metadata = memory[family] {
                    result.append(TargetMetadata(target: labels, family: family, metadata: metadata))
                }
            } else {
                for (family, metadata) in memory.all.sorted(by: { $0.family < $1.family }) {
                    result.append(TargetMetadata(target: labels, family: family, metadata: metadata))
                }
            }
        }
        return result
    }

    /// The last scrapes of a target as they went over the wire, newest first.
    /// - Parameter shown: which of them have their bodies, the newest being 0.
    public func rawScrapes(pool name: String, labels: Labels, bodiesOf shown: Range<Int> = 0..<1) -> [RawScrape] {
        let found = state.withLock { state -> (TargetStatus, Int)? in
            guard let pool = state.pools[name] else { return nil }
            let active = pool.active.values.first { $0.target.publicLabels == labels || $0.target.labels == labels }
            return active.map { ($0.status, pool.config.limits.bodyLimit) }
        }
        return found.map { $0.0.rawScrapes(bodiesOf: shown, limit: $0.1) } ?? []
    }

    /// What each target relabelling rule of a job does to the labels of a discovered target.
    public func relabelSteps(pool: String, labels: Labels) -> [Relabeller.Step]? {
        config(ofPool: pool).map { Relabeller.trace($0.relabelRules, on: labels) }
    }
}
