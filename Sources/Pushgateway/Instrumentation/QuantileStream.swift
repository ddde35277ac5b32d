import MetricModel

/// Quantiles of a stream of values within given errors, in little space: the targeted form of the algorithm of Cormode, Korn,
/// Muthukrishnan and Srivastava, "Effective Computation of Biased Quantiles over Data Streams" (2005), which Prometheus's client
/// libraries use for summaries.
struct QuantileStream {
    /// A quantile and its allowed error in rank.
    struct Objective: Sendable {
        var quantile: Double
        var error: Double
    }

    private struct Sample {
        var value: Double
        var width: Double
        var delta: Double
    }

    private let objectives: [Objective]
    private var samples: [Sample] = []
    private var observed = 0.0

    init(objectives: [Objective]) { self.objectives = objectives }

    /// Whether nothing was observed.
    var isEmpty: Bool { samples.isEmpty }

    /// Takes in values that are sorted.
    mutating func merge(sorted values: [Double]) {
        guard !values.isEmpty else { return }
        var merged: [Sample] = []
        merged.reserveCapacity(samples.count + values.count)
        var rank = 0.0
        var next = 0
        for value in values {
            while next < samples.count, samples[next].value <= value {
                rank += samples[next].width
                merged.append(samples[next])
                next += 1
            }
            let isLast = next == samples.count
            let delta = isLast ? 0 : max(samples[next].delta, allowedSpread(rank).rounded(.down) - 1)
            merged.append(Sample(value: value, width: 1, delta: delta))
            observed += 1
            rank += 1
        }
        merged.append(contentsOf: samples[next...])
        samples = merged
        compress()
    }

    /// How far apart the ranks of neighbours may be around a rank.
    private func allowedSpread(_ rank: Double) -> Double {
        var smallest = Double.greatestFiniteMagnitude
        for objective in objectives {
            let spread =
                objective.quantile * observed <= rank
                ? 2 * objective.error * rank / objective.quantile
                : 2 * objective.error * (observed - rank) / (1 - objective.quantile)
            smallest = min(smallest, spread)
        }
        return smallest
    }

    /// Joins neighbours that need not be told apart.
    private mutating func compress() {
        guard samples.count >= 2 else { return }
        var kept: [Sample] = []
        kept.reserveCapacity(samples.count)
        var current = samples[samples.count - 1]
        var rank = observed - 1 - current.width
        for index in stride(from: samples.count - 2, through: 0, by: -1) {
            let candidate = samples[index]
            if candidate.width + current.width + current.delta <= allowedSpread(rank) {
                current.width += candidate.width
            } else {
                kept.append(current)
                current = candidate
            }
            rank -= candidate.width
        }
        kept.append(current)
        kept.reverse()
        samples = kept
    }

    /// The value of a quantile; NaN where nothing was observed.
    func value(at quantile: Double) -> Double {
        guard let first = samples.first else { return .nan }
        var target = (quantile * observed).rounded(.up)
        target += (allowedSpread(target) / 2).rounded(.up)
        var previous = first
        var rank = 0.0
        for sample in samples.dropFirst() {
            rank += previous.width
            if rank + sample.width + sample.delta > target { return previous.value }
            previous = sample
        }
        return previous.value
    }
}

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
