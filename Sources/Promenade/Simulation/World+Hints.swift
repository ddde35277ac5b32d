import MetricModel
import PromQL
import Scrape
import Simulation

/// What the last thing is that happened to an instance, and whether a scrape has seen it: between the two an expectation finds what was
/// before, which surprises people.
extension World {
    /// What happened last to an instance, or to a group of the Pushgateway.
    struct LastChange {
        var time: Int64
        var word: String
        /// The metric that it is about; empty for all.
        var metric = ""
    }

    /// A group of the Pushgateway.
    struct PushedGroup {
        var change: LastChange
        /// The job and what else it is grouped by.
        var labels: Labels
        /// The names of its series; of a group that is deleted those that were there.
        var names: Set<String>

        /// Whether a selector may find a series of it.
        func mayHave(_ selector: NamedSelector) -> Bool {
            selector.mayFind(labels) && (selector.name.isEmpty || names.contains(selector.name))
        }
    }

    /// A push or deletion was taken.
    func noteChange(_ push: WorldItem.Push, _ path: String) {
        let isDeletion = push.method == "DELETE"
        var names = Self.names(in: push.body)
        if push.method != "PUT" { names.formUnion(pushedGroups[path]?.names ?? []) }
        pushedGroups[path] = PushedGroup(
            change: LastChange(time: now, word: "\(isDeletion ? "deletion" : "push") of the job \(push.job)"),
            labels: Labels(push.grouping + [Label(name: "job", value: push.job)]),
            names: names
        )
    }

    /// The names of the series of a text: a line is a series and its value, or a comment.
    private static func names(in text: [UInt8]) -> Set<String> {
        var names: Set<String> = []
        var last = ArraySlice<UInt8>()
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let name = line.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "\t") }
            // Those of one family stand together.
            if name == last || name.first == UInt8(ascii: "#") { continue }
            last = name
            names.insert(String(decoding: name, as: UTF8.self))
        }
        return names
    }

    /// Something happened to the groups of a job, or to all.
    func noteChange(ofGroups word: String, job: String? = nil) {
        for (path, group) in pushedGroups where job == nil || group.labels["job"] == job {
            pushedGroups[path]?.change = LastChange(time: now, word: word)
        }
    }

    /// Something happened to an instance, or to one of its metrics.
    func noteChange(_ instance: String, _ word: String, metric: String = "") {
        changes[instance] = LastChange(time: now, word: word, metric: metric)
    }

    /// Targets that an expectation is about and that were not scraped since something happened to them, or at all.
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
            guard let (name, change) = what(happenedTo: target.target, selectors),
                let next = scraper.nextDue(of: target.target.url, in: target.scrapePool)
            else { continue }
            let due = next - clock.steadyNanoseconds + now
            let words: String
            if let scraped = target.report.lastScrape {
                let seen = (scraped - scenario.start) * 1_000_000
                guard let change, seen < change.time else { continue }
                words =
                    "\(name) was scraped last at +\(Self.span(seen)), before the \(change.word) at "
                    + "+\(Self.span(change.time)), and is scraped next at +\(Self.span(due))"
            } else {
                let since = stack.figures.started > scenario.start ? "since the server began" : "yet"
                words = "\(name) has not been scraped \(since); its first scrape is at +\(Self.span(due))"
            }
            last = max(last, due)
            if lines.last != words { lines.append(words) }
        }
        guard !lines.isEmpty else { return [] }
        let rest = lines.count > 3 ? ["… and \(lines.count - 3) more"] : []
        // After that scrape, not at its moment: others are scraped then, too, and each of them is a look.
        let moment = last + 1_000_000_000
        let words = moment < end ? "\(field): \(Self.span(moment))" : "after its end"
        return lines.prefix(3) + rest + ["what is expected of them can hold from then on: \(words)"]
    }

    /// Who a target is, and what happened last to it; `nil` where no selector is about it.
    private func what(happenedTo target: ScrapeTarget, _ selectors: [NamedSelector])
        -> (name: String, LastChange?)?
    {
        let labels = target.publicLabels
        let name = Scenario.host(labels["instance"] ?? "")
        if let service = owners[name] {
            guard selectors.contains(where: { isAbout($0, labels, service) }) else { return nil }
            let change = changes[name].flatMap { change in
                selectors.contains { $0.name.hasPrefix(change.metric) } ? change : nil
            }
            return (name, change)
        }
        guard Scenario.host(URLParts(target.url)?.authority ?? "") == WorldTargets.gatewayAddress else {
            return nil
        }
        let groups = pushedGroups.filter { _, group in selectors.contains(where: group.mayHave) }
        // Of one moment the order of the paths decides, not that of a table.
        let last = groups.max { ($0.value.change.time, $0.key) < ($1.value.change.time, $1.key) }
        return last.map { ("the Pushgateway", $0.value.change) }
    }

    /// Whether series of a target are among those that a selector may find.
    private func isAbout(_ selector: NamedSelector, _ labels: Labels, _ service: String) -> Bool {
        let own = services[service]?.spec.metrics.flatMap(\.seriesNames) ?? []
        guard selector.name == "up" || selector.name.hasPrefix("scrape_") || own.contains(selector.name) else {
            return false
        }
        return selector.mayFind(labels)
    }
}

extension NamedSelector {
    /// Whether it may find a series that has these labels and others: what is said of those that are there fits.
    fileprivate func mayFind(_ labels: Labels) -> Bool {
        matchers.allSatisfy { matcher in
            labels.contains { $0.name == matcher.name } ? matcher.matches(labels) : true
        }
    }
}
