import MetricModel

/// The quantiles of what was observed in the last ten minutes.
struct SlidingQuantiles {
    /// How long a value counts, in nanoseconds.
    static let window: Int64 = 600_000_000_000
    private static let streamCount = 5
    private static let bufferSize = 500
    static let objectives = [
        QuantileStream.Objective(quantile: 0.1, error: 0.01),
        QuantileStream.Objective(quantile: 0.5, error: 0.05),
        QuantileStream.Objective(quantile: 0.9, error: 0.01),
    ]

    /// Streams that began one after the other; the first is the oldest and answers.
    private var streams: [QuantileStream]
    private var buffer: [Double] = []
    private var rotatesAt: Int64
    private(set) var sum = 0.0
    private(set) var count: UInt64 = 0

    init(now: Int64) {
        streams = Array(repeating: QuantileStream(objectives: Self.objectives), count: Self.streamCount)
        rotatesAt = now + Self.window / Int64(Self.streamCount)
        buffer.reserveCapacity(Self.bufferSize)
    }

    mutating func observe(_ value: Double, now: Int64) {
        if now >= rotatesAt { rotate(now) }
        sum += value
        count += 1
        buffer.append(value)
        if buffer.count >= Self.bufferSize { flush() }
    }

    private mutating func flush() {
        guard !buffer.isEmpty else { return }
        buffer.sort()
        for index in streams.indices { streams[index].merge(sorted: buffer) }
        buffer.removeAll(keepingCapacity: true)
    }

    private mutating func rotate(_ now: Int64) {
        flush()
        while now >= rotatesAt {
            streams.removeFirst()
            streams.append(QuantileStream(objectives: Self.objectives))
            rotatesAt += Self.window / Int64(Self.streamCount)
            if rotatesAt + Self.window < now { rotatesAt = now + 1 }
        }
    }

    mutating func summary(now: Int64) -> MetricFamily.Summary {
        if now >= rotatesAt { rotate(now) }
        flush()
        let quantiles = Self.objectives.map {
            MetricFamily.Summary.Quantile(quantile: $0.quantile, value: streams[0].value(at: $0.quantile))
        }
        return MetricFamily.Summary(quantiles: quantiles, sum: sum, count: count)
    }
}
