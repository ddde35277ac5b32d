internal import MetricModel

/// Finds out why an expression answered nothing: goes down its explanation to the part where the series were lost.
struct WhyEmpty {
    let query: String
    /// The expression as it was written.
    let original: Expr
    let reader: any SampleReader
    let engine: PromQLEngine
    /// The last step.
    let time: Timestamp
    let lookback: Int64
    let now: Timestamp
    let limits: QueryLimits

    typealias Reason = EmptyReason

    /// The reason why the whole is empty.
    func reason(_ root: ExplainedNode) async throws(PromQLError) -> Reason {
        if let found = try await look(root) { return found }
        return Reason(
            kind: .unknown,
            title: "The expression answered no series.",
            details: ["Open Explain to see what each part of it answered."],
            position: root.position
        )
    }

    func look(_ node: ExplainedNode) async throws(PromQLError) -> Reason? {
        switch node.expression {
        case .vectorSelector(let selector): return try await whySelector(selector, range: nil, node)
        case .matrixSelector(let matrix):
            return try await whySelector(matrix.selector, range: matrix.range / 1_000_000, node)
        case .subquery(let subquery): return try await whySubquery(subquery, node)
        case .binary(let binary): return try await whyBinary(binary, node)
        case .call(let call): if let reason = try await whyCall(call, node) { return reason }
        case .aggregate, .unary, .paren, .stepInvariant, .number, .string: break
        }
        for child in node.children where child.series == 0 && (child.type == .vector || child.type == .matrix) {
            return try await look(child)
        }
        return nil
    }

    // MARK: Texts

    /// The part of the query that stands there.
    func text(_ position: PositionRange) -> String {
        let bytes = Array(query.utf8)
        guard 0 <= position.start, position.start <= position.end, position.end <= bytes.count else { return "" }
        return String(decoding: bytes[position.start..<position.end], as: UTF8.self)
    }

    /// The query with another text in the place of a part.
    func replacing(_ position: PositionRange, by text: String) -> String {
        let bytes = Array(query.utf8)
        guard 0 <= position.start, position.start <= position.end, position.end <= bytes.count else { return text }
        return String(decoding: bytes[..<position.start] + Array(text.utf8) + bytes[position.end...], as: UTF8.self)
    }

    /// The part as it was written: without what the preparation has made of it.
    func written(_ node: ExplainedNode) -> Expr {
        var found: Expr?
        let wanted = node.kind
        original.walk { expression, _ in
            if found == nil, expression.position == node.position, ExplainedNode(expression).kind == wanted {
                found = expression
            }
            return found == nil
        }
        return found ?? node.expression
    }

    /// The longest window that can be written, in milliseconds.
    static let longestWindow = Int64.max / 1_000_000

    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)" }

    static func seconds(_ milliseconds: Int64) -> String {
        PrometheusDuration(milliseconds: max(0, milliseconds)).description
    }

    static func list(_ names: [String]) -> String { names.joined(separator: ", ") }

    // MARK: Calls

    private static let comparesSamples: Set<FunctionName> = [
        .rate, .increase, .delta, .irate, .idelta, .deriv, .predictLinear, .doubleExponentialSmoothing,
    ]

    private func whyCall(_ call: CallExpr, _ node: ExplainedNode) async throws(PromQLError) -> Reason? {
        let name = call.function.name
        if name == .absent || name == .absentOverTime, let argument = node.children.first {
            return Reason(
                kind: .present,
                title: "\(name.rawValue)() answers nothing because the series is there.",
                details: ["It answers 1 only while its argument is empty."],
                suggestions: [.init(label: "Look at the series", expression: text(argument.position))],
                position: node.position
            )
        }
        if Self.comparesSamples.contains(name),
            let range = node.children.first(where: { $0.type == .matrix }), range.series > 0
        {
            return try await whyTooFew(name, range, node)
        }
        if name == .histogramQuantile || name == .histogramQuantiles || name == .histogramFraction,
            let vector = node.children.first(where: { $0.type == .vector }), vector.series > 0,
            !vector.labels.contains(where: { $0.name == "le" }), vector.examples.allSatisfy({ $0.histogram == nil })
        {
            return Reason(
                kind: .noBuckets,
                title: "\(name.rawValue)() found no buckets.",
                details: [
                    "The \(vector.series) series it was given have no le label and are no native histograms. "
                        + "An aggregation must keep it: sum by (le) (…)."
                ],
                position: node.position
            )
        }
        return nil
    }

    private func whyTooFew(
        _ name: FunctionName,
        _ range: ExplainedNode,
        _ node: ExplainedNode
    ) async throws(PromQLError) -> Reason {
        if node.greatestWindow ?? 0 >= 2 {
            return Reason(
                kind: .unknown,
                title: "\(name.rawValue)() could not use the samples.",
                details: [
                    "A window that mixes numbers and histograms, or histograms that do not fit together, answers nothing."
                ],
                position: node.position
            )
        }
        var length: Int64 = 0
        var gap: Int64?
        var change: ((Int64) -> String)?
        switch written(range) {
        case .matrixSelector(var matrix):
            length = matrix.range / 1_000_000
            gap = try await usualGap(matrix.selector.matchers)
            change = { better in
                matrix.range = better * 1_000_000
                matrix.rangeExpression = nil
                return replacing(range.position, by: Expr.matrixSelector(matrix).description)
            }
        case .subquery(var subquery):
            length = subquery.range / 1_000_000
            change = { better in
                subquery.range = better * 1_000_000
                subquery.rangeExpression = nil
                return replacing(range.position, by: Expr.subquery(subquery).description)
            }
        case .number, .string, .vectorSelector, .aggregate, .binary, .unary, .paren, .call, .stepInvariant: break
        }
        let longer = length.plus(length.plus(length.plus(length)))
        let better = gap.map { Self.handy($0 * 4) } ?? longer
        // Where a longer window would be a shorter one, it is not its length that is wrong.
        if better > Self.longestWindow || better <= length { change = nil }
        let every = gap.map { "; these come about every \(Self.seconds($0))" } ?? ""
        return Reason(
            kind: .oneSample,
            title: "Only one sample in the window of \(Self.seconds(length)).",
            details: [
                "\(name.rawValue)() compares samples, so it needs at least two\(every). "
                    + "A window of four scrape intervals is a good rule."
            ],
            suggestions: change.map { [.init(label: "Use [\(Self.seconds(better))]", expression: $0(better))] } ?? [],
            position: range.position
        )
    }

    /// A length rounded up, as people write windows: whole minutes, below one of them steps of five seconds.
    private static func handy(_ milliseconds: Int64) -> Int64 {
        let unit: Int64 = milliseconds < 60_000 ? 5000 : 60_000
        return (milliseconds + unit - 1) / unit * unit
    }

    /// The time between the samples of the first series, in milliseconds; `nil` where there are too few to tell.
    private func usualGap(_ matchers: [LabelMatcher]) async throws(PromQLError) -> Int64? {
        for window: Int64 in [300_000, 3_600_000] {
            let series = try await first(matchers, from: time - window, to: time, count: 1)
            guard let times = series.first?.timestamps, times.count > 2 else { continue }
            let gap = (times[times.count - 1] - times[0]) / Int64(times.count - 1)
            return gap < 1_800_000 ? max(100, (gap + 50) / 100 * 100) : nil
        }
        return nil
    }

    private func whySubquery(_ subquery: SubqueryExpr, _ node: ExplainedNode) async throws(PromQLError) -> Reason? {
        let end = (subquery.timestamp ?? time) - subquery.offset / 1_000_000
        let inner = subquery.expression
        var options = PromQLEngine.QueryOptions()
        options.timeout = max(1, limits.deadline.minus(limits.clock.steadyNanoseconds) / 1_000_000)
        let found = try await engine.instant(InstantQuery(inner), at: end, reader: reader, options: options)
        if case .vector(let rows) = found.value, rows.count == 0 {
            var child = node.children.first ?? ExplainedNode(inner)
            child.series = 0
            return try await at(end).look(child)
        }
        return Reason(
            kind: .noStep,
            title: "The subquery found a value at none of its steps.",
            details: [
                "It looks at \(text(inner.position)) only at whole multiples of its step within the range. "
                    + "There is a value now, but there was none then."
            ],
            suggestions: [.init(label: "Look at it without the subquery", expression: text(inner.position))],
            position: node.position
        )
    }

    private func at(_ time: Timestamp) -> WhyEmpty {
        WhyEmpty(
            query: query,
            original: original,
            reader: reader,
            engine: engine,
            time: time,
            lookback: lookback,
            now: now,
            limits: limits
        )
    }

    // MARK: Operators

    private func whyBinary(_ binary: BinaryExpr, _ node: ExplainedNode) async throws(PromQLError) -> Reason? {
        guard node.children.count == 2 else { return nil }
        let (left, right) = (node.children[0], node.children[1])
        for side in [left, right] where side.series == 0 && side.type == .vector { return try await look(side) }
        if let matching = node.matching {
            if binary.operation == .unless {
                return Reason(
                    kind: .removed,
                    title: "unless removed every series.",
                    details: ["All \(left.series) series of the left side have a partner on the right side."],
                    position: node.position
                )
            }
            if matching.matchedLeft == 0 { return whyNoMatch(binary, matching, node) }
        }
        guard binary.operation.isComparison else { return nil }
        let numbers = left.examples.compactMap(\.value).filter { !$0.isNaN }
        var detail = "A comparison keeps only the series for which it is true."
        if let low = numbers.min(), let high = numbers.max() {
            let values =
                low == high
                ? "of \(GoNumber.text(low, .shortest))"
                : "from \(GoNumber.text(low, .shortest)) to \(GoNumber.text(high, .shortest))"
            let which = left.series > left.examples.count ? ", the first of them" : ""
            detail =
                "The left side has \(left.series) series\(which) with values \(values). "
                + "A comparison keeps only those for which it is true."
        }
        let other = right.type == .scalar ? text(right.position) : "the right side"
        var changed = binary
        changed.returnsBool = true
        var suggestions = [Reason.Suggestion(label: "Show the left side", expression: text(left.position))]
        if case .binary(var written) = written(node) {
            written.returnsBool = true
            let whole = replacing(node.position, by: Expr.binary(written).description)
            suggestions.append(.init(label: "Answer 0 or 1 (\(binary.operation.rawValue) bool)", expression: whole))
        }
        return Reason(
            kind: .filtered,
            title: "No value satisfies \(binary.operation.rawValue) \(other).",
            details: [detail],
            suggestions: suggestions,
            position: node.position
        )
    }

    private func whyNoMatch(_ binary: BinaryExpr, _ found: ExplainedMatching, _ node: ExplainedNode) -> Reason {
        let matching = binary.matching ?? VectorMatching()
        let compared = matching.isOn ? "their labels \(Self.list(matching.labels))" : "all their labels"
        var details = [
            "Left: \(node.children[0].series) series, right: \(node.children[1].series). "
                + "Two series meet when \(compared) are equal."
        ]
        if !found.onlyLeft.isEmpty { details.append("Only the left side has \(Self.list(found.onlyLeft)).") }
        if !found.onlyRight.isEmpty { details.append("Only the right side has \(Self.list(found.onlyRight)).") }
        if !found.apart.isEmpty { details.append("Both have \(Self.list(found.apart)), but with different values.") }
        let unwanted = found.onlyLeft + found.onlyRight + found.apart
        var suggestions: [Reason.Suggestion] = []
        func suggest(_ label: String, isOn: Bool, _ labels: [String]) {
            guard case .binary(var written) = written(node) else { return }
            written.matching = written.matching ?? VectorMatching()
            written.matching?.isOn = isOn
            written.matching?.labels = labels
            let whole = replacing(node.position, by: Expr.binary(written).description)
            suggestions.append(.init(label: label, expression: whole))
        }
        if !found.shared.isEmpty, !unwanted.isEmpty {
            suggest("Match on (\(Self.list(found.shared)))", isOn: true, found.shared)
        }
        if !unwanted.isEmpty, !matching.isOn {
            let labels = matching.labels + unwanted.filter { !matching.labels.contains($0) }
            suggest("Match ignoring (\(Self.list(unwanted)))", isOn: false, labels)
        }
        return Reason(
            kind: .noMatch,
            title: "No series of the left side of \(binary.operation.rawValue) has a partner on the right side.",
            details: details,
            suggestions: suggestions,
            position: node.position
        )
    }

    // MARK: The store

    /// The first series with their samples in a span.
    func first(
        _ matchers: [LabelMatcher],
        from start: Timestamp,
        to end: Timestamp,
        count: Int
    ) async throws(PromQLError) -> [SeriesColumns] {
        try limits.check()
        let request = SelectRequest(matchers: matchers, start: start, end: end, sampleLimit: 10_000_000)
        do throws(StorageError) {
            let selection = try await reader.selection(request)
            var found: [SeriesColumns] = []
            var position = 0
            while found.count < count, position < selection.count {
                let upper = min(selection.count, position + 8)
                found += try selection.read(position..<upper)
                position = upper
            }
            return Array(found.prefix(count))
        } catch {
            throw .from(error)
        }
    }

    func values(_ name: String, _ sets: [[LabelMatcher]]) async throws(PromQLError) -> [String] {
        try limits.check()
        do throws(StorageError) {
            return try await reader.labelValues(name, sets, in: TimeSpan(start: .min / 4, end: .max / 4))
        } catch {
            throw .from(error)
        }
    }

    func names(_ sets: [[LabelMatcher]]) async throws(PromQLError) -> [String] {
        do throws(StorageError) {
            return try await reader.labelNames(sets, in: TimeSpan(start: .min / 4, end: .max / 4))
        } catch {
            throw .from(error)
        }
    }

    func exists(_ matchers: [LabelMatcher]) async throws(PromQLError) -> Bool {
        do throws(StorageError) {
            return try await !reader.series([matchers], in: TimeSpan(start: .min / 4, end: .max / 4)).isEmpty
        } catch {
            throw .from(error)
        }
    }
}
