import MetricModel
import PromQL

/// Reads the selector of a deletion: `{job="batch",instance=~"a.*"}`.
enum GroupSelector {
    /// Why a selector was refused.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    static func matchers(_ text: String) throws(Malformed) -> [LabelMatcher] {
        []
    }
}
