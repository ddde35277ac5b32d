package import Rules

extension StackEvents {
    /// Tells of an evaluation, and of the alerts that it changed.
    package func tell(_ report: RuleEvaluationReport) {
        for change in report.changes {
            tell(.alert(.init(group: report.name, labels: change.labels, state: change.state.name)))
        }
        tell(
            .evaluation(
                .init(
                    file: report.file,
                    group: report.name,
                    duration: Int64(report.duration * 1e9),
                    error: report.failures.first.map { "\($0.rule): \($0.reason)" } ?? ""
                )
            )
        )
    }
}
