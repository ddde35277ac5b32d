package import ConfigTree
import MetricModel
package import PromQL

/// What a server knows that may explain why an expectation does not hold.
package struct ExpectationEvidence: Sendable, Hashable {
    /// Series by metric name, whatever their labels.
    package var series: [String: [ObservedSeries]] = [:]
    /// Metric names whose series could not be asked for.
    package var unanswered: Set<String> = []
    /// All metric names.
    package var names: [String] = []
    /// Targets whose last scrape failed, one line each.
    package var scrapeErrors: [String] = []
    /// What is still to be scraped.
    package var scrapes = ScrapeEvidence()
    /// The last push that was refused, in one line; empty where none was.
    package var pushError = ""
    /// Why expressions of rules find nothing, in words.
    package var reasons: [String: String] = [:]
    /// What is known of alerts.
    package var alerts = NoticeEvidence()

    package init() {}

    /// The expressions whose series may explain why a condition does not hold: for an alert, those of its rules.
    package func expressions(of condition: Condition) -> [String] {
        switch condition {
        case .expression(let text): return [text]
        case .notice(let notice):
            return alerts.rules(for: notice).filter { $0.alerts.isEmpty && $0.wasEvaluated }.prefix(5).map(\.query)
        }
    }

    /// What to tell about a condition that does not hold.
    package func explain(_ condition: Condition) -> [String] {
        switch condition {
        case .expression(let text): return explain(text)
        case .notice(let notice):
            var seen: Set<String> = []
            let found = expressions(of: condition)
                .flatMap { (reasons[$0].map { [$0] } ?? []) + explain($0) }
                .filter { seen.insert($0).inserted }
            return alerts.explain(notice) + found
        }
    }

    /// Why an expression finds nothing, in words; `nil` where near misses among the series tell that better.
    package static func words(_ reason: EmptyReason) -> String? {
        words(reason.kind, reason.title, reason.details)
    }

    /// The same, of an answer of `/api/v1/explain`.
    package static func words(inExplanation answer: ConfigNode?) -> String? {
        guard let reason = answer?["data"]?["emptyReason"], let title = reason["title"]?.text else { return nil }
        return words(
            EmptyReason.Kind(rawValue: reason["kind"]?.text ?? ""),
            title,
            (reason["details"]?.items ?? []).compactMap(\.text)
        )
    }

    private static func words(_ kind: EmptyReason.Kind?, _ title: String, _ details: [String]) -> String? {
        switch kind {
        case .noMetric, .noLabel, .noValue, .noCombination, .unknown: nil
        case .tooOld, .ended, .notYet, .oneSample, .noMatch, .filtered, .removed, .present, .noBuckets, .noStep, nil:
            ([title] + details).joined(separator: " ")
        }
    }

    /// What to tell about an expression that does not hold.
    package func explain(_ expression: String) -> [String] { explain(Expectations.selectors(expression)) }

    /// What to tell about selectors.
    func explain(_ selectors: [NamedSelector]) -> [String] {
        selectors.flatMap { selector in
            explain(selector) + scrapes.explain(selector, stored: series[selector.name] ?? [])
        }
    }

    private func explain(_ selector: NamedSelector) -> [String] {
        let known = series[selector.name] ?? []
        if known.isEmpty {
            // Nobody could look.
            if unanswered.contains(selector.name) { return [] }
            if names.contains(selector.name) {
                return ["\(selector.name) has no series now, though it had some before"]
            }
            let similar = Similarity.closest(to: selector.name, among: names)
            let question = similar.isEmpty ? "" : "; did you mean \(similar.joined(separator: ", "))?"
            return ["no metric is called \(selector.name)\(question)"]
        }
        let matching = known.filter { series in selector.matchers.allSatisfy { $0.matches(series.labels) } }
        if !matching.isEmpty {
            return ["\(selector.text) is there:"] + Observation.series(matching).lines().map { "  " + $0 }
        }
        // The fewer conditions a series misses, the likelier it is the one that was meant.
        let misses = known.map { series in
            (series: series, missed: selector.matchers.filter { !$0.matches(series.labels) })
        }
        let nearest = misses.enumerated().sorted {
            ($0.element.missed.count, $0.offset) < ($1.element.missed.count, $1.offset)
        }
        var lines = ["no series fits \(selector.text); near misses:"]
        for (_, miss) in nearest.prefix(5) {
            let reasons = miss.missed.map { $0.miss(of: miss.series.labels) }
            lines.append("  \(miss.series): \(reasons.joined(separator: ", "))")
        }
        if nearest.count > 5 { lines.append("  … and \(nearest.count - 5) more") }
        return lines
    }

    /// What to tell once, beside the single expressions.
    package var circumstances: [String] {
        scrapeErrors.map { "scrape failed: \($0)" } + (pushError.isEmpty ? [] : ["push refused: \(pushError)"])
    }
}

extension ExpectationEvidence {
    /// Reads the failed targets out of an answer of `/api/v1/targets`.
    package static func scrapeErrors(inTargets answer: ConfigNode) -> [String] {
        (answer["data"]?["activeTargets"]?.items ?? []).compactMap { target in
            guard let error = target["lastError"]?.text, !error.isEmpty else { return nil }
            return "\(target["scrapePool"]?.text ?? "") \(target["scrapeUrl"]?.text ?? ""): \(error)"
        }
    }

    /// Reads the last refused push out of an answer of the Pushgateway's `/api/v1/pushes`, which has the newest first. One that
    /// a later push to the same path has made good is not told.
    /// - Parameter number: the last push that does not count: it belongs to another test.
    package static func pushError(inPushes answer: ConfigNode, after number: Int64 = 0) -> String {
        var good: Set<String> = []
        let refused = answer["data"]?.items?.first { push in
            guard Int64(push["number"]?.text ?? "") ?? .max > number else { return false }
            let path = push["path"]?.text ?? ""
            if push["result"]?.text == "failure" { return !good.contains(path) }
            good.insert(path)
            return false
        }
        guard let push = refused else { return "" }
        return "\(push["time"]?.text ?? "") \(push["method"]?.text ?? "") \(push["path"]?.text ?? ""): "
            + (push["error"]?.text ?? "")
    }

    /// Where the Pushgateway is, by the targets: the first one of a job with that name.
    package static func pushgateway(inTargets answer: ConfigNode) -> String? {
        for target in answer["data"]?["activeTargets"]?.items ?? [] {
            guard target["scrapePool"]?.text?.contains("pushgateway") == true,
                let url = target["scrapeUrl"]?.text, url.hasSuffix("/metrics")
            else { continue }
            return String(url.dropLast("/metrics".count))
        }
        return nil
    }
}

extension LabelMatcher {
    /// What of labels it does not match, in words.
    func miss(of labels: Labels) -> String {
        let actual = labels[name].map { "is \(GoText.quoted($0))" } ?? "is missing"
        return "\(name) \(actual), not \(operation.rawValue)\(GoText.quoted(value))"
    }
}

/// Names that look alike.
enum Similarity {
    private static let suffixes = ["_total", "_count", "_sum", "_bucket", "_seconds", "_bytes"]

    /// Up to three names at a small distance, the nearest first.
    static func closest(to name: String, among names: [String]) -> [String] {
        let wanted = Array(name.utf8)
        let limit = max(2, wanted.count / 4)
        let near = names.compactMap { candidate -> (distance: Int, name: String)? in
            // The parts of a counter or histogram are near too, whether the wanted name has the suffix or lacks it.
            let isRelated = suffixes.contains { candidate == name + $0 || name == candidate + $0 }
            let distance = distance(wanted, Array(candidate.utf8), limit: limit)
            if let distance { return (distance, candidate) }
            return isRelated ? (limit + 1, candidate) : nil
        }
        return near.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
    }

    /// How many bytes have to be added, removed or replaced; `nil` for more than the limit.
    private static func distance(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int? {
        if abs(left.count - right.count) > limit { return nil }
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count] <= limit ? row[right.count] : nil
    }
}
