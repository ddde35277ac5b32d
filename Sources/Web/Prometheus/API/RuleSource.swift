public import Rules

/// Where the API and the pages find rules, and who is told of alerts.
public struct RuleSource: Sendable {
    /// The groups as they are now, by file and name.
    public var groups: @Sendable () -> [RuleGroupSnapshot]
    /// The addresses that alerts are sent to, and those that relabelling dropped.
    public var alertmanagers: @Sendable () -> (active: [String], dropped: [String])
    /// What would have been told or was told, newest first.
    public var inbox: @Sendable () -> [InboxEntry]
    /// Whether the inbox takes what is told, and how many notices it had room for no more.
    public var inboxState: @Sendable () -> (isOn: Bool, forgotten: Int)

    /// A source.
    public init(
        groups: @escaping @Sendable () -> [RuleGroupSnapshot],
        alertmanagers: @escaping @Sendable () -> (active: [String], dropped: [String]) = { ([], []) },
        inbox: @escaping @Sendable () -> [InboxEntry] = { [] },
        inboxState: @escaping @Sendable () -> (isOn: Bool, forgotten: Int) = { (true, 0) }
    ) {
        self.groups = groups
        self.alertmanagers = alertmanagers
        self.inbox = inbox
        self.inboxState = inboxState
    }
}
