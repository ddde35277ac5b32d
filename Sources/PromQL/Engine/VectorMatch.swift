internal import MetricModel

/// An arithmetic or comparison operator between two vectors.
struct VectorMatch {
    let row: RowOperator
    let matching: VectorMatching
    let delaysNameRemoval: Bool
    let equalLabels: EqualLabels
    let limits: QueryLimits
    private(set) var notes = Annotations()

    init(
        row: RowOperator,
        matching: VectorMatching,
        delaysNameRemoval: Bool,
        equalLabels: EqualLabels,
        limits: QueryLimits
    ) {
        self.row = row
        self.matching = matching
        self.delaysNameRemoval = delaysNameRemoval
        self.equalLabels = equalLabels
        self.limits = limits
    }

    /// Whether the right side is the one with several series.
    private var isSwapped: Bool { matching.cardinality == .oneToMany }

    mutating func evaluate(_ left: SeriesMatrix, _ right: SeriesMatrix) throws(PromQLError) -> SeriesMatrix {
        let signatures = MatchSignatures(matching, left, right)
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
        result.labels = partners.map { resultLabels(many.labels[$0.many], one.labels[$0.one]) }
        result.dropsName = Array(repeating: row.returnsBool, count: partners.count)
        result.values = Array(unsafeUninitializedCapacity: partners.count * steps) { output, count in
            count = partners.count * steps
            many.values.withUnsafeBufferPointer { many in
                one.values.withUnsafeBufferPointer { one in
                    guard let many = many.baseAddress, let one = one.baseAddress, let target = output.baseAddress
                    else { return }
                    for (index, partner) in partners.enumerated() {
                        let (a, b) = (many + partner.many * steps, one + partner.one * steps)
                        row.combine(isSwapped ? b : a, 1, isSwapped ? a : b, 1, target + index * steps, steps)
                    }
                }
            }
        }
        if matching.cardinality != .oneToOne { try checkUnique(result, partners, many, one, manyNumbers) }
        result.dropEmptyRows()
        return try result.mergingEqualLabels(equalLabels)
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
        for (index, partner) in partners.enumerated() {
            let key = Key(number: manyNumbers[partner.many], labels: result.labels[index])
            for earlier in seen[key, default: []] {
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
        var output = PairCollector(steps: steps, equalLabels: equalLabels)
        // As Prometheus has it, group_right does not exchange the two.
        let fillOne = matching.fillRight
        let fillMany = matching.fillLeft
        let oneNumbers = numbers(oneRows, one.rows)
        for step in 0..<steps {
            if step & 15 == 0 { try limits.check() }
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
        let outcome = row.combine(left.value, left.histogram, right.value, right.histogram, &stepNotes)
        guard case .match(var value, var histogram, let isKept) = outcome else { return }
        if row.returnsBool {
            histogram = nil
            value = isKept ? 1 : 0
        }
        let labels = output.labels(key) { resultLabels(many.labels, one.labels) }
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
    private func resultLabels(_ many: Labels, _ one: Labels) -> Labels {
        var labels = many
        if row.operation.changesMetric || (row.returnsBool && !delaysNameRemoval) { labels = labels.withoutReserved }
        if matching.cardinality == .oneToOne {
            let names = LabelNames(matching.labels)
            labels = matching.isOn ? labels.keeping(names) : labels.dropping(names)
        }
        if matching.include.isEmpty { return labels }
        var builder = LabelsBuilder(labels)
        for name in matching.include { builder.set(name, one[name] ?? "") }
        return builder.build()
    }
}

/// Results of pairs of series, put together step by step.
private struct PairCollector {
    private(set) var matrix: SeriesMatrix
    private let equalLabels: EqualLabels
    private var rowOfLabels: [Labels: Int] = [:]
    private var labelsOfPair: [Int: Labels] = [:]

    init(steps: Int, equalLabels: EqualLabels) {
        matrix = SeriesMatrix(steps: steps)
        self.equalLabels = equalLabels
    }

    mutating func labels(_ pair: (Int, Int), _ make: () -> Labels) -> Labels {
        let key = (pair.0 + 1) << 32 | (pair.1 + 1)
        if let known = labelsOfPair[key] { return known }
        let labels = make()
        labelsOfPair[key] = labels
        return labels
    }

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
