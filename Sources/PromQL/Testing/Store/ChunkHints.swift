import MetricModel

/// The counter reset hints of histograms as they come back from Prometheus's store.
///
/// The store keeps histograms in chunks and one hint for each chunk: what it tells of the first sample in a chunk comes from how
/// the chunk was begun, and every further sample is known not to follow a reset.
enum ChunkHints {
    /// Chunks end at multiples of this at the latest.
    private static let chunkRange: Int64 = 7_200_000

    /// How the next histogram goes into the store.
    private enum Placement {
        case sameChunk
        case newChunk(NativeHistogram.CounterResetHint)
    }

    static func apply(to columns: inout SeriesColumns) {
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
        guard let previous else { return histogram.counterResetHint == .reset ? .reset : .unknown }
        switch placement(of: histogram, after: previous) {
        case .sameChunk: return isNewRange ? .unknown : .notReset
        case .newChunk(let hint): return hint
        }
    }

    private static func placement(of histogram: NativeHistogram, after previous: NativeHistogram) -> Placement {
        if previous.counterResetHint == .gauge {
            return .newChunk(histogram.counterResetHint == .reset ? .reset : .unknown)
        }
        if histogram.counterResetHint == .reset { return .newChunk(.reset) }
        if histogram.isStale { return .sameChunk }
        if previous.isStale { return .newChunk(.unknown) }
        if histogram.count < previous.count { return .newChunk(.reset) }
        if histogram.schema != previous.schema || histogram.zeroThreshold != previous.zeroThreshold {
            return .newChunk(.unknown)
        }
        if histogram.customValues != previous.customValues || histogram.zeroCount < previous.zeroCount {
            return .newChunk(.reset)
        }
        let grows =
            grows(previous.occupiedPositive, histogram.occupiedPositive)
            && self.grows(previous.occupiedNegative, histogram.occupiedNegative)
        return grows ? .sameChunk : .newChunk(.reset)
    }

    /// Whether no bucket has fewer observations than before.
    private static func grows(_ old: [(index: Int, count: Double)], _ new: [(index: Int, count: Double)]) -> Bool {
        let counts = Dictionary(new.map { ($0.index, $0.count) }) { $1 }
        return old.allSatisfy { $0.count <= counts[$0.index] ?? 0 }
    }
}
