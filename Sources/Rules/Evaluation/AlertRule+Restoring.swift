import MetricModel

/// Going on where the alerts were before the start.
extension AlertRule {
    /// What finds the samples that tell since when its alerts were active before the start.
    var restoreMatchers: [LabelMatcher] {
        var matchers = [LabelMatcher(Labels.metricName, equals: Self.forState)]
        for label in Labels(definition.labels) where label.name != "alertname" && !label.value.contains("{{") {
            matchers.append(LabelMatcher(label.name, equals: label.value))
        }
        matchers.append(LabelMatcher("alertname", equals: definition.name))
        return matchers
    }

    /// Goes on where the alerts were before the start.
    /// - Parameters:
    ///   - series: for each series of ``restoreMatchers`` the time and value of its last sample of the last hour.
    ///   - now: the time, in nanoseconds since 1970.
    ///   - grace: the least time that an alert still has to be found before it fires, in nanoseconds.
    mutating func restore(_ series: [Labels: (timestamp: Timestamp, value: Double)], now: Int64, grace: Int64) {
        defer { isRestored = true }
        let hold = RuleTime.nanoseconds(milliseconds: definition.holdDuration)
        guard hold >= grace else { return }
        for (labels, alert) in active {
            var builder = LabelsBuilder(Labels(definition.labels))
            for label in alert.labels { builder.set(label.name, label.value) }
            builder.set("alertname", definition.name)
            builder.set(Labels.metricName, Self.forState)
            // Anybody may have written them.
            guard let (timestamp, value) = series[builder.build()], value.isFinite, value.magnitude < 9e9 else {
                continue
            }
            // In whole seconds, as in Prometheus.
            let down = RuleTime.nanoseconds(milliseconds: timestamp - timestamp % 1000)
            let since = Int64(value) * 1_000_000_000
            let remaining = hold.minus(down.minus(since))
            if remaining <= 0 {
                active[labels]?.activeAt = since
            } else if remaining < grace {
                active[labels]?.activeAt = now.plus(grace).minus(hold)
            } else {
                active[labels]?.activeAt = since.plus(now.minus(down))
            }
        }
    }
}
