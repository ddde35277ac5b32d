import ConfigTree
import Exposition
import MetricModel
import PromQL
import Pushgateway
import Scrape
import Simulation

/// What says nothing in a scenario, though it stands there.
extension ScenarioNames {
    /// Labels are for a job that the scenario makes: a stack that scrapes the service itself never looks at them.
    func checkLabels() {
        for service in scenario.services where !service.labels.isEmpty {
            let isMade = stacks.contains { $0.makesJob(of: service.name) }
            if isMade { continue }
            fail(
                "the stack scrapes \(service.name) itself, so no target gets these labels",
                service.place,
                "services.\(service.name).labels",
                "labels beside the targets in static_configs"
            )
        }
    }

    /// What finds done already what it does can never matter.
    func checkIdleEvents() {
        for (number, message, hint) in scenario.idleEvents(problems) {
            fail(message, scenario.events[number].place, scenario.events[number].path, hint)
        }
    }

    /// A body that the Pushgateway refuses may be meant, where that is said.
    func checkBodies() {
        let utf8 = configs.first?.gateway.options.allowsUTF8Names ?? false
        for event in scenario.events {
            guard case .push(_, let grouping, let body, _, let isRefused) = event.action, !isRefused else { continue }
            do throws(ExpositionError) {
                let families = try FamilyTextParser(validation: utf8 ? .utf8 : .legacy).parse(Array(body.utf8))
                if families.contains(where: { $0.metrics.contains { $0.timestamp != nil } }) {
                    refuse("pushed metrics must not have timestamps", event)
                }
                let place = event.fieldPlaces["body"] ?? event.place
                for name in families.map(\.name) where Self.gatewayNames.contains(name) {
                    fail(Self.hidden(name, by: "Pushgateway"), place, "\(event.path).body", "another name")
                }
                let own = ["job"] + grouping.map(\.name)
                for family in families {
                    for label in own where family.metrics.contains(where: { $0.labels.contains { $0.name == label } }) {
                        fail(Self.hiddenLabel(label), place, "\(event.path).body", "another name")
                    }
                    let labels = family.metrics.map { metric in
                        Labels(metric.labels.filter { !own.contains($0.name) })
                    }
                    if Set(labels).count == labels.count { continue }
                    refuse("\(family.name) is there twice with the same labels", event)
                }
            } catch {
                refuse(error.message, event)
            }
        }
    }

    private func refuse(_ reason: String, _ event: EventSpec) {
        fail(
            "the Pushgateway refuses this body: \(reason)",
            event.fieldPlaces["body"] ?? event.place,
            "\(event.path).body",
            "such as body: \"rows 42\"; refused: true where that is meant"
        )
    }

    /// What the Pushgateway tells of each group; what is pushed by these names is never seen.
    private static let gatewayNames = ["push_time_seconds", "push_failure_time_seconds"]

    private static func hiddenLabel(_ label: String) -> String {
        "the group has the label \(label), so that the metric's own is never seen"
    }

    private static func hidden(_ name: String, by whom: String) -> String {
        "the \(whom) writes \(name) itself, so this is never seen"
    }

    /// Metrics that have the names of what the stack itself tells. A target's own `up` hides whether it could be scraped, in Prometheus
    /// as here, and without a word.
    func checkReserved() {
        let scraped = ReportedSeries.names + ReportedSeries.extraNames
        func tell(_ words: String, _ metric: MetricSpec, _ path: String) {
            fail(words, metric.place, "\(path).metrics.\(metric.name)", "another name")
        }
        func checkScraped(_ metrics: [MetricSpec], _ path: String) {
            for metric in metrics {
                guard let name = metric.seriesNames.first(where: scraped.contains) else { continue }
                tell("each scrape writes \(name) itself, and this hides it", metric, path)
            }
        }
        for service in scenario.services { checkScraped(service.metrics, "services.\(service.name)") }
        for batch in scenario.batches {
            let path = "batches.\(batch.name)"
            if batch.delivery == .endpoint { checkScraped(batch.metrics, path) }
            for metric in batch.metrics where batch.delivery != .endpoint {
                if let name = metric.seriesNames.first(where: Self.gatewayNames.contains) {
                    tell(Self.hidden(name, by: "Pushgateway"), metric, path)
                }
                let own = ["job"] + batch.grouping.map(\.name)
                for label in own where metric.parts.contains(where: { $0.labels.contains { $0.name == label } }) {
                    tell(Self.hiddenLabel(label), metric, path)
                }
            }
        }
    }

    /// That nothing of a metric is ever seen is always so where the metric is called otherwise.
    func checkMetrics() {
        // One whose name is wrong may have been meant.
        func good(_ metrics: [MetricSpec], _ path: String) -> [MetricSpec] {
            metrics.filter { !problems.tells(at: "\(path).metrics.\($0.name)") }
        }
        let metrics =
            scenario.services.flatMap { good($0.metrics, "services.\($0.name)") }
            + scenario.batches.flatMap { good($0.metrics, "batches.\($0.name)") }
        let names = Set(metrics.flatMap(\.seriesNames)).sorted()
        let scraped = ReportedSeries.names + ReportedSeries.extraNames
        let refused = scenario.services.flatMap(\.refusedMetrics) + scenario.batches.flatMap(\.refusedMetrics)
        for (expectation, selector) in silentSelectors {
            if names.contains(selector.name) || isMade(selector.name) { continue }
            if (scraped + Self.gatewayNames + AlertSeries.names).contains(selector.name) { continue }
            if refused.contains(where: selector.name.hasPrefix) { continue }
            // Of short names one is soon near another; what each scrape writes is known to all.
            guard let near = DidYouMean.nearest(selector.name, among: names + scraped),
                near.utf8.count > 5 || near == "up",
                DidYouMean.editDistance(near, selector.name) <= (near.utf8.count > 5 ? 2 : 1)
            else { continue }
            fail(
                "no metric is called \(selector.name)",
                expectation.place,
                expectation.path,
                "did you mean \(near)?"
            )
        }
    }

    /// The selectors of expectations that are met where these find nothing, so that nobody hears of a slip in them.
    var silentSelectors: [(ExpectationSpec, NamedSelector)] {
        scenario.expectations.flatMap { expectation -> [(ExpectationSpec, NamedSelector)] in
            switch expectation.kind {
            case .never: Expectations.selectors(expectation.text).map { (expectation, $0) }
            case .at, .always, .within: Expectations.silentSelectors(expectation.text).map { (expectation, $0) }
            case .notified, .notNotified: []
            }
        }
    }

    /// That nothing of a job or an instance is ever seen is always so where it is called otherwise.
    func checkJobsAndInstances() {
        // Rules, exposed labels and pushes make others.
        let jobs = configs.flatMap(\.prometheus.jobs)
        let metrics = (scenario.services.flatMap(\.metrics) + scenario.batches.flatMap(\.metrics)).flatMap(\.parts)
        for name in ["job", "instance"] {
            func isMade(_ labels: [Label]) -> Bool { labels.contains { $0.name == name } }
            let isRelabelled = jobs.flatMap { $0.relabelRules + $0.metricRelabelRules }.contains { rule in
                rule.action == .labelmap || rule.targetLabel == name
            }
            if isRelabelled || metrics.contains(where: { isMade($0.labels) }) { continue }
            if scenario.services.contains(where: { isMade($0.labels) }) { continue }
            // A group has no label job besides its job.
            if name != "job", pushed.contains(where: { isMade($0.grouping) }) { continue }
            let known = name == "job" ? Set(jobs.map(\.jobName) + pushed.map(\.job)) : targets
            let isInBody = scenario.events.contains { event in
                if case .push(_, _, let body, _, _) = event.action { body.contains("\(name)=") } else { false }
            }
            if isInBody || known.isEmpty { continue }
            for (expectation, selector) in silentSelectors {
                for matcher in selector.matchers
                where matcher.name == name && matcher.operation == .equal && !matcher.value.isEmpty {
                    if known.contains(matcher.value) || known.contains(Scenario.host(matcher.value)) { continue }
                    guard let hint = slip(matcher.value, known.sorted()) else { continue }
                    fail(
                        "no \(name) is called \(GoText.quoted(matcher.value))",
                        expectation.place,
                        expectation.path,
                        hint
                    )
                }
            }
        }
    }

    /// What a name may have been meant to be; `nil` where it is near none.
    private func slip(_ name: String, _ known: [String]) -> String? {
        let host = Scenario.host(name)
        if let dash = host.lastIndex(of: "-"), let count = counts[String(host[..<dash])],
            Int(host[host.index(after: dash)...]) != nil
        {
            return "\(host[..<dash]) has \(count == 1 ? "one instance" : "\(count) instances") at most"
        }
        return DidYouMean.nearest(name, among: known).map { "did you mean \($0)?" }
    }

    /// Whether a metric comes from somebody else: a rule, a push, or relabelling.
    func isMade(_ name: String) -> Bool {
        let relabelling = configs.flatMap(\.prometheus.jobs).flatMap(\.metricRelabelRules)
        let isRenamed = relabelling.contains { $0.action == .labelmap || $0.targetLabel == Labels.metricName }
        if isRenamed || rules.records.contains(name) { return true }
        return scenario.events.contains { event in
            if case .push(_, _, let body, _, _) = event.action { body.contains(name) } else { false }
        }
    }
}
