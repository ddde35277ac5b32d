import HTTPCalling
public import MetricModel
import PrometheusClient
import PrometheusClientPush

/// The batch jobs of the tutorial, each a translation of its Go program with the client library of this package.
public struct Batches: Sendable {
    private let url: String
    private let clock: any StackClock
    private let exposure: BatchExposure?
    private let print: @Sendable (String) -> Void
    private let remark: @Sendable (String) -> Void

    /// Batches that push to a Pushgateway, or are scraped while they work.
    /// - Parameters:
    ///   - exposure: where they are scraped; `nil` to push.
    ///   - print: gets what the Go programs print, line by line.
    ///   - remark: gets what became of it: which families a push has replaced, whether a scrape saw the batch.
    public init(
        url: String,
        clock: any StackClock,
        exposure: BatchExposure? = nil,
        print: @escaping @Sendable (String) -> Void,
        remark: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.url = url
        self.clock = clock
        self.exposure = exposure
        self.print = print
        self.remark = remark
    }

    /// A backup that adds its figures to the group `job="db_backup"`, the success time only if it succeeded.
    /// - Parameter database: a further label of the group; `nil` for none, as in the tutorial.
    /// - Returns: whether the push arrived.
    public func add(database: String? = nil) async throws -> Bool {
        let completionTime = Gauge(
            "db_backup_last_completion_timestamp_seconds",
            help: "The timestamp of the last completion of a DB backup, successful or not."
        )
        let successTime = Gauge(
            "db_backup_last_success_timestamp_seconds",
            help: "The timestamp of the last successful completion of a DB backup."
        )
        let duration = Gauge(
            "db_backup_duration_seconds",
            help: "The duration of the last DB backup in seconds."
        )
        let records = Gauge(
            "db_backup_records_processed",
            help: "The number of records processed in the last DB backup."
        )
        let registry = CollectorRegistry()
        try registry.register(completionTime, duration, records)

        func work() {
            let start = clock.steadyNanoseconds
            records.set(42)
            duration.set(Double(clock.steadyNanoseconds - start) / 1e9)
            completionTime.set(clock.seconds)
            successTime.set(clock.seconds)
        }
        if let exposure {
            try registry.register(successTime)
            try await exposure.serve(registry, clock: clock, say: remark) { work() }
            return true
        }
        work()
        // Adding does not delete what an earlier, successful run pushed.
        let pusher = Pusher(url: url, job: "db_backup").gatherer(registry).collector(successTime)
        return await told(.add, to: pusher, job: "db_backup", db: database, "Could not push to Pushgateway:")
    }

    /// Pushes the completion time of one database's backup to its own group.
    /// - Returns: whether the push arrived.
    public func push(database: String) async throws -> Bool {
        let completionTime = Gauge(
            "db_backup_last_completion_timestamp_seconds",
            help: "The timestamp of the last successful completion of a DB backup."
        )
        completionTime.set(clock.seconds)
        if let exposure {
            let registry = CollectorRegistry()
            try registry.register(completionTime)
            try await exposure.serve(registry, clock: clock, say: remark) {}
            return true
        }
        let pusher = Pusher(url: url, job: "db_backup").collector(completionTime)
        let failure = "Could not push completion time to Pushgateway:"
        return await told(.push, to: pusher, job: "db_backup", db: database, failure)
    }

    /// Does a hundred pieces of work with a random outcome and pushes how many there were of each.
    /// - Returns: whether the push arrived.
    public func mySample(seed: UInt64?) async throws -> Bool {
        let duration = Gauge("batch_duration_seconds", help: "The duration of last batch in seconds.")
        let executed = Counter("batch_count_total", help: "Counter of execute.")
        let ok = Counter("batch_ok_count_total", help: "Counter of ok execute.")
        let normal = Counter("batch_normal_count_total", help: "Counter of normal execute.")
        let error = Counter("batch_error_count_total", help: "Counter of execute resulting in an error.")
        let registry = CollectorRegistry()
        try registry.register(duration, executed)

        func work() async throws {
            let start = clock.steadyNanoseconds
            var random = SeededGenerator(seed: seed ?? UInt64.random(in: .min ... .max))
            for _ in 0..<100 {
                executed.increment()
                switch Int.random(in: 0..<3, using: &random) {
                case 0: ok.increment()
                case 1: normal.increment()
                default: error.increment()
                }
                try await clock.sleep(milliseconds: 10)
            }
            duration.set(Double(clock.steadyNanoseconds - start) / 1e9)
            print("duration: \(GoNumber.text(duration.value, .shortest))")
            print("ok: \(Int(ok.value)), normal: \(Int(normal.value)), error: \(Int(error.value))")
        }
        if let exposure {
            try registry.register(ok, normal, error)
            try await exposure.serve(registry, clock: clock, say: remark) { try await work() }
            return true
        }
        try await work()
        let pusher = Pusher(url: url, job: "my_batch_job").gatherer(registry).collector(ok).collector(normal)
            .collector(error)
        return await told(.push, to: pusher, job: "my_batch_job", db: nil, "")
    }

    /// How a push treats what is in the group.
    private enum Method: String {
        case add = "POST"
        case push = "PUT"
    }

    /// Pushes and tells what became of the group.
    private func told(
        _ method: Method,
        to pusher: Pusher,
        job: String,
        db: String?,
        _ failure: String
    ) async -> Bool {
        let pushed = Set(pusher.familyNames)
        var labels = ["job": job]
        labels["db"] = db
        // The push itself tells what is wrong with an address.
        let gateway = try? ServerAddress(url)
        var before: GroupGlance?
        if let gateway { before = await GroupGlance.fetch(url: gateway.url, group: labels) }
        let pusher = db.map { pusher.grouping("db", $0) } ?? pusher
        do throws(PushError) {
            switch method {
            case .add: try await pusher.add()
            case .push: try await pusher.push()
            }
        } catch {
            print(failure.isEmpty ? error.message : "\(failure) \(error.message)")
            return false
        }
        // Many servers answer 200 to whatever they are sent.
        if let gateway, before == nil, await GroupGlance.fetch(url: gateway.url, group: labels) == nil {
            let doubt =
                "\(gateway.url) took the push, but it is no Pushgateway: it has no /api/v1/metrics that tells what is stored"
            print(failure.isEmpty ? doubt : "\(failure) \(doubt)")
            return false
        }
        let group = Labels(labels.map { Label(name: $0.key, value: $0.value) }).description
        remark(GroupGlance.story(method.rawValue, group, pushed: pushed, before: before))
        return true
    }
}
