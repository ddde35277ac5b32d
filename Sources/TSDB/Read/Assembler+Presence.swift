import MetricModel

extension Assembler {
    /// Which of the ascending series have a sample in the span. Decodes timelines only.
    mutating func presence(_ series: [UInt32]) throws(StorageError) -> [Bool] {
        // What was deleted can only be told from the pieces that are left.
        guard capture.tombstones.isEmpty else {
            try gather(series, 0)
            return series.indices.map { !floats[$0].isEmpty || !histograms[$0].isEmpty }
        }
        self.series = series
        var isPresent = [Bool](repeating: false, count: series.count)
        for block in capture.blocks where block.minTime <= end && block.maxTime >= start {
            try mark(block, &isPresent)
            try check(0)
        }
        for segment in capture.segments where segment.minTime <= end && segment.maxTime >= start {
            for position in series.indices where !isPresent[position] {
                isPresent[position] = segment.hasSample(series[position], start, end)
            }
            try check(0)
        }
        return isPresent
    }

    /// Marks the series that have a chunk with a sample of the span in the block.
    private func mark(_ block: Block, _ isPresent: inout [Bool]) throws(StorageError) {
        let loaded = try load(block, pages(of: block))
        var shared = WantedRanges(count: block.timelineCount)
        for page in loaded {
            var local = WantedRanges(count: page.localTimelineCount)
            var failure: StorageError?
            let isSound = forEachEntry(page) { position, _, entry in
                if isPresent[position] { return true }
                var range: Range<Int>?
                if entry.isLocalTimeline {
                    range = local.range(entry.timeline) {
                        page.localTimeline(entry.timeline).map { $0.range(start, end) }
                    }
                } else {
                    range = shared.range(entry.timeline) {
                        if let known = cache?.timeline(block.timelineRow(entry.timeline)) {
                            return known.range(start, end)
                        }
                        do throws(StorageError) {
                            return try loadTimelines(block, [entry.timeline])[entry.timeline]?.range
                        } catch {
                            failure = error
                            return nil
                        }
                    }
                }
                guard let range else { return false }
                isPresent[position] = range.overlaps(entry.offset..<entry.offset + entry.count)
                return true
            }
            if let failure { throw failure }
            guard isSound else { throw Self.unknownTimeline(block) }
        }
    }

    static func unknownTimeline(_ block: Block) -> StorageError {
        StorageError(.corrupt, "a page of block \(block.id) names a timeline that it does not have")
    }
}

/// Which stretch of each of some timelines is wanted, found out when first asked for.
private struct WantedRanges {
    private var ranges: [Range<Int>?]

    init(count: Int) { ranges = [Range<Int>?](repeating: nil, count: count) }

    /// The stretch of a timeline; `nil` where there is no such timeline.
    @inline(__always)
    mutating func range(_ timeline: Int, _ find: () -> Range<Int>?) -> Range<Int>? {
        guard timeline < ranges.count else { return nil }
        if let known = ranges[timeline] { return known }
        let found = find()
        ranges[timeline] = found
        return found
    }
}
