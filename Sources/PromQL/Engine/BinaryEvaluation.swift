internal import MetricModel

extension Evaluation {
    func evaluateBinary(_ node: BinaryExpr, _ scope: Scope) async throws(PromQLError) -> SeriesMatrix {
        var inner = scope
        if node.operation == .trimLower || node.operation == .trimUpper { inner.needsWholeHistograms = true }
        let before = currentSamples
        let left = try await evaluate(node.left, inner)
        let right = try await evaluate(node.right, inner)
        let result: SeriesMatrix
        switch (node.left.type, node.right.type) {
        case (.scalar, .scalar):
            var scalar = SeriesMatrix(scalar: 0, steps: left.steps)
            var meter = WorkMeter(limits)
            for step in 0..<left.steps {
                try meter.add(8)
                scalar.values[step] = FloatOperator.scalar(node.operation, left.values[step], right.values[step])
            }
            result = scalar
        case (_, .scalar): result = try combine(node, left, scalar: right.values, isSwapped: false)
        case (.scalar, _): result = try combine(node, right, scalar: left.values, isSwapped: true)
        default:
            let matching = node.matching ?? VectorMatching()
            if let recorder {
                let explained = try ExplainedMatching(matching, left, right, limits: limits)
                recorder.note { $0.matching = explained }
            }
            if node.operation.isSetOperator {
                let operation = SetOperation(
                    operation: node.operation,
                    matching: matching,
                    equalLabels: equalLabels(on: scope.grid),
                    limits: limits
                )
                result = try operation.evaluate(left, right)
            } else {
                var match = VectorMatch(
                    row: RowOperator(
                        operation: node.operation,
                        returnsBool: node.returnsBool,
                        position: node.position
                    ),
                    matching: matching,
                    delaysNameRemoval: delaysNameRemoval,
                    equalLabels: equalLabels(on: scope.grid),
                    limits: limits
                )
                result = try match.evaluate(left, right)
                annotations.merge(match.notes)
            }
        }
        try limits.check()
        try settle(before, [left, right], result, scope)
        return result
    }

    /// A vector and a scalar.
    private func combine(
        _ node: BinaryExpr,
        _ vector: SeriesMatrix,
        scalar: [Double],
        isSwapped: Bool
    ) throws(PromQLError) -> SeriesMatrix {
        let row = RowOperator(
            operation: node.operation,
            returnsBool: node.returnsBool,
            position: node.position,
            answersRight: isSwapped
        )
        var result = vector
        let steps = vector.steps
        let count = vector.rows
        var meter = WorkMeter(limits)
        result.values.withUnsafeMutableBufferPointer { values in
            scalar.withUnsafeBufferPointer { scalar in
                guard let base = values.baseAddress, let other = scalar.baseAddress else { return }
                for index in 0..<count {
                    RowOperator.forEachPiece(steps) { piece in
                        // Nobody will look at the rest.
                        if meter.isOver(after: piece.count * row.operation.weight) { return false }
                        let (target, other) = (base + index * steps + piece.lowerBound, other + piece.lowerBound)
                        if isSwapped {
                            row.combine(other, 1, target, 1, target, piece.count)
                        } else {
                            row.combine(target, 1, other, 1, target, piece.count)
                        }
                        return true
                    }
                }
            }
        }
        try limits.check()
        let isTrim = node.operation == .trimLower || node.operation == .trimUpper
        if vector.hasHistograms || isTrim {
            for step in 0..<steps {
                var notes = StepNotes()
                for index in 0..<count where isTrim || vector.histogram(index, step) != nil {
                    guard vector.isPresent(index, step) else { continue }
                    try meter.add(256 + 4 * (vector.histogram(index, step)?.bucketCount ?? 0))
                    combineElement(row, vector, scalar[step], index, step, &result, &notes, isSwapped)
                }
                notes.tell(row, &annotations)
            }
        }
        if node.operation.changesMetric || node.returnsBool {
            if !delaysNameRemoval { try limits.dropReserved(&result) }
            for index in 0..<count { result.dropsName[index] = true }
            result.dropEmptyRows()
            return delaysNameRemoval ? result : try result.mergingEqualLabels(limits)
        }
        result.dropEmptyRows()
        return result
    }

    private func combineElement(
        _ row: RowOperator,
        _ vector: SeriesMatrix,
        _ scalar: Double,
        _ index: Int,
        _ step: Int,
        _ result: inout SeriesMatrix,
        _ notes: inout StepNotes,
        _ isSwapped: Bool
    ) {
        let value = vector.values[index * vector.steps + step]
        let histogram = vector.histogram(index, step)
        let outcome =
            isSwapped
            ? row.combine(scalar, nil, value, histogram, &notes) : row.combine(value, histogram, scalar, nil, &notes)
        let position = index * vector.steps + step
        result.values[position] = Absent.value
        if histogram != nil { result.setHistogram(nil, index, step) }
        switch outcome {
        case .impossible: break
        case .match(_, let combined, let isKept):
            if row.returnsBool {
                result.values[position] = isKept ? 1 : 0
            } else if isKept, let combined {
                result.setHistogram(combined, index, step)
            }
        }
    }
}

/// Numbers for the label sets that decide which series belong together.
struct MatchSignatures {
    /// The number of each row on the left.
    private(set) var left: [Int] = []
    /// The number of each row on the right.
    private(set) var right: [Int] = []
    private(set) var count = 0

    init(
        _ matching: VectorMatching,
        _ left: SeriesMatrix,
        _ right: SeriesMatrix,
        _ limits: QueryLimits
    ) throws(PromQLError) {
        var meter = WorkMeter(limits)
        let names = LabelNames(matching.isOn ? matching.labels : matching.labels + [Labels.metricName])
        var known: [Labels: Int] = [:]
        known.reserveCapacity(left.rows)
        func number(_ labels: Labels) throws(PromQLError) -> Int {
            try meter.add(128 + labels.encoded.count)
            let key = matching.isOn ? labels.keeping(names) : labels.dropping(names)
            if let number = known[key] { return number }
            known[key] = known.count
            return known.count - 1
        }
        self.left = try left.labels.map(number)
        self.right = try right.labels.map(number)
        count = known.count
    }

    static func rows(_ numbers: [Int], _ count: Int) -> [[Int]] {
        var result = [[Int]](repeating: [], count: count)
        for (row, number) in numbers.enumerated() { result[number].append(row) }
        return result
    }
}

/// `and`, `or`, `unless`.
struct SetOperation {
    let operation: BinaryOperator
    let matching: VectorMatching
    let equalLabels: EqualLabels
    let limits: QueryLimits

    func evaluate(_ left: SeriesMatrix, _ right: SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        let signatures = try MatchSignatures(matching, left, right, limits)
        switch operation {
        case .and:
            return try filtered(left, by: signatures.left, right, signatures.right, signatures.count, keeps: true)
        case .unless:
            return try filtered(left, by: signatures.left, right, signatures.right, signatures.count, keeps: false)
        case .or, .add, .subtract, .multiply, .divide, .modulo, .power, .atan2, .equal, .notEqual, .less, .greater,
            .lessOrEqual, .greaterOrEqual, .trimLower, .trimUpper:
            let rest = try filtered(right, by: signatures.right, left, signatures.left, signatures.count, keeps: false)
            if rest.rows == 0 { return left }
            var union = left
            union.charge = try limits.charge(8 * (left.values.count + rest.values.count))
            var meter = WorkMeter(limits)
            for row in 0..<rest.rows {
                try meter.add(16 + rest.steps)
                union.append(row: row, of: rest, labels: rest.labels[row], dropsName: rest.dropsName[row])
            }
            return try union.mergingEqualLabels(limits, equalLabels)
        }
    }

    /// The rows with only those steps at which the other side has (or has not) a sample with the same signature.
    private func filtered(
        _ matrix: SeriesMatrix,
        by numbers: [Int],
        _ other: SeriesMatrix,
        _ otherNumbers: [Int],
        _ count: Int,
        keeps: Bool
    ) throws(PromQLError) -> SeriesMatrix {
        let steps = matrix.steps
        let charge = try limits.charge(count * steps)
        defer { withExtendedLifetime(charge) {} }
        var meter = WorkMeter(limits)
        var isThere = [Bool](repeating: false, count: count * steps)
        for row in 0..<other.rows {
            try meter.add(16 + steps)
            for step in 0..<steps where other.isPresent(row, step) { isThere[otherNumbers[row] * steps + step] = true }
        }
        var result = matrix
        for row in 0..<matrix.rows {
            try meter.add(16 + steps)
            for step in 0..<steps where isThere[numbers[row] * steps + step] != keeps {
                result.values[row * steps + step] = Absent.value
                if matrix.hasHistograms(row) { result.histograms[row]?[step] = nil }
            }
        }
        result.dropEmptyRows()
        return result
    }
}
