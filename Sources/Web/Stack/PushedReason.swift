import MetricModel
import PromQL
import Pushgateway
import Scrape

/// Why a query answers nothing though the Pushgateway in the same process holds what it asks for: because no job scrapes it, because
/// the next scrape is still to come, or because the series are stored under other labels.
struct PushedReason: Sendable {
    enum Kind: String {
        /// No job scrapes the Pushgateway.
        case unread
        /// The scrape that takes it is still to come.
        case waits
        /// The target's labels won, so the group's have other names.
        case renamed
        /// The scrapes fail.
        case down
    }

    var kind: Kind
    /// In one sentence.
    var title: String
    /// More about it.
    var details: [String]
    /// What to ask instead.
    var query: String?
    /// In how many milliseconds it is worth another try.
    var retry: Int64?
    /// Where the selector stands.
    var position: PositionRange
}

extension StackSurvey {
    /// The most groups of a metric that are looked at.
    private static let holderLimit = 20

    /// Why the first selector that the Pushgateway could answer is empty nevertheless; `nil` where it has nothing to do with it.
    /// - Parameters:
    ///   - time: the time that was asked about, in milliseconds since 1970.
    ///   - isStored: whether Prometheus has series for a selector now, so that something else made the answer empty.
    func reason(
        _ expression: Expr,
        at time: Timestamp,
        isStored: (VectorSelector) async -> Bool
    ) async -> PushedReason? {
        guard let gateway else { return nil }
        var selectors: [VectorSelector] = []
        expression.walk { part, _ in
            if case .vectorSelector(let selector) = part { selectors.append(selector) }
            return true
        }
        for selector in selectors {
            let named = selector.matchers.first { $0.name == "__name__" && $0.operation == .equal && !$0.value.isEmpty }
            guard let name = named?.value else { continue }
            let found = await gateway.holders(of: name, limit: Self.holderLimit).groups
                .first { $0.pushed <= time && Self.fits($0.key, selector.matchers) }
            guard let found, await !isStored(VectorSelector(matchers: selector.matchers, position: selector.position))
            else { continue }
            return reason(name, selector, found)
        }
        return nil
    }

    /// Whether a group fits what a selector says of the group's labels; what only the stored series could answer is left open.
    private static func fits(_ key: GroupingKey, _ matchers: [LabelMatcher]) -> Bool {
        matchers.allSatisfy { matcher in
            guard matcher.name != "__name__", let label = key.labels.first(where: { $0.name == matcher.name }) else {
                return true
            }
            return matcher.matches(label.value)
        }
    }

    private func reason(_ name: String, _ selector: VectorSelector, _ group: GroupStore.Holder) -> PushedReason? {
        let now = surroundings()
        let path = (now.pushgateway?.path.dropLast() ?? "") + now.telemetryPath
        let readers = readers(of: now.pushgateway, path: String(path), hostNames: now.hostNames)
        let labels = Labels(group.key.labels)
        let age = max(0, clock.now - group.pushed) / 1000
        let past = age < 1 ? "just now" : "\(age) s ago"
        guard let reader = readers.first else {
            return PushedReason(
                kind: .unread,
                title: "The Pushgateway holds \(name), but no job scrapes it.",
                details: ["It was pushed \(past), to the group \(labels)."],
                position: selector.position
            )
        }
        if readers.allSatisfy({ $0.target.report.health == .down }) {
            return PushedReason(
                kind: .down,
                title: "The Pushgateway holds \(name), but the scrape of it fails.",
                details: ["The page of the targets says why."],
                retry: reader.target.target.interval.milliseconds,
                position: selector.position
            )
        }
        if readers.compactMap(\.target.report.lastScrape).max() ?? 0 < group.pushed {
            let next = readers.compactMap { nextScrape(of: $0.target) }.min()
            let left = next.map { max(0, $0 - clock.now) }
            let soon = left.map { $0 < 500 ? "now" : "in \(($0 + 999) / 1000) s" }
            return PushedReason(
                kind: .waits,
                title: "Pushed \(past), scraped \(soon ?? "later").",
                details: [
                    "The Pushgateway holds \(name) (group \(labels))"
                        + (soon.map { "; the next scrape of the Pushgateway comes \($0)." } ?? ".")
                ],
                // What was scraped is stored a moment later.
                retry: left.map { $0 + 400 } ?? 1000,
                position: selector.position
            )
        }
        return renamed(selector, group.key, reader)
    }

    private func renamed(_ selector: VectorSelector, _ key: GroupingKey, _ reader: Reader) -> PushedReason? {
        if reader.honorsLabels { return nil }
        let own = reader.target.target.publicLabels
        let names = selector.matchers.map(\.name).filter { name in
            name != "__name__" && own[name] != nil && key.labels.contains { $0.name == name }
        }
        if names.isEmpty { return nil }
        var asked = selector
        asked.matchers = selector.matchers.map { matcher in
            guard names.contains(matcher.name) else { return matcher }
            return (try? LabelMatcher("exported_" + matcher.name, matcher.operation, matcher.value)) ?? matcher
        }
        let stored = names.map { "exported_" + $0 }.joined(separator: ", ")
        return PushedReason(
            kind: .renamed,
            title: "The group's \(names.joined(separator: " and ")) "
                + "\(names.count == 1 ? "is" : "are") stored as \(stored).",
            details: [
                "The job \(reader.target.scrapePool) scrapes the Pushgateway without honor_labels: true, "
                    + "so the target's own labels win."
            ],
            query: "\(Expr.vectorSelector(asked))",
            position: selector.position
        )
    }
}
