import MetricModel
import PromQL

/// Reads the selector of a deletion: `{job="batch",instance=~"a.*"}`.
enum GroupSelector {
    static func matchers(_ text: String) throws(ParseError) -> [LabelMatcher] {
        try PromQLParser().parseSelector(text)
    }
}
