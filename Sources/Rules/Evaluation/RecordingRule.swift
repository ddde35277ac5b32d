import MetricModel

/// What a recording rule makes of an answer.
enum RecordingRule {
    /// The samples of the new series.
    static func samples(
        _ definition: RuleDefinition,
        _ elements: [RuleElement],
        at timestamp: Timestamp,
        limit: Int
    ) throws(RuleFailure) -> [RuleSample] {
        var seen: Set<Labels> = []
        seen.reserveCapacity(elements.count)
        var samples: [RuleSample] = []
        samples.reserveCapacity(elements.count)
        for element in elements {
            var builder = LabelsBuilder(element.labels)
            builder.set(Labels.metricName, definition.name)
            for label in definition.labels { builder.set(label.name, label.value) }
            let labels = builder.build()
            guard seen.insert(labels).inserted else {
                throw RuleFailure(
                    .duplicateLabels,
                    "vector contains metrics with the same labelset after applying rule labels"
                )
            }
            samples.append(
                RuleSample(
                    labels: labels,
                    timestamp: timestamp,
                    value: element.value,
                    histogram: element.histogram
                )
            )
        }
        if limit > 0, samples.count > limit {
            throw RuleFailure(.limit, "exceeded limit of \(limit) with \(samples.count) series")
        }
        return samples
    }
}
