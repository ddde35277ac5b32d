import MetricModel

/// Adds the counts of a push to what its group has.
enum CounterAggregation {
    /// The family that the group has afterwards: every metric of both; of those with the same labels, counters, histograms and
    /// summaries add up, of others the pushed one stays.
    static func add(_ pushed: MetricFamily, to existing: MetricFamily, key: GroupingKey) -> MetricFamily {
        guard pushed.type == existing.type else { return pushed }
        var result = existing
        result.help = pushed.help ?? existing.help
        var places: [[Label]: Int] = [:]
        for (index, metric) in existing.metrics.enumerated() { places[sorted(metric.labels, key)] = index }
        for metric in pushed.metrics {
            guard let place = places[sorted(metric.labels, key)] else {
                result.metrics.append(metric)
                continue
            }
            result.metrics[place].value = sum(existing.metrics[place].value, metric.value)
        }
        return result
    }

    private static func sorted(_ labels: [Label], _ key: GroupingKey) -> [Label] {
        var result: [Label] = []
        SanitizedFamily.sanitize(labels, key: key, into: &result)
        return result
    }

    private static func sum(_ old: MetricFamily.Value, _ new: MetricFamily.Value) -> MetricFamily.Value {
        switch (old, new) {
        case (.counter(let before, _, let created), .counter(let added, let exemplar, _)):
            return .counter(before + added, exemplar: exemplar, created: created)
        case (.summary(let before), .summary(let added)):
            // Quantiles cannot be added; those of the push are the newest.
            return .summary(
                .init(
                    quantiles: added.quantiles,
                    sum: before.sum + added.sum,
                    count: before.count &+ added.count,
                    created: before.created
                )
            )
        case (.histogram(let before), .histogram(let added)):
            return .histogram(sum(before, added))
        default: return new
        }
    }

    /// Classic buckets add up where both have the same bounds; otherwise, and for native histograms, the pushed one stays.
    private static func sum(
        _ before: MetricFamily.Histogram,
        _ added: MetricFamily.Histogram
    ) -> MetricFamily.Histogram {
        guard before.native == nil, added.native == nil,
            before.buckets.map(\.upperBound) == added.buckets.map(\.upperBound)
        else { return added }
        var result = added
        for index in result.buckets.indices {
            result.buckets[index].cumulativeCount += before.buckets[index].cumulativeCount
        }
        result.sum += before.sum
        result.count += before.count
        result.created = before.created
        return result
    }
}
