internal import MetricModel

/// An arithmetic or comparison operator between two vectors.
struct VectorMatch {
    let row: RowOperator
    let matching: VectorMatching
    let delaysNameRemoval: Bool
    let equalLabels: EqualLabels
    let limits: QueryLimits
    private(set) var notes = Annotations()

    /// Whether the right side is the one with several series.
    private var isSwapped: Bool { matching.cardinality == .oneToMany }

    mutating func evaluate(_ left: SeriesMatrix, _ right: SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        let signatures = try MatchSignatures(matching, left, right, limits)
        let (many, one) = isSwapped ? (right, left) : (left, right)
        let manyRows = MatchSignatures.rows(isSwapped ? signatures.right : signatures.left, signatures.count)
        let oneRows = MatchSignatures.rows(isSwapped ? signatures.left : signatures.right, signatures.count)
        let manyNumbers = isSwapped ? signatures.right : signatures.left
        let isSimple =
            matching.fillLeft == nil && matching.fillRight == nil && !left.hasHistograms && !right.hasHistograms
            && row.operation != .trimLower && row.operation != .trimUpper
            && oneRows.allSatisfy { $0.count < 2 }
            && (matching.cardinality != .oneToOne || manyRows.allSatisfy { $0.count < 2 })
        if isSimple { return try evaluateRows(many, one, manyNumbers, oneRows) }
        return try evaluateSteps(many, one, manyRows, oneRows, manyNumbers)
    }

    /// Whole rows at a time: each signature has at most one row on the one side.
    private func evaluateRows(
        _ many: SeriesMatrix,
        _ one: SeriesMatrix,
        _ manyNumbers: [Int],
        _ oneRows: [[Int]]
    ) throws(PromQLError) -> SeriesMatrix {
        let steps = many.steps
        var result = SeriesMatrix(steps: steps)
        var partners: [(many: Int, one: Int)] = []
        for index in 0..<many.rows {
            if let partner = oneRows[manyNumbers[index]].first { partners.append((index, partner)) }
        }
        let charge = try limits.charge(8 * partners.count * steps)
        result.charge = charge
        var meter = WorkMeter(limits)
        result.labels = try partners.map { partner throws(PromQLError) in
            try resultLabels(many.labels[partner.many], one.labels[partner.one], charge, &meter)
        }
        result.dropsName = Array(repeating: row.returnsBool, count: partners.count)
        result.values = Array(unsafeUninitializedCapacity: partners.count * steps) { output, count in
            count = partners.count * steps
            var isOver = false
            many.values.withUnsafeBufferPointer { many in
                one.values.withUnsafeBufferPointer { one in
                    guard let many = many.baseAddress, let one = one.baseAddress, let target = output.baseAddress
                    else { return }
                    for (index, partner) in partners.enumerated() {
                        let (a, b) = (many + partner.many * steps, one + partner.one * steps)
                        let (left, right) = isSwapped ? (b, a) : (a, b)
                        let target = target + index * steps
                        RowOperator.forEachPiece(steps) { piece in
                            let start = piece.lowerBound
                            if meter.isOver(after: piece.count * row.operation.weight) {
                                // Nobody will look at the rest; what was not written is nobody's either.
                                count = index * steps + start
                                isOver = true
                                return false
                            }
                            row.combine(left + start, 1, right + start, 1, target + start, piece.count)
                            return true
                        }
                        if isOver { return }
                    }
                }
            }
        }
        try limits.check()
        if matching.cardinality != .oneToOne { try checkUnique(result, partners, many, one, manyNumbers) }
        result.dropEmptyRows()
        return try result.mergingEqualLabels(limits, equalLabels)
    }

    /// Series of one match group must differ in their result's labels wherever both take part, kept or not.
    private func checkUnique(
        _ result: SeriesMatrix,
        _ partners: [(many: Int, one: Int)],
        _ many: SeriesMatrix,
        _ one: SeriesMatrix,
        _ manyNumbers: [Int]
    ) throws(PromQLError) {
        struct Key: Hashable {
            var number: Int
            var labels: Labels
        }
        var seen: [Key: [Int]] = [:]
        var meter = WorkMeter(limits)
        for (index, partner) in partners.enumerated() {
            try meter.add(64 + result.labels[index].encoded.count)
            let key = Key(number: manyNumbers[partner.many], labels: result.labels[index])
            for earlier in seen[key, default: []] {
                try meter.add(8 + many.steps)
                for step in 0..<many.steps
                where many.isPresent(partner.many, step) && many.isPresent(partners[earlier].many, step)
                    && one.isPresent(partner.one, step)
                {
                    throw VectorMatch.ambiguous
                }
            }
            seen[key, default: []].append(index)
        }
    }

    private static let ambiguous = PromQLError(
        .execution,
        "multiple matches for labels: grouping labels must ensure unique matches"
    )

    /// Step by step, as Prometheus does it: for histograms, fill values, and signatures that several series share.
    private mutating func evaluateSteps(
        _ many: SeriesMatrix,
        _ one: SeriesMatrix,
        _ manyRows: [[Int]],
        _ oneRows: [[Int]],
        _ manyNumbers: [Int]
    ) throws(PromQLError) -> SeriesMatrix {
        let steps = many.steps
        var output = try PairCollector(steps: steps, equalLabels: equalLabels, limits)
        // As Prometheus has it, group_right does not exchange the two.
        let fillOne = matching.fillRight
        let fillMany = matching.fillLeft
        let oneNumbers = numbers(oneRows, one.rows)
        for step in 0..<steps {
            try output.meter.add(4 * (many.rows + one.rows + oneRows.count))
            var stepNotes = StepNotes()
            let present = (0..<many.rows).filter { many.isPresent($0, step) }
            let presentOne = (0..<one.rows).filter { one.isPresent($0, step) }
            if present.isEmpty, presentOne.isEmpty { continue }
            if present.isEmpty || presentOne.isEmpty, matching.fillLeft == nil, matching.fillRight == nil { continue }
            var partner = [Int](repeating: -1, count: oneRows.count)
            for index in presentOne {
                let number = oneNumbers[index]
                if partner[number] >= 0 { throw duplicate(one.labels[index], one.labels[partner[number]]) }
                partner[number] = index
            }
            var matched = [Set<Labels>](repeating: [], count: oneRows.count)
            for index in present {
                let number = manyNumbers[index]
                let own = side(many, index, step)
                if partner[number] >= 0 {
                    let other = side(one, partner[number], step)
                    try pair(own, other, (index, partner[number]), step, &matched[number], &output, &stepNotes)
                } else if let fillOne {
                    let other = Side(labels: matchLabels(many.labels[index]), value: fillOne, histogram: nil)
                    try pair(own, other, (index, -1), step, &matched[number], &output, &stepNotes)
                }
            }
            if let fillMany {
                for index in presentOne where matched[oneNumbers[index]].isEmpty {
                    let own = Side(labels: matchLabels(one.labels[index]), value: fillMany, histogram: nil)
                    let number = oneNumbers[index]
                    let other = side(one, index, step)
                    try pair(own, other, (-1, index), step, &matched[number], &output, &stepNotes)
                }
            }
            stepNotes.tell(row, &notes)
        }
        return output.matrix
    }

    private func numbers(_ rows: [[Int]], _ count: Int) -> [Int] {
        var result = [Int](repeating: 0, count: count)
        for (number, members) in rows.enumerated() { for row in members { result[row] = number } }
        return result
    }

    private struct Side {
        var labels: Labels
        var value: Double
        var histogram: NativeHistogram?
    }

    private func side(_ matrix: SeriesMatrix, _ index: Int, _ step: Int) -> Side {
        Side(
            labels: matrix.labels[index],
            value: matrix.values[index * matrix.steps + step],
            histogram: matrix.histogram(index, step)
        )
    }

    private func pair(
        _ many: Side,
        _ one: Side,
        _ key: (Int, Int),
        _ step: Int,
        _ matched: inout Set<Labels>,
        _ output: inout PairCollector,
        _ stepNotes: inout StepNotes
    ) throws(PromQLError) {
        let (left, right) = isSwapped ? (one, many) : (many, one)
        let buckets = (left.histogram?.bucketCount ?? 0) + (right.histogram?.bucketCount ?? 0)
        try output.meter.add((left.histogram == nil && right.histogram == nil ? 64 : 256) + 4 * buckets)
        let outcome = row.combine(left.value, left.histogram, right.value, right.histogram, &stepNotes)
        guard case .match(var value, var histogram, let isKept) = outcome else { return }
        if row.returnsBool {
            histogram = nil
            value = isKept ? 1 : 0
        }
        let labels: Labels
        if let known = output.labels(key) {
            labels = known
        } else {
            labels = try resultLabels(many.labels, one.labels, output.charge, &output.meter)
            output.remember(labels, of: key)
        }
        if matching.cardinality == .oneToOne {
            if !matched.isEmpty {
                throw PromQLError(
                    .execution,
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                )
            }
            matched.insert(labels)
        } else if !matched.insert(labels).inserted {
            throw VectorMatch.ambiguous
        }
        guard isKept || row.returnsBool else { return }
        try output.add(value, histogram, labels, step, dropsName: row.returnsBool)
    }

    private func duplicate(_ labels: Labels, _ other: Labels) -> PromQLError {
        let side = isSwapped ? "left" : "right"
        let texts = [labels.description, other.description].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return PromQLError(
            .execution,
            "found duplicate series for the match group \(matchLabels(labels)) on the \(side) hand-side of the operation: "
                + "[\(texts[0]), \(texts[1])];many-to-many matching not allowed: matching labels must be unique on one side"
        )
    }

    /// The labels by which a series is matched.
    private func matchLabels(_ labels: Labels) -> Labels {
        matching.isOn
            ? labels.keeping(LabelNames(matching.labels))
            : labels.dropping(LabelNames(matching.labels + [Labels.metricName]))
    }

    /// The labels of a result.
    private func resultLabels(
        _ many: Labels,
        _ one: Labels,
        _ charge: MemoryCharge,
        _ meter: inout WorkMeter
    ) throws(PromQLError) -> Labels {
        try meter.add(64 + many.encoded.count)
        var labels = many
        if row.operation.changesMetric || (row.returnsBool && !delaysNameRemoval) { labels = labels.withoutReserved }
        if matching.cardinality == .oneToOne {
            let names = LabelNames(matching.labels)
            labels = matching.isOn ? labels.keeping(names) : labels.dropping(names)
        }
        if matching.include.isEmpty { return labels }
        var builder = LabelsBuilder(labels)
        var added = labels.heldBytes
        for name in matching.include {
            let value = one[name] ?? ""
            added += value.utf8.count + name.utf8.count
            builder.set(name, value)
        }
        try charge.add(added)
        try meter.add(added)
        return builder.build()
    }
}

/// Results of pairs of series, put together step by step.
private struct PairCollector {
    private(set) var matrix: SeriesMatrix
    private let equalLabels: EqualLabels
    private var rowOfLabels: [Labels: Int] = [:]
    private var labelsOfPair: [Int: Labels] = [:]
    let charge: MemoryCharge
    var meter: WorkMeter

    init(steps: Int, equalLabels: EqualLabels, _ limits: QueryLimits) throws(PromQLError) {
        matrix = SeriesMatrix(steps: steps)
        charge = try limits.charge()
        matrix.charge = charge
        meter = WorkMeter(limits)
        self.equalLabels = equalLabels
    }

    private func key(_ pair: (Int, Int)) -> Int { (pair.0 + 1) << 32 | (pair.1 + 1) }

    func labels(_ pair: (Int, Int)) -> Labels? { labelsOfPair[key(pair)] }

    mutating func remember(_ labels: Labels, of pair: (Int, Int)) { labelsOfPair[key(pair)] = labels }

    mutating func add(
        _ value: Double,
        _ histogram: NativeHistogram?,
        _ labels: Labels,
        _ step: Int,
        dropsName: Bool
    ) throws(PromQLError) {
        let row = (equalLabels == .merged ? rowOfLabels[labels] : nil) ?? matrix.rows
        if row == matrix.rows {
            rowOfLabels[labels] = row
            try charge.add(8 * matrix.steps + 64)
            try meter.add(matrix.steps)
            matrix.append(
                repeatElement(Absent.value, count: matrix.steps),
                labels: labels,
                dropsName: dropsName
            )
        } else if matrix.isPresent(row, step) {
            throw .duplicateLabels
        }
        if let histogram {
            matrix.setHistogram(histogram, row, step)
        } else {
            matrix.values[row * matrix.steps + step] = value
        }
    }
}
