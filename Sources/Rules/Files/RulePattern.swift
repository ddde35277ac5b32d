/// A pattern of `rule_files`.
public enum RulePattern {
    /// Whether Prometheus takes it: a star only in the last part of the path.
    public static func isValid(_ pattern: String) -> Bool {
        guard let star = pattern.firstIndex(of: "*") else { return true }
        return !pattern[star...].contains("/")
    }
}
