internal import MetricModel

extension ExplainedMatching {
    /// So many groups and series are shown.
    private static let exampleLimit = 5

    /// Looks at how two sides find each other.
    init(
        _ matching: VectorMatching,
        _ left: SeriesMatrix,
        _ right: SeriesMatrix,
        limits: QueryLimits
    ) throws(PromQLError) {
        let signatures = try MatchSignatures(matching, left, right, limits)
        var onLeft = [Int](repeating: 0, count: signatures.count)
        var onRight = onLeft
        for number in signatures.left { onLeft[number] += 1 }
        for number in signatures.right { onRight[number] += 1 }
        var meter = WorkMeter(limits)
        (matchedLeft, unmatchedLeft) = try Self.partners(of: signatures.left, among: onRight, left, &meter)
        (matchedRight, unmatchedRight) = try Self.partners(of: signatures.right, among: onLeft, right, &meter)
        var isShown = [Bool](repeating: false, count: signatures.count)
        for (row, number) in signatures.left.enumerated() where groups.count < Self.exampleLimit {
            guard !isShown[number], onRight[number] > 0, onLeft[number] + onRight[number] > 2 else { continue }
            isShown[number] = true
            let labels = Self.compared(left.labels[row], matching)
            groups.append(Group(labels: labels, left: onLeft[number], right: onRight[number]))
        }
        try compareNames(matching, left, right, &meter)
    }

    /// How many series of a side have a partner, and the first that have none.
    private static func partners(
        of signatures: [Int],
        among others: [Int],
        _ side: SeriesMatrix,
        _ meter: inout WorkMeter
    ) throws(PromQLError) -> (matched: Int, unmatched: [Labels]) {
        var (matched, unmatched) = (0, [Labels]())
        for (row, number) in signatures.enumerated() {
            try meter.add(8)
            if others[number] > 0 {
                matched += 1
            } else if unmatched.count < exampleLimit {
                unmatched.append(side.labels[row])
            }
        }
        return (matched, unmatched)
    }

    private static func compared(_ labels: Labels, _ matching: VectorMatching) -> Labels {
        matching.isOn
            ? labels.keeping(LabelNames(matching.labels))
            : labels.dropping(LabelNames(matching.labels + [Labels.metricName]))
    }

    private mutating func compareNames(
        _ matching: VectorMatching,
        _ left: SeriesMatrix,
        _ right: SeriesMatrix,
        _ meter: inout WorkMeter
    ) throws(PromQLError) {
        func values(_ matrix: SeriesMatrix) throws(PromQLError) -> [String: Set<String>] {
            var result: [String: Set<String>] = [:]
            for labels in matrix.labels {
                try meter.add(256 + labels.encoded.count)
                for label in Self.compared(labels, matching) { result[label.name, default: []].insert(label.value) }
            }
            return result
        }
        let (ofLeft, ofRight) = (try values(left), try values(right))
        for (name, values) in ofLeft.sorted(by: { $0.key < $1.key }) {
            guard let others = ofRight[name] else {
                onlyLeft.append(name)
                continue
            }
            if values.isDisjoint(with: others) { apart.append(name) } else { shared.append(name) }
        }
        onlyRight = ofRight.keys.filter { ofLeft[$0] == nil }.sorted()
    }
}
