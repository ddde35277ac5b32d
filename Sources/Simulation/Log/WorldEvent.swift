public import MetricModel

/// Something that happened in a world, as the event log tells it.
public struct WorldEvent: Sendable, Hashable {
    /// What happened.
    public enum Kind: String, Sendable, CaseIterable {
        /// The world begins.
        case begin
        /// The scenario did something.
        case event
        /// A batch began or ended.
        case batch
        /// Somebody pushed or deleted.
        case push
        /// A target does not answer any more, or answers again.
        case target
        /// A scrape; only where all of them are wanted.
        case scrape
        /// An alert changed its state.
        case alert
        /// Somebody was told of an alert.
        case notify
        /// A rule could not be evaluated.
        case rule
        /// Something about the stack itself: it was restarted, its configuration changed, it could not store something.
        case stack
        /// An expectation was settled.
        case expect
        /// The world ends.
        case end
    }

    /// A request to the Pushgateway.
    public struct Request: Sendable, Hashable {
        /// `PUT`, `POST` or `DELETE`.
        public var method: String
        /// The path of the group; with `/…` at its end where it is about all groups of the job.
        public var path: String
        /// The job of the group.
        public var job: String
        /// Whether the Pushgateway took it.
        public var isTaken: Bool

        /// A request and what became of it.
        public init(method: String, path: String, job: String, isTaken: Bool) {
            self.method = method
            self.path = path
            self.job = job
            self.isTaken = isTaken
        }
    }

    /// When, in nanoseconds from the start of the scenario.
    public var time: Int64
    /// What happened.
    public var kind: Kind
    /// Whom it is about.
    public var subject: String
    /// The rest in words.
    public var text: String
    /// Of a push or deletion: the request, where it came to one.
    public var request: Request?

    /// Something that happened.
    public init(time: Int64, kind: Kind, subject: String, text: String, request: Request? = nil) {
        self.time = time
        self.kind = kind
        self.subject = subject
        self.text = text
        self.request = request
    }

    /// A line of the log: the moment by the calendar, from the start, what happened.
    public func line(start: Timestamp) -> String {
        let moment = Self.moment(start + time / 1_000_000)
        let span = "+" + PrometheusDuration(milliseconds: time / 1_000_000).description
        let words = TerminalText.line([subject, text].filter { !$0.isEmpty }.joined(separator: " "))
        return "\(moment)  \(Self.padded(span, 12))  \(Self.padded(kind.rawValue, 6))  \(words)"
    }

    /// The same as an object of JSON.
    public func json(start: Timestamp) -> String {
        "{\"time\":\"\(Self.moment(start + time / 1_000_000))\",\"at\":\(time / 1_000_000),\"kind\":\"\(kind.rawValue)\","
            + "\"subject\":\(JSONString.quoted(subject)),\"text\":\(JSONString.quoted(text))}"
    }

    /// A moment by the calendar with three decimals.
    public static func moment(_ time: Timestamp) -> String { CivilTime.rfc3339(milliseconds: time) }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
