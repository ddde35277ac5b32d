public import MetricModel
import PrometheusClient
import PrometheusClientPush

/// The batch jobs of the tutorial, each a translation of its Go program with the client library of this package.
public struct Batches: Sendable {
    private let url: String
    private let clock: any StackClock
    private let print: @Sendable (String) -> Void

    /// Batches that push to a Pushgateway.
    /// - Parameter print: gets what the Go programs print, line by line.
    public init(url: String, clock: any StackClock, print: @escaping @Sendable (String) -> Void) {
        self.url = url
        self.clock = clock
        self.print = print
    }

    /// A backup that adds its figures to the group `job="db_backup"`, the success time only if it succeeded.
    /// - Returns: whether the push arrived.
    public func add() async throws -> Bool {
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

        let start = clock.steadyNanoseconds
        records.set(42)
        duration.set(Double(clock.steadyNanoseconds - start) / 1e9)
        completionTime.set(clock.seconds)
        successTime.set(clock.seconds)
        // Adding does not delete what an earlier, successful run pushed.
        return await told("Could not push to Pushgateway:") { () throws(PushError) in
            try await Pusher(url: url, job: "db_backup").gatherer(registry).collector(successTime).add()
        }
    }

    /// Pushes the completion time of one database's backup to its own group.
    /// - Returns: whether the push arrived.
    public func push(database: String) async -> Bool {
        let completionTime = Gauge(
            "db_backup_last_completion_timestamp_seconds",
            help: "The timestamp of the last successful completion of a DB backup."
        )
        completionTime.set(clock.seconds)
        return await told("Could not push completion time to Pushgateway:") { () throws(PushError) in
            try await Pusher(url: url, job: "db_backup").collector(completionTime).grouping("db", database).push()
        }
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
        return await told("") { () throws(PushError) in
            try await Pusher(url: url, job: "my_batch_job").gatherer(registry).collector(ok).collector(normal)
                .collector(error).push()
        }
    }

    private func told(_ what: String, _ push: () async throws(PushError) -> Void) async -> Bool {
        do {
            try await push()
            return true
        } catch {
            print(what.isEmpty ? error.message : "\(what) \(error.message)")
            return false
        }
    }
}
