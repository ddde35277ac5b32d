import MetricModel

/// What is known about the metric family whose lines are being read.
struct OpenMetricsFamilyCheck {
    private(set) var name: [UInt8]
    let line: Int
    private(set) var type: MetricType?
    private(set) var unit: [UInt8]?
    private(set) var unitLine = 0
    private(set) var help: String?
    private(set) var metrics: [StyleRules.Metric] = []
    var hasSamples = false

    /// The label set at hand, and those that were closed.
    private var group: [UInt8]?
    private var closedGroups: Set<[UInt8]> = []
    private var groupTimestamp: Double?
    private var seriesOfTimestamp: Set<[UInt8]> = []
    private var histogram = OpenMetricsHistogramCheck()

    init(name: [UInt8], line: Int) {
        self.name = name
        self.line = line
    }

    /// The names that samples of the family may have, and those that it keeps others from having.
    func suffixes(of type: MetricType?) -> [StaticString] {
        switch type ?? .unknown {
        case .counter: ["_total", "_created"]
        case .summary: ["", "_count", "_sum", "_created"]
        case .histogram: ["_bucket", "_count", "_sum", "_created"]
        case .gaugehistogram: ["_bucket", "_gcount", "_gsum"]
        case .info: ["_info"]
        case .gauge, .stateset, .unknown: [""]
        }
    }

    func owns(_ sample: [UInt8]) -> Bool {
        guard sample.starts(with: name) else { return false }
        let suffix = sample[name.count...]
        return suffixes(of: type).contains { $0.withUTF8Buffer { suffix.elementsEqual($0) } }
    }

    /// Takes a sample that is called as its family is, although samples of that type have a suffix which the family's name has
    /// too; what is wrong with that, or `nil` where it is another case.
    mutating func adopt(_ sample: [UInt8]) -> String? {
        let suffix: String
        switch type {
        case .counter: suffix = "_total"
        case .info: suffix = "_info"
        case .gauge, .histogram, .gaugehistogram, .summary, .stateset, .unknown, .none: return nil
        }
        guard !hasSamples, sample == name, name.count > suffix.utf8.count,
            name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return nil }
        name.removeLast(suffix.utf8.count)
        return "\(suffix) has to go from the family's name in TYPE: write # TYPE \(shownName) \(type?.rawValue ?? "")"
    }

    var shownName: String { String(decoding: name, as: UTF8.self) }

    // MARK: Metadata

    mutating func setType(_ text: [UInt8]) -> LineProblem? {
        if type != nil { return LineProblem(.metadataRepeated, 2, "more than one TYPE") }
        guard let known = MetricType(rawValue: String(decoding: text, as: UTF8.self)) else {
            type = .unknown
            return LineProblem(.typeUnknown, 8 + name.count, "unknown type \(ByteText.quoted(text))")
        }
        type = known
        return nil
    }

    mutating func setUnit(_ text: [UInt8], line: Int) -> LineProblem? {
        if unit != nil { return LineProblem(.metadataRepeated, 2, "more than one UNIT") }
        unit = text
        unitLine = line
        let isSuffix =
            name.count > text.count && name.suffix(text.count).elementsEqual(text)
            && name[name.count - text.count - 1] == UInt8(ascii: "_")
        if !text.isEmpty, !isSuffix {
            return LineProblem(
                .unitSuffix,
                8 + name.count,
                "the name does not end with _\(String(decoding: text, as: UTF8.self))"
            )
        }
        return nil
    }

    mutating func setHelp(_ text: [UInt8]) -> LineProblem? {
        if help != nil { return LineProblem(.metadataRepeated, 2, "more than one HELP") }
        help = String(decoding: text, as: UTF8.self)
        return nil
    }

    // MARK: Samples

    /// Checks a sample that belongs to the family.
    mutating func add(_ sample: OpenMetricsSampleLine, line: Int, report: (LineProblem) -> Void) {
        hasSamples = true
        let suffix = String(decoding: sample.name[name.count...], as: UTF8.self)
        let magic = checkLabels(sample, suffix, report)
        checkValue(sample, suffix, report)
        checkExemplar(sample, suffix, report)
        let key = OpenMetricsFamilyCheck.key(sample.labels.filter { $0.name != magic })
        checkGroup(sample, key, report)
        metrics.append(
            StyleRules.Metric(
                labels: sample.labels.filter { $0.name != magic }.map { String(decoding: $0.name, as: UTF8.self) },
                line: line
            )
        )
        if type == .histogram || type == .gaugehistogram {
            let group = type == .info ? [] : key
            histogram.add(sample, suffix, group: group, isGauge: type == .gaugehistogram, line: line, report: report)
        }
    }

    /// Checks that the family's own label is there and answers its name.
    private func checkLabels(
        _ sample: OpenMetricsSampleLine,
        _ suffix: String,
        _ report: (LineProblem) -> Void
    ) -> [UInt8]? {
        switch type ?? .unknown {
        case .stateset:
            if !sample.labels.contains(where: { $0.name == name }) {
                report(LineProblem(.statesetLabel, 0, "label \(ByteText.quoted(name)) is missing"))
            }
            return name
        case .summary where suffix.isEmpty:
            let quantile = sample.label("quantile").flatMap { try? GoFloat.parse($0) }
            if quantile.map({ !($0 >= 0 && $0 <= 1) }) ?? true {
                report(LineProblem(.quantileLabel, 0, "the quantile label is missing or not between 0 and 1"))
            }
            return Array("quantile".utf8)
        case .histogram where suffix == "_bucket", .gaugehistogram where suffix == "_bucket":
            let text = sample.label("le")
            let bound = text.flatMap { try? GoFloat.parse($0) }
            if bound.map({ $0.isNaN || ($0 == .infinity && text != Array("+Inf".utf8)) }) ?? true {
                report(LineProblem(.bucketLabel, 0, "the le label is missing or not a proper number"))
            }
            return Array("le".utf8)
        default: return nil
        }
    }

    private func checkValue(_ sample: OpenMetricsSampleLine, _ suffix: String, _ report: (LineProblem) -> Void) {
        let value = sample.value
        let offset = sample.valueOffset
        if type == .stateset, value != 0, value != 1 {
            report(LineProblem(.statesetValue, offset, "a state is neither 0 nor 1"))
        }
        if type == .info, value != 1 { report(LineProblem(.infoValue, offset, "an info is not 1")) }
        if type == .summary, suffix.isEmpty, value < 0 {
            report(LineProblem(.quantileValue, offset, "a quantile is negative"))
        }
        let isCount = ["_total", "_sum", "_count", "_bucket", "_gcount"].contains(suffix)
        if (isCount || suffix == "_gsum") && value.isNaN {
            report(LineProblem(.counterValue, offset, "\(suffix) is NaN"))
        } else if isCount, value < 0 {
            report(LineProblem(.counterValue, offset, "\(suffix) is negative"))
        } else if ["_count", "_bucket", "_gcount"].contains(suffix), value.rounded() != value {
            report(LineProblem(.countInteger, offset, "\(suffix) is not a whole number"))
        }
    }

    private func checkExemplar(_ sample: OpenMetricsSampleLine, _ suffix: String, _ report: (LineProblem) -> Void) {
        guard let exemplar = sample.exemplar else { return }
        let isAllowed =
            (type == .counter && suffix == "_total")
            || ((type == .histogram || type == .gaugehistogram) && suffix == "_bucket")
        if !isAllowed { report(LineProblem(.exemplarPlace, exemplar.offset, "an exemplar is not allowed here")) }
        let length = exemplar.labels.reduce(0) { total, label in
            total + String(decoding: label.name, as: UTF8.self).unicodeScalars.count
                + String(decoding: label.value, as: UTF8.self).unicodeScalars.count
        }
        if length > 128 {
            report(LineProblem(.exemplarLength, exemplar.offset, "the exemplar's labels have \(length) characters"))
        }
    }

    private mutating func checkGroup(_ sample: OpenMetricsSampleLine, _ key: [UInt8], _ report: (LineProblem) -> Void) {
        // Infos cannot be told apart, so they are one group in which time may go anywhere.
        let key = type == .info ? [] : key
        if let group, group == key {
            if (sample.timestamp == nil) != (groupTimestamp == nil) {
                report(LineProblem(.timestampMixed, 0, "timestamps on some samples of the label set only"))
            } else if let time = sample.timestamp, let last = groupTimestamp, last > time, type != .info {
                report(
                    LineProblem(.timestampOrder, sample.timestampOffset, "the timestamp is older than the one before")
                )
            }
            if sample.timestamp != groupTimestamp { seriesOfTimestamp = [] }
        } else {
            if let group { closedGroups.insert(group) }
            if closedGroups.contains(key) {
                report(LineProblem(.grouping, 0, "the label set was interrupted by another one"))
            }
            group = key
            seriesOfTimestamp = []
        }
        groupTimestamp = sample.timestamp
        let series = OpenMetricsFamilyCheck.key(sample.labels) + [0xff] + sample.name
        if !seriesOfTimestamp.insert(series).inserted, sample.timestamp == nil {
            report(LineProblem(.sampleRepeated, 0, "the sample was exposed before"))
        }
    }

    /// The labels in an order that does not depend on how they were written.
    static func key(_ labels: [OpenMetricsSampleLine.LabelPair]) -> [UInt8] {
        let sorted = labels.sorted { $0.name.lexicographicallyPrecedes($1.name) }
        return sorted.reduce(into: []) { key, label in
            key += label.name
            key.append(0xff)
            key += label.value
            key.append(0xff)
        }
    }

    /// What can be said only once the family is complete.
    mutating func close(report: (Int, LineProblem) -> Void) {
        if let unit, !unit.isEmpty, type == .info || type == .stateset {
            report(unitLine, LineProblem(.unitForbidden, 0, "a unit is not allowed for this type"))
        }
        histogram.close(report: report)
    }
}
