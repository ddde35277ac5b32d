public import Rules

extension Stack {
    /// What was told (to the inbox) of alerts, oldest first.
    public var notices: [InboxEntry] { rules.inbox.entries.reversed() }

    /// The groups of rules as they are now.
    public var ruleGroups: [RuleGroupSnapshot] { rules.manager.snapshots }
}
