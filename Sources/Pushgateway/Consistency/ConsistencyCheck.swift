import MetricModel

/// Checks a push against everything that is there, in the words of the original.
///
/// The original gathers all groups anew for each push; here only what the push changes is looked at, by way of the index in
/// ``FamilyEntry``.
struct ConsistencyCheck {
    /// The families of the push, by name.
    let incoming: [SanitizedFamily]
    /// The same as they were pushed, for messages.
    let pushed: [ExactText: MetricFamily]
    /// The group that the push goes to; `nil` where it is new.
    let group: Group?
    /// The key of the group.
    let key: GroupingKey
    /// A group that is there whose times the new group's would repeat.
    let twin: GroupingKey?
    /// Whether what the group has now goes away.
    let replaces: Bool
    /// All families of all groups.
    let entries: [ExactText: FamilyEntry]
    /// The gateway's own families.
    let own: OwnFamilies

    /// What is wrong, the first of it; empty where the push is fine.
    private(set) var errors: [String] = []
    /// How much is wrong.
    private(set) var errorCount = 0
    /// How many bytes ``errors`` have.
    private(set) var errorSize = 0
    /// So much of what is wrong is told, and about so many bytes of it: each names all labels of a metric.
    private static let errorLimit = 100
    private static let textLimit = 64 << 10
    /// Names of families that contradict others.
    private(set) var conflicting: [String] = []

    /// The message of all errors together; `nil` where there are none.
    var message: String? {
        switch errorCount {
        case 0: nil
        case 1: errors[0]
        default:
            "\(errorCount) error(s) occurred:" + errors.map { "\n* " + $0 }.joined()
                + (errorCount > errors.count ? "\n* and \(errorCount - errors.count) more" : "")
        }
    }

    /// Whether more of what is wrong is only counted.
    private var isFull: Bool { errors.count >= Self.errorLimit || errorSize >= Self.textLimit }

    /// Notes one thing more that is wrong.
    private mutating func note(_ error: String) {
        errorCount += 1
        if isFull { return }
        errorSize += error.utf8.count
        errors.append(error)
    }

    /// The families that are looked at.
    private(set) var checked: Set<ExactText> = []

    /// Looks at the families at the given indices of `incoming`; the others are known to bring nothing new.
    mutating func run(_ indices: [Int]) {
        checked = Set(indices.map { ExactText(incoming[$0].name) })
        for index in indices {
            let before = errorCount
            check(incoming[index])
            if errorCount > before, conflicting.count < Self.errorLimit { conflicting.append(incoming[index].name) }
        }
    }

    /// The times of a push to a new group contradict those of its twin.
    mutating func checkTimes(now: Int64) {
        guard twin != nil else { return }
        var labels: [Label] = []
        SanitizedFamily.sanitize([], key: key, into: &labels)
        for (name, time) in [(Group.pushFailureName, 0), (Group.pushTimeName, Double(now) / 1e9)] {
            let metric = MetricFamily.Metric(labels: labels, value: .gauge(time))
            note(Self.repetition(name, ProtoText.describe(metric, labels: labels)))
        }
    }

    private static func repetition(_ name: String, _ metric: String) -> String {
        "collected metric \(GoText.quoted(name)) { \(metric)} was collected before with the same name and label values"
    }

    private mutating func check(_ family: SanitizedFamily) {
        let name = family.name
        let existing = group?.family(named: name)
        let entry = entries[ExactText(name)]
        let otherType = entry?.type(excluding: existing?.type)
        let shownType = otherType ?? family.type
        if let own = own[name] {
            if !own.replacesHelp, own.help != family.help ?? "" {
                note(
                    "gathered metric family \(name) has help \(GoText.quoted(family.help ?? "")) but should have "
                        + GoText.quoted(own.help)
                )
                return
            }
            if own.type != shownType {
                note(
                    "gathered metric family \(name) has type \(shownType.protoName) but should have \(own.type.protoName)"
                )
                return
            }
        } else if otherType == nil, let collision = suffixCollision(name, family.type) {
            note(collision)
            return
        }
        checkMetrics(family, shownType: shownType, existing: existing, entry: entry)
    }

    private mutating func checkMetrics(
        _ family: SanitizedFamily,
        shownType: MetricType,
        existing: PushedFamily?,
        entry: FamilyEntry?
    ) {
        let mine = Set(existing?.series.map(\.fingerprint) ?? [])
        var seen: Set<UInt64> = []
        for index in family.series.indices {
            if shownType != family.type || family.isSuspicious, let error = intrinsicError(family, index, shownType) {
                note(error)
                continue
            }
            let fingerprint = family.series[index].fingerprint
            let elsewhere = (entry?.occurrences(fingerprint) ?? 0) - (mine.contains(fingerprint) ? 1 : 0)
            if elsewhere > 0 || !seen.insert(fingerprint).inserted {
                note(isFull ? "" : Self.repetition(family.name, describe(family, index)))
            }
        }
    }

    private func describe(_ family: SanitizedFamily, _ index: Int) -> String {
        guard let metric = pushed[ExactText(family.name)]?.metrics[index] else { return "" }
        return ProtoText.describe(metric, labels: labels(of: metric))
    }

    private func labels(of metric: MetricFamily.Metric) -> [Label] {
        var labels: [Label] = []
        SanitizedFamily.sanitize(metric.labels, key: key, into: &labels)
        return labels
    }

    /// What is wrong with a metric by itself, given the type of its family.
    private func intrinsicError(_ family: SanitizedFamily, _ index: Int, _ type: MetricType) -> String? {
        guard let metric = pushed[ExactText(family.name)]?.metrics[index] else { return nil }
        let labels = labels(of: metric)
        let start = "collected metric \(GoText.quoted(family.name)) { \(ProtoText.describe(metric, labels: labels))}"
        if type != .gaugehistogram, metric.value.type != type { return "\(start) is not a \(type.protoName)" }
        var previous = ""
        for label in labels {
            if label.name == previous { return "\(start) has two or more labels with the same name: \(label.name)" }
            if label.name.isEmpty || label.name.utf8.starts(with: "__".utf8) {
                return "\(start) has a label with an invalid name: \(label.name)"
            }
            if metric.value.type == .summary, label.name == "quantile" {
                return "\(start) must not have an explicit \"quantile\" label"
            }
            previous = label.name
        }
        return nil
    }

    // MARK: - Suffixes

    /// The type that a family will have after the push; `nil` where there will be none of that name.
    private func typeAfterwards(_ name: String) -> MetricType? {
        if let own = own[name] { return own.type }
        let place = incoming.place(of: name) { $0.name }
        if place < incoming.count, incoming[place].name.hasSameBytes(as: name) { return incoming[place].type }
        guard let entry = entries[ExactText(name)] else { return nil }
        let goes = replaces && !Group.isTimestamp(name) ? group?.family(named: name)?.type : nil
        return entry.type(excluding: goes)
    }

    /// Whether the family's lines would be taken for those of a summary or histogram, or the other way round.
    private func suffixCollision(_ name: String, _ type: MetricType) -> String? {
        for suffix in ["_count", "_sum", "_bucket"] where name.utf8.count > suffix.utf8.count && name.hasSuffix(suffix)
        {
            let base = String(name.dropLast(suffix.count))
            switch typeAfterwards(base) {
            case .summary where suffix != "_bucket":
                return
                    "collected metric named \(GoText.quoted(name)) collides with previously collected summary named \(GoText.quoted(base))"
            case .histogram:
                return
                    "collected metric named \(GoText.quoted(name)) collides with previously collected histogram named \(GoText.quoted(base))"
            default: break
            }
        }
        guard type == .summary || type == .histogram else { return nil }
        for suffix in ["_count", "_sum"] where typeAfterwards(name + suffix) != nil && !isReportedItself(name + suffix)
        {
            return
                "collected histogram or summary named \(GoText.quoted(name)) collides with previously collected metric named "
                + GoText.quoted(name + suffix)
        }
        if type == .histogram, typeAfterwards(name + "_bucket") != nil, !isReportedItself(name + "_bucket") {
            return "collected histogram named \(GoText.quoted(name)) collides with previously collected metric named "
                + GoText.quoted(name + "_bucket")
        }
        return nil
    }

    /// Of two new families of the same push only the longer name is reported.
    private func isReportedItself(_ name: String) -> Bool {
        checked.contains(ExactText(name)) && entries[ExactText(name)] == nil
    }
}

extension MetricFamily.Value {
    /// The type of family that such a value belongs to.
    var type: MetricType {
        switch self {
        case .counter: .counter
        case .gauge: .gauge
        case .untyped: .unknown
        case .summary: .summary
        case .histogram: .histogram
        }
    }
}
