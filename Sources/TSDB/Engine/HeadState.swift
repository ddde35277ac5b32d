import MetricModel

/// All that changes in a store, guarded by one lock in ``Engine``.
struct HeadState {
    let options: StoreOptions

    /// Labels and postings.
    var table = SeriesTable()
    /// The segment that takes samples.
    var open: HeadSegment
    /// Segments that are full and are being written out, oldest first.
    var frozen: [HeadSegment] = []
    /// Closed blocks by number.
    var blocks: [Block] = []
    /// Deleted spans by series.
    var tombstones: [UInt32: [Tombstone]] = [:]
    var exemplars: ExemplarRing
    var metadata = FamilyTable()

    /// The newest sample of each series, staged ones included, and its bits; parallel to the table's numbers.
    var lastTime: [Timestamp] = []
    var lastBits: [UInt64] = []
    var lastHistogram: [UInt32: NativeHistogram] = [:]
    /// Series whose newest sample is not known exactly, but not later than `lastTime` says; parallel to the table's numbers.
    var isUnsettled: [Bool] = []
    /// Whether there may be such a series.
    var hasUnsettled = false
    /// The newest sample of all, staged ones included.
    var maxTime = Timestamp.min
    /// Batches that are judged and not yet committed, so no reader sees them.
    var staged = Staging()

    var nextStream: UInt32 = 1
    var nextBlock: Int64 = 1
    /// The number of the last journal row.
    var journalRow: Int64 = 0
    /// What the journal knows of each stream; a stream without starts anew with a full row.
    var journalMemory: [UInt32: JournalCodec.StreamMemory] = [:]

    var samplesAppended: UInt64 = 0
    var outOfOrderSamples: UInt64 = 0
    var tooOldSamples: UInt64 = 0
    var duplicateSamples: UInt64 = 0

    init(options: StoreOptions) {
        self.options = options
        open = HeadSegment(base: 1)
        exemplars = ExemplarRing(capacity: options.exemplarCapacity)
    }

    /// Grows the columns by series to those of the table.
    mutating func coverSeries() {
        let missing = Int(table.next - table.first) - lastTime.count
        if missing > 0 {
            lastTime.append(contentsOf: repeatElement(.min, count: missing))
            lastBits.append(contentsOf: repeatElement(0, count: missing))
            isUnsettled.append(contentsOf: repeatElement(false, count: missing))
        }
    }

    /// Sets up after the table and the blocks were read from storage.
    mutating func finishLoading() {
        open = HeadSegment(base: table.first)
        coverSeries()
        guard let newest = blocks.map(\.maxTime).max() else { return }
        maxTime = newest
        for index in lastTime.indices {
            lastTime[index] = newest
            isUnsettled[index] = true
        }
        hasUnsettled = true
    }

    /// Takes a block of old samples that was made outside of the head.
    mutating func adopt(_ block: Block) {
        blocks.append(block)
        samplesAppended += UInt64(block.samples)
        maxTime = max(maxTime, block.maxTime)
        // Series whose newest sample may be in the block now are looked up when it matters.
        for series in block.runs.joined() where table.contains(series) {
            let index = Int(series - table.first)
            if lastTime[index] < block.maxTime {
                lastTime[index] = block.maxTime
                isUnsettled[index] = true
                hasUnsettled = true
            }
        }
    }

    /// Closes the open segment; the journal starts anew with full rows. Nothing is staged then: its rows would build on such as
    /// go with the segment.
    mutating func freeze() {
        if !open.isEmpty { frozen.append(open) }
        open = HeadSegment(base: table.first)
        journalMemory = [:]
    }

    /// Everything that may have samples in the span.
    func capture(_ start: Timestamp, _ end: Timestamp) -> Capture {
        var capture = Capture()
        capture.blocks = blocks.filter { $0.minTime <= end && $0.maxTime >= start }
        capture.segments = (frozen + [open]).filter { !$0.isEmpty && $0.minTime <= end && $0.maxTime >= start }
        capture.tombstones = tombstones
        return capture
    }

    /// How many series had a sample in the hour before the newest sample of all.
    var activeSeries: Int {
        guard maxTime != .min else { return 0 }
        var count = 0
        let start = maxTime.minus(3_600_000)
        for index in lastTime.indices where lastTime[index] > start && table.isAlive[index] { count += 1 }
        return count
    }

    // MARK: - Forgetting

    /// Series that have no samples anywhere.
    func seriesWithoutSamples() -> [UInt32] {
        var used = [Bool](repeating: false, count: Int(table.next - table.first))
        func mark(_ series: UInt32) {
            let index = Int(series &- table.first)
            if index < used.count { used[index] = true }
        }
        for block in blocks {
            for run in block.runs { for series in run { mark(series) } }
        }
        for segment in frozen + [open] { for series in segment.allSeries { mark(series) } }
        staged.forEachSeries(mark)
        return table.all.filter { !used[Int($0 - table.first)] }
    }

    /// Forgets series.
    mutating func forget(_ series: [UInt32]) {
        table.remove(series)
        for number in series {
            lastHistogram[number] = nil
            tombstones[number] = nil
        }
        let gone = Set(series)
        exemplars.remove { gone.contains($0) }
        // A stream whose order names a forgotten series writes a full row next time anyway, for it changes.
    }
}
