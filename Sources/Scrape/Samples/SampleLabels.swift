import Exposition
import MetricModel

/// How the labels of an exposed series become those of a stored one.
struct SampleLabels: Sendable {
    /// The labels of the target.
    let target: Labels
    /// Whether the exposition's labels win.
    let honorLabels: Bool
    /// Rules for samples.
    let rules: [RelabelRule]
    let validation: NameValidation
    let limits: ScrapeLimits

    /// What became of a series.
    enum Outcome {
        case labels(Labels)
        case dropped
        /// The scrape has to fail.
        case invalid(String)
        /// The scrape has to fail because of a limit on labels.
        case overLimit(String)
    }

    /// Adds the target's labels, relabels and checks.
    /// - Parameter emptied: labels that were exposed with an empty value, which keeps the target's away where labels are honoured.
    func apply(to exposed: Labels, emptied: [String] = []) -> Outcome {
        var labels = LabelsBuilder(exposed)
        if honorLabels {
            for label in target where exposed[label.name] == nil && !emptied.contains(label.name) {
                labels.set(label.name, label.value)
            }
        } else {
            var conflicts: [Label] = []
            for label in target {
                if let value = exposed[label.name] { conflicts.append(Label(name: label.name, value: value)) }
                labels.set(label.name, label.value)
            }
            if !conflicts.isEmpty { Self.resolve(conflicts, in: &labels) }
        }
        let isKept = Relabeller.apply(rules, to: &labels)
        // A pattern that was given up matches nothing.
        if !rules.isEmpty, TaskLimit.isOver { return .invalid("context deadline exceeded") }
        if !isKept { return .dropped }
        let result = labels.build()
        if result.isEmpty { return .dropped }
        guard let name = result[Labels.metricName] else { return .invalid("missing metric name (__name__ label)") }
        if !isValid(result, name: name) || !Self.hasReadableNames(exposed) {
            return .invalid("invalid metric name or label names: \(result.description)")
        }
        if let excess = excess(of: result, name: name) { return .overLimit(excess) }
        if let repeated = result.repeatedName {
            return .invalid("label name \"\(repeated)\" is not unique: invalid sample")
        }
        return .labels(result)
    }

    /// The labels of a series that the scraper itself writes.
    func report(_ name: String) -> Labels {
        var labels = LabelsBuilder()
        for label in target {
            if label.name == Labels.metricName { labels.set("exported_" + label.name, name) }
            labels.set(label.name, label.value)
        }
        if labels[Labels.metricName] == nil { labels.set(Labels.metricName, name) }
        return labels.build()
    }

    private static func resolve(_ conflicts: [Label], in labels: inout LabelsBuilder) {
        let shortestFirst = conflicts.enumerated().sorted {
            ($0.element.name.utf8.count, $0.offset) < ($1.element.name.utf8.count, $1.offset)
        }
        for (_, label) in shortestFirst {
            var name = "exported_" + label.name
            while labels[name] != nil { name = "exported_" + name }
            labels.set(name, label.value)
        }
    }

    private func isValid(_ labels: Labels, name: String) -> Bool {
        if validation == .utf8 { return !Self.hasEmptyName(labels) }
        if !Label.isLegacyMetricName(name) { return false }
        return labels.allSatisfy { validation.allowsLabelName($0.name) }
    }

    /// Whether a label has a name without a letter, as `{""="value"}` gives it one.
    private static func hasEmptyName(_ labels: Labels) -> Bool {
        var isFound = false
        labels.forEachRange { name, _ in if name.isEmpty { isFound = true } }
        return isFound
    }

    /// Whether the names of the metric and of the labels are UTF-8.
    private static func hasReadableNames(_ labels: Labels) -> Bool {
        labels.encoded.withUnsafeBufferPointer { bytes in
            if !bytes.contains(where: { $0 >= 0x80 }) { return true }
            var isReadable = true
            labels.forEachRange { name, value in
                let isMetric = bytes[name].elementsEqual(Labels.metricName.utf8)
                for range in isMetric ? [value] : [name] where !ByteText.isValidUTF8(Array(bytes[range])) {
                    isReadable = false
                }
            }
            return isReadable
        }
    }

    private func excess(of labels: Labels, name: String) -> String? {
        if limits.labels == 0, limits.labelNameLength == 0, limits.labelValueLength == 0 { return nil }
        let metric = Self.cut(name)
        if limits.labels > 0 {
            let count = labels.count
            if count > limits.labels {
                return "label_limit exceeded (metric: \(metric), number of labels: \(count), limit: \(limits.labels))"
            }
        }
        for label in labels {
            let nameLength = label.name.utf8.count
            if limits.labelNameLength > 0, nameLength > limits.labelNameLength {
                return "label_name_length_limit exceeded (metric: \(metric), label name: \(Self.cut(label.name)), "
                    + "length: \(nameLength), limit: \(limits.labelNameLength))"
            }
            let valueLength = label.value.utf8.count
            if limits.labelValueLength > 0, valueLength > limits.labelValueLength {
                return "label_value_length_limit exceeded (metric: \(metric), label name: \(Self.cut(label.name)), "
                    + "value: \(GoText.quoted(Self.cut(label.value))), length: \(valueLength), "
                    + "limit: \(limits.labelValueLength))"
            }
        }
        return nil
    }

    /// The first 50 characters, as Go's `%.50s`.
    private static func cut(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(50)))
    }

    /// The labels that a series' text names with an empty value: `instance` in `up{instance=""}`.
    static func emptied(in series: UnsafeRawBufferPointer) -> [String] {
        let quote = UInt8(ascii: "\"")
        var result: [String] = []
        var index = 1
        while index + 1 < series.count {
            // A quote inside a value is escaped, so this can only be an empty value.
            guard series[index] == quote, series[index + 1] == quote, series[index - 1] == UInt8(ascii: "=") else {
                index += 1
                continue
            }
            var end = index - 1
            let isQuoted = end > 0 && series[end - 1] == quote
            if isQuoted { end -= 1 }
            var start = end
            while start > 0 {
                let byte = series[start - 1]
                if isQuoted ? byte == quote : byte == UInt8(ascii: "{") || byte == UInt8(ascii: ",") || byte <= 0x20 {
                    break
                }
                start -= 1
            }
            result.append(String(decoding: UnsafeRawBufferPointer(rebasing: series[start..<end]), as: UTF8.self))
            index += 2
        }
        return result
    }
}
