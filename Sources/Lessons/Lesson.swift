public import ConfigTree

/// A lesson in one language: steps that are gone through in a small simulated stack of their own.
public struct Lesson: Sendable {
    /// The name of its folder: `03-a-target-dies`.
    public var name: String
    /// The language of its texts: `en`, `ja`.
    public var language: String
    /// The file.
    public var file: String
    /// Its title.
    public var title = ""
    /// What one knows after it, in a sentence.
    public var goal = ""
    /// Its steps.
    public var steps: [Step] = []

    /// What stands under one heading.
    public struct Step: Sendable {
        /// The heading.
        public var title: String
        /// The line in the file.
        public var line: Int
        /// What it is made of, in order.
        public var blocks: [Block] = []
    }

    /// A piece of a step.
    public struct Block: Sendable {
        /// The line in the file.
        public var line: Int
        /// What it is.
        public var content: Content
    }

    /// What a block is.
    public enum Content: Sendable {
        /// Something to read.
        case text(LessonText)
        /// The world goes on to a moment, in nanoseconds from its start.
        case run(to: Int64)
        /// A question whose answer the world gives at the end of the step.
        case predict(Prediction)
        /// Buttons that the lesson needs to be pressed, in order.
        case act([Act])
        /// Buttons to play with: what they do is undone when the lesson goes on.
        case explore([Act])
        /// Questions to the stack that are shown with their answers.
        case panel([Panel])
        /// What has to be true at this place.
        case claim([Claim])
        /// What happened, what was scraped, what was held and what is answered, on one axis of time.
        case picture(Picture)
        /// What each request did to a group of the Pushgateway, as far as requests were made.
        case changes(Changes)
    }

    /// A question with choices, of which the world makes exactly one true.
    public struct Prediction: Sendable {
        /// The question.
        public var question: LessonText.Line
        /// What can be chosen.
        public var choices: [Choice]
        /// Why it is so; shown with the truth.
        public var why: LessonText.Line
    }

    /// One answer to a question.
    public struct Choice: Sendable {
        /// The answer.
        public var text: LessonText.Line
        /// A condition that holds where it is right.
        public var condition: String
        /// The line in the file.
        public var line: Int
    }

    /// A button.
    public struct Act: Sendable {
        /// What stands on it.
        public var label: String
        /// What it does.
        public var deed: Deed
        /// The line in the file.
        public var line: Int
    }

    /// What a button does.
    public enum Deed: Sendable, Hashable {
        /// An event, as scenarios have them, without its time.
        case event(ConfigNode)
        /// Time passes, in nanoseconds.
        case advance(Int64)
    }

    /// A question to the stack.
    public struct Panel: Sendable {
        /// What stands above it; empty for the expression alone.
        public var title: String
        /// The expression.
        public var expression: String
        /// How far a graph goes back, in nanoseconds; `nil` for a table of the moment.
        public var range: Int64?
        /// The line in the file.
        public var line: Int
    }

    /// A condition.
    public struct Claim: Sendable {
        /// The expression, which finds a series or a number that is neither 0 nor NaN.
        public var expression: String
        /// The line in the file.
        public var line: Int
    }

    /// A table of what each request left of a group, made from the requests.
    public struct Changes: Sendable, Hashable {
        /// The job whose groups are looked at.
        public var job: String
    }

    /// What a picture shows: ways of numbers from where they arise to an answer, on one axis of time.
    public struct Picture: Sendable, Hashable {
        /// The ways, from top to bottom.
        public var ways: [Way] = []
        /// How far it goes back, in nanoseconds.
        public var range: Int64
    }

    /// The way of one number, from where it arises to the answer of a query.
    public struct Way: Sendable, Hashable {
        /// Where the number arises.
        public var origin: Origin
        /// The metric whose values in the Pushgateway are drawn; empty for a way without it.
        public var held = ""
        /// The job under which it is scraped.
        public var job: String
        /// What is asked at each moment: a selector, whose samples are what the scraper saw.
        public var query: String
    }

    /// Where a number arises.
    public enum Origin: Sendable, Hashable {
        /// In the runs of a batch.
        case batch(String)
        /// In a service that runs until it is killed.
        case service(String)
        /// In requests to a job's groups.
        case requests(job: String)
    }
}
