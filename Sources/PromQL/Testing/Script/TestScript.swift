import MetricModel

/// A script of the PromQL test language, read.
struct TestScript: Sendable {
    /// One command.
    enum Command: Sendable {
        case clear
        case load(Load)
        case evaluate(Evaluation)
        /// What could not be read; the rest of the script is.
        case mistake(String, source: String)
    }

    /// `load`: series with their values, one step apart, from time zero.
    struct Load: Sendable {
        var step: Int64
        /// Whether classic histograms are loaded as native ones with custom bounds too.
        var convertsClassicHistograms = false
        var series: [Series] = []

        struct Series: Sendable {
            var labels: Labels
            var values: [SequenceValue]
            /// When each sample's counter started, relative to the sample; empty where that is not known.
            var startOffsets: [Int64?] = []
        }
    }

    /// `eval`: a query and what is expected of it.
    struct Evaluation: Sendable {
        /// When the query is evaluated, in milliseconds.
        enum Time: Sendable, Hashable {
            case instant(Timestamp)
            case range(from: Timestamp, to: Timestamp, step: Int64)
        }

        var expression: String
        var time: Time
        var isOrdered = false
        var expectsFailure = false
        var expectsWarning = false
        var expectsInfo = false
        var failures: [TextPattern] = []
        var warnings: [TextPattern] = []
        var infos: [TextPattern] = []
        var forbidsWarnings = false
        var forbidsInfos = false
        var result = Expectation.series([])
        /// The range of a range vector that an instant query is to answer.
        var rangeVector: (from: Timestamp, to: Timestamp, step: Int64)?
        var source: String
    }

    /// The expected result.
    enum Expectation: Sendable {
        case scalar(Double)
        case string(String)
        case series([SeriesDescription])
    }

    /// What a message has to look like.
    enum TextPattern: Sendable, CustomStringConvertible {
        case anything
        case text(String)
        case pattern(RegularExpression)

        func matches(_ message: String) -> Bool {
            switch self {
            case .anything: true
            case .text(let text): text == message
            case .pattern(let pattern): pattern.matches(message)
            }
        }

        var description: String {
            switch self {
            case .anything: "anything"
            case .text(let text): "message \(GoText.quoted(text))"
            case .pattern(let pattern): "pattern \(GoText.quoted(pattern.pattern))"
            }
        }
    }

    var commands: [(line: Int, command: Command)] = []
}
