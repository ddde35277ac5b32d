internal import MetricModel

extension Evaluation {
    func evaluateCall(_ node: CallExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        switch node.function.name.kind {
        case .labels(let function):
            switch function {
            case .labelReplace: return try await evaluateLabelReplace(node, scope)
            case .labelJoin: return try await evaluateLabelJoin(node, scope)
            case .info: return try await evaluateInfo(node, scope)
            }
        case .range(let function): return try await evaluateRangeCall(node, function, scope)
        case .element(let function):
            let function = ElementFunctions.function(function)
            return try await evaluate(node, scope) { arguments throws(PromQLError) in
                try map(arguments[0], weight: 16) { value, _ in function(value) }
            }
        case .date(let part):
            return try await evaluate(node, scope) { arguments throws(PromQLError) in
                try date(part, arguments.first, scope.grid)
            }
        case .vector(let function): return try await evaluate(node, function, scope)
        case .query:
            // Preprocessing has put a number in its place.
            throw PromQLError(.execution, "\(node.function.name.rawValue)() is known before the evaluation only")
        }
    }

    /// A function of instant vectors and scalars, with what is peculiar to some of them before their arguments are evaluated.
    private func evaluate(
        _ node: CallExpr,
        _ function: VectorFunction,
        _ scope: Scope
    ) async throws(PromQLError) -> SeriesMatrix {
        var inner = scope
        switch function {
        case .histogramCount, .histogramSum, .histogramAvg: inner.needsOnlyHistogramStats = true
        case .histogramQuantile, .histogramQuantiles, .histogramFraction: inner.needsWholeHistograms = true
        case .timestamp, .startTimestamp:
            if case .vectorSelector(let selector) = node.arguments.first {
                return try await evaluateTimestamps(ofStart: function == .startTimestamp, selector, scope)
            }
        case .absent, .clamp, .clampMax, .clampMin, .histogramStddev, .histogramStdvar, .maxOf, .minOf, .pi, .round,
            .scalar, .sort, .sortByLabel, .sortByLabelDesc, .sortDesc, .time, .vector:
            break
        }
        return try await evaluate(node, inner) { arguments throws(PromQLError) in
            try apply(function, node, arguments, scope.grid)
        }
    }

    /// Evaluates the arguments and then the function.
    private func evaluate(
        _ node: CallExpr,
        _ scope: Scope,
        _ function: ([SeriesMatrix]) throws(PromQLError) -> SeriesMatrix
    ) async throws(PromQLError) -> SeriesMatrix {
        let before = currentSamples
        var arguments: [SeriesMatrix] = []
        for argument in node.arguments { arguments.append(try await evaluate(argument, scope)) }
        let result = try function(arguments)
        try limits.check()
        try settle(before, arguments, result, scope)
        return result
    }

    /// A function of instant vectors and scalars.
    private func apply(
        _ function: VectorFunction,
        _ node: CallExpr,
        _ arguments: [SeriesMatrix],
        _ grid: StepGrid
    ) throws(PromQLError) -> SeriesMatrix {
        switch function {
        case .time:
            var result = SeriesMatrix(scalar: 0, steps: grid.count)
            for step in 0..<grid.count { result.values[step] = Double(grid.time(step)) / 1000 }
            return result
        case .pi: return SeriesMatrix(scalar: .pi, steps: grid.count)
        case .minOf, .maxOf:
            var result = arguments[0]
            for step in 0..<grid.count {
                let (left, right) = (arguments[0].values[step], arguments[1].values[step])
                result.values[step] = function == .minOf ? GoMath.min(left, right) : GoMath.max(left, right)
            }
            return result
        case .vector: return arguments[0]
        case .scalar: return try scalar(arguments[0])
        case .absent: return try absent(node, arguments[0], grid)
        case .round:
            let inverse =
                arguments.count > 1 ? arguments[1].values.map { 1 / $0 } : Array(repeating: 1, count: grid.count)
            return try map(arguments[0]) { value, step in
                (value * inverse[step] + 0.5).rounded(.down) / inverse[step]
            }
        case .clamp: return try clamp(arguments[0], arguments[1].values, arguments[2].values)
        case .clampMin:
            return try clamp(arguments[0], arguments[1].values, Array(repeating: .infinity, count: grid.count))
        case .clampMax:
            return try clamp(arguments[0], Array(repeating: -.infinity, count: grid.count), arguments[1].values)
        case .timestamp:
            return try map(arguments[0], alsoHistograms: true) { _, step in Double(grid.time(step)) / 1000 }
        case .startTimestamp: return SeriesMatrix(steps: grid.count)
        case .sort, .sortDesc:
            annotateSort(node, grid)
            return try sorted(arguments[0], isDescending: function == .sortDesc)
        case .sortByLabel, .sortByLabelDesc:
            annotateSort(node, grid)
            return try sortedByLabel(node, arguments[0], isDescending: function == .sortByLabelDesc)
        case .histogramCount: return try mapHistograms(arguments[0]) { $0.count }
        case .histogramSum: return try mapHistograms(arguments[0]) { $0.sum }
        case .histogramAvg: return try mapHistograms(arguments[0]) { $0.sum / $0.count }
        case .histogramStdvar: return try mapHistograms(arguments[0]) { $0.variance }
        case .histogramStddev: return try mapHistograms(arguments[0]) { $0.variance.squareRoot() }
        case .histogramQuantile: return try histogram(.quantile, node, arguments, grid)
        case .histogramQuantiles: return try histogram(.quantiles, node, arguments, grid)
        case .histogramFraction: return try histogram(.fraction, node, arguments, grid)
        }
    }

    /// Only instant queries keep an order. After the arguments: of several sorts the outermost is told.
    private func annotateSort(_ node: CallExpr, _ grid: StepGrid) {
        if grid.start != grid.end { annotations.sortInRangeQuery(node.position) }
    }

    private func histogram(
        _ kind: HistogramCall.Kind,
        _ node: CallExpr,
        _ arguments: [SeriesMatrix],
        _ grid: StepGrid
    ) throws(PromQLError) -> SeriesMatrix {
        var call = HistogramCall(
            kind: kind,
            node: node,
            grid: grid,
            delaysNameRemoval: delaysNameRemoval,
            equalLabels: equalLabels(on: grid),
            limits: limits
        )
        let result = try call.evaluate(arguments)
        annotations.merge(call.notes)
        return result
    }

    /// Applies a function to all floats; names go, histograms are left out.
    private func map(
        _ vector: SeriesMatrix,
        alsoHistograms: Bool = false,
        weight: Int = 2,
        _ function: (Double, Int) -> Double
    ) throws(PromQLError) -> SeriesMatrix {
        var result = vector
        let steps = vector.steps
        var meter = WorkMeter(limits)
        result.values.withUnsafeMutableBufferPointer { values in
            for row in 0..<vector.rows {
                RowOperator.forEachPiece(steps) { piece in
                    // Nobody will look at the rest.
                    if meter.isOver(after: weight * piece.count) { return false }
                    for step in piece {
                        let index = row * steps + step
                        if Absent.isAbsent(values[index]) {
                            if alsoHistograms, vector.histogram(row, step) != nil { values[index] = function(0, step) }
                            continue
                        }
                        values[index] = function(values[index], step)
                    }
                    return true
                }
            }
        }
        try limits.check()
        return try finished(&result)
    }

    private func mapHistograms(
        _ vector: SeriesMatrix,
        _ function: (NativeHistogram) -> Double
    ) throws(PromQLError) -> SeriesMatrix {
        var result = SeriesMatrix(steps: vector.steps, labels: vector.labels, dropsName: true)
        result.charge = try limits.charge(8 * result.values.count)
        var meter = WorkMeter(limits)
        for row in 0..<vector.rows where vector.hasHistograms(row) {
            for step in 0..<vector.steps {
                try meter.add(128)
                if let histogram = vector.histogram(row, step) {
                    result.values[row * vector.steps + step] = function(histogram)
                }
            }
        }
        if !delaysNameRemoval {
            for row in 0..<result.rows {
                try meter.add(64 + result.labels[row].encoded.count)
                result.labels[row] = result.labels[row].dropping(.metricName)
            }
        }
        result.dropEmptyRows()
        return delaysNameRemoval ? result : try result.mergingEqualLabels(limits)
    }

    /// Drops names and histograms.
    private func finished(_ result: inout SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        result.histograms = []
        for row in 0..<result.rows { result.dropsName[row] = true }
        if !delaysNameRemoval { try limits.dropReserved(&result) }
        result.dropEmptyRows()
        return delaysNameRemoval ? result : try result.mergingEqualLabels(limits)
    }

    private func clamp(
        _ vector: SeriesMatrix,
        _ least: [Double],
        _ greatest: [Double]
    ) throws(PromQLError) -> SeriesMatrix {
        try map(vector) { value, step in
            if greatest[step] < least[step] { return Absent.value }
            return GoMath.max(least[step], GoMath.min(greatest[step], value))
        }
    }

    private func scalar(_ vector: SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        var result = SeriesMatrix(scalar: .nan, steps: vector.steps)
        var meter = WorkMeter(limits)
        for step in 0..<vector.steps {
            try meter.add(vector.rows + 2)
            var found: Double?
            for row in 0..<vector.rows {
                let value = vector.values[row * vector.steps + step]
                if Absent.isAbsent(value) { continue }
                if found != nil {
                    found = .nan
                    break
                }
                found = value
            }
            result.values[step] = found ?? .nan
        }
        return result
    }

    private func absent(
        _ node: CallExpr,
        _ vector: SeriesMatrix,
        _ grid: StepGrid
    ) throws(PromQLError) -> SeriesMatrix {
        var row = [Double](repeating: 1, count: grid.count)
        var meter = WorkMeter(limits)
        for other in 0..<vector.rows {
            try meter.add(2 * grid.count)
            for step in 0..<grid.count where vector.isPresent(other, step) { row[step] = Absent.value }
        }
        var result = SeriesMatrix(steps: grid.count)
        if row.contains(where: { !Absent.isAbsent($0) }) {
            var argument = node.arguments[0]
            // Prometheus looks through parentheses only.
            while case .paren(let inner) = argument { argument = inner.expression }
            if case .stepInvariant = argument {
                result.append(row, labels: Labels())
            } else {
                result.append(row, labels: AbsentLabels.of(argument))
            }
        }
        return result
    }

    private func date(
        _ part: DatePart,
        _ vector: SeriesMatrix?,
        _ grid: StepGrid
    ) throws(PromQLError) -> SeriesMatrix {
        guard let vector else {
            var result = SeriesMatrix(scalar: 0, steps: grid.count)
            for step in 0..<grid.count {
                result.values[step] = ElementFunctions.date(part, CivilTime(seconds: grid.time(step) / 1000))
            }
            return result
        }
        return try map(vector, weight: 16) { value, _ in
            ElementFunctions.date(part, CivilTime(seconds: ElementFunctions.truncated(value)))
        }
    }
}
