public import Rules

/// Where the API and the pages find rules, and who is told of alerts.
public struct RuleSource: Sendable {
    /// The groups as they are now, by file and name.
    public var groups: @Sendable () -> [RuleGroupSnapshot]
    /// The addresses that alerts are sent to, and those that relabelling dropped.
    public var alertmanagers: @Sendable () -> (active: [String], dropped: [String])
    /// What became of the last request to an Alertmanager.
    public struct Delivery: Sendable, Hashable {
        /// When it was answered, or failed, in nanoseconds since 1970.
        public var time: Int64
        /// How many alerts it told of.
        public var alerts: Int
        /// Why they were not taken; `nil` where they were.
        public var error: String?

        /// A delivery.
        public init(time: Int64, alerts: Int, error: String? = nil) {
            self.time = time
            self.alerts = alerts
            self.error = error
        }
    }

    /// What became of the last request, by the Alertmanager's address.
    public var deliveries: @Sendable () -> [String: Delivery]
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
        deliveries: @escaping @Sendable () -> [String: Delivery] = { [:] },
        inbox: @escaping @Sendable () -> [InboxEntry] = { [] },
        inboxState: @escaping @Sendable () -> InboxState = { InboxState(isOn: true) }
    ) {
        self.groups = groups
        self.alertmanagers = alertmanagers
        self.deliveries = deliveries
        self.inbox = inbox
        self.inboxState = inboxState
    }
}
