public import MetricModel
import RuleTemplates

/// Reads points in time as promtool takes them: seconds since 1970, or RFC 3339.
public enum TestTime {
    /// The time in milliseconds; `nil` where the text is neither.
    public static func milliseconds(_ text: String) -> Timestamp? {
        if let seconds = TemplateTime.float(text) {
            return Int64(exactly: (seconds * 1000).rounded())
        }
        guard let (seconds, nanoseconds) = RFC3339.parse(Array(text.utf8)) else { return nil }
        return seconds * 1000 + nanoseconds / 1_000_000
    }
}
