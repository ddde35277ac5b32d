/// Quantiles of a stream of values within given errors, in little space: the targeted form of the algorithm of Cormode, Korn,
/// Muthukrishnan and Srivastava, "Effective Computation of Biased Quantiles over Data Streams" (2005), which Prometheus's client
/// libraries use for summaries.
package struct QuantileStream: Sendable {
    /// A quantile and its allowed error in rank.
    package struct Objective: Sendable {
        /// Between 0 and 1.
        package var quantile: Double
        /// By how much of the number of values the rank may be off.
        package var error: Double

        package init(quantile: Double, error: Double) {
            self.quantile = quantile
            self.error = error
        }
    }

    private struct Sample {
        var value: Double
        var width: Double
        var delta: Double
    }

    private let objectives: [Objective]
    private var samples: [Sample] = []
    private var observed = 0.0

    package init(objectives: [Objective]) { self.objectives = objectives }

    /// Whether nothing was observed.
    package var isEmpty: Bool { samples.isEmpty }

    /// Takes in values that are sorted.
    package mutating func merge(sorted values: [Double]) {
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
    package func value(at quantile: Double) -> Double {
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
