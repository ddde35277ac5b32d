internal import MetricModel

/// What the evaluation of one node of an expression came to.
public struct EvaluationTrace: Sendable {
    /// Where the node stands in the query.
    public var position: PositionRange
    /// How deep it is below the top.
    public var depth: Int
    /// How many series it answered.
    public var series: Int
    /// How many samples it answered.
    public var samples: Int
    /// How long it took, its children included, in seconds.
    public var seconds: Double
    /// How many different values each label has.
    public var labelValues: [String: Int]
}

/// Watches an evaluation node by node. Costs nothing where there is none.
final class EvaluationObserver {
    private let clock: any StackClock
    private var depth = 0
    private(set) var traces: [EvaluationTrace] = []
    private var starts: [Int64] = []

    init(clock: any StackClock) { self.clock = clock }

    func begin(_ expression: Expr) -> Int {
        let trace = EvaluationTrace(
            position: expression.position,
            depth: depth,
            series: 0,
            samples: 0,
            seconds: 0,
            labelValues: [:]
        )
        traces.append(trace)
        starts.append(clock.steadyNanoseconds)
        depth += 1
        return traces.count - 1
    }

    func end(_ token: Int, series: Int, samples: Int, labels: [Labels]) {
        depth -= 1
        traces[token].series = series
        traces[token].samples = samples
        traces[token].seconds = Double(clock.steadyNanoseconds - starts[token]) / 1e9
        var values: [String: Set<String>] = [:]
        for set in labels { for label in set { values[label.name, default: []].insert(label.value) } }
        traces[token].labelValues = values.mapValues(\.count)
    }
}
