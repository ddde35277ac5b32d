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
    /// - Throws: `ConfigError` with the services whose labels no target gets.
    func checkLabels() throws(ConfigError) {
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

    /// A body that the Pushgateway refuses may be meant, where that is said.
    func checkBodies() {
        let utf8 = configs.first?.gateway.options.allowsUTF8Names ?? false
        for (number, event) in scenario.events.enumerated() {
            guard case .push(_, _, let body, _, let isRefused) = event.action, !isRefused else { continue }
            do throws(ExpositionError) {
                let families = try FamilyTextParser(validation: utf8 ? .utf8 : .legacy).parse(Array(body.utf8))
                guard families.contains(where: { $0.metrics.contains { $0.timestamp != nil } }) else { continue }
                refuse("pushed metrics must not have timestamps", event, number)
            } catch {
                refuse(error.message, event, number)
            }
        }
    }

    private func refuse(_ reason: String, _ event: EventSpec, _ number: Int) {
        fail(
            "the Pushgateway refuses this body: \(reason)",
            event.fieldPlaces["body"] ?? event.place,
            "events[\(number)].body",
            "such as body: \"rows 42\"; refused: true where that is meant"
        )
    }

    /// That nothing of a metric is ever seen is always so where the metric is called otherwise.
    func checkMetrics() {
        let metrics = scenario.services.flatMap(\.metrics) + scenario.batches.flatMap(\.metrics)
        let names = Set(metrics.flatMap(\.seriesNames)).sorted()
        for (number, expectation) in scenario.expectations.enumerated() {
            guard case .never = expectation.kind else { continue }
            for selector in Expectations.selectors(expectation.text) {
                if names.contains(selector.name) || isMade(selector.name) { continue }
                guard let near = DidYouMean.nearest(selector.name, among: names),
                    near.utf8.count > 5, DidYouMean.editDistance(near, selector.name) <= 2
                else { continue }
                fail(
                    "no metric is called \(selector.name)",
                    expectation.place,
                    "expect[\(number)].never",
                    "did you mean \(near)?"
                )
            }
        }
    }

    /// Whether a metric comes from somebody else: a rule, a push, or relabelling.
    private func isMade(_ name: String) -> Bool {
        let rules = configs.flatMap(\.prometheus.scrapeConfigs).flatMap(\.metricRelabelRules)
        let isRenamed = rules.contains { $0.action == .labelmap || $0.targetLabel == Labels.metricName }
        if isRenamed || records.contains(name) { return true }
        return scenario.events.contains { event in
            if case .push(_, _, let body, _, _) = event.action { body.contains(name) } else { false }
        }
    }
}
