public import Rules

/// Where the API and the pages find rules, and who is told of alerts.
public struct RuleSource: Sendable {
    /// The groups as they are now, by file and name.
    public var groups: @Sendable () -> [RuleGroupSnapshot]
    /// The addresses that alerts are sent to, and those that relabelling dropped.
    public var alertmanagers: @Sendable () -> (active: [String], dropped: [String])
    /// What would have been told or was told, newest first.
    public var inbox: @Sendable () -> [InboxEntry]
    /// What becomes of notices in the inbox.
    public struct InboxState: Sendable, Hashable {
        /// Whether it takes what is told.
        public var isOn: Bool
        /// Whether the configuration says so, and not that Alertmanagers are configured.
        public var isSet: Bool
        /// How many notices it had room for no more.
        public var forgotten: Int

        /// A state.
        public init(isOn: Bool, isSet: Bool = false, forgotten: Int = 0) {
            self.isOn = isOn
            self.isSet = isSet
            self.forgotten = forgotten
        }
    }

    /// Whether the inbox takes what is told, and why.
    public var inboxState: @Sendable () -> InboxState

    /// A source.
    public init(
        groups: @escaping @Sendable () -> [RuleGroupSnapshot],
        alertmanagers: @escaping @Sendable () -> (active: [String], dropped: [String]) = { ([], []) },
        inbox: @escaping @Sendable () -> [InboxEntry] = { [] },
        inboxState: @escaping @Sendable () -> InboxState = { InboxState(isOn: true) }
    ) {
        self.groups = groups
        self.alertmanagers = alertmanagers
        self.inbox = inbox
        self.inboxState = inboxState
    }
}
