import MetricModel

/// The result of a query, in the form in which tests compare it.
enum TestResult: Sendable {
    case scalar(Double)
    case string(String)
    case vector([(labels: Labels, value: TestValue)])
    case matrix([(labels: Labels, points: [(time: Timestamp, value: TestValue)])])

    /// A result with what was told beside it.
    struct Answer: Sendable {
        var result: TestResult
        var warnings: [String] = []
        var infos: [String] = []
    }
}

/// A sample's value.
enum TestValue: Sendable {
    case float(Double)
    case histogram(NativeHistogram)
}

extension TestValue: CustomStringConvertible {
    var description: String {
        switch self {
        case .float(let value): SpecialValue.isStale(value) ? "stale" : GoNumber.text(value, .shortest)
        case .histogram(let histogram): histogram.testDescription
        }
    }
}

extension SequenceValue: CustomStringConvertible {
    /// As it is written in tests.
    public var description: String {
        switch self {
        case .omitted: "_"
        case .float(let value): TestValue.float(value).description
        case .histogram(let histogram, _): histogram.testDescription
        }
    }
}

/// When two values count as the same.
enum Almost {
    private static let epsilon = 0.000_001

    /// Whether two numbers differ by less than a millionth of their sum, or are the same kind of NaN.
    static func equal(_ left: Double, _ right: Double) -> Bool { NearlyEqual.test(left, right, epsilon) }

    /// Whether two histograms are the same, up to empty buckets and small differences of their numbers.
    static func equal(_ expected: NativeHistogram, _ actual: NativeHistogram, checksHint: Bool) -> Bool {
        func same(_ left: [(index: Int, count: Double)], _ right: [(index: Int, count: Double)]) -> Bool {
            left.count == right.count
                && zip(left, right).allSatisfy { $0.index == $1.index && equal($0.count, $1.count) }
        }
        return expected.schema == actual.schema && equal(expected.count, actual.count)
            && equal(expected.sum, actual.sum)
            && (expected.schema != NativeHistogram.customBoundsSchema || expected.customValues == actual.customValues)
            && expected.zeroThreshold == actual.zeroThreshold && equal(expected.zeroCount, actual.zeroCount)
            && same(expected.occupiedPositive, actual.occupiedPositive)
            && same(expected.occupiedNegative, actual.occupiedNegative)
            && (!checksHint || expected.counterResetHint == actual.counterResetHint)
    }

    /// Whether an actual value is the expected one.
    static func equal(_ expected: SequenceValue, _ actual: TestValue) -> Bool {
        switch (expected, actual) {
        case (.float(let left), .float(let right)): equal(left, right)
        case (.histogram(let left, let hintIsGiven), .histogram(let right)):
            equal(left, right, checksHint: hintIsGiven)
        default: false
        }
    }
}
