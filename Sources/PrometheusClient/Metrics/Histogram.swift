public import MetricModel
import Synchronization

/// Counts observations in buckets.
public final class Histogram: VectorElement {
    /// The bounds that client libraries use for durations in seconds.
    public static let defaultBuckets: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private struct State {
        var counts: [UInt64]
        var exemplars: [Exemplar?]
        var sum = 0.0
    }

    private let bounds: [Double]
    /// Observations by bucket, and their sum.
    private let state: Mutex<State>

    /// What the histogram is called, and which of its vector it is.
    public let identity: MetricIdentity

    /// The type of such metrics.
    public static let type = MetricType.histogram

    /// A histogram of its own.
    /// - Parameters:
    ///   - name: the family's name.
    ///   - help: what it means.
    ///   - buckets: inclusive upper bounds; sorted, and `+Inf` added, by the histogram.
    ///   - constantLabels: labels that it always has.
    public convenience init(
        _ name: String,
        help: String,
        buckets: [Double] = Histogram.defaultBuckets,
        constantLabels: [String: String] = [:]
    ) {
        self.init(alone: name, help: help, constantLabels: constantLabels, configuration: buckets)
    }

    /// A histogram of a vector.
    public init(_ identity: MetricIdentity, configuration: [Double]) {
        self.identity = identity
        bounds = Set(configuration.filter { !$0.isNaN && $0 < .infinity }).sorted()
        state = Mutex(
            State(
                counts: [UInt64](repeating: 0, count: bounds.count + 1),
                exemplars: [Exemplar?](repeating: nil, count: bounds.count + 1)
            )
        )
    }

    /// Counts an observation.
    public func observe(_ value: Double, exemplar: Exemplar? = nil) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
            if let exemplar { state.exemplars[bucket] = exemplar }
        }
    }

    /// The histogram's metric as it is now.
    public func sample() -> MetricFamily.Value {
        let state = state.withLock { $0 }
        var cumulative = 0.0
        var buckets: [MetricFamily.Histogram.Bucket] = []
        for (index, count) in state.counts.enumerated() {
            cumulative += Double(count)
            buckets.append(
                .init(
                    upperBound: index < bounds.count ? bounds[index] : .infinity,
                    cumulativeCount: cumulative,
                    exemplar: state.exemplars[index]
                )
            )
        }
        return .histogram(.init(buckets: buckets, sum: state.sum, count: cumulative))
    }
}
