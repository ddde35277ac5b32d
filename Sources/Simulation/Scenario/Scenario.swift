public import ConfigTree
public import MetricModel

/// A world to be simulated: what is scraped, what is pushed, what goes wrong when, and what has to be true.
///
/// All times are nanoseconds from the start of the scenario unless they say otherwise.
public struct Scenario: Sendable {
    /// What it is called; the file's name where it has none.
    public var name = ""
    /// What all chance follows from.
    public var seed: UInt64 = 1
    /// When it begins, in milliseconds since 1970.
    public var start: Timestamp = Scenario.defaultStart
    /// How long it lasts.
    public var duration: Int64 = 0
    /// The stack: a `stack.yml`, as it stands in the scenario or in the file that the scenario names.
    public var stack = ConfigNode(.mapping([]))
    /// The file in which the stack stands.
    public var stackFile = ""
    /// Whether it is known which services there are: not where something else stands in their place.
    public var areServicesKnown = true
    /// The same of batches.
    public var areBatchesKnown = true
    /// Whether the stack is known, be it wrong: not where its file cannot be read.
    public var isStackKnown = true
    /// Where problems in the stack are: `stack` where it stands in the scenario, otherwise empty.
    public var stackPath = "stack"
    /// What is scraped.
    public var services: [ServiceSpec] = []
    /// What runs for a while and pushes, or is scraped only then.
    public var batches: [BatchSpec] = []
    /// What happens.
    public var events: [EventSpec] = []
    /// Events that could not be read: only where something is wrong.
    public var refusedEvents: [ConfigNode] = []
    /// What has to be true.
    public var expectations: [ExpectationSpec] = []
    /// What a stack scraped and received before, and what is to be so again.
    public var recording: Recording?
    /// Whether scrapes and pushes go over real sockets, so that real clients can take part.
    public var hasSockets = false
    /// What is asked of many worlds.
    public var studies: [StudySpec] = []
    /// The file.
    public var file = ""
    /// What is worth knowing of how it was read, though it is no mistake.
    public var remarks: [String] = []
    /// Why nothing can be said of any alert, as there are no alerting rules at all; empty where there are some, or nobody asks.
    public var missingAlerts = ""

    /// A Monday morning, where a scenario names no start.
    public static let defaultStart: Timestamp = 1_767_603_600_000

    /// Nothing happens.
    public init() {}

    /// Whether something can be said of the alerts of all studies.
    public var areStudiesJudged: Bool { studies.isEmpty || missingAlerts.isEmpty }

    /// The folder of the file, seen from which the files that it names are.
    public var folder: String { file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "" }
}

/// A service: instances that are scraped, named `NAME-1`, `NAME-2` and so on.
public struct ServiceSpec: Sendable {
    /// Its name, and that of its job where the configuration does not scrape it.
    public var name: String
    /// How many instances there are at the start.
    public var instances = 1
    /// What it exposes.
    public var metrics: [MetricSpec] = []
    /// The names of metrics that could not be read: only where something is wrong.
    public var refusedMetrics: [String] = []
    /// Labels of its targets, where the configuration does not scrape it.
    public var labels: [Label] = []
    /// How far its own clock is ahead, in milliseconds; where that is not 0 its samples have timestamps.
    public var skew: Int64 = 0
    /// Where it stands in the file, or its labels where it has some.
    public var place = FieldPlace()

    /// A service without metrics.
    public init(name: String) { self.name = name }

    /// The most instances.
    public static let instanceLimit = 10_000

    /// Whether an address is, or may come to be, that of an instance.
    func hasInstance(_ address: String) -> Bool {
        Self.number(of: address, in: name).map { (1...Self.instanceLimit).contains($0) } ?? false
    }

    /// The number of the instance of a service that has an address without a port; `nil` where none has.
    static func number(of address: String, in service: String) -> Int? {
        address.hasPrefix(service + "-") ? Int(address.dropFirst(service.utf8.count + 1)) : nil
    }
}

extension Scenario {
    /// The name by which those of a world know an address: without its port, as instances have the same name at all ports, but for those of
    /// the stack itself, which are at `localhost`.
    package static func host(_ address: String) -> String {
        // The colons of an IPv6 address stand in brackets.
        let start = address.hasPrefix("[") ? address.firstIndex(of: "]") ?? address.startIndex : address.startIndex
        let host = address[..<(address[start...].firstIndex(of: ":") ?? address.endIndex)]
        return host == "localhost" || host == "127.0.0.1" ? "localhost" + address.dropFirst(host.count) : String(host)
    }
}

/// A metric that services and batches expose.
public struct MetricSpec: Sendable {
    /// The kinds.
    public enum Kind: String, Sendable, CaseIterable {
        /// Counts.
        case counter
        /// Goes up and down.
        case gauge
        /// Observations in buckets.
        case histogram
        /// Observations with quantiles.
        case summary
        /// 1, with labels that say something.
        case info
    }

    /// What a gauge of a batch shows.
    public enum Value: Sendable, Hashable {
        /// A number.
        case number(Double)
        /// What the metric's rate makes of the run's time.
        case counted
        /// How long the run took, in seconds.
        case took
        /// The Unix time of the run's end.
        case now
        /// The same where it succeeded; the metric is not there where it did not.
        case nowOnSuccess
        /// The same where it failed; the metric is not there where it did not.
        case nowOnFailure
        /// 1 where it succeeded, 0 where it did not.
        case succeeded

        static let words = ["took", "now", "now_on_success", "now_on_failure", "succeeded"]
    }

    /// A change at a moment.
    public struct Step: Sendable, Hashable {
        /// When.
        public var at: Int64
        /// The new rate or value; `nil` where it is multiplied.
        public var to: Double?
        /// By how much it is multiplied.
        public var by: Double
    }

    /// Labels whose number grows with time.
    public struct Growth: Sendable, Hashable {
        /// The label.
        public var label: String
        /// New values a second.
        public var rate: Double
        /// The most values.
        public var most: Int
    }

    /// One combination of labels, with its share of the whole.
    public struct Part: Sendable, Hashable {
        /// The labels.
        public var labels: [Label]
        /// The share of the metric's rate, 0…1.
        public var share: Double
    }

    /// The name.
    public var name: String
    /// Where it stands in the file.
    public var place = FieldPlace()
    /// The kind.
    public var kind: Kind
    /// What it means.
    public var help = ""
    /// Events a second, of counters, histograms and summaries.
    public var rate = 1.0
    /// Where a gauge begins, or what it always is.
    public var value = Value.number(0)
    /// The standard deviation of a gauge's change in a minute.
    public var walk = 0.0
    /// The least value of a gauge.
    public var least = -Double.infinity
    /// The greatest value of a gauge.
    public var most = Double.infinity
    /// How much a day's height and depth differ from its mean, 0…1.
    public var daily = 0.0
    /// The standard deviation of the rate, or of the value of a gauge, as a share of it.
    public var noise = 0.0
    /// What a gauge grows by in a second.
    public var leak = 0.0
    /// Changes at moments.
    public var steps: [Step] = []
    /// Label combinations; one without labels where there are none.
    public var parts: [Part] = [Part(labels: [], share: 1)]
    /// Labels that grow.
    public var growth: Growth?
    /// How long observations take.
    public var latency = LatencyDistribution(median: 0.1, p99: 1)
    /// Upper bounds of buckets, rising, without +Inf.
    public var buckets = MetricSpec.defaultBuckets
    /// Whether a histogram is a native one.
    public var isNative = false
    /// The quantiles of a summary.
    public var quantiles = [0.5, 0.9, 0.99]
    /// Whether there are exemplars.
    public var hasExemplars = false
    /// How many decimals a gauge has.
    public var decimals = 3

    /// Whether several of its series differ in a label.
    func isToldApart(by label: String) -> Bool {
        switch kind {
        case .histogram where label == "le", .summary where label == "quantile": return true
        case .counter, .gauge, .histogram, .summary, .info: break
        }
        if growth?.label == label { return true }
        return Set(parts.map { part in part.labels.first { $0.name == label }?.value ?? "" }).count > 1
    }

    /// The names of its series.
    public var seriesNames: [String] {
        switch kind {
        case .counter, .gauge, .info: [name]
        case .histogram: isNative ? [name] : ["_bucket", "_sum", "_count"].map { name + $0 }
        case .summary: ["", "_sum", "_count"].map { name + $0 }
        }
    }

    /// How many series an instance has of it at most.
    var mostSeries: Int {
        let each =
            switch kind {
            case .counter, .gauge, .info: 1
            case .histogram: isNative ? 1 : buckets.count + 3
            case .summary: quantiles.count + 2
            }
        return parts.count * (growth?.most ?? 1) * each
    }

    /// Those of the client libraries.
    public static let defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// The most label combinations of a metric.
    public static let partLimit = 100_000

    /// The most events a second: what a hundred days make of them is still counted one by one; then the counter stands still.
    static let rateLimit = 1e9
    /// The longest observation, in seconds.
    static let latencyLimit = 1e9
}

/// A batch job.
public struct BatchSpec: Sendable {
    /// How its figures come to the stack.
    public enum Delivery: String, Sendable, CaseIterable {
        /// PUT: replaces the group.
        case push
        /// POST: replaces the metrics of the same names.
        case add
        /// PUT, and DELETE a while later.
        case deleteAfter = "delete_after"
        /// A target that is there while it runs.
        case endpoint
    }

    /// When it runs.
    public enum Schedule: Sendable {
        /// So often, for the first time after one interval or at a moment.
        case every(interval: Int64, first: Int64)
        /// By a calendar, in UTC.
        case cron(CronTable)
        /// Only where an event says so.
        case never
    }

    /// What happens to a run that is due while another is running.
    public enum Overlap: String, Sendable, CaseIterable {
        /// Both run.
        case allow
        /// It is left out.
        case skip
    }

    /// Its name; that of its job, too.
    public var name: String
    /// When it runs.
    public var schedule = Schedule.never
    /// How long a run takes.
    public var takes: ClosedRange<Int64> = 1_000_000_000...1_000_000_000
    /// How late it begins.
    public var late: ClosedRange<Int64> = 0...0
    /// The share of runs that fail.
    public var failing = 0.0
    /// The share of runs that never end.
    public var hanging = 0.0
    /// What happens to a run that is due while another is running.
    public var overlap = Overlap.allow
    /// How its figures come to the stack.
    public var delivery = Delivery.push
    /// The job of the group.
    public var job: String
    /// The other labels of the group.
    public var grouping: [Label] = []
    /// How long after a push the group is deleted, for `delete_after`.
    public var deletedAfter: Int64 = 60_000_000_000
    /// How often a push that failed is tried again, 10 s apart.
    public var retries = 0
    /// What it tells.
    public var metrics: [MetricSpec] = []
    /// The names of metrics that could not be read: only where something is wrong.
    public var refusedMetrics: [String] = []

    /// A batch that never runs.
    public init(name: String) {
        self.name = name
        job = name
    }
}
