public import Exposition
public import MetricModel

/// A push, as far as it concerns the groups.
public struct PushRequest: Sendable {
    /// What happens to the metrics that the group has.
    public enum Mode: Sendable, Hashable {
        /// All of them go (PUT).
        case replaceGroup
        /// Families of the same name go (POST).
        case replaceFamilies
        /// Counters, histograms and summaries add up; of the others, metrics with the same labels go.
        case addUp
    }

    /// The group.
    public var key: GroupingKey
    /// The pushed families; of a repeated name the last one counts.
    public var families: [MetricFamily]
    /// What happens to what is there.
    public var mode: Mode
    /// How long the group lives without another push, in nanoseconds; `nil` for the gateway's own setting.
    public var timeToLive: Int64?

    /// A push.
    public init(key: GroupingKey, families: [MetricFamily], mode: Mode, timeToLive: Int64? = nil) {
        self.key = key
        self.families = families
        self.mode = mode
        self.timeToLive = timeToLive
    }

    /// The most metrics of a push: all of them are compared with those of the other groups, and everybody else waits meanwhile.
    package static let metricLimit = 500_000
    /// Reads the text of a push.
    package static func parser(utf8Names: Bool) -> FamilyTextParser {
        var parser = FamilyTextParser(validation: utf8Names ? .utf8 : .legacy)
        parser.metricLimit = metricLimit
        return parser
    }

    /// The most bytes of the lines that a push becomes: each has all labels of the group.
    static let lineLimit = 256 << 20

    /// Refuses a push whose lines would have more bytes than that.
    /// - Returns: how many they would have.
    @discardableResult
    public func check() throws(ExpositionError) -> Int {
        let group = key.labels.reduce(0) { $0 + $1.byteCount + 4 }
        var size = 0
        for family in families {
            let name = family.name.utf8.count
            for metric in family.metrics {
                var labels = group
                for label in metric.labels { labels += label.byteCount + 4 }
                let lines =
                    switch metric.value {
                    case .counter, .gauge, .untyped: 1
                    case .summary(let summary): summary.quantiles.count + 2
                    case .histogram(let histogram): histogram.buckets.count + 3
                    }
                // The labels stand once by themselves, too.
                size += labels + lines * (name + labels + 16)
            }
            if size > Self.lineLimit {
                throw ExpositionError(
                    "the metrics with the labels of their group would have more than \(Self.lineLimit >> 20) MiB"
                )
            }
        }
        return size
    }
}

/// What became of a push.
public struct PushOutcome: Sendable, Hashable {
    /// What was decided about it.
    public enum Verdict: Sendable, Hashable {
        /// It was taken.
        case accepted
        /// It was taken without a check of its consistency.
        case acceptedUnchecked
        /// It was refused; the message is that of the Pushgateway.
        case refused(String)
        /// It could not be stored.
        case failed(String)
    }

    /// What was decided about it.
    public var verdict: Verdict
    /// Whether the group held pushed metrics before.
    public var wasThere: Bool
}

/// A push made ready outside of any lock.
struct PreparedPush: Sendable {
    var key: GroupingKey
    var mode: PushRequest.Mode
    var timeToLive: Int64?
    /// The families as pushed, by name.
    var pushed: [ExactText: MetricFamily]
    /// The same made ready for the group, in the order of their names.
    var families: [SanitizedFamily]
    /// How many series they have, about: a push that adds up may bring those of its group as well.
    private(set) var seriesCount = 0
    /// Whether some metric has a timestamp, which is not allowed.
    var hasTimestamps: Bool
    /// The text that it was pushed as, with its shape, where that is of use.
    var source: (BodyShape, [UInt8])?

    init(_ request: PushRequest, source: (BodyShape, [UInt8])? = nil) {
        self.source = request.mode == .addUp ? nil : source
        key = request.key
        mode = request.mode
        timeToLive = request.timeToLive
        pushed = [:]
        families = []
        pushed.reserveCapacity(request.families.count)
        hasTimestamps = request.families.contains { $0.metrics.contains { $0.timestamp != nil } }
        for family in request.families where family.name != Group.pushTimeName {
            pushed[ExactText(family.name)] = family
        }
        guard !hasTimestamps else { return }
        families.reserveCapacity(pushed.count)
        var taken: Set<ExactText> = []
        for family in request.families {
            // Of a repeated name only the last was kept.
            if pushed.count < request.families.count {
                let name = ExactText(family.name)
                guard pushed[name] == family, taken.insert(name).inserted else { continue }
            }
            families.append(SanitizedFamily(family, key: key))
        }
        families.sort { ByteOrder.precedes($0.name, $1.name) }
        seriesCount = families.reduce(0) { $0 + $1.series.count }
    }

    /// Puts a changed family in the place of the pushed one.
    mutating func replace(_ family: MetricFamily) {
        pushed[ExactText(family.name)] = family
        let sanitized = SanitizedFamily(family, key: key)
        let index = families.place(of: family.name) { $0.name }
        if index < families.count, families[index].name.hasSameBytes(as: family.name) {
            families[index] = sanitized
        } else {
            families.insert(sanitized, at: index)
        }
    }
}
