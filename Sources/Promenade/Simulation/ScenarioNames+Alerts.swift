import ConfigTree
import MetricModel
import PromQL
import Rules
import Scrape
import Simulation

/// Whether there are the alerts that a scenario speaks of.
///
/// A stack without any alerting rules is one to which none was given yet: such a scenario runs, and nothing of what it says of alerts is met.
/// Where there are others, an alert that is not there is a slip.
extension ScenarioNames {
    /// "no alert is called X", of a stack in another file with its name.
    private func noAlert(_ name: String) -> String {
        let words = "no alert is called \(GoText.quoted(name))"
        return stacks.first.map { $0.file == scenario.file ? words : words + " in \($0.file)" } ?? words
    }

    /// Whether it is known which alerts there are.
    private var areAlertsKnown: Bool { areStacksKnown && rules.isComplete }

    func checkStudies(_ alerts: [String]) {
        for study in scenario.studies where !alerts.isEmpty && !alerts.contains(study.alert) {
            let all = "there is " + alerts.joined(separator: ", ")
            guard let hint = Self.nearest(study.alert, alerts) ?? (areAlertsKnown ? all : nil) else { continue }
            fail(noAlert(study.alert), study.place, study.path, hint)
        }
    }

    /// That somebody is told of what nobody knows is not met, and says why. But what is nearly an alert is a slip; and that nobody is told of it
    /// would always be met.
    func checkNotices(_ alerts: [String]) {
        if alerts.isEmpty { return }
        let isRenamed = configs.contains(where: \.relabelsAlerts)
        for expectation in scenario.expectations {
            var isSilent = false
            switch expectation.kind {
            case .notified: break
            case .notNotified: isSilent = true
            case .at, .always, .never, .within: continue
            }
            for matcher in expectation.matchers
            where matcher.name == "alertname" && matcher.operation == .equal && !alerts.contains(matcher.value) {
                let all = "there is " + alerts.joined(separator: ", ")
                let isCertain = isSilent && areAlertsKnown && !isRenamed
                guard let hint = Self.nearest(matcher.value, alerts) ?? (isCertain ? all : nil) else { continue }
                fail(noAlert(matcher.value), expectation.place, expectation.path, hint)
            }
        }
    }

    /// The same of the series that tell of alerts.
    func checkAlertSeries(_ alerts: [String]) {
        if alerts.isEmpty || areAlertSeriesOfOthers { return }
        let silent = Set(silentSelectors.filter { AlertSeries.names.contains($0.1.name) }.map { $0.0.path })
        for expectation in scenario.expectations {
            for name in AlertSeries.alerts(in: expectation.text) where !alerts.contains(name) {
                let all = "there is " + alerts.joined(separator: ", ")
                let isCertain = silent.contains(expectation.path) && areAlertsKnown
                guard let hint = Self.nearest(name, alerts) ?? (isCertain ? all : nil) else { continue }
                fail(noAlert(name), expectation.place, expectation.path, hint)
            }
        }
    }

    /// Whether series by these names may come from others than rules.
    private var areAlertSeriesOfOthers: Bool {
        scenario.hasSockets || scenario.recording != nil || AlertSeries.names.contains(where: isMade)
            || (scenario.services.flatMap(\.metrics) + scenario.batches.flatMap(\.metrics)).flatMap(\.seriesNames)
                .contains(where: AlertSeries.names.contains)
    }

    /// Notes in the scenario, and tells, that it speaks of alerts where there are none.
    func noteMissingAlerts(in scenario: inout Scenario) {
        guard rules.alerts.isEmpty, areAlertsKnown else { return }
        var asked = Set(scenario.studies.map(\.alert))
        for expectation in scenario.expectations where expectation.asksForAlerts {
            if AlertSeries.isAsked(in: expectation), areAlertSeriesOfOthers { continue }
            asked.insert(expectation.alertNames.first ?? expectation.text)
        }
        if asked.isEmpty { return }
        let whose = stacks.first.map { $0.file == scenario.file ? "the stack" : $0.file } ?? "the stack"
        scenario.missingAlerts = "\(whose) has no alerting rules: give it rule_files or rules"
        let names = asked.sorted().joined(separator: ", ")
        scenario.remarks.append("\(scenario.file): \(scenario.missingAlerts), or nothing can be said of \(names)")
    }
}

extension StackConfig {
    /// Whether those who are told of an alert are told of other labels than it has.
    var relabelsAlerts: Bool {
        let alerting = prometheus.alerting
        return !alerting.alertRelabelRules.isEmpty
            || alerting.alertmanagers.contains { !$0.alertRelabelRules.isEmpty }
    }
}

/// The series that Prometheus writes of alerts.
enum AlertSeries {
    static let names = ["ALERTS", "ALERTS_FOR_STATE"]

    /// The alerts whose series an expression names.
    static func alerts(in expression: String) -> [String] {
        Expectations.selectors(expression).filter { names.contains($0.name) }.flatMap(\.matchers)
            .filter { $0.name == "alertname" && $0.operation == .equal && !$0.value.isEmpty }.map(\.value)
    }

    /// Whether an expectation is about such series, and not about notices.
    static func isAsked(in expectation: ExpectationSpec) -> Bool {
        switch expectation.kind {
        case .notified, .notNotified: false
        case .at, .always, .never, .within: true
        }
    }
}

extension ExpectationSpec {
    /// The alerts that it names.
    var alertNames: [String] {
        if AlertSeries.isAsked(in: self) { return AlertSeries.alerts(in: text) }
        return matchers.filter { $0.name == "alertname" && $0.operation == .equal && !$0.value.isEmpty }.map(\.value)
    }

    /// Whether it says something that only alerting rules can make true or false.
    var asksForAlerts: Bool { !AlertSeries.isAsked(in: self) || !alertNames.isEmpty }
}
