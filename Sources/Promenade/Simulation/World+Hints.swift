import MetricModel
import PromQL
import Scrape
import Simulation

/// What the last thing is that happened to an instance, and whether a scrape has seen it: between the two an expectation finds what was
/// before, which surprises people.
extension World {
    /// What happened last to an instance.
    struct InstanceChange {
        var time: Int64
        var word: String
        /// The metric that it is about; empty for all.
        var metric = ""
    }

    /// Something happened to an instance, or to one of its metrics.
    func noteChange(_ instance: String, _ word: String, metric: String = "") {
        changes[instance] = InstanceChange(time: now, word: word, metric: metric)
    }

    /// Instances that an expectation is about and that were not scraped since something happened to them, or at all.
    func unseenChanges(_ spec: ExpectationSpec) -> [String] {
        let (field, end): (String, Int64)
        switch spec.kind {
        case .always(_, let to), .never(_, let to): (field, end) = ("from", to)
        case .at: (field, end) = ("at", .max)
        case .within, .notified, .notNotified: return []
        }
        guard !spec.isRemote, let scraper = stack.scraper else { return [] }
        let selectors = Expectations.selectors(spec.text)
        var lines: [String] = []
        var last: Int64 = 0
        for target in scraper.pools().flatMap(\.active) {
            let labels = target.target.publicLabels
            let name = Scenario.host(labels["instance"] ?? "")
            guard let service = owners[name], selectors.contains(where: { isAbout($0, labels, service) }),
                let next = scraper.nextDue(of: target.target.url, in: target.scrapePool)
            else { continue }
            let due = next - clock.steadyNanoseconds + now
            let words: String
            if let scraped = target.report.lastScrape {
                let seen = (scraped - scenario.start) * 1_000_000
                guard let change = changes[name], seen < change.time,
                    selectors.contains(where: { $0.name.hasPrefix(change.metric) })
                else { continue }
                words =
                    "\(name) was scraped last at +\(Self.span(seen)), before the \(change.word) at "
                    + "+\(Self.span(change.time)), and is scraped next at +\(Self.span(due))"
            } else {
                let since = stack.figures.started > scenario.start ? "since the server began" : "yet"
                words = "\(name) has not been scraped \(since); its first scrape is at +\(Self.span(due))"
            }
            last = max(last, due)
            lines.append(words)
        }
        guard !lines.isEmpty else { return [] }
        let rest = lines.count > 3 ? ["… and \(lines.count - 3) instances more"] : []
        // After that scrape, not at its moment: others are scraped then, too, and each of them is a look.
        let moment = last + 1_000_000_000
        let words = moment < end ? "\(field): \(Self.span(moment))" : "after its end"
        return lines.prefix(3) + rest + ["what is expected of them can hold from then on: \(words)"]
    }

    /// Whether series of a target are among those that a selector may find.
    private func isAbout(_ selector: NamedSelector, _ labels: Labels, _ service: String) -> Bool {
        let own = services[service]?.spec.metrics.flatMap(\.seriesNames) ?? []
        guard selector.name == "up" || selector.name.hasPrefix("scrape_") || own.contains(selector.name) else {
            return false
        }
        return selector.matchers.allSatisfy { matcher in
            labels.contains { $0.name == matcher.name } ? matcher.matches(labels) : true
        }
    }
}
