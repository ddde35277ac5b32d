/// The flags of rules and alerts.
extension FlagSet {
    private static func flag(_ name: String, _ kind: Flag.Kind, _ standard: String, _ help: String) -> Flag {
        Flag(name: name, kind: kind, standard: standard, group: "Rules and alerts", help: help)
    }

    static let rulesAndAlerts: [Flag] = [
        flag(
            "rules.alert.for-outage-tolerance",
            .duration,
            "1h",
            "The longest outage after which alerts go on where they were."
        ),
        flag(
            "rules.alert.for-grace-period",
            .duration,
            "10m",
            "The least time that a restored alert still has to be found before it fires."
        ),
        flag("rules.alert.resend-delay", .duration, "1m", "The least time between two notices of the same alert."),
        flag(
            "rules.max-concurrent-evals",
            .integerLiteral,
            "4",
            "With --enable-feature=concurrent-rule-eval: how many rules of a group are evaluated at once at most."
        ),
        flag(
            "alertmanager.notification-queue-capacity",
            .integer,
            "10000",
            "The most alerts that wait for one Alertmanager."
        ),
        flag("alertmanager.notification-batch-size", .integer, "256", "The most alerts of one request."),
        flag(
            "alertmanager.drain-notification-queue-on-shutdown",
            .toggle,
            "true",
            "Whether alerts that wait are sent at the end."
        ),
    ]
}
