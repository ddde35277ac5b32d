internal import MetricModel

extension Evaluation {
    func evaluateCall(_ node: CallExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        let name = node.function.name
        var inner = scope
        switch name {
        case .histogramCount, .histogramSum, .histogramAvg: inner.needsOnlyHistogramStats = true
        case .histogramQuantile, .histogramQuantiles, .histogramFraction: inner.needsWholeHistograms = true
        default: break
        }
        if name == .timestamp || name == .startTimestamp, case .vectorSelector(let selector) = node.arguments.first {
            return try await evaluateTimestamps(name, selector, inner)
        }
        switch name {
        case .labelReplace: return try await evaluateLabelReplace(node, inner)
        case .labelJoin: return try await evaluateLabelJoin(node, inner)
        case .info: return try await evaluateInfo(node, inner)
        default: break
        }
        if let index = node.arguments.firstIndex(where: { $0.type == .matrix }) {
            return try await evaluateRangeCall(node, rangeAt: index, inner)
        }
        let before = currentSamples
        var arguments: [SeriesMatrix] = []
        for argument in node.arguments { arguments.append(try await evaluate(argument, inner)) }
        // After the arguments: of several sorts the outermost is told.
        if [.sort, .sortDesc, .sortByLabel, .sortByLabelDesc].contains(name), scope.grid.start != scope.grid.end {
            annotations.sortInRangeQuery(node.position)
        }
        let result = try apply(node, arguments, scope.grid)
        try limits.check()
        try settle(before, arguments, result, scope)
        return result
    }

    /// A function of instant vectors and scalars.
    private func apply(
        _ node: CallExpr,
        _ arguments: [SeriesMatrix],
        _ grid: StepGrid
    ) throws(PromQLError) -> SeriesMatrix {
        let name = node.function.name
        if let function = ElementFunctions.simple(name) { return try map(arguments[0]) { value, _ in function(value) } }
        switch name {
        case .time:
            var result = SeriesMatrix(scalar: 0, steps: grid.count)
            for step in 0..<grid.count { result.values[step] = Double(grid.time(step)) / 1000 }
            return result
        case .pi: return SeriesMatrix(scalar: .pi, steps: grid.count)
        case .minOf, .maxOf:
            var result = arguments[0]
            for step in 0..<grid.count {
                let (left, right) = (arguments[0].values[step], arguments[1].values[step])
                result.values[step] = name == .minOf ? GoMath.min(left, right) : GoMath.max(left, right)
            }
            return result
        case .vector: return arguments[0]
        case .scalar: return scalar(arguments[0])
        case .absent: return absent(node, arguments[0], grid)
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
        case .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth, .hour, .minute, .month, .year:
            return try date(name, arguments.first, grid)
        case .timestamp:
            return try map(arguments[0], alsoHistograms: true) { _, step in Double(grid.time(step)) / 1000 }
        case .startTimestamp: return SeriesMatrix(steps: grid.count)
        case .sort, .sortDesc: return sorted(arguments[0], isDescending: name == .sortDesc)
        case .sortByLabel, .sortByLabelDesc:
            return sortedByLabel(node, arguments[0], isDescending: name == .sortByLabelDesc)
        case .histogramCount: return try mapHistograms(arguments[0]) { $0.count }
        case .histogramSum: return try mapHistograms(arguments[0]) { $0.sum }
        case .histogramAvg: return try mapHistograms(arguments[0]) { $0.sum / $0.count }
        case .histogramStdvar: return try mapHistograms(arguments[0]) { $0.variance }
        case .histogramStddev: return try mapHistograms(arguments[0]) { $0.variance.squareRoot() }
        case .histogramQuantile, .histogramQuantiles, .histogramFraction:
            var call = HistogramCall(
                node: node,
                grid: grid,
                delaysNameRemoval: delaysNameRemoval,
                equalLabels: equalLabels(on: grid),
                limits: limits
            )
            let result = try call.evaluate(arguments)
            annotations.merge(call.notes)
            return result
        default:
            throw PromQLError(.execution, "unexpected function \(name.rawValue)")
        }
    }

    /// Applies a function to all floats; names go, histograms are left out.
    private func map(
        _ vector: SeriesMatrix,
        alsoHistograms: Bool = false,
        _ function: (Double, Int) -> Double
    ) throws(PromQLError) -> SeriesMatrix {
        var result = vector
        let steps = vector.steps
        result.values.withUnsafeMutableBufferPointer { values in
            for row in 0..<vector.rows {
                for step in 0..<steps {
                    let index = row * steps + step
                    if Absent.isAbsent(values[index]) {
                        if alsoHistograms, vector.histogram(row, step) != nil { values[index] = function(0, step) }
                        continue
                    }
                    values[index] = function(values[index], step)
                }
            }
        }
        return try finished(&result)
    }

    private func mapHistograms(
        _ vector: SeriesMatrix,
        _ function: (NativeHistogram) -> Double
    ) throws(PromQLError) -> SeriesMatrix {
        var result = SeriesMatrix(steps: vector.steps, labels: vector.labels, dropsName: true)
        for row in 0..<vector.rows where vector.hasHistograms(row) {
            for step in 0..<vector.steps {
                if let histogram = vector.histogram(row, step) {
                    result.values[row * vector.steps + step] = function(histogram)
                }
            }
        }
        if !delaysNameRemoval { result.labels = result.labels.map { $0.dropping(.metricName) } }
        result.dropEmptyRows()
        return delaysNameRemoval ? result : try result.mergingEqualLabels()
    }

    /// Drops names and histograms.
    private func finished(_ result: inout SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        result.histograms = []
        for row in 0..<result.rows {
            result.dropsName[row] = true
            if !delaysNameRemoval { result.labels[row] = result.labels[row].withoutReserved }
        }
        result.dropEmptyRows()
        return delaysNameRemoval ? result : try result.mergingEqualLabels()
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

    private func scalar(_ vector: SeriesMatrix) -> SeriesMatrix {
        var result = SeriesMatrix(scalar: .nan, steps: vector.steps)
        for step in 0..<vector.steps {
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

    private func absent(_ node: CallExpr, _ vector: SeriesMatrix, _ grid: StepGrid) -> SeriesMatrix {
        var row = [Double](repeating: 1, count: grid.count)
        for other in 0..<vector.rows {
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
        _ name: FunctionName,
        _ vector: SeriesMatrix?,
        _ grid: StepGrid
    ) throws(PromQLError) -> SeriesMatrix {
        guard let vector else {
            var result = SeriesMatrix(scalar: 0, steps: grid.count)
            for step in 0..<grid.count {
                result.values[step] = ElementFunctions.date(name, CivilTime(seconds: grid.time(step) / 1000))
            }
            return result
        }
        return try map(vector) { value, _ in
            ElementFunctions.date(name, CivilTime(seconds: ElementFunctions.truncated(value)))
        }
    }
}
