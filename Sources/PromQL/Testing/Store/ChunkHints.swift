package import MetricModel

/// The counter reset hints of histograms as they come back from Prometheus's store.
///
/// The store keeps histograms in chunks and begins a new one at a reset. So every sample but the first of a chunk is known not to
/// follow a reset; of the first one nothing is told, because the chunk before may not be the one that was there at first.
package enum ChunkHints {
    /// Chunks end at multiples of this at the latest.
    private static let chunkRange: Int64 = 7_200_000

    package static func apply(to columns: inout SeriesColumns) {
        var previous: NativeHistogram?
        var previousTime: Timestamp = 0
        var nextFloat = 0
        for index in columns.histograms.indices {
            let time = columns.histogramTimestamps[index]
            let histogram = columns.histograms[index]
            // A float in between ends a chunk, and what was known with it.
            while nextFloat < columns.timestamps.count, columns.timestamps[nextFloat] < time {
                previous = nil
                nextFloat += 1
            }
            let isNewRange = previous != nil && time / chunkRange != previousTime / chunkRange
            let hint = hint(of: histogram, after: previous, isNewRange: isNewRange)
            previous = histogram
            previousTime = time
            if !histogram.isStale { columns.histograms[index].counterResetHint = hint }
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
