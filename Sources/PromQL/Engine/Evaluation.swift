internal import MetricModel

/// One query being evaluated: what its nodes share.
final class Evaluation {
    /// Where a node is evaluated.
    struct Scope {
        let grid: StepGrid
        let samples: SampleCounter
        /// Whether only counts and sums of histograms are used further up.
        var needsOnlyHistogramStats = false
        /// Whether something further up needs histograms whole.
        var needsWholeHistograms = false
    }

    let reader: any SampleReader
    let options: PromQLEngine.Options
    let lookback: Int64
    let limits: QueryLimits
    let recorder: ExplanationRecorder?
    var annotations = Annotations()
    /// Samples that are held now, as Prometheus counts them.
    var currentSamples = 0
    private var selections: [Selection: [SeriesColumns]] = [:]

    private struct Selection: Hashable {
        var matchers: [LabelMatcher]
        var start: Timestamp
        var end: Timestamp
    }

    init(
        reader: any SampleReader,
        options: PromQLEngine.Options,
        lookback: Int64,
        limits: QueryLimits,
        recorder: ExplanationRecorder?
    ) {
        self.reader = reader
        self.options = options
        self.lookback = lookback
        self.limits = limits
        self.recorder = recorder
    }

    /// Whether names are dropped at the end of the query rather than by each function.
    var delaysNameRemoval: Bool { options.delaysNameRemoval }

    /// What an operator that puts together results makes of equal labels. Where names are dropped at the end, an instant query
    /// looks for them then.
    func equalLabels(on grid: StepGrid) -> EqualLabels {
        delaysNameRemoval && grid.start == grid.end ? .kept : .merged
    }

    func hold(_ samples: Int, _ scope: Scope) throws(PromQLError) {
        currentSamples += samples
        scope.samples.raisePeak(to: currentSamples)
        if currentSamples > options.maximumSamples { throw .tooManySamples }
    }

    /// Counts a node that goes through its operands step by step: at each step it holds the operands whole, their elements
    /// of that step, and the results so far. In the end only the result is held, beside what was `before`.
    /// - Parameter looked: how many elements more it looks at in each step, which are no operand's.
    func settle(
        _ before: Int,
        _ operands: [SeriesMatrix],
        _ result: SeriesMatrix,
        _ scope: Scope,
        looked: [Int]? = nil
    ) throws(PromQLError) {
        let steps = scope.grid.count
        var gathered = looked ?? Array(repeating: 0, count: steps)
        var answered = [Int](repeating: 0, count: steps)
        for operand in operands where operand.steps == steps {
            operand.countElements(&gathered, weighsHistograms: false)
        }
        if result.steps == steps { result.countElements(&answered, weighsHistograms: true) }
        var held = currentSamples
        var peak = held
        for step in 0..<steps {
            peak = max(peak, held + gathered[step] + answered[step])
            held += answered[step]
        }
        scope.samples.raisePeak(to: peak)
        if peak > options.maximumSamples { throw .tooManySamples }
        currentSamples = before
        try hold(result.sampleCount, scope)
    }

    /// The most samples that one selection may bring.
    var sampleLimit: Int { max(1, min(max(2 * options.maximumSamples, 20_000_000), limits.memory.rest / 16)) }

    /// Series with their samples; the same selection is read once.
    func select(
        _ matchers: [LabelMatcher],
        from start: Timestamp,
        to end: Timestamp
    ) async throws(PromQLError) -> [SeriesColumns] {
        let key = Selection(matchers: matchers, start: start, end: end)
        if let known = selections[key] { return known }
        guard start <= end else { return [] }
        let request = SelectRequest(
            matchers: matchers,
            start: start,
            end: end,
            sampleLimit: sampleLimit
        )
        let series: [SeriesColumns]
        do throws(StorageError) {
            series = try await reader.select(request)
        } catch {
            try limits.check()
            throw .from(error)
        }
        try limits.check()
        selections[key] = series
        return series
    }

    /// Evaluates an expression on a grid.
    func evaluate(_ expression: Expr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        try limits.check()
        guard let recorder, !expression.isWrapper else { return try charged(await evaluateNode(expression, scope)) }
        recorder.begin(expression, scope.samples)
        do throws(PromQLError) {
            let result = try charged(await evaluateNode(expression, scope))
            recorder.take(annotations)
            try recorder.end(result, scope.samples)
            return result
        } catch {
            recorder.fail(error)
            throw error
        }
    }

    /// The result with its values counted, unless they were.
    func charged(_ matrix: SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        // Not worth a place of its own where it is small.
        guard matrix.charge == nil, matrix.values.count > 8192 else { return matrix }
        var matrix = matrix
        matrix.charge = try limits.charge(8 * matrix.values.count)
        return matrix
    }

    private func evaluateNode(_ expression: Expr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        guard scope.grid.count > 0 else { return SeriesMatrix(steps: 0) }
        switch expression {
        case .number(let node):
            try hold(scope.grid.count, scope)
            return SeriesMatrix(scalar: node.value, steps: scope.grid.count)
        case .string: return SeriesMatrix(steps: scope.grid.count)
        case .paren(let node): return try await evaluate(node.expression, scope)
        case .stepInvariant(let inner): return try await evaluateOnce(inner, scope)
        case .vectorSelector(let node): return try await evaluateSelector(node, scope)
        case .unary(let node): return try await evaluateUnary(node, scope)
        case .binary(let node): return try await evaluateBinary(node, scope)
        case .aggregate(let node): return try await evaluateAggregation(node, scope)
        case .call(let node): return try await evaluateCall(node, scope)
        case .matrixSelector, .subquery:
            throw PromQLError(.execution, "range vectors can only be evaluated as arguments")
        }
    }

    /// Evaluates what is the same at every step at the first one only.
    private func evaluateOnce(_ expression: Expr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        let counter = SampleCounter(grid: StepGrid(at: scope.grid.start), tracksSteps: false)
        var inner = Scope(grid: StepGrid(at: scope.grid.start, interval: scope.grid.interval), samples: counter)
        inner.needsOnlyHistogramStats = scope.needsOnlyHistogramStats
        inner.needsWholeHistograms = scope.needsWholeHistograms
        let once = try await evaluate(expression, inner)
        let charge = try limits.charge(8 * once.rows * scope.grid.count)
        scope.samples.raisePeak(to: counter.peak)
        for step in 0..<scope.grid.count {
            if step & 0xffff == 0xffff { try limits.check() }
            scope.samples.add(total: counter.total, step: step)
        }
        scope.samples.add(read: counter.read, step: 0)
        var result = once.repeated(steps: scope.grid.count)
        result.charge = charge
        try hold(once.sampleCount * (scope.grid.count - 1), scope)
        return result
    }

    private func evaluateUnary(_ node: UnaryExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        var matrix = try await evaluate(node.operand, scope)
        guard node.operation == .minus else { return matrix }
        var meter = WorkMeter(limits)
        for row in 0..<matrix.rows {
            try meter.add(matrix.steps + matrix.labels[row].encoded.count)
            if !delaysNameRemoval { matrix.labels[row] = matrix.labels[row].withoutReserved }
            matrix.dropsName[row] = true
        }
        matrix.values.withUnsafeMutableBufferPointer { values in
            for index in values.indices where !Absent.isAbsent(values[index]) { values[index] = -values[index] }
        }
        for row in matrix.histograms.indices {
            guard let points = matrix.histograms[row] else { continue }
            try meter.add(64 * points.count)
            matrix.histograms[row] = points.map { point in
                guard var point else { return nil }
                point.multiply(by: -1)
                return point
            }
        }
        return delaysNameRemoval ? matrix : try matrix.mergingEqualLabels(limits)
    }
}

extension Expr {
    /// Whether it only stands around another expression.
    fileprivate var isWrapper: Bool {
        switch self {
        case .paren, .stepInvariant: true
        case .number, .string, .vectorSelector, .matrixSelector, .subquery, .aggregate, .binary, .unary, .call: false
        }
    }
}
