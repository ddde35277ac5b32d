/// Quantiles of a stream in little memory, each within its allowed error.
///
/// The targeted quantiles of Cormode, Korn, Muthukrishnan and Srivastava, "Effective Computation of Biased Quantiles over Data
/// Streams", ICDE 2005.
struct QuantileSketch: Sendable {
    private struct Entry {
        var value: Double
        /// Ranks between the previous entry and this one.
        var gap: Double
        /// How far the rank may be off.
        var spread: Double
    }

    private static let bufferLimit = 500

    private let targets: [(quantile: Double, error: Double)]
    private var entries: [Entry] = []
    private var buffer: [Double] = []
    private var count = 0.0

    init(_ targets: [Double: Double]) {
        self.targets = targets.map { (quantile: $0.key, error: $0.value) }
    }

    mutating func insert(_ value: Double) {
        guard !value.isNaN else { return }
        buffer.append(value)
        if buffer.count >= Self.bufferLimit { flush() }
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        buffer.removeAll(keepingCapacity: true)
        count = 0
    }

    /// The value of one of the targeted quantiles; `nil` without observations.
    mutating func value(ofQuantile quantile: Double) -> Double? {
        flush()
        guard let last = entries.last else { return nil }
        let rank = (quantile * count).rounded(.up)
        let limit = rank + (allowedError(rank) / 2).rounded(.up)
        var sum = 0.0
        for index in entries.indices.dropLast() {
            sum += entries[index].gap
            let next = entries[index + 1]
            if sum + next.gap + next.spread > limit { return entries[index].value }
        }
        return last.value
    }

    /// The invariant: how many ranks an entry at this rank may cover.
    private func allowedError(_ rank: Double) -> Double {
        var smallest = Double.infinity
        for (quantile, error) in targets {
            let allowed =
                quantile * count <= rank ? 2 * error * rank / quantile : 2 * error * (count - rank) / (1 - quantile)
            smallest = min(smallest, allowed)
        }
        return smallest
    }

    private mutating func flush() {
        guard !buffer.isEmpty else { return }
        buffer.sort()
        var merged: [Entry] = []
        merged.reserveCapacity(entries.count + buffer.count)
        var old = 0
        var rank = 0.0
        for value in buffer {
            while old < entries.count, entries[old].value <= value {
                rank += entries[old].gap
                merged.append(entries[old])
                old += 1
            }
            count += 1
            let isEdge = merged.isEmpty || old == entries.count
            merged.append(
                Entry(value: value, gap: 1, spread: isEdge ? 0 : max(0, allowedError(rank).rounded(.down) - 1))
            )
            rank += 1
        }
        merged += entries[old...]
        entries = merged
        buffer.removeAll(keepingCapacity: true)
        compress()
    }

    private mutating func compress() {
        guard entries.count > 2, var kept = entries.last else { return }
        var reversed: [Entry] = []
        var rank = count - 1 - kept.gap
        for entry in entries.dropLast().reversed() {
            if entry.gap + kept.gap + kept.spread <= allowedError(rank) {
                kept.gap += entry.gap
            } else {
                reversed.append(kept)
                kept = entry
            }
            rank -= entry.gap
        }
        reversed.append(kept)
        entries = reversed.reversed()
    }
}
