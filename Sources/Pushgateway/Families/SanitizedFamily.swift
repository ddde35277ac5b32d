import MetricModel

/// A family as it was pushed, made ready for its group: every metric has the group's labels and an `instance`, labels are sorted,
/// the lines of the text format are written. Made without any lock, so that taking it into the group is little work.
struct SanitizedFamily: Sendable {
    /// One metric of the family.
    struct Series: Sendable, Hashable {
        /// Hash of the labels, the same for the same labels during the life of the process.
        var fingerprint: UInt64
        /// Where its lines end in the text; they begin where the previous metric's end.
        var textEnd: UInt32
    }

    /// The family's name.
    var name: String
    /// Its help; `nil` where none was given.
    var help: String?
    /// Its type.
    var type: MetricType
    /// The lines of all metrics, without HELP and TYPE.
    var text: [UInt8] = []
    /// The metrics, in the order of the push.
    var series: [Series] = []
    /// The label parts of the lines, `a="b",instance="",job="c"`, each followed by a line feed.
    var labelBlocks: [UInt8] = []
    /// The family in protobuf where the text does not hold all of it.
    var protobuf: [UInt8]?
    /// Whether some metric contradicts the rules by itself, and the check has to look at the details.
    var isSuspicious = false
    /// The value of the first metric, if it is a gauge: what decides whether the last push failed.
    var firstGauge: Double = 0

    /// Whether each metric is one line, and the lines tell everything.
    var isPlain: Bool {
        switch type {
        case .counter, .gauge, .unknown: protobuf == nil && !isSuspicious
        case .histogram, .gaugehistogram, .summary, .info, .stateset: false
        }
    }

    /// Makes a family ready for the group of that key, or for no group: then labels are only sorted.
    init(_ family: MetricFamily, key: GroupingKey?) {
        name = family.name
        help = family.help
        type = family.type
        let isLegacy = Label.isLegacyMetricName(name)
        var isFaithful = isLegacy && family.unit.isEmpty && !family.metrics.isEmpty && type != .gaugehistogram
        series.reserveCapacity(family.metrics.count)
        text.reserveCapacity(family.metrics.count * (name.utf8.count + 80))
        var labels: [Label] = []
        for metric in family.metrics {
            Self.sanitize(metric.labels, key: key, into: &labels)
            let blockStart = labelBlocks.count
            if !appendBlock(labels) { isFaithful = false }
            let fingerprint = labelBlocks.withUnsafeBytes {
                Fingerprint.hash(UnsafeRawBufferPointer(rebasing: $0[blockStart...]))
            }
            if !appendLines(metric.value, block: blockStart..<labelBlocks.count, isLegacy: isLegacy) {
                isFaithful = false
            }
            labelBlocks.append(0x0a)
            series.append(Series(fingerprint: fingerprint, textEnd: UInt32(text.count)))
        }
        if case .gauge(let value) = family.metrics.first?.value { firstGauge = value }
        if !isFaithful {
            var sanitized = family
            for index in sanitized.metrics.indices {
                Self.sanitize(family.metrics[index].labels, key: key, into: &sanitized.metrics[index].labels)
            }
            protobuf = FamilyCodec.encode(sanitized)
        }
    }

    /// The labels of a metric in a group: the group's labels win, `instance` is there, sorted by name.
    static func sanitize(_ own: [Label], key: GroupingKey?, into labels: inout [Label]) {
        labels.removeAll(keepingCapacity: true)
        labels.append(contentsOf: own)
        if let key { addLabels(of: key, own: own, to: &labels) }
        if labels.count > 64 {
            // Stable, as below: of a repeated name the order counts.
            let order = labels.indices.sorted { left, right in
                let order = ByteOrder.compare(labels[left].name, labels[right].name)
                return order == 0 ? left < right : order < 0
            }
            labels = order.map { [labels] in labels[$0] }
            return
        }
        // They are nearly sorted, and few.
        var index = 1
        while index < labels.count {
            var position = index
            while position > 0, ByteOrder.precedes(labels[position].name, labels[position - 1].name) {
                labels.swapAt(position, position - 1)
                position -= 1
            }
            index += 1
        }
    }

    private static func addLabels(of key: GroupingKey, own: [Label], to labels: inout [Label]) {
        var hasInstance = false
        // The places of its own, where there are many.
        var places: [ExactText: Int] = [:]
        let isLong = own.count > 64
        if isLong { for index in own.indices.reversed() { places[ExactText(own[index].name)] = index } }
        for label in key.labels {
            // Only the first of a repeated name is overwritten; the check refuses the repetition.
            let place =
                isLong ? places[ExactText(label.name)] : own.firstIndex { $0.name.hasSameBytes(as: label.name) }
            if let place { labels[place].value = label.value } else { labels.append(label) }
        }
        for label in labels where label.name == "instance" { hasInstance = true }
        if !hasInstance { labels.append(Label(name: "instance", value: "")) }
    }

    /// Appends `a="b",c="d"`; returns whether all names are of the old form.
    private mutating func appendBlock(_ labels: [Label]) -> Bool {
        var allLegacy = true
        for (index, label) in labels.enumerated() {
            if index > 0 {
                labelBlocks.append(UInt8(ascii: ","))
                if label.name.hasSameBytes(as: labels[index - 1].name) { isSuspicious = true }
            }
            let isLegacy = Label.isLegacyMetricName(label.name)
            if !Label.isLegacyName(label.name) { allLegacy = false }
            if label.name.utf8.starts(with: "__".utf8) || label.name.isEmpty { isSuspicious = true }
            if type == .summary, label.name == "quantile" { isSuspicious = true }
            FamilyText.appendName(label.name, isLegacy: isLegacy, to: &labelBlocks)
            labelBlocks.append(UInt8(ascii: "="))
            labelBlocks.append(0x22)
            FamilyText.appendEscaped(label.value, to: &labelBlocks)
            labelBlocks.append(0x22)
        }
        return allLegacy
    }

    /// Appends the lines of a metric; returns whether they tell all of it.
    private mutating func appendLines(_ value: MetricFamily.Value, block: Range<Int>, isLegacy: Bool) -> Bool {
        switch value {
        case .counter(let number, let exemplar, let created):
            if type != .counter { isSuspicious = true }
            appendLine("", block, nil, number, isLegacy)
            return exemplar == nil && created == nil && type == .counter && !Self.isNegativeZero(number)
        case .gauge(let number):
            if type != .gauge { isSuspicious = true }
            appendLine("", block, nil, number, isLegacy)
            return type == .gauge && !Self.isNegativeZero(number)
        case .untyped(let number):
            if type != .unknown { isSuspicious = true }
            appendLine("", block, nil, number, isLegacy)
            return type == .unknown && !Self.isNegativeZero(number)
        case .summary(let summary):
            if type != .summary { isSuspicious = true }
            for quantile in summary.quantiles {
                appendLine("", block, ("quantile", quantile.quantile), quantile.value, isLegacy)
            }
            appendLine("_sum", block, nil, summary.sum, isLegacy)
            appendLine("_count", block, nil, Double(summary.count), isLegacy)
            return summary.created == nil && type == .summary && !Self.isNegativeZero(summary.sum)
                && UInt64(exactly: Double(summary.count)) == summary.count
                && !summary.quantiles.contains {
                    Self.isNegativeZero($0.quantile) || Self.isNegativeZero($0.value)
                }
        case .histogram(let histogram):
            if type != .histogram, type != .gaugehistogram { isSuspicious = true }
            return appendHistogram(histogram, block, isLegacy)
        }
    }

    /// The text format writes it as zero, the JSON of the API does not.
    private static func isNegativeZero(_ number: Double) -> Bool { number == 0 && number.sign == .minus }

    private mutating func appendHistogram(
        _ histogram: MetricFamily.Histogram,
        _ block: Range<Int>,
        _ isLegacy: Bool
    ) -> Bool {
        var hasInfinity = false
        var isFaithful = histogram.native == nil && histogram.exemplars.isEmpty && histogram.created == nil
        for bucket in histogram.buckets {
            appendLine("_bucket", block, ("le", bucket.upperBound), bucket.cumulativeCount, isLegacy)
            if bucket.upperBound == .infinity { hasInfinity = true }
            if bucket.exemplar != nil || bucket.cumulativeCount.rounded() != bucket.cumulativeCount
                || Self.isNegativeZero(bucket.upperBound)
            {
                isFaithful = false
            }
        }
        if !hasInfinity { appendLine("_bucket", block, ("le", .infinity), histogram.count, isLegacy) }
        appendLine("_sum", block, nil, histogram.sum, isLegacy)
        appendLine("_count", block, nil, histogram.count, isLegacy)
        return isFaithful && hasInfinity && type == .histogram && histogram.count.rounded() == histogram.count
            && !Self.isNegativeZero(histogram.sum)
    }

    private mutating func appendLine(
        _ suffix: String,
        _ block: Range<Int>,
        _ extra: (name: String, value: Double)?,
        _ value: Double,
        _ isLegacy: Bool
    ) {
        if isLegacy {
            FamilyText.append(name, to: &text)
            FamilyText.append(suffix, to: &text)
            if block.isEmpty, extra == nil {
                text.append(0x20)
                GoNumber.append(value == 0 ? 0 : value, .shortest, to: &text)
                text.append(0x0a)
                return
            }
            text.append(UInt8(ascii: "{"))
        } else {
            text.append(UInt8(ascii: "{"))
            FamilyText.appendName(name + suffix, isLegacy: false, to: &text)
            if !block.isEmpty { text.append(UInt8(ascii: ",")) }
        }
        labelBlocks.withUnsafeBufferPointer { text.append(contentsOf: UnsafeBufferPointer(rebasing: $0[block])) }
        if let extra {
            if !block.isEmpty || !isLegacy { text.append(UInt8(ascii: ",")) }
            FamilyText.append(extra.name, to: &text)
            FamilyText.append("=\"", to: &text)
            GoNumber.append(extra.value == 0 ? 0 : extra.value, .shortest, to: &text)
            text.append(0x22)
        }
        FamilyText.append("} ", to: &text)
        GoNumber.append(value == 0 ? 0 : value, .shortest, to: &text)
        text.append(0x0a)
    }
}

/// A 64-bit hash of bytes for comparing sets of labels, seeded anew in every process.
enum Fingerprint {
    private static let seed = UInt64.random(in: 1 ... .max)

    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: bytes.count)
        var index = 0
        while index + 8 <= bytes.count {
            hash = mix(hash ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), 0x9e37_79b9_7f4a_7c15)
            index += 8
        }
        var rest: UInt64 = 0
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        hash = mix(hash ^ rest, 0xd6e8_feb8_6659_fd93)
        return mix(hash, 0xa076_1d64_78bd_642f)
    }

    /// A hash of what came before and these bytes.
    static func combine(_ before: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        mix(before ^ hash(bytes), 0x9e37_79b9_7f4a_7c15) &+ 1
    }

    @inline(__always)
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
