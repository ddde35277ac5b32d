package import MetricModel

/// The counter reset hints of histograms as they come back from Prometheus's store.
///
/// The store keeps histograms in chunks and begins a new one at a reset. So every sample but the first of a chunk is known not to
/// follow a reset; of the first one nothing is told, because the chunk before may not be the one that was there at first.
package struct ChunkHints: Sendable {
    /// Chunks end at multiples of this at the latest.
    private static let chunkRange: Int64 = 7_200_000

    /// The last histogram as it was written, not as it is read.
    private var previous: NativeHistogram?
    private var previousTime: Timestamp = 0

    package init() {}

    /// The hint that a series' next histogram is read with.
    /// - Parameter lastFloat: the time of the series' last float before it.
    package mutating func next(
        _ histogram: NativeHistogram,
        at time: Timestamp,
        lastFloat: Timestamp?
    ) -> NativeHistogram.CounterResetHint {
        // A float in between ends a chunk, and what was known with it.
        if let lastFloat, lastFloat > previousTime { previous = nil }
        let isNewRange = previous != nil && time / Self.chunkRange != previousTime / Self.chunkRange
        let hint = Self.hint(of: histogram, after: previous, isNewRange: isNewRange)
        previous = histogram
        previousTime = time
        return histogram.isStale ? histogram.counterResetHint : hint
    }

    /// Sets the hints of a whole series as it was written.
    package static func apply(to columns: inout SeriesColumns) {
        var hints = ChunkHints()
        var nextFloat = 0
        for index in columns.histograms.indices {
            let time = columns.histogramTimestamps[index]
            while nextFloat < columns.timestamps.count, columns.timestamps[nextFloat] < time { nextFloat += 1 }
            let lastFloat = nextFloat > 0 ? columns.timestamps[nextFloat - 1] : nil
            columns.histograms[index].counterResetHint = hints.next(
                columns.histograms[index],
                at: time,
                lastFloat: lastFloat
            )
        }
    }

    private static func hint(
        of histogram: NativeHistogram,
        after previous: NativeHistogram?,
        isNewRange: Bool
    ) -> NativeHistogram.CounterResetHint {
        if histogram.counterResetHint == .gauge { return .gauge }
        guard let previous, !isNewRange, continues(histogram, previous) else { return .unknown }
        return .notReset
    }

    /// Whether a histogram can be put into the chunk of the previous one.
    private static func continues(_ histogram: NativeHistogram, _ previous: NativeHistogram) -> Bool {
        if previous.counterResetHint == .gauge || histogram.counterResetHint == .reset { return false }
        if histogram.isStale || previous.isStale { return histogram.isStale }
        return histogram.count >= previous.count && histogram.zeroCount >= previous.zeroCount
            && histogram.schema == previous.schema && histogram.zeroThreshold == previous.zeroThreshold
            && histogram.customValues == previous.customValues
            && grows(previous.occupiedPositive, histogram.occupiedPositive)
            && grows(previous.occupiedNegative, histogram.occupiedNegative)
    }

    /// Whether no bucket has fewer observations than before.
    private static func grows(_ old: [(index: Int, count: Double)], _ new: [(index: Int, count: Double)]) -> Bool {
        let counts = Dictionary(new.map { ($0.index, $0.count) }) { $1 }
        return old.allSatisfy { $0.count <= counts[$0.index] ?? 0 }
    }
}
