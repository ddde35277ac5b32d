internal import MetricModel

/// A query's result before it is put into its final order and form.
enum RawResult {
    case scalar(Double, Timestamp)
    case string(String, Timestamp)
    case vector(SeriesMatrix, StepGrid)
    case matrix(SeriesMatrix, StepGrid)
    case columns([SeriesColumns])

    /// The result as clients get it: matrices are sorted by labels, vectors are not.
    func sorted(_ limits: QueryLimits) throws(PromQLError) -> QueryResult.Value {
        switch self {
        case .scalar(let value, let time): return .scalar(value, at: time)
        case .string(let text, let time): return .string(text, at: time)
        case .vector(let matrix, let grid):
            return .vector(SeriesRows(matrix, grid, order: Array(0..<matrix.rows)))
        case .matrix(let matrix, let grid):
            let labels = matrix.labels
            let order = try limits.sorted(0..<matrix.rows) { labels[$0] < labels[$1] }
            return .matrix(SeriesRows(matrix, grid, order: order))
        case .columns(let series):
            let order = try limits.sorted(series.indices) { series[$0].labels < series[$1].labels }
            return .matrix(SeriesRows(order.map { series[$0] }))
        }
    }
}

extension Evaluation {
    /// Evaluates a whole query.
    func evaluateTop(
        _ expression: Expr,
        _ type: ValueType,
        _ scope: Scope,
        isInstant: Bool
    ) async throws(PromQLError) -> RawResult {
        switch expression.unwrapped {
        case .string(let literal):
            recorder?.leaf(expression.unwrapped, [], samples: 0, read: 0, seconds: 0)
            return .string(literal.value, scope.grid.start)
        case .matrixSelector(let node):
            guard let recorder else { return .columns(try await evaluateTop(node, scope)) }
            recorder.begin(.matrixSelector(node), scope.samples)
            do throws(PromQLError) {
                let series = try await evaluateTop(node, scope)
                try recorder.end(series, scope.samples)
                return .columns(series)
            } catch {
                recorder.fail(error)
                throw error
            }
        case .subquery(let node):
            let (matrix, samples) = try await evaluateInside(node, scope)
            try scope.samples.takeReads(of: samples, offset: 0, range: 0, limits)
            scope.samples.add(total: samples.total, step: scope.grid.count - 1)
            return .matrix(try finished(matrix), samples.grid)
        case .number, .vectorSelector, .aggregate, .binary, .unary, .paren, .call, .stepInvariant: break
        }
        let matrix = try finished(try await evaluate(expression, scope))
        if !isInstant { return .matrix(matrix, scope.grid) }
        if type == .scalar { return .scalar(matrix.values.first ?? .nan, scope.grid.start) }
        return .vector(matrix, scope.grid)
    }

    /// Drops names whose removal was put off.
    private func finished(_ matrix: SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        guard delaysNameRemoval else { return matrix }
        var matrix = matrix
        var meter = WorkMeter(limits)
        for row in 0..<matrix.rows where matrix.dropsName[row] {
            try meter.add(64 + matrix.labels[row].encoded.count)
            matrix.labels[row] = matrix.labels[row].withoutReserved
        }
        return try matrix.mergingEqualLabels(limits)
    }

    /// The raw samples of a range selector.
    private func evaluateTop(_ node: MatrixSelector, _ scope: Scope) async throws(PromQLError) -> [SeriesColumns] {
        let source = storedSource(node, scope)
        var result: [SeriesColumns] = []
        let series = try await series(node.selector, scope, range: node.range / 1_000_000)
        let charge = try limits.charge()
        for columns in series {
            let columns = columns.withoutStaleMarkers
            try limits.check()
            try charge.add(16 * columns.values.count + 64)
            var (start, end) = (source.windows.start(0), source.windows.end(0))
            let (rangeStart, rangeEnd) = (start, end)
            if source.isAnchored || source.isSmoothed { start -= lookback }
            if source.isSmoothed { end += lookback }
            var cut = columns.cut(after: start, upTo: end)
            try hold(cut.histograms.reduce(cut.values.count) { $0 + $1.sampleWeight }, scope)
            if source.isAnchored || source.isSmoothed {
                if !cut.histograms.isEmpty {
                    let modifier = source.isAnchored ? "anchored" : "smoothed"
                    throw PromQLError(.execution, "\(modifier) modifier is not supported with histograms")
                }
                cut = cut.extended(from: rangeStart, to: rangeEnd, isSmoothed: source.isSmoothed)
            }
            let weight = cut.histograms.reduce(cut.values.count) { $0 + $1.sampleWeight }
            scope.samples.add(total: weight, step: 0)
            scope.samples.add(read: weight, step: 0)
            if weight == 0 { continue }
            result.append(cut)
        }
        return result
    }
}

extension SeriesColumns {
    /// Only the samples in (start, end].
    func cut(after start: Timestamp, upTo end: Timestamp) -> SeriesColumns {
        let floats = MixedWindow.range(timestamps, start, end)
        let points = MixedWindow.range(histogramTimestamps, start, end)
        return SeriesColumns(
            labels: labels,
            timestamps: Array(timestamps[floats]),
            values: Array(values[floats]),
            histogramTimestamps: Array(histogramTimestamps[points]),
            histograms: Array(histograms[points])
        )
    }

    /// The samples of the range with values at its borders, taken from outside or interpolated.
    func extended(from start: Timestamp, to end: Timestamp, isSmoothed: Bool) -> SeriesColumns {
        guard !values.isEmpty else { return self }
        var last = values.count - 1
        var first = max(0, ((0..<last).first { timestamps[$0] > start } ?? last) - 1)
        if isSmoothed { last = (0..<last).first { timestamps[$0] >= end } ?? last }
        var result = SeriesColumns(labels: labels)
        if timestamps[last] <= start { return result }
        func sample(_ index: Int) -> (time: Timestamp, value: Double) { (timestamps[index], values[index]) }
        var left = values[first]
        var right = values[last]
        if isSmoothed, timestamps[first] < start {
            left = Interpolation.value(sample(first), sample(first + 1), at: start, isCounter: false)
        }
        if isSmoothed, last > 0, timestamps[last] > end {
            right = Interpolation.value(sample(last - 1), sample(last), at: end, isCounter: false)
        }
        if timestamps[first] <= start { first += 1 }
        if timestamps[last] >= end { last -= 1 }
        result.timestamps.append(start)
        result.values.append(left)
        if first <= last {
            result.timestamps += timestamps[first...last]
            result.values += values[first...last]
        }
        result.timestamps.append(end)
        result.values.append(right)
        return result
    }
}
