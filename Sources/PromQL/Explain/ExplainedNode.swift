public import MetricModel

/// What became of one part of an expression: how an explanation is put together.
public struct ExplainedNode: Sendable {
    /// The part, ready for evaluation: durations are numbers, parentheses are gone.
    public let expression: Expr
    /// Where it stands in the query.
    public var position: PositionRange
    /// The type of its answer.
    public var type: ValueType
    /// How many series it answered.
    public var series = 0
    /// How many samples it answered, at all steps together.
    public var samples = 0
    /// How many samples were read for it and for all below it.
    public var samplesRead = 0
    /// How long it took, all below it included, in seconds.
    public var seconds = 0.0
    /// Its labels, with how many values each has; of the first series only, where there are very many.
    public var labels: [ExplainedLabel] = []
    /// The labels that none of its operands had.
    public var gained: [String] = []
    /// The labels that its operands had and it has not.
    public var lost: [String] = []
    /// The first of its series, with their values at the last step.
    public var examples: [ExplainedSeries] = []
    /// How the series of two sides found each other.
    public var matching: ExplainedMatching?
    /// What a function over a range saw of the first series, at the last step.
    public var windows: [ExplainedWindow] = []
    /// The most samples that any series had in the window of the last step; `nil` for all but functions over ranges.
    public var greatestWindow: Int?
    /// What it had to tell.
    public var warnings: [String] = []
    /// Why it failed, where it did and nothing below it.
    public var error: String?
    /// The parts that it is made of, in the order in which they are written.
    public var children: [ExplainedNode] = []

    init(_ expression: Expr) {
        self.expression = expression
        position = expression.position
        type = expression.type
    }

    /// The name of its kind, as `parse_query` has it.
    public var kind: String {
        switch expression {
        case .number: "numberLiteral"
        case .string: "stringLiteral"
        case .vectorSelector: "vectorSelector"
        case .matrixSelector: "matrixSelector"
        case .subquery: "subquery"
        case .aggregate: "aggregation"
        case .binary: "binaryExpr"
        case .unary: "unaryExpr"
        case .paren: "parenExpr"
        case .call: "call"
        case .stepInvariant: "stepInvariantExpr"
        }
    }
}

/// A label of a node's series.
public struct ExplainedLabel: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// How many values it has.
    public var count: Int
    /// The first of them.
    public var values: [String]
}

/// A series of a node's answer.
public struct ExplainedSeries: Sendable {
    /// Its labels.
    public var labels: Labels
    /// Its value at the last step; `nil` where it has none there, or a histogram.
    public var value: Double?
    /// Its histogram there.
    public var histogram: NativeHistogram?
}

/// How the series on both sides of an operator found each other.
public struct ExplainedMatching: Sendable {
    /// A group of series that have the compared labels in common.
    public struct Group: Sendable {
        /// The compared labels.
        public var labels: Labels
        /// How many series there are of it on the left.
        public var left: Int
        /// How many series there are of it on the right.
        public var right: Int
    }

    /// How many series of the left have a partner.
    public var matchedLeft = 0
    /// How many series of the right have a partner.
    public var matchedRight = 0
    /// The first series of the left without one.
    public var unmatchedLeft: [Labels] = []
    /// The first series of the right without one.
    public var unmatchedRight: [Labels] = []
    /// The first groups with more than one series on a side.
    public var groups: [Group] = []
    /// Compared labels that only the left side has.
    public var onlyLeft: [String] = []
    /// Compared labels that only the right side has.
    public var onlyRight: [String] = []
    /// Compared labels whose values on both sides have nothing in common.
    public var apart: [String] = []
    /// Compared labels with values that both sides have.
    public var shared: [String] = []
}

/// What a function over a range saw of a series, and how it came to its number.
public struct ExplainedWindow: Sendable {
    /// The series.
    public var labels: Labels
    /// The window is (start, end].
    public var start: Timestamp
    /// The window is (start, end].
    public var end: Timestamp
    /// The times of the samples in it, by rising time; of very many those in the middle are left out.
    public var timestamps: [Timestamp] = []
    /// The samples.
    public var values: [Double] = []
    /// How many samples there are in it, those left out included.
    public var count = 0
    /// How many of them are native histograms, which are not listed.
    public var histograms = 0
    /// The times of the samples that are less than the one before, where that means that a counter began anew.
    public var resets: [Timestamp] = []
    /// What the function answers; `nil` for nothing, or for a histogram.
    public var result: Double?
    /// The terms of which that is made, where there are any but the samples.
    public var terms: ExplainedTerms?
}

/// What a function over a range works out on its way.
public enum ExplainedTerms: Sendable {
    /// A change, carried on to the borders of the window.
    case change(RateTerms)
    /// The line that fits best: its slope per second, and its value at the window's end.
    case line(slope: Double, atEnd: Double)
}
