import MetricModel

/// Groups in JSON.
struct GroupJSON {
    /// What was written so far.
    private(set) var json: [UInt8] = []
    /// The last moment that was written, for families of a group are mostly pushed at once.
    private var moment: Int64 = .min
    private var momentText: [UInt8] = []

    /// Appends plain characters.
    mutating func raw(_ text: String) { GoJSON.raw(text, to: &json) }

    /// Forgets what was written.
    mutating func clear() { json.removeAll(keepingCapacity: true) }

    /// Appends a group as `/api/v1/metrics` shows it.
    mutating func append(_ group: Group) {
        // The families stand beside the two other fields, all sorted by name.
        json.append(UInt8(ascii: "{"))
        var hasLabels = false
        var hasResult = false
        var isFirst = true
        for family in group.families {
            let name = family.entry.name
            if !hasLabels, !ByteOrder.precedes(name, "labels") {
                hasLabels = true
                // A family of such a name takes the field's place.
                if name != "labels" { appendLabels(of: group, &isFirst) }
            }
            if !hasResult, !ByteOrder.precedes(name, "last_push_successful") {
                hasResult = true
                if name != "last_push_successful" { appendResult(of: group, &isFirst) }
            }
            comma(&isFirst)
            GoJSON.append(name, to: &json)
            json.append(UInt8(ascii: ":"))
            append(family)
        }
        if !hasLabels { appendLabels(of: group, &isFirst) }
        if !hasResult { appendResult(of: group, &isFirst) }
        json.append(UInt8(ascii: "}"))
    }

    private mutating func comma(_ isFirst: inout Bool) {
        if !isFirst { json.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func appendLabels(of group: Group, _ isFirst: inout Bool) {
        comma(&isFirst)
        raw("\"labels\":")
        GoJSON.append(group.key.labels.map { ($0.name, $0.value) }, to: &json)
    }

    private mutating func appendResult(of group: Group, _ isFirst: inout Bool) {
        comma(&isFirst)
        raw(group.lastPushSucceeded ? "\"last_push_successful\":true" : "\"last_push_successful\":false")
    }

    private mutating func append(_ family: PushedFamily) {
        if family.pushedAt != moment {
            moment = family.pushedAt
            momentText.removeAll(keepingCapacity: true)
            CivilTime.appendRFC3339(nanoseconds: moment, to: &momentText)
        }
        raw("{\"time_stamp\":\"")
        json.append(contentsOf: momentText)
        raw("\",\"type\":\"")
        raw(family.type.protoName)
        json.append(0x22)
        if let help = family.help, !help.isEmpty {
            raw(",\"help\":")
            GoJSON.append(help, to: &json)
        }
        raw(",\"metrics\":[")
        let start = json.count
        if !SeriesJSON.append(family, to: &json) {
            json.removeSubrange(start...)
            for (index, metric) in (family.decoded()?.metrics ?? []).enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                Self.append(metric, type: family.type, to: &json)
            }
        }
        raw("]}")
    }

    private static func append(_ metric: MetricFamily.Metric, type: MetricType, to json: inout [UInt8]) {
        let labels = metric.labels.map { ($0.name, $0.value) }
        switch metric.value {
        case .summary(let summary) where type == .summary:
            GoJSON.raw("{\"count\":\"\(summary.count)\",\"labels\":", to: &json)
            GoJSON.append(labels, to: &json)
            GoJSON.raw(",\"quantiles\":", to: &json)
            GoJSON.append(summary.quantiles.map { (text($0.quantile), text($0.value)) }, to: &json)
            GoJSON.raw(",\"sum\":\"\(text(summary.sum))\"}", to: &json)
        case .histogram(let histogram) where type == .histogram:
            GoJSON.raw("{\"buckets\":", to: &json)
            if let native = histogram.native, !native.positiveSpans.isEmpty || !native.negativeSpans.isEmpty {
                NativeBuckets.append(native, to: &json)
            } else {
                GoJSON.append(
                    histogram.buckets.map { (text($0.upperBound), classicText($0.cumulativeCount)) },
                    to: &json
                )
            }
            let count = histogram.native == nil ? classicText(histogram.count) : countText(histogram.count)
            GoJSON.raw(",\"count\":\"\(count)\",\"labels\":", to: &json)
            GoJSON.append(labels, to: &json)
            GoJSON.raw(",\"sum\":\"\(text(histogram.sum))\"}", to: &json)
        default:
            GoJSON.raw("{\"labels\":", to: &json)
            GoJSON.append(labels, to: &json)
            GoJSON.raw(",\"value\":\"\(text(plainValue(metric.value)))\"}", to: &json)
        }
    }

    private static func plainValue(_ value: MetricFamily.Value) -> Double {
        switch value {
        case .counter(let number, _, _), .gauge(let number), .untyped(let number): number
        case .summary, .histogram: 0
        }
    }

    static func text(_ number: Double) -> String { GoNumber.text(number, .shortest) }

    /// A count of a classic histogram: where it is not above zero, the original tells the whole number that is beside, and 0.
    private static func classicText(_ count: Double) -> String { count > 0 ? countText(count) : "0" }

    /// A count: without an exponent where it is whole.
    static func countText(_ count: Double) -> String {
        UInt64(exactly: count).map { String($0) } ?? text(count)
    }
}

/// The buckets of a native histogram with their bounds.
enum NativeBuckets {
    /// Appends `[[boundaries,"lower","upper","count"],…]`; buckets without observations are left out.
    static func append(_ histogram: NativeHistogram, to json: inout [UInt8]) {
        var rows: [String] = []
        func row(_ boundaries: Int, _ lower: Double, _ upper: Double, _ count: Double) {
            let shown = histogram.isInteger ? GroupJSON.countText(count) : GroupJSON.text(count)
            rows.append("[\(boundaries),\"\(GroupJSON.text(lower))\",\"\(GroupJSON.text(upper))\",\"\(shown)\"]")
        }
        let negative = buckets(histogram.negativeSpans, histogram.negativeBuckets)
        for bucket in negative.reversed() where bucket.count != 0 {
            row(1, -bound(bucket.index, histogram), -bound(bucket.index - 1, histogram), bucket.count)
        }
        if histogram.zeroCount != 0 { row(3, -histogram.zeroThreshold, histogram.zeroThreshold, histogram.zeroCount) }
        for bucket in buckets(histogram.positiveSpans, histogram.positiveBuckets) where bucket.count != 0 {
            row(0, bound(bucket.index - 1, histogram), bound(bucket.index, histogram), bucket.count)
        }
        GoJSON.raw("[" + rows.joined(separator: ",") + "]", to: &json)
    }

    private static func buckets(_ spans: [NativeHistogram.Span], _ counts: [Double]) -> [(index: Int, count: Double)] {
        var result: [(index: Int, count: Double)] = []
        var index = 0
        for span in spans {
            index += Int(span.offset)
            for _ in 0..<span.length {
                guard result.count < counts.count else { return result }
                result.append((index, counts[result.count]))
                index += 1
            }
        }
        return result
    }

    /// The upper bound of a positive bucket.
    private static func bound(_ index: Int, _ histogram: NativeHistogram) -> Double {
        if histogram.schema == NativeHistogram.customBoundsSchema {
            if index < 0 { return -.infinity }
            return index < histogram.customValues.count ? histogram.customValues[index] : .infinity
        }
        if histogram.schema <= 0 {
            return Double(sign: .plus, exponent: index << -Int(histogram.schema), significand: 1)
        }
        // A schema may be anything here; finer than a double can tell makes no difference.
        let perOctave = 1 << min(Int(histogram.schema), 52)
        let octave = index >= 0 ? index / perOctave : (index - perOctave + 1) / perOctave
        let fraction = Double(index - octave * perOctave) / Double(perOctave)
        return Double(sign: .plus, exponent: octave, significand: exponential(fraction))
    }

    /// 2 to the power of a dyadic fraction, by square roots, which are exactly rounded.
    private static func exponential(_ fraction: Double) -> Double {
        var result = 1.0
        var root = 2.0
        var rest = fraction
        while rest > 0 {
            root = root.squareRoot()
            rest *= 2
            if rest >= 1 {
                result *= root
                rest -= 1
            }
        }
        return result
    }
}
