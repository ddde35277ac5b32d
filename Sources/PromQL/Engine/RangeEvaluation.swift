internal import MetricModel

extension Evaluation {
    /// Evaluates a call one of whose arguments is a range vector.
    /// - Parameter mayKeepNames: whether it makes no difference further up that the name is not dropped.
    func evaluateRangeCall(
        _ node: CallExpr,
        _ function: RangeFunction,
        _ scope: Scope,
        mayKeepNames: Bool = false
    ) async throws(PromQLError) -> SeriesMatrix {
        let name = node.function.name
        guard let index = node.arguments.firstIndex(where: { $0.type == .matrix }) else {
            throw PromQLError(.execution, "\(name.rawValue) needs a range vector")
        }
        var parameters: [[Double]] = []
        let source: RangeSource
        // Prometheus evaluates a subquery before the other arguments.
        if case .subquery(let subquery) = node.arguments[index].unwrapped {
            source = try await evaluateSubqueryArgument(subquery, scope)
        } else if case .matrixSelector(let matrix) = node.arguments[index].unwrapped {
            try check(matrix.selector, allow: name)
            source = storedSource(matrix, scope)
        } else {
            throw PromQLError(.execution, "unexpected argument of \(name.rawValue)")
        }
        for (position, argument) in node.arguments.enumerated() where position != index {
            parameters.append(try await evaluate(argument, scope).values)
        }
        var position = node.arguments[0].position
        if case .subquery = node.arguments[0].unwrapped { position = PositionRange(start: 0, end: 0) }
        let call = RangeCall(
            name: function,
            windows: source.windows,
            parameters: parameters,
            position: position,
            isAnchored: source.isAnchored,
            isSmoothed: source.isSmoothed,
            usesStartTimestamps: options.usesStartTimestamps && RangeFunctions.usesStartTimestamps(function),
            lookback: lookback,
            limits: limits,
            countsReads: !source.isSubquery,
            tracksSteps: scope.samples.tracksSteps || name == .doubleExponentialSmoothing
        )
        let (began, readBefore) = (limits.clock.steadyNanoseconds, scope.samples.read)
        let (evaluated, windows) = try await run(call, source.samples, scope)
        if let recorder {
            if !source.isSubquery {
                recorder.leaf(
                    node.arguments[index].unwrapped,
                    evaluated.labels.enumerated().filter { windows[$0.offset].greatest > 0 }.map(\.element),
                    samples: windows.reduce(0) { $0 + $1.last },
                    read: scope.samples.read - readBefore,
                    seconds: Double(limits.clock.steadyNanoseconds - began) / 1e9
                )
            }
            try await explain(call, source, windows, recorder)
        }
        var matrix = evaluated
        try holdRows(matrix, windows, scope)
        if name == .rate || name == .increase { try annotatePossibleNonCounters(matrix, position) }
        let keepsNames =
            if mayKeepNames, !source.mayCollide, !matrix.hasHistograms {
                try hasNoOtherReserved(matrix)
            } else {
                false
            }
        let mayCollide = keepsNames ? false : try applyNames(function, &matrix, source)
        // The samples of a subquery are given back; a nested call has counted them.
        currentSamples -= source.heldSamples
        if name == .absentOverTime {
            return try absent(matrix, labels: AbsentLabels.of(node.arguments[0]))
        }
        matrix.dropEmptyRows()
        if !delaysNameRemoval, mayCollide, try !matrix.hasDistinctLabels(limits) { throw .duplicateLabels }
        return matrix
    }

    /// Counts what is held while series after series is evaluated: the results so far and the window of the moment.
    private func holdRows(
        _ matrix: SeriesMatrix,
        _ windows: [RangeCall.Outcome.HeldWindows],
        _ scope: Scope
    ) throws(PromQLError) {
        var meter = WorkMeter(limits)
        for row in 0..<matrix.rows {
            try meter.add(matrix.steps)
            let count = matrix.sampleCount(row)
            let window = row < windows.count ? windows[row] : RangeCall.Outcome.HeldWindows()
            if currentSamples + max(window.greatest, count) > options.maximumSamples { throw .tooManySamples }
            scope.samples.raisePeak(to: currentSamples + max(window.greatest, window.last + count))
            currentSamples += count
        }
    }

    private func check(_ node: VectorSelector, allow name: FunctionName) throws(PromQLError) {
        if node.isAnchored, !RangeFunctions.anchored.contains(name.rawValue) {
            let allowed = RangeFunctions.anchored.joined(separator: ", ")
            throw PromQLError(
                .execution,
                "anchored modifier can only be used with: \(allowed) - not with \(name.rawValue)"
            )
        }
        if node.isSmoothed, !RangeFunctions.smoothed.contains(name.rawValue) {
            let allowed = RangeFunctions.smoothed.joined(separator: ", ")
            throw PromQLError(
                .execution,
                "smoothed modifier can only be used with: \(allowed) - not with \(name.rawValue)"
            )
        }
    }

    /// The factors of `double_exponential_smoothing`, where there is a sample to use them on.
    private func validate(_ parameters: [[Double]], samplesByStep: [Int]) throws(PromQLError) {
        for step in samplesByStep.indices where samplesByStep[step] > 0 {
            for (value, what, symbol) in [
                (parameters[0][step], "smoothing", "sf"), (parameters[1][step], "trend", "tf"),
            ] where value <= 0 || value >= 1 {
                let text = "invalid \(what) factor. Expected: 0 < \(symbol) < 1, got: \(NumberText.fixed(value))"
                throw PromQLError(.execution, text)
            }
        }
    }

    private func run(
        _ call: RangeCall,
        _ samples: RangeSource.Samples,
        _ scope: Scope
    ) async throws(PromQLError) -> (SeriesMatrix, [RangeCall.Outcome.HeldWindows]) {
        let steps = scope.grid.count
        var stretches: [RowStretch<RangeCall.Outcome>]
        let charge: MemoryCharge
        switch samples {
        case .held(let series, _):
            let work = series.reduce(series.count * steps) { $0 + $1.values.count + 16 * $1.histograms.count }
            charge = try limits.charge(series.count * (8 * steps + 16))
            stretches = await ParallelRows.map(series.count, work: work) { rows in
                call.run(Array(series[rows]))
            }
            try limits.check()
        case .stored(let request):
            (stretches, charge) = try await read(request, steps: steps) { series in call.run(series) }
        }
        var windows: [RangeCall.Outcome.HeldWindows] = []
        var histograms: [(row: Int, points: [NativeHistogram?])] = []
        var first = 0
        for stretch in stretches {
            annotations.merge(stretch.tally.annotations)
            try limits.check()
            scope.samples.add(stretch.tally.tally)
            windows += stretch.tally.windows
            histograms += stretch.tally.histograms.map { (first + $0.row, $0.points) }
            first += stretch.labels.count
        }
        if call.name == .doubleExponentialSmoothing {
            for stretch in stretches { try validate(call.parameters, samplesByStep: stretch.tally.tally.totalByStep) }
        }
        var matrix = SeriesMatrix(steps: steps, &stretches)
        matrix.charge = charge
        for (row, points) in histograms {
            if matrix.histograms.isEmpty { matrix.histograms = Array(repeating: nil, count: matrix.rows) }
            matrix.histograms[row] = points
        }
        return (matrix, windows)
    }

    /// Whether no series has the labels of type and unit, which go with the name.
    private func hasNoOtherReserved(_ matrix: SeriesMatrix) throws(PromQLError) -> Bool {
        var meter = WorkMeter(limits)
        for row in 0..<matrix.rows {
            try meter.add(matrix.labels[row].encoded.count)
            if !matrix.labels[row].isWithoutReservedBesideName { return false }
        }
        return true
    }

    /// Marks or drops names; `first_over_time` and `last_over_time` keep them. Answers whether series may have the same labels
    /// after that: they do not where all that is gone is one and the same name.
    private func applyNames(
        _ name: RangeFunction,
        _ matrix: inout SeriesMatrix,
        _ source: RangeSource
    ) throws(PromQLError) -> Bool {
        var meter = WorkMeter(limits)
        let keepsName = name == .firstOverTime || name == .lastOverTime
        var mayCollide = source.mayCollide
        for row in 0..<matrix.rows {
            let drops = !keepsName || (source.dropsName.map { $0[row] } ?? false)
            matrix.dropsName[row] = drops
            guard drops, !delaysNameRemoval else { continue }
            try meter.add(64 + matrix.labels[row].encoded.count)
            let before = matrix.labels[row].encoded.count
            let nameLength = matrix.labels[row].metricNameRange.count
            matrix.labels[row] = matrix.labels[row].withoutReserved
            let dropped = before - matrix.labels[row].encoded.count
            if dropped != 10 + nameLength || nameLength > 127 { mayCollide = true }
        }
        return mayCollide
    }

    /// `rate` of something that does not look like a counter is told.
    private func annotatePossibleNonCounters(
        _ matrix: SeriesMatrix,
        _ position: PositionRange
    ) throws(PromQLError) {
        var meter = WorkMeter(limits)
        var lastName: [UInt8] = []
        var lastFits = false
        for row in 0..<matrix.rows {
            let labels = matrix.labels[row]
            let range = labels.metricNameRange
            guard !range.isEmpty else { continue }
            try meter.add(64 + range.count)
            if options.usesTypeAndUnitLabels {
                let type = labels["__type__"] ?? ""
                guard type != "counter", type != "histogram" else { continue }
                guard matrix.hasFloats(row) else { continue }
                annotations.possibleNonCounter(labels.name, type: type, position)
                continue
            }
            let name = labels.encoded[range]
            if !name.elementsEqual(lastName) {
                lastName = Array(name)
                lastFits = RangeFunctions.looksLikeCounter(lastName)
            }
            if !lastFits, matrix.hasFloats(row) { annotations.possibleNonCounter(labels.name, position) }
        }
    }

    /// The steps at which no series has anything.
    private func absent(_ matrix: SeriesMatrix, labels: Labels) throws(PromQLError) -> SeriesMatrix {
        var meter = WorkMeter(limits)
        let steps = matrix.steps
        var result = SeriesMatrix(steps: steps)
        var row = [Double](repeating: 1, count: steps)
        for other in 0..<matrix.rows {
            try meter.add(steps)
            for step in 0..<steps where matrix.isPresent(other, step) { row[step] = Absent.value }
        }
        if row.contains(where: { !Absent.isAbsent($0) }) { result.append(row, labels: labels, dropsName: true) }
        return result
    }
}

extension SeriesMatrix {
    func hasFloats(_ row: Int) -> Bool {
        for position in row * steps..<(row + 1) * steps where !Absent.isAbsent(values[position]) { return true }
        return false
    }
}

extension Labels {
    /// Where the metric's name stands in the flat form; empty where there is none.
    var metricNameRange: Range<Int> {
        let name: StaticString = "__name__"
        return valueRange(ofUTF8: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)) ?? 0..<0
    }
}

/// Which functions over ranges have what peculiarity.
enum RangeFunctions {
    /// Those that take `anchored`, sorted.
    static let anchored = ["changes", "delta", "increase", "rate", "resets"]
    /// Those that take `smoothed`, sorted.
    static let smoothed = ["delta", "increase", "rate"]

    static func usesStartTimestamps(_ name: RangeFunction) -> Bool {
        name == .rate || name == .irate || name == .increase || name == .resets
    }

    static func looksLikeCounter(_ name: [UInt8]) -> Bool {
        ["_total", "_sum", "_count", "_bucket"].contains { suffix in
            name.count >= suffix.utf8.count && name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        }
    }
}

/// The range vector that a function is applied to.
struct RangeSource {
    /// Where the samples are.
    enum Samples {
        /// In the store.
        case stored(SelectorRequest)
        /// Here, the results of a subquery; `dropsName` by row.
        case held([SeriesColumns], dropsName: [Bool])
    }

    var samples: Samples
    let windows: Windows
    var isAnchored = false
    var isSmoothed = false
    var isSubquery = false
    /// Samples that are held only as long as the call is evaluated.
    var heldSamples = 0
    /// Whether series may have the same labels once their names are dropped.
    var mayCollide = true

    /// Which rows are to lose their names later on; `nil` for none.
    var dropsName: [Bool]? {
        if case .held(_, let dropsName) = samples { dropsName } else { nil }
    }
}

extension Evaluation {
    /// The windows of a range selector and what is to be read for them.
    func storedSource(_ node: MatrixSelector, _ scope: Scope) -> RangeSource {
        let length = node.range / 1_000_000
        let offset = node.selector.offset / 1_000_000
        return RangeSource(
            samples: .stored(request(node.selector, scope, range: length)),
            windows: Windows(
                grid: scope.grid,
                length: length,
                offset: offset,
                fixedEnd: node.selector.timestamp.map { $0 - offset }
            ),
            isAnchored: node.selector.isAnchored,
            isSmoothed: node.selector.isSmoothed,
            mayCollide: !node.selector.namesOneMetric
        )
    }

    /// The grid on which a subquery is evaluated.
    func subqueryGrid(_ node: SubqueryExpr, _ grid: StepGrid) -> StepGrid {
        let offset = node.offset / 1_000_000
        let length = node.range / 1_000_000
        let first = (node.timestamp ?? grid.start) - offset - length
        // As long as the steps are, where `@` fixes it too; what comes after the last step is not looked at.
        let end = (node.timestamp ?? grid.start) + (grid.last - grid.start) - offset
        var interval = node.step / 1_000_000
        if interval <= 0 { interval = options.defaultSubqueryInterval }
        interval = max(1, interval)
        var start = interval * (first / interval)
        if start <= first { start += interval }
        return StepGrid(start: start, end: end, interval: interval)
    }

    /// So many steps of a subquery (`[100y:1ms]`) there may be at least, whatever number of samples a query may have: each is some
    /// bytes for every series at every node inside.
    private static let subqueryStepLimit = 10_000_000

    /// Evaluates the inside of a subquery.
    func evaluateInside(
        _ node: SubqueryExpr,
        _ scope: Scope
    ) async throws(PromQLError) -> (matrix: SeriesMatrix, samples: SampleCounter) {
        let grid = subqueryGrid(node, scope.grid)
        if grid.count > max(options.maximumSamples, Self.subqueryStepLimit) { throw .tooManySamples }
        let counter = SampleCounter(grid: grid, tracksSteps: scope.grid.count > 1 || scope.samples.tracksSteps)
        let inner = Scope(grid: grid, samples: counter, needsWholeHistograms: true)
        guard let recorder else { return (try await evaluate(node.expression, inner), counter) }
        recorder.begin(.subquery(node), counter)
        do throws(PromQLError) {
            let matrix = try await evaluate(node.expression, inner)
            try recorder.end(matrix, counter)
            return (matrix, counter)
        } catch {
            recorder.fail(error)
            throw error
        }
    }

    /// The rows of a subquery's inside as series of samples.
    private func columns(of matrix: SeriesMatrix, on grid: StepGrid) throws(PromQLError) -> [SeriesColumns] {
        let times = grid.times
        var meter = WorkMeter(limits)
        var columns: [SeriesColumns] = []
        columns.reserveCapacity(matrix.rows)
        for row in 0..<matrix.rows {
            columns.append(try matrix.columns(of: row, at: times, &meter))
        }
        return columns
    }

    func evaluateSubqueryArgument(_ node: SubqueryExpr, _ scope: Scope) async throws(PromQLError) -> RangeSource {
        let (matrix, counter) = try await evaluateInside(node, scope)
        let offset = node.offset / 1_000_000
        let length = node.range / 1_000_000
        try scope.samples.takeReads(of: counter, offset: offset, range: length, limits)
        let windows = Windows(
            grid: scope.grid,
            length: length,
            offset: offset,
            fixedEnd: node.timestamp.map { $0 - offset }
        )
        return RangeSource(
            samples: .held(try columns(of: matrix, on: counter.grid), dropsName: matrix.dropsName),
            windows: windows,
            isSubquery: true,
            heldSamples: matrix.sampleCount
        )
    }
}

extension VectorSelector {
    /// Whether all series have the same name.
    var namesOneMetric: Bool {
        matchers.contains { $0.name == Labels.metricName && $0.operation == .equal && !$0.value.isEmpty }
    }
}

extension SeriesMatrix {
    /// A row as a series of samples. Hints about counter resets are dropped, since steps may have been left out.
    func columns(of row: Int, at times: [Timestamp], _ meter: inout WorkMeter) throws(PromQLError) -> SeriesColumns {
        try meter.add(steps)
        var columns = SeriesColumns(labels: labels[row])
        let slice = values[row * steps..<(row + 1) * steps]
        if !slice.contains(where: { Absent.isAbsent($0) }) {
            columns.timestamps = times
            columns.values = Array(slice)
            return columns
        }
        for (step, value) in slice.enumerated() {
            // A row may have tens of millions.
            try meter.add(2)
            if Absent.isAbsent(value) { continue }
            columns.timestamps.append(times[step])
            columns.values.append(value)
        }
        guard hasHistograms(row) else { return columns }
        for step in 0..<steps {
            guard var histogram = histogram(row, step) else { continue }
            if histogram.counterResetHint != .gauge { histogram.counterResetHint = .unknown }
            columns.histogramTimestamps.append(times[step])
            columns.histograms.append(histogram)
        }
        return columns
    }
}

/// The labels that a selector's matchers say about what is absent.
enum AbsentLabels {
    static func of(_ expression: Expr) -> Labels {
        let matchers: [LabelMatcher]
        switch expression.unwrapped {
        case .vectorSelector(let node): matchers = node.matchers
        case .matrixSelector(let node): matchers = node.selector.matchers
        case .number, .string, .subquery, .aggregate, .binary, .unary, .paren, .call, .stepInvariant: return Labels()
        }
        var builder = LabelsBuilder()
        var seen: Set<String> = []
        for matcher in lookupOrder(matchers) where matcher.name != Labels.metricName {
            if matcher.operation == .equal, seen.insert(matcher.name).inserted {
                builder.set(matcher.name, matcher.value)
            } else {
                builder.remove(matcher.name)
            }
        }
        return builder.build()
    }

    /// The order in which Prometheus's index has put the matchers by then: those that take series away come last.
    private static func lookupOrder(_ matchers: [LabelMatcher]) -> [LabelMatcher] {
        let needed = Set(matchers.filter { !$0.matchesEmpty }.map(\.name))
        let takesAway = { (matcher: LabelMatcher) in
            guard needed.contains(matcher.name) else { return true }
            let isNegative = matcher.operation == .notEqual || matcher.operation == .notMatches
            return isNegative && matcher.matchesEmpty
        }
        return matchers.filter { !takesAway($0) } + matchers.filter(takesAway)
    }
}
