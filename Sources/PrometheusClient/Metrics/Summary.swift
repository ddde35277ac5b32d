public import MetricModel
import Synchronization

/// Counts and sums observations, and follows quantiles of the recent ones.
public final class Summary: VectorElement {
    /// What a summary follows.
    public struct Objectives: Sendable {
        /// The error allowed by quantile, such as `[0.5: 0.05, 0.99: 0.001]`. Empty: only count and sum.
        public var quantiles: [Double: Double]
        /// How far back the quantiles look, in milliseconds.
        public var maximumAge: Int64
        /// In how many steps old observations are forgotten.
        public var ageBuckets: Int

        /// Quantiles of the last ten minutes, in five steps, unless told otherwise.
        public init(_ quantiles: [Double: Double] = [:], maximumAge: Int64 = 600_000, ageBuckets: Int = 5) {
            self.quantiles = quantiles
            self.maximumAge = maximumAge
            self.ageBuckets = max(1, ageBuckets)
        }
    }

    /// What a summary of a vector needs to know.
    public struct Configuration: Sendable {
        var objectives: Objectives
        var clock: any StackClock
    }

    private struct State {
        var sum = 0.0
        var count: UInt64 = 0
        /// One sketch for each age bucket; all of them take every observation, the one at `head` is read.
        var sketches: [QuantileSketch]
        var head = 0
        var headEnds: Int64
    }

    private let configuration: Configuration
    private let quantiles: [Double]
    /// Count, sum and sketches.
    private let state: Mutex<State>

    /// What the summary is called, and which of its vector it is.
    public let identity: MetricIdentity

    /// The type of such metrics.
    public static let type = MetricType.summary

    /// A summary of its own.
    public convenience init(
        _ name: String,
        help: String,
        objectives: Objectives = Objectives(),
        constantLabels: [String: String] = [:],
        clock: any StackClock = SystemClock()
    ) {
        let configuration = Configuration(objectives: objectives, clock: clock)
        self.init(alone: name, help: help, constantLabels: constantLabels, configuration: configuration)
    }

    /// A summary of a vector.
    public init(_ identity: MetricIdentity, configuration: Configuration) {
        self.identity = identity
        self.configuration = configuration
        let objectives = configuration.objectives
        quantiles = objectives.quantiles.keys.sorted()
        state = Mutex(
            State(
                sketches: quantiles.isEmpty
                    ? []
                    : [QuantileSketch](repeating: QuantileSketch(objectives.quantiles), count: objectives.ageBuckets),
                headEnds: configuration.clock.steadyNanoseconds + Self.bucketLength(objectives)
            )
        )
    }

    private static func bucketLength(_ objectives: Objectives) -> Int64 {
        objectives.maximumAge * 1_000_000 / Int64(objectives.ageBuckets)
    }

    /// Counts an observation.
    public func observe(_ value: Double) {
        let now = quantiles.isEmpty ? 0 : configuration.clock.steadyNanoseconds
        state.withLock { state in
            state.count += 1
            state.sum += value
            forgetOld(&state, now)
            for index in state.sketches.indices { state.sketches[index].insert(value) }
        }
    }

    private func forgetOld(_ state: inout State, _ now: Int64) {
        guard !state.sketches.isEmpty else { return }
        let length = Self.bucketLength(configuration.objectives)
        var turns = 0
        while now >= state.headEnds, turns < state.sketches.count {
            state.sketches[state.head].removeAll()
            state.head = (state.head + 1) % state.sketches.count
            state.headEnds += length
            turns += 1
        }
        if now >= state.headEnds { state.headEnds = now + length }
    }

    /// The summary's metric as it is now; a quantile without observations is NaN.
    public func sample() -> MetricFamily.Value {
        let now = quantiles.isEmpty ? 0 : configuration.clock.steadyNanoseconds
        return state.withLock { state in
            forgetOld(&state, now)
            let values = quantiles.map { quantile in
                MetricFamily.Summary.Quantile(
                    quantile: quantile,
                    value: state.sketches[state.head].value(ofQuantile: quantile) ?? SpecialValue.nan
                )
            }
            return .summary(.init(quantiles: values, sum: state.sum, count: state.count))
        }
    }
}
