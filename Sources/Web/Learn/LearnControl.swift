public import PromQL

/// The lessons that a server offers, and the small stacks of their own in which they are gone through.
public struct LearnControl: Sendable {
    /// What an answer is, as JSON.
    public typealias Answer = Result<String, APIFailure>

    /// Answers a query; times are milliseconds, the moment from the start of the lesson.
    public typealias Query =
        @Sendable (_ session: String, _ text: String, _ range: Int64?, _ moment: Int64?) async -> Result<
            QueryResult, APIFailure
        >

    /// Explains a query; the moment is milliseconds from the start of the lesson.
    public typealias Explain =
        @Sendable (_ session: String, _ text: String, _ moment: Int64?) async -> Result<Explanation, APIFailure>

    /// The list of lessons, in all languages.
    public var course: @Sendable () -> String
    /// A lesson's texts and moves.
    public var lesson: @Sendable (_ name: String, _ language: String) -> Answer
    /// Begins a lesson. The session that its learner had before, if any, gives its place back.
    public var open: @Sendable (_ lesson: String, _ former: String) async -> Answer
    /// How far a session is, and what happened in it.
    public var state: @Sendable (_ session: String) async -> Answer
    /// Goes to a position, ahead or back.
    public var go: @Sendable (_ session: String, _ position: Int) async -> Answer
    /// Presses a button that the lesson does not need: step, block, place in the block.
    public var explore: @Sendable (_ session: String, _ place: [Int]) async -> Answer
    /// Asks a session's server: about a moment (now), or about so many milliseconds before it.
    public var query: Query
    /// Asks how a session's server comes to an answer at a moment (now).
    public var explain: Explain

    /// A control with these.
    public init(
        course: @escaping @Sendable () -> String,
        lesson: @escaping @Sendable (_ name: String, _ language: String) -> Answer,
        open: @escaping @Sendable (_ lesson: String, _ former: String) async -> Answer,
        state: @escaping @Sendable (_ session: String) async -> Answer,
        go: @escaping @Sendable (_ session: String, _ position: Int) async -> Answer,
        explore: @escaping @Sendable (_ session: String, _ place: [Int]) async -> Answer,
        query: @escaping Query,
        explain: @escaping Explain
    ) {
        self.course = course
        self.lesson = lesson
        self.open = open
        self.state = state
        self.go = go
        self.explore = explore
        self.query = query
        self.explain = explain
    }
}
