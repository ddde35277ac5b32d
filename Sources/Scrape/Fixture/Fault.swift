package import ConfigTree
import MetricModel

/// Something that goes wrong on purpose: with the scrapes of a target, or with pushes.
public struct Fault: Sendable, Hashable {
    /// What goes wrong.
    public enum Kind: Sendable, Hashable {
        /// The answer comes so late; beyond `scrape_timeout` it does not come at all.
        case latency(milliseconds: Int64)
        /// The answer has this status and no metrics.
        case status(Int)
        /// The connection breaks in the middle of the body.
        case truncated
        /// The answer is another text.
        case body(String)
        /// The answer has another Content-Type; none where it is empty.
        case contentType(String)
        /// Nobody listens.
        case refused
        /// The connection is closed without an answer.
        case closed
        /// All counters, histograms and summaries begin at zero again, as after a restart.
        case resetCounters
        /// So many good answers, then so many refused connections, and from the beginning.
        case flapping(good: Int, bad: Int)
    }

    /// What goes wrong.
    public var kind: Kind
    /// How often, before everything is well again; `nil` until the fault is taken away.
    public var times: Int?

    /// A fault.
    public init(_ kind: Kind, times: Int? = nil) {
        self.kind = kind
        self.times = times
    }

    /// The answer comes so late.
    public static func latency(_ duration: Duration) -> Fault {
        let (seconds, attoseconds) = duration.components
        return Fault(.latency(milliseconds: seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
    /// The answer has this status and no metrics.
    public static func status(_ code: Int) -> Fault { Fault(.status(code)) }
    /// The connection breaks in the middle of the body.
    public static let truncated = Fault(.truncated)
    /// The answer is another text.
    public static func body(_ text: String) -> Fault { Fault(.body(text)) }
    /// The answer has another Content-Type; none where it is empty.
    public static func contentType(_ type: String) -> Fault { Fault(.contentType(type)) }
    /// Nobody listens.
    public static let refused = Fault(.refused)
    /// The connection is closed without an answer.
    public static let closed = Fault(.closed)
    /// All counters begin at zero again, as after a restart.
    public static let resetCounters = Fault(.resetCounters)
    /// So many good answers, then so many refused connections, and from the beginning.
    public static func flapping(good: Int = 1, bad: Int = 1) -> Fault { Fault(.flapping(good: good, bad: bad)) }

    /// The same fault, but only so often.
    public func times(_ count: Int) -> Fault { Fault(kind, times: count) }
}

extension Fault {
    /// The names in JSON.
    static let names = [
        "latency", "status", "truncated", "body", "content_type", "refused", "closed", "reset_counters", "flapping",
    ]

    /// Reads `{"fault":"status","status":503,"times":2}`.
    package init(reading node: ConfigNode) throws(ConfigError) {
        let problems = ConfigProblems(file: "body")
        let section = ConfigSection(node, type: "fault", path: "", problems: problems)
        let name = section.string("fault") ?? ""
        var kind = Kind.refused
        func need(_ field: String, _ example: String) {
            section.fail("the fault \(name) needs the field \(field)", hint: "for example \(example)")
        }
        switch name {
        case "latency":
            if !section.has("latency") { need("latency", #"{"fault":"latency","latency":"20s"}"#) }
            if let duration = section.duration("latency") {
                if duration.milliseconds <= 0 { section.fail("latency has to be more than 0", at: "latency") }
                kind = .latency(milliseconds: duration.milliseconds)
            }
        case "status":
            if !section.has("status") { need("status", #"{"fault":"status","status":503}"#) }
            if let status = section.int("status") {
                if !(200..<600).contains(status) { section.fail("status has to be between 200 and 599", at: "status") }
                kind = .status(status)
            }
        case "truncated": kind = .truncated
        case "body":
            if let body = section.string("body") {
                kind = .body(body)
            } else {
                need("body", #"{"fault":"body","body":"no metrics at all"}"#)
            }
        case "content_type":
            if let type = section.string("content_type") {
                kind = .contentType(type)
            } else {
                need("content_type", #"{"fault":"content_type","content_type":"text/html"}"#)
            }
        case "refused": kind = .refused
        case "closed": kind = .closed
        case "reset_counters": kind = .resetCounters
        case "flapping":
            let good = section.int("good") ?? 1
            let bad = section.int("bad") ?? 1
            if good < 1 || bad < 1 { section.fail("good and bad have to be positive", at: good < 1 ? "good" : "bad") }
            kind = .flapping(good: max(1, good), bad: max(1, bad))
        default:
            let known = "there are " + Self.names.joined(separator: ", ")
            let meant = DidYouMean.nearest(name, among: Self.names).map { "did you mean \($0)? " } ?? ""
            section.fail(
                name.isEmpty ? "the field fault is missing" : "there is no fault \(GoText.quoted(name))",
                hint: meant + known
            )
        }
        let times = section.int("times")
        if let times, times < 1 { section.fail("times has to be positive", at: "times") }
        if Self.names.contains(name) { section.finish() }
        try problems.throwIfAny()
        self.init(kind, times: times)
    }

    /// As it is read.
    package var fields: [(name: String, value: FieldValue)] {
        var fields: [(name: String, value: FieldValue)]
        switch kind {
        case .latency(let milliseconds):
            fields = [
                ("fault", .text("latency")),
                ("latency", .text(PrometheusDuration(milliseconds: milliseconds).description)),
            ]
        case .status(let code): fields = [("fault", .text("status")), ("status", .number(code))]
        case .truncated: fields = [("fault", .text("truncated"))]
        case .body(let text): fields = [("fault", .text("body")), ("body", .text(text))]
        case .contentType(let type): fields = [("fault", .text("content_type")), ("content_type", .text(type))]
        case .refused: fields = [("fault", .text("refused"))]
        case .closed: fields = [("fault", .text("closed"))]
        case .resetCounters: fields = [("fault", .text("reset_counters"))]
        case .flapping(let good, let bad):
            fields = [("fault", .text("flapping")), ("good", .number(good)), ("bad", .number(bad))]
        }
        if let times { fields.append(("times", .number(times))) }
        return fields
    }

    /// A value of a field.
    package enum FieldValue: Sendable, Hashable {
        case text(String)
        case number(Int)
    }
}
