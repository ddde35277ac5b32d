import MetricModel
import Promenade
public import Rules

/// What is told of alerts.
extension TestStack {
    /// What was told (to the inbox) of alerts, oldest first.
    public var notices: [InboxEntry] { stack.notices }

    /// Lets time pass until somebody was told of an alert with these labels, and answers whether that happened.
    /// - Parameters:
    ///   - labels: labels that the alert has, among others.
    ///   - reason: why; `nil` for any reason.
    ///   - within: how long to wait, by the stack's clock.
    public func isNotified(
        _ labels: [String: String],
        _ reason: InboxEntry.Reason? = .first,
        within: Duration
    ) async -> Bool {
        func isThere() -> Bool {
            notices.contains { entry in
                (reason == nil || entry.reason == reason)
                    && labels.allSatisfy { entry.notice.labels[$0.key] == $0.value }
            }
        }
        let step = Duration.seconds(1)
        var passed = Duration.zero
        while !isThere() {
            if passed >= within { return false }
            await advance(by: step)
            passed += step
        }
        return true
    }
}
