internal import MetricModel

// Why a selector finds nothing.
extension WhyEmpty {
    /// How far back series are looked for that have ended.
    private static let farthest: Int64 = 30 * 86_400_000

    /// - Parameter range: the length of its window; `nil` for an instant selector. Milliseconds.
    func whySelector(
        _ selector: VectorSelector,
        range: Int64?,
        _ node: ExplainedNode
    ) async throws(PromQLError) -> Reason? {
        let named = selector.matchers.first { $0.name == Labels.metricName && $0.operation == .equal }
        let name = selector.name.isEmpty ? named?.value ?? "" : selector.name
        if !name.isEmpty {
            let names = try await values(Labels.metricName, [])
            if !names.contains(name) { return noMetric(name, names, node) }
        }
        let base = name.isEmpty ? [] : [LabelMatcher(Labels.metricName, equals: name)]
        let rest = selector.matchers.filter { $0.name != Labels.metricName }
        for matcher in rest where try await !exists(base + [matcher]) {
            return try await noSuchLabel(matcher, base, name, node)
        }
        if try await !exists(selector.matchers) {
            // Each has the whole query once more.
            let suggestions = rest.prefix(8).map { matcher in
                Reason.Suggestion(
                    label: "Without \(matcher)",
                    expression: changing(node) { $0.matchers.removeAll { $0 == matcher } }
                )
            }
            let ofName = name.isEmpty ? "" : " of \(name)"
            return Reason(
                kind: .noCombination,
                title: "No single series fits all of these matchers.",
                details: [
                    "Each of \(Self.list(rest.map(\.description))) fits some series\(ofName), but none fits all of them."
                ],
                suggestions: suggestions,
                position: node.position
            )
        }
        let at = (selector.timestamp ?? time) - selector.offset / 1_000_000
        return try await whyNow(selector, range: range, at: at, node)
    }

    /// The query with the selector changed.
    private func changing(_ node: ExplainedNode, _ change: (inout VectorSelector) -> Void) -> String {
        switch written(node) {
        case .vectorSelector(var selector):
            change(&selector)
            return replacing(node.position, by: Expr.vectorSelector(selector).description)
        case .matrixSelector(var matrix):
            change(&matrix.selector)
            return replacing(node.position, by: Expr.matrixSelector(matrix).description)
        case .number, .string, .subquery, .aggregate, .binary, .unary, .paren, .call, .stepInvariant: return query
        }
    }

    private func noMetric(_ name: String, _ names: [String], _ node: ExplainedNode) -> Reason {
        let suggestions = NearWords.nearest(name, among: names).map { other in
            Reason.Suggestion(
                label: "Did you mean \(other)?",
                expression: changing(node) { selector in
                    selector.name = other
                    selector.matchers = selector.matchers.map { matcher in
                        matcher.name == Labels.metricName && matcher.operation == .equal && matcher.value == name
                            ? LabelMatcher(Labels.metricName, equals: other) : matcher
                    }
                }
            )
        }
        return Reason(
            kind: .noMetric,
            title: "No metric is called \(name).",
            details: [
                names.isEmpty
                    ? "The store is still empty: nothing has been scraped yet."
                    : "No target exposes it, and the store holds nothing of it."
            ],
            suggestions: suggestions,
            position: node.position
        )
    }

    private func noSuchLabel(
        _ matcher: LabelMatcher,
        _ base: [LabelMatcher],
        _ name: String,
        _ node: ExplainedNode
    ) async throws(PromQLError) -> Reason {
        let sets = base.isEmpty ? [] : [base]
        let who = name.isEmpty ? "any metric" : name
        let values = try await values(matcher.name, sets)
        func exchanging(_ change: @escaping (LabelMatcher) -> LabelMatcher?) -> String {
            changing(node) { selector in
                selector.matchers = selector.matchers.map { $0 == matcher ? change($0) ?? $0 : $0 }
            }
        }
        if values.isEmpty {
            let labels = try await names(sets).filter { $0 != Labels.metricName }
            return Reason(
                kind: .noLabel,
                title: "No series of \(who) has a label \(matcher.name).",
                details: ["It has \(labels.isEmpty ? "no labels at all" : Self.list(labels))."],
                suggestions: NearWords.nearest(matcher.name, among: labels, count: 2).map { other in
                    Reason.Suggestion(
                        label: "Did you mean \(other)?",
                        expression: exchanging { try? LabelMatcher(other, $0.operation, $0.value) }
                    )
                },
                position: node.position
            )
        }
        var near: [String] = []
        if matcher.operation == .equal {
            near = NearWords.nearest(matcher.value, among: values)
            if near.isEmpty { near = Array(values.prefix(3)) }
        }
        let shown = values.prefix(8).map { GoText.quoted($0) }
        let more = values.count > 8 ? " and \(values.count - 8) more" : ""
        return Reason(
            kind: .noValue,
            title: "No series of \(who) has \(matcher).",
            details: ["The values of \(matcher.name) are \(Self.list(shown))\(more)."],
            suggestions: near.map { value in
                let other = LabelMatcher(matcher.name, equals: value)
                return Reason.Suggestion(label: "\(other)", expression: exchanging { _ in other })
            },
            position: node.position
        )
    }

    /// The series exist, but not at this time.
    private func whyNow(
        _ selector: VectorSelector,
        range: Int64?,
        at: Timestamp,
        _ node: ExplainedNode
    ) async throws(PromQLError) -> Reason? {
        if let last = try await newest(selector.matchers, upTo: at) {
            if last.hasEnded {
                return Reason(
                    kind: .ended,
                    title: "The series has ended.",
                    details: [
                        "Its last sample is from \(CivilTime.rfc3339(seconds: last.time / 1000)), \(Self.seconds(at - last.time)) before "
                            + "the time that was asked for. Then its target stopped exposing it or vanished, so it "
                            + "counts as gone at once."
                    ],
                    suggestions: [.init(label: "Look at that time", time: last.time)],
                    position: node.position
                )
            }
            let reach = range.map { "the window of \(Self.seconds($0))" } ?? "the lookback of \(Self.seconds(lookback))"
            var suggestions = [Reason.Suggestion(label: "Look at that time", time: last.time)]
            let age = at.minus(last.time)
            let better = age.plus(age).plus(59_999) / 60_000 * 60_000
            if range != nil, better <= Self.longestWindow, case .matrixSelector(var matrix) = written(node) {
                matrix.range = better * 1_000_000
                matrix.rangeExpression = nil
                suggestions.append(
                    .init(
                        label: "Use a window of \(Self.seconds(better))",
                        expression: replacing(node.position, by: Expr.matrixSelector(matrix).description)
                    )
                )
            }
            return Reason(
                kind: .tooOld,
                title: "The newest sample is older than \(reach).",
                details: [
                    "It is from \(CivilTime.rfc3339(seconds: last.time / 1000)), \(Self.seconds(at - last.time)) before the time that was "
                        + "asked for."
                ],
                suggestions: suggestions,
                position: node.position
            )
        }
        guard at < now - 1000, try await !first(selector.matchers, from: at, to: now, count: 1).isEmpty else {
            return nil
        }
        return Reason(
            kind: .notYet,
            title: "The series did not exist yet.",
            details: ["It has samples now, but none at \(CivilTime.rfc3339(seconds: at / 1000)) or before."],
            suggestions: [.init(label: "Look at now", looksAtNow: true)],
            position: node.position
        )
    }

    /// The newest sample before a time, and whether the series has ended after it; looked for in wider and wider spans.
    private func newest(
        _ matchers: [LabelMatcher],
        upTo at: Timestamp
    ) async throws(PromQLError) -> (time: Timestamp, hasEnded: Bool)? {
        for span: Int64 in [lookback, 3_600_000, 21_600_000, 172_800_000, Self.farthest] {
            var best: (time: Timestamp, hasEnded: Bool)?
            for columns in try await first(matchers, from: at - span, to: at, count: 20) {
                let end = max(columns.timestamps.last ?? .min, columns.histogramTimestamps.last ?? .min)
                let rest = columns.withoutStaleMarkers
                let last = max(rest.timestamps.last ?? .min, rest.histogramTimestamps.last ?? .min)
                if last > .min, last > best?.time ?? .min { best = (last, end > last) }
            }
            if let best { return best }
        }
        return nil
    }
}

/// Words that are close to a mistyped one.
enum NearWords {
    /// Nobody has mistyped more than that.
    private static let longestWord = 256

    /// The nearest ones, best first; none where the task's limit is over, which whoever has set it looks at.
    static func nearest(_ word: String, among words: [String], count: Int = 3) -> [String] {
        if word.utf8.count > longestWord { return [] }
        let low = word.lowercased()
        let limit = Double(max(2, word.count / 4))
        var found: [(word: String, score: Double)] = []
        for (index, other) in words.enumerated() {
            if index & 63 == 0, TaskLimit.isOver { return [] }
            guard abs(other.utf8.count - low.utf8.count) <= max(16, low.utf8.count) else { continue }
            let score = score(low, other.lowercased())
            if score <= limit { found.append((other, score)) }
        }
        found.sort { ($0.score, $0.word.utf8.count, $0.word) < ($1.score, $1.word.utf8.count, $1.word) }
        return found.prefix(count).map(\.word)
    }

    private static func score(_ word: String, _ other: String) -> Double {
        let whole = Double(distance(word, other))
        let base = Double(distance(bare(word), bare(other))) + 0.5
        let (short, long) = word.utf8.count <= other.utf8.count ? (word, other) : (other, word)
        let isPart = short.utf8.count >= 3 && short.utf8.count * 3 > long.utf8.count && long.contains(short)
        return isPart ? min(whole, base, 1.5) : min(whole, base)
    }

    /// How many single edits lie between two words.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left.utf8), Array(right.utf8))
        var row = Array(0...b.count)
        for i in a.indices {
            var next = [i + 1]
            for j in b.indices {
                next.append(min(row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0 : 1)))
            }
            row = next
        }
        return row[b.count]
    }

    /// The word without the endings of metrics.
    private static func bare(_ word: String) -> String {
        for ending in ["_total", "_bucket", "_count", "_sum", "_info"] where word.hasSuffix(ending) {
            return String(word.dropLast(ending.count))
        }
        return word
    }
}
