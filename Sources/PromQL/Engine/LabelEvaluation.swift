internal import MetricModel

extension Evaluation {
    private func text(_ node: CallExpr, _ index: Int) -> String {
        if case .string(let literal) = node.arguments[index].unwrapped { literal.value } else { "" }
    }

    func evaluateLabelReplace(_ node: CallExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        let (target, replacement) = (text(node, 1), text(node, 2))
        let (source, pattern) = (text(node, 3), text(node, 4))
        let expression: RegularExpression
        do throws(RegularExpressionError) {
            expression = try RegularExpression(pattern, anchored: true)
        } catch {
            try limits.checkReading()
            throw PromQLError(.execution, "invalid regular expression in label_replace(): \(pattern)")
        }
        if !LabelNameRule.isValid(target) {
            throw PromQLError(.execution, "invalid destination label name in label_replace(): \(target)")
        }
        var matrix = try await evaluate(node.arguments[0], scope)
        let template = expression.template(replacement)
        let charge = try limits.charge()
        let work = try limits.charge(expression.expansionBytes(template) + template.heldBytes)
        defer { withExtendedLifetime(work) {} }
        var meter = WorkMeter(limits)
        for row in 0..<matrix.rows {
            try meter.add(64 + expression.instructionCount)
            switch expression.expand(template, in: matrix.labels[row][source] ?? "", limit: charge.rest) {
            case .noMatch: continue
            case .text(let value): try set(target, value, row, &matrix, charge)
            case .tooLong(let length): try charge.add(length)
            }
        }
        // Longer labels for the same values: what these hold goes on to be held.
        try charge.add(8 * matrix.values.count)
        matrix.charge = charge
        return try matrix.mergingEqualLabels(limits)
    }

    func evaluateLabelJoin(_ node: CallExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        let (target, separator) = (text(node, 1), text(node, 2))
        let sources = node.arguments.indices.dropFirst(3).map { text(node, $0) }
        for source in sources where !LabelNameRule.isValid(source) {
            throw PromQLError(.execution, "invalid source label name in label_join(): \(source)")
        }
        if !LabelNameRule.isValid(target) {
            throw PromQLError(.execution, "invalid destination label name in label_join(): \(target)")
        }
        var matrix = try await evaluate(node.arguments[0], scope)
        let charge = try limits.charge()
        var meter = WorkMeter(limits)
        for row in 0..<matrix.rows {
            var value = ""
            for (number, source) in sources.enumerated() {
                if number > 0 { value += separator }
                value += matrix.labels[row][source] ?? ""
                if value.utf8.count > charge.rest { try charge.add(value.utf8.count) }
                try meter.add(64 + separator.utf8.count)
            }
            try set(target, value, row, &matrix, charge)
        }
        try charge.add(8 * matrix.values.count)
        matrix.charge = charge
        return try matrix.mergingEqualLabels(limits)
    }

    private func set(
        _ name: String,
        _ value: String,
        _ row: Int,
        _ matrix: inout SeriesMatrix,
        _ charge: MemoryCharge
    ) throws(PromQLError) {
        if row & 15 == 0 || value.utf8.count > 1 << 12 { try limits.check() }
        try charge.add(matrix.labels[row].heldBytes + value.utf8.count)
        var builder = LabelsBuilder(matrix.labels[row])
        builder.set(name, value)
        matrix.labels[row] = builder.build()
        if name == Labels.metricName { matrix.dropsName[row] = false }
    }

    /// `timestamp`, `start_timestamp` of a selector: the time of the samples themselves.
    func evaluateTimestamps(
        ofStart isOfStart: Bool,
        _ node: VectorSelector,
        _ scope: Scope
    ) async throws(PromQLError) -> SeriesMatrix {
        let (began, readBefore) = (limits.clock.steadyNanoseconds, scope.samples.read)
        let series = try await series(node, scope)
        let lookup = lookup(node, scope.grid)
        let steps = scope.grid.count
        let charge = try limits.charge(8 * steps * series.count)
        var result = SeriesMatrix(steps: steps, labels: series.map(\.labels), dropsName: true)
        result.charge = charge
        var looked = [Int](repeating: 0, count: steps)
        var meter = WorkMeter(limits)
        for (row, columns) in series.enumerated() {
            try meter.add(8 * steps + 16)
            let floats = lookup.positions(columns.timestamps)
            let histograms = lookup.positions(columns.histogramTimestamps)
            for step in 0..<steps {
                let (float, histogram) = (Int(floats[step]), Int(histograms[step]))
                var time: Timestamp?
                var start: Timestamp = 0
                if float >= 0, histogram < 0 || columns.timestamps[float] > columns.histogramTimestamps[histogram] {
                    if SpecialValue.isStale(columns.values[float]) { continue }
                    time = columns.timestamps[float]
                    start = float < columns.startTimestamps.count ? columns.startTimestamps[float] : 0
                } else if histogram >= 0 {
                    if columns.histograms[histogram].isStale { continue }
                    time = columns.histogramTimestamps[histogram]
                    start =
                        histogram < columns.histogramStartTimestamps.count
                        ? columns.histogramStartTimestamps[histogram] : 0
                }
                guard let time else { continue }
                looked[step] += 1
                scope.samples.add(total: 1, step: step)
                scope.samples.add(read: 1, step: step)
                if !isOfStart {
                    result.values[row * steps + step] = Double(time) / 1000
                } else if options.usesStartTimestamps {
                    result.values[row * steps + step] = Double(start) / 1000
                }
            }
        }
        if let recorder {
            recorder.leaf(
                .vectorSelector(node),
                (0..<result.rows).filter { result.isPopulated($0) }.map { result.labels[$0] },
                samples: looked.reduce(0, +),
                read: scope.samples.read - readBefore,
                seconds: Double(limits.clock.steadyNanoseconds - began) / 1e9
            )
        }
        if !delaysNameRemoval { try limits.dropReserved(&result) }
        result.dropEmptyRows()
        try settle(currentSamples, [], result, scope, looked: looked)
        return delaysNameRemoval ? result : try result.mergingEqualLabels(limits)
    }
}

extension QueryLimits {
    /// Takes the names away.
    func dropReserved(_ matrix: inout SeriesMatrix) throws(PromQLError) {
        var meter = WorkMeter(self)
        for row in 0..<matrix.rows {
            try meter.add(64 + matrix.labels[row].encoded.count)
            matrix.labels[row] = matrix.labels[row].withoutReserved
        }
    }
}
