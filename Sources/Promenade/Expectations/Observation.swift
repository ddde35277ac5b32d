package import ConfigTree
import Exposition
package import MetricModel

/// What a server answered to an expression.
package enum Observation: Sendable, Hashable {
    /// Series with their last values.
    case series([ObservedSeries])
    /// A number.
    case scalar(String)
    /// What somebody was told of that was asked for, newest first.
    case notices([ObservedNotice])
    /// The expression is wrong; asking again is of no use.
    case refused(String)
    /// The server could not answer.
    case failed(String)
    /// There was no server.
    case unreachable(String)

    /// Whether the condition holds: there is a series, or a number that is neither 0 nor NaN.
    package var holds: Bool {
        switch self {
        case .series(let series): return !series.isEmpty
        case .scalar(let text):
            guard let value = Double(text.hasSuffix("Inf") ? text.lowercased() : text) else { return false }
            return value != 0 && !value.isNaN
        case .notices(let notices): return !notices.isEmpty
        case .refused, .failed, .unreachable: return false
        }
    }

    /// What was seen, one line each; long answers are cut off.
    package func lines(limit: Int = 5) -> [String] {
        switch self {
        case .series(let series):
            if series.isEmpty { return ["no series"] }
            let rest = series.count - limit
            return series.prefix(limit).map(\.description) + (rest > 0 ? ["… and \(rest) more"] : [])
        case .scalar(let text): return ["scalar \(text)"]
        case .notices(let notices):
            if notices.isEmpty { return ["nobody was told"] }
            let rest = notices.count - limit
            return notices.prefix(limit).map(\.description) + (rest > 0 ? ["… and \(rest) more"] : [])
        case .refused(let text), .failed(let text), .unreachable(let text): return ["error: \(text)"]
        }
    }
}

/// A series with its last value, as the query API writes it.
package struct ObservedSeries: Sendable, Hashable, CustomStringConvertible {
    package var labels: Labels
    package var value: String

    package init(_ labels: Labels, _ value: String) {
        self.labels = labels
        self.value = value
    }

    package var description: String { "\(labels.selectorText) \(value)" }

    /// Labels as in a query: `up{job="demo"}`.
    package static func text(_ labels: Labels) -> String { labels.selectorText }
}

extension Observation {
    /// Reads an answer of the query API.
    package init(status: Int, answer: ConfigNode?) {
        guard let answer, let verdict = answer["status"]?.text else {
            self = .failed("HTTP status \(status), and no answer of the query API")
            return
        }
        guard verdict == "success", let data = answer["data"], let type = data["resultType"]?.text else {
            let message = answer["error"]?.text ?? "HTTP status \(status)"
            self = answer["errorType"]?.text == "bad_data" ? .refused(message) : .failed(message)
            return
        }
        let result = data["result"]?.items ?? []
        switch type {
        case "scalar": self = .scalar(result.last?.text ?? "")
        case "vector", "matrix": self = .series(result.map(Self.series))
        default: self = .refused("a \(type) says neither yes nor no")
        }
    }

    private static func series(_ row: ConfigNode) -> ObservedSeries {
        let sample = row["value"] ?? row["values"]?.items?.last ?? row["histogram"] ?? row["histograms"]?.items?.last
        let last = sample?.items?.last
        var value = last?.text ?? ""
        if let count = last?["count"]?.text, let sum = last?["sum"]?.text {
            value = "histogram {count:\(count), sum:\(sum)}"
        }
        return ObservedSeries(row["metric"]?.labels ?? Labels(), value)
    }
}

extension ConfigNode {
    /// A JSON object of texts as labels.
    package var labels: Labels {
        guard case .mapping(let entries) = content else { return Labels() }
        return Labels(entries.map { Label(name: $0.key.text ?? "", value: $0.value.text ?? "") })
    }
}
