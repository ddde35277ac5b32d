import MetricModel
import Synchronization
import TSDB
import Web

extension Stack {
    /// Whether everything listens and scraping has begun.
    package var isReady: Bool { state.phase == .ready }

    /// Why the last reload failed, with file, line and field; `nil` where it did not.
    package var reloadFailure: String? { state.now.failedReload?.place }

    /// Why nothing is stored, or why the last change was not; `nil` where all is well.
    var storageProblem: String? {
        guard let database = store as? TimeSeriesDatabase else { return nil }
        if let refusal = database.refusal { return "Nothing is stored any more: \(refusal.message)" }
        return database.writeFailure.map { "The last change could not be stored: \($0.message)" }
    }

    /// What is wrong with the store, since it was first seen.
    var storageNotification: PrometheusEnvironment.Notification? {
        let reason = storageProblem
        let now = clock.wallNanoseconds
        let refusal = storageRefusal.withLock { known -> (reason: String, since: Int64)? in
            if known?.reason != reason { known = reason.map { ($0, now) } }
            return known
        }
        return refusal.map { .init($0.reason, since: $0.since) }
    }

    /// So far samples may be ahead of the clock without anybody being told, in milliseconds.
    private static let clockSlack: Int64 = 60_000

    /// That samples are later than the clock, since it was first seen: the clock was ahead, or that of somebody who sends samples is.
    var clockNotification: PrometheusEnvironment.Notification? {
        let now = clock.wallNanoseconds
        let newest = (store as? TimeSeriesDatabase)?.newestSample ?? .min
        let isLate = newest > (now / 1_000_000).plus(Self.clockSlack)
        let since = clockLag.withLock { known -> Int64? in
            known = isLate ? known ?? now : nil
            return known
        }
        return since.map {
            .init(
                "There are samples that are more than a minute later than the clock: it was ahead, or a sender's is. "
                    + "Until it has come by them, what comes for their series is refused as too old, and all that comes as out of "
                    + "bounds, where they are more than an hour later.",
                since: $0
            )
        }
    }

    /// What the stack is made of, and what an operator should know of it.
    var status: StackStatus {
        let now = state.now
        var status = StackStatus()
        status.configuration.file = options.configFile.isEmpty ? "" : StackPlaces.absolute(options.configFile)
        status.configuration.isWatched = !options.configFile.isEmpty && options.watchesConfiguration
        status.configuration.loaded = now.lastReload * 1_000_000_000
        status.configuration.error = now.failedReload?.message ?? ""
        status.configuration.place = now.failedReload?.place ?? ""
        if let folder = options.dataFolder {
            status.database = StackPlaces.absolute(folder + "/" + StackOptions.databaseName)
        }
        status.isFixture = options.isFixture
        if let addresses = now.addresses {
            status.servers.append(("prometheus", addresses.prometheus.localURL))
            if let gateway = addresses.pushgateway { status.servers.append(("pushgateway", gateway.localURL)) }
            if let demo = addresses.demo { status.servers.append(("demo", demo.localURL)) }
            if let otlp = addresses.otlp { status.servers.append(("otlp", otlp.localURL)) }
        }
        if let way = options.demoGaveWay {
            let holder = way.holder.map { "\($0)" } ?? "another program"
            status.gaveWay = (holder, way.address.localURL)
        }
        status.remarks = options.flags.withoutEffect.map { ($0.flag, $0.text) }
        status.moves = now.moves.map { ($0.job, $0.from, $0.to) }
        return status
    }
}
