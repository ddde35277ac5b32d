import MetricModel

/// Quantiles of values that come one by one.
struct QuantileSketch: Sendable {
    private static let bufferLimit = 500

    private let objectives: [QuantileStream.Objective]
    private var stream: QuantileStream
    /// What the stream does not have yet.
    private var buffer: [Double] = []

    init(_ targets: [Double: Double]) {
        objectives = targets.map { QuantileStream.Objective(quantile: $0.key, error: $0.value) }
        stream = QuantileStream(objectives: objectives)
    }

    mutating func insert(_ value: Double) {
        guard !value.isNaN else { return }
        buffer.append(value)
        if buffer.count >= Self.bufferLimit { flush() }
    }

    mutating func removeAll() {
        stream = QuantileStream(objectives: objectives)
        buffer.removeAll(keepingCapacity: true)
    }

    /// The value of one of the targeted quantiles; `nil` without observations.
    mutating func value(ofQuantile quantile: Double) -> Double? {
        flush()
        return stream.isEmpty ? nil : stream.value(at: quantile)
    }

    private mutating func flush() {
        buffer.sort()
        stream.merge(sorted: buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
