import Exposition
import MetricModel
import Scrape
import Synchronization

/// What is told of a queue.
extension RemoteSender {
    var identity: RemoteQueueIdentity {
        RemoteQueueIdentity(name: config.name, url: RecordedTraffic.url(config.url))
    }

    func addFamilies(to families: inout RemoteFamilies) {
        let (figures, queue) = state.withLock { ($0.figures, $0.queue) }
        families.add(figures, queue, identity)
    }

    func status(end: Int64) -> RemoteStatus {
        state.withLock { state in
            let figures = state.figures
            var status = RemoteStatus(name: identity.name, url: identity.url, version: config.isVersion2 ? 2 : 1)
            status.shards = state.queue.shardCount
            status.desired = figures.desired
            status.minShards = config.queue.minShards
            status.maxShards = config.queue.maxShards
            status.pending = state.queue.pending.all
            status.sent = figures.sent.all
            status.failed = figures.failed.all
            status.retried = figures.retried.all
            status.dropped = figures.tooOld.all + figures.byRule.all + figures.forgotten.all + figures.customBuckets
            status.behind = max(0, end - state.queue.cursor.row)
            status.newestSent = figures.newestSent
            status.attempts = state.queue.attempts
            status.lastError = figures.lastError
            status.lastErrorTime = figures.lastErrorTime
            status.lastSuccess = figures.lastSuccess
            return status
        }
    }
}
