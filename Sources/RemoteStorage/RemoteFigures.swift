import MetricModel
import Scrape

/// What a queue counts.
struct RemoteFigures: Sendable {
    var sent = RemoteCounts()
    var failed = RemoteCounts()
    var retried = RemoteCounts()
    /// Left out: too old, by a rule, of a series that is forgotten, of a kind that the message does not have.
    var tooOld = RemoteCounts()
    var byRule = RemoteCounts()
    var forgotten = RemoteCounts()
    var customBuckets = 0
    var metadata = 0
    var failedMetadata = 0
    var bytes = 0
    var metadataBytes = 0
    /// Entries that were not there any more when they were to be read.
    var missingEntries = 0
    var enqueueRetries = 0
    /// The newest that was handed out, and that was sent, in seconds.
    var newestRead = 0.0
    var newestSent = 0.0
    /// How long requests took: seconds in all, and how many in each bucket.
    var seconds = 0.0
    var requests = 0
    var buckets = [Int](repeating: 0, count: RemoteFigures.bounds.count)
    /// Since the last look at the shards.
    var tickRead = 0
    var tickDropped = 0
    var tickSent = 0
    var tickBusy = 0.0
    var desired = 1.0
    /// What went wrong last, and when, in nanoseconds since 1970.
    var lastError = ""
    var lastErrorTime: Int64 = 0
    var lastSuccess: Int64 = 0

    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300]

    mutating func observe(_ duration: Double) {
        seconds += duration
        requests += 1
        if let index = Self.bounds.firstIndex(where: { duration <= $0 }) { buckets[index] += 1 }
    }
}

/// How a queue stands, for people.
public struct RemoteStatus: Sendable {
    /// What it is called, and where it sends to.
    public var name: String
    /// Where it sends to, without a password.
    public var url: String
    /// The message's version, 1 or 2.
    public var version: Int
    /// Shards: now, wanted, the least and the most.
    public var shards = 0
    /// How many shards would be right.
    public var desired = 0.0
    /// The least shards.
    public var minShards = 0
    /// The most shards.
    public var maxShards = 0
    /// Samples, histograms and exemplars that wait.
    public var pending = 0
    /// Those that were sent.
    public var sent = 0
    /// Those that were refused for good.
    public var failed = 0
    /// Those that were tried again.
    public var retried = 0
    /// Those that were left out.
    public var dropped = 0
    /// Entries of the store that have not been dealt with.
    public var behind: Int64 = 0
    /// The newest sample that was sent, in seconds since 1970; 0 for none.
    public var newestSent = 0.0
    /// How often what waits was tried; 0 where the receiver answers.
    public var attempts = 0
    /// What went wrong last; empty for nothing.
    public var lastError = ""
    /// When, in nanoseconds since 1970.
    public var lastErrorTime: Int64 = 0
    /// When the receiver took something last, in nanoseconds since 1970; 0 for never.
    public var lastSuccess: Int64 = 0
}

/// The figures of all queues, under Prometheus's names.
struct RemoteFamilies {
    private var families: [String: MetricFamily] = [:]
    private var order: [String] = []

    mutating func add(_ name: String, _ help: String, _ labels: [Label], counter value: Int) {
        add(name, help, .counter, MetricFamily.Metric(labels: labels, value: .counter(Double(value))))
    }

    mutating func add(_ name: String, _ help: String, _ labels: [Label], gauge value: Double) {
        add(name, help, .gauge, MetricFamily.Metric(labels: labels, value: .gauge(value)))
    }

    private mutating func add(_ name: String, _ help: String, _ type: MetricType, _ metric: MetricFamily.Metric) {
        let name = "prometheus_remote_storage_" + name
        if families[name] == nil {
            families[name] = MetricFamily(name: name, help: help, type: type, metrics: [])
            order.append(name)
        }
        families[name]?.metrics.append(metric)
    }

    var all: [MetricFamily] { order.compactMap { families[$0] } }

    mutating func add(_ f: RemoteFigures, _ queue: RemoteQueue, _ config: RemoteQueueIdentity) {
        let labels = [Label(name: "remote_name", value: config.name), Label(name: "url", value: config.url)]
        let pending = queue.pending
        func reasons(_ name: String, _ help: String, _ counts: [(String, Int)]) {
            for (reason, count) in counts {
                add(name, help, [Label(name: "reason", value: reason)] + labels, counter: count)
            }
        }
        for (kind, sent, failed, retried, waits) in [
            ("samples", f.sent.samples, f.failed.samples, f.retried.samples, pending.samples),
            ("exemplars", f.sent.exemplars, f.failed.exemplars, f.retried.exemplars, pending.exemplars),
            ("histograms", f.sent.histograms, f.failed.histograms, f.retried.histograms, pending.histograms),
        ] {
            add(kind + "_total", "Total number of \(kind) sent to remote storage.", labels, counter: sent)
            add(
                kind + "_failed_total",
                "Total number of \(kind) which failed on send to remote storage, non-recoverable errors.",
                labels,
                counter: failed
            )
            add(
                kind + "_retried_total",
                "Total number of \(kind) which failed on send to remote storage but were retried because the send error was "
                    + "recoverable.",
                labels,
                counter: retried
            )
            add(
                kind + "_pending",
                "The number of \(kind) pending in the queues shards to be sent to the remote storage.",
                labels,
                gauge: Double(waits)
            )
        }
        let help =
            "after being read from the WAL before being sent via remote write, either via relabelling, due to being too old or unintentionally because of an unknown reference ID."
        reasons(
            "samples_dropped_total",
            "Total number of samples which were dropped \(help)",
            [
                ("too_old", f.tooOld.samples), ("dropped_series", f.byRule.samples),
                ("unintentionally_dropped_series", f.forgotten.samples),
            ]
        )
        reasons(
            "exemplars_dropped_total",
            "Total number of exemplars which were dropped \(help)",
            [
                ("too_old", f.tooOld.exemplars), ("dropped_series", f.byRule.exemplars),
                ("unintentionally_dropped_series", f.forgotten.exemplars),
            ]
        )
        reasons(
            "histograms_dropped_total",
            "Total number of histograms which were dropped \(help)",
            [
                ("too_old", f.tooOld.histograms), ("dropped_series", f.byRule.histograms),
                ("unintentionally_dropped_series", f.forgotten.histograms),
                ("nhcb_in_rw1_not_supported", f.customBuckets),
            ]
        )
        add("metadata_total", "Total number of metadata entries sent to remote storage.", labels, counter: f.metadata)
        add(
            "metadata_failed_total",
            "Total number of metadata entries which failed on send to remote storage, non-recoverable errors.",
            labels,
            counter: f.failedMetadata
        )
        add(
            "enqueue_retries_total",
            "Total number of times enqueue has failed because a shards queue was full.",
            labels,
            counter: f.enqueueRetries
        )
        add(
            "bytes_total",
            "The total number of bytes of data (not metadata) sent by the queue after compression.",
            labels,
            counter: f.bytes
        )
        add(
            "metadata_bytes_total",
            "The total number of bytes of metadata sent by the queue after compression.",
            labels,
            counter: f.metadataBytes
        )
        add(
            "missing_entries_total",
            "Appends that were not kept long enough to be sent.",
            labels,
            counter: f.missingEntries
        )
        add(
            "queue_highest_timestamp_seconds",
            "Highest timestamp that was enqueued, in seconds since epoch.",
            labels,
            gauge: f.newestRead
        )
        add(
            "queue_highest_sent_timestamp_seconds",
            "Timestamp from a WAL sample, the highest timestamp successfully sent by this queue, in seconds since epoch.",
            labels,
            gauge: f.newestSent
        )
        add(
            "shards",
            "The number of shards used for parallel sending to the remote storage.",
            labels,
            gauge: Double(queue.shardCount)
        )
        add(
            "shards_max",
            "The maximum number of shards that the queue is allowed to run.",
            labels,
            gauge: Double(queue.config.maxShards)
        )
        add(
            "shards_min",
            "The minimum number of shards that the queue is allowed to run.",
            labels,
            gauge: Double(queue.config.minShards)
        )
        add(
            "shards_desired",
            "The number of shards that the queues shard calculation wants to run based on the rate of samples in vs. samples out.",
            labels,
            gauge: f.desired
        )
        add(
            "shard_capacity",
            "The capacity of each shard of the queue used for parallel sending to the remote storage.",
            labels,
            gauge: Double(queue.config.capacity)
        )
        add(
            "max_samples_per_send",
            "The maximum number of samples to be sent, in a single request, to the remote storage. Note that, when sending of exemplars over remote write is enabled, exemplars count towards this limt.",
            labels,
            gauge: Double(queue.config.maxSamplesPerSend)
        )
        var total = 0
        var buckets: [MetricFamily.Histogram.Bucket] = []
        for (bound, count) in zip(RemoteFigures.bounds, f.buckets) {
            total += count
            buckets.append(.init(upperBound: bound, cumulativeCount: Double(total)))
        }
        buckets.append(.init(upperBound: .infinity, cumulativeCount: Double(f.requests)))
        add(
            "sent_batch_duration_seconds",
            "Duration of send calls to the remote storage.",
            .histogram,
            MetricFamily.Metric(
                labels: labels,
                value: .histogram(.init(buckets: buckets, sum: f.seconds, count: Double(f.requests)))
            )
        )
    }
}

/// What names a queue in figures.
struct RemoteQueueIdentity: Sendable {
    var name: String
    var url: String
}
