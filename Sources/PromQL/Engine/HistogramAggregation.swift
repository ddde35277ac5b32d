internal import MetricModel

/// An aggregation of rows some of which have histograms: works out the steps at which there are any.
struct HistogramAggregation {
    let node: AggregateExpr
    let input: SeriesMatrix
    let groups: AggregationGroups
    let limits: QueryLimits

    func overlay(_ result: inout SeriesMatrix, _ notes: inout Annotations) throws(PromQLError) {
        var meter = WorkMeter(limits)
        for group in 0..<groups.count {
            let rows = groups.rows[group]
            let withHistograms = rows.filter { input.hasHistograms($0) }
            if withHistograms.isEmpty { continue }
            for step in 0..<input.steps {
                try meter.add(4 * withHistograms.count)
                guard withHistograms.contains(where: { input.histogram($0, step) != nil }) else { continue }
                let buckets = withHistograms.reduce(0) { $0 + (input.histogram($1, step)?.bucketCount ?? 0) }
                try meter.add(16 * rows.count + 128 * withHistograms.count + buckets)
                overlay(group, rows, step, &result, &notes)
            }
        }
    }

    private func overlay(
        _ group: Int,
        _ rows: [Int],
        _ step: Int,
        _ result: inout SeriesMatrix,
        _ notes: inout Annotations
    ) {
        let position = node.expression.position
        switch node.operation {
        case .group:
            result.values[group * input.steps + step] = 1
        case .count:
            let count = rows.reduce(0) { $0 + (input.isPresent($1, step) ? 1 : 0) }
            result.values[group * input.steps + step] = Double(count)
        case .sum, .avg:
            result.values[group * input.steps + step] = Absent.value
            if let combined = combined(rows, step, &notes) { result.setHistogram(combined, group, step) }
        case .min, .max, .stddev, .stdvar, .quantile, .topk, .bottomk, .limitk, .limitRatio, .countValues:
            // The floats' result stands; the histograms were left out of it.
            notes.histogramIgnored(in: node.operation.rawValue, position)
        }
    }

    /// The sum or the mean of a group's histograms; `nil` where they cannot be taken together.
    private func combined(_ rows: [Int], _ step: Int, _ notes: inout Annotations) -> NativeHistogram? {
        let position = node.expression.position
        var total = HistogramSum()
        var mean = HistogramMean()
        var first: Bool?
        var isMixed = false
        for row in rows where input.isPresent(row, step) {
            let histogram = input.histogram(row, step)
            if let first, first != (histogram != nil) { isMixed = true }
            first = first ?? (histogram != nil)
            guard let histogram, first == true else { continue }
            // Nobody will look at the answer.
            if limits.isOver(before: histogram) { return nil }
            let isAdded = node.operation == .sum ? total.add(histogram) : mean.add(histogram)
            if !isAdded {
                notes.mixedSchemas(input.labels[row].name, position)
                // A mix of kinds is told as well, but only as far as it was met before.
                if isMixed { notes.mixedFloatsHistogramsInAggregation(position) }
                return nil
            }
        }
        let seen = node.operation == .sum ? total.seen : mean.seen
        if seen.boundsReconciled { notes.boundsReconciled(.aggregation, position) }
        if isMixed {
            notes.mixedFloatsHistogramsInAggregation(position)
            return nil
        }
        if seen.sawReset, seen.sawNoReset { notes.counterResetCollision(.aggregation, position) }
        guard var combined = node.operation == .sum ? total.sum : mean.mean else { return nil }
        combined.compact()
        return combined
    }
}
