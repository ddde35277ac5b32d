/// Which names metrics and labels may have.
public enum NameValidation: String, Sendable, Hashable {
    /// Any text that is not empty.
    case utf8
    /// Letters, digits, underscores and (for metrics) colons.
    case legacy

    /// Whether a label may be called so.
    public func allowsLabelName(_ name: String) -> Bool {
        switch self {
        case .utf8: !name.isEmpty
        case .legacy: Label.isLegacyName(name)
        }
    }

    /// Whether a metric may be called so.
    public func allowsMetricName(_ name: String) -> Bool {
        switch self {
        case .utf8: !name.isEmpty
        case .legacy: Label.isLegacyMetricName(name)
        }
    }
}
