import MetricModel

/// What a recording rule makes of an answer.
enum RecordingRule {
    /// The labels that were found last, and those that were made of them: most evaluations find what the one before found.
    struct Memory: Sendable {
        var found: [Labels] = []
        var written: [Labels] = []
        /// Whether the last evaluation found exactly that again.
        var isSame = false
    }

    /// The samples of the new series.
    static func samples(
        _ definition: RuleDefinition,
        _ elements: [RuleElement],
        at timestamp: Timestamp,
        limit: Int,
        _ memory: inout Memory
    ) throws(RuleFailure) -> [RuleSample] {
        memory.isSame =
            elements.count == memory.found.count && zip(elements, memory.found).allSatisfy { $0.labels == $1 }
        if !memory.isSame { memory = try remembered(definition, elements, memory) }
        var samples: [RuleSample] = []
        samples.reserveCapacity(elements.count)
        for (element, labels) in zip(elements, memory.written) {
            samples.append(
                RuleSample(
                    labels: labels,
                    timestamp: timestamp,
                    value: element.value,
                    histogram: element.histogram
                )
            )
        }
        if limit > 0, samples.count > limit { throw exceeded(limit, samples.count) }
        return samples
    }

    private static func remembered(
        _ definition: RuleDefinition,
        _ elements: [RuleElement],
        _ old: Memory
    ) throws(RuleFailure) -> Memory {
        var new = Memory()
        new.found.reserveCapacity(elements.count)
        new.written.reserveCapacity(elements.count)
        var seen: Set<Labels> = []
        seen.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            let isKnown = index < old.found.count && old.found[index] == element.labels
            let labels = isKnown ? old.written[index] : labels(definition, element.labels)
            guard seen.insert(labels).inserted else { throw duplicate }
            new.found.append(element.labels)
            new.written.append(labels)
        }
        return new
    }

    /// The labels of the new series.
    static func labels(_ definition: RuleDefinition, _ found: Labels) -> Labels {
        var builder = LabelsBuilder(found)
        builder.set(Labels.metricName, definition.name)
        for label in definition.labels { builder.set(label.name, label.value) }
        return builder.build()
    }

    static var duplicate: RuleFailure {
        RuleFailure(.duplicateLabels, "vector contains metrics with the same labelset after applying rule labels")
    }

    static func exceeded(_ limit: Int, _ count: Int) -> RuleFailure {
        RuleFailure(.limit, "exceeded limit of \(limit) with \(count) series")
    }
}
