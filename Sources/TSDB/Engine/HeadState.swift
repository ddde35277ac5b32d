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
    var metadata: [String: MetricMetadata] = [:]

    /// The newest sample of each series, and its bits; parallel to the table's numbers.
    private var lastTime: [Timestamp] = []
    private var lastBits: [UInt64] = []
    private var lastHistogram: [UInt32: NativeHistogram] = [:]
    /// For series that were there when the store was opened: no stored sample is newer.
    private var loadedFloor = Timestamp.min
    /// Series whose newest sample is not known exactly, but not later than `lastTime` says.
    private var unsettled = Set<UInt32>()
    /// Finds the newest stored sample of a series that was there when the store was opened.
    var lookUpLast: (@Sendable (UInt32, Capture) -> (time: Timestamp, bits: UInt64)?)?
    /// The newest sample of all.
    private(set) var maxTime = Timestamp.min

    var nextStream: UInt32 = 1
    var nextBlock: Int64 = 1
    /// The number of the last journal row.
    var journalRow: Int64 = 0
    /// Counts how often the journal had to start anew because rows were not written.
    private(set) var journalChain = 0
    /// What the journal knows of each stream; a stream without starts anew with a full row.
    private var journalMemory: [UInt32: JournalCodec.StreamMemory] = [:]

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
        }
    }

    /// Sets up after the table and the blocks were read from storage.
    mutating func finishLoading() {
        open = HeadSegment(base: table.first)
        loadedFloor = blocks.map(\.maxTime).max() ?? .min
        maxTime = loadedFloor
        coverSeries()
        for index in lastTime.indices { lastTime[index] = loadedFloor }
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
                unsettled.insert(series)
            }
        }
    }

    /// Closes the open segment; the journal starts anew with full rows.
    mutating func freeze() {
        if !open.isEmpty { frozen.append(open) }
        open = HeadSegment(base: table.first)
        journalMemory = [:]
    }

    /// Makes the next rows of all streams independent of those before, which may not have been written.
    mutating func restartJournal(after chain: Int) {
        guard chain == journalChain else { return }
        journalChain += 1
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

    // MARK: - Appending

    /// What a batch became: the report, and the row for the journal.
    struct Appended {
        var report = AppendReport()
        var journal: [UInt8] = []
    }

    /// Takes a batch. `isReplay` for one that was taken before and is read back from the journal.
    mutating func append(_ batch: SampleBatch, isReplay: Bool = false) -> Appended {
        var appended = Appended()
        var singles: [(series: UInt32, time: Timestamp, value: Double, start: Timestamp)] = []
        var newest = maxTime
        let minValid = maxTime == .min || isReplay ? .min : options.acceptedAge.map { maxTime - $0 } ?? .min
        let isShared = batch.timestamps.isEmpty
        let hasStarts = !batch.startTimestamps.isEmpty
        // Positions of the samples that are in order, as long as they are not simply all.
        var inOrder: [Int]?
        var hasAbsentBits = false
        let count = min(batch.series.count, batch.values.count)
        let first = table.first
        for position in 0..<count {
            let series = batch.series[position].rawValue
            let index = Int(series &- first)
            let time = isShared ? batch.timestamp : batch.timestamps[position]
            let bits = batch.values[position].bitPattern
            if index < lastTime.count, table.isAlive[index], time > lastTime[index], time >= minValid {
                lastTime[index] = time
                lastBits[index] = bits
                if !lastHistogram.isEmpty { lastHistogram[series] = nil }
                if bits == HeadSegment.absentBits { hasAbsentBits = true }
                inOrder?.append(position)
                if time > newest { newest = time }
                continue
            }
            if inOrder == nil { inOrder = Array(0..<position) }
            let start = hasStarts ? batch.startTimestamps[position] : 0
            let rejection = appendLate(
                series,
                time,
                batch.values[position],
                start,
                minValid,
                isReplay,
                &newest,
                &singles
            )
            if let rejection {
                appended.report.rejected.append((position, rejection))
            } else {
                appended.report.appended += 1
            }
        }
        var writer = ByteWriter()
        appendInOrder(batch, inOrder, hasAbsentBits: hasAbsentBits, isReplay: isReplay, &singles, &writer)
        appended.report.appended += inOrder?.count ?? count
        let histograms = appendHistograms(batch, minValid, isReplay, &newest, &appended.report)
        let exemplars = appendExemplars(batch, &appended.report)
        if !isReplay, !singles.isEmpty || !histograms.isEmpty || !exemplars.isEmpty {
            JournalCodec.writeSingles(singles, histograms, exemplars, into: &writer)
        }
        appended.journal = writer.bytes
        maxTime = max(maxTime, newest)
        samplesAppended += UInt64(appended.report.appended)
        return appended
    }

    private mutating func appendInOrder(
        _ batch: SampleBatch,
        _ inOrder: [Int]?,
        hasAbsentBits: Bool,
        isReplay: Bool,
        _ singles: inout [(series: UInt32, time: Timestamp, value: Double, start: Timestamp)],
        _ writer: inout ByteWriter
    ) {
        guard let stream = batch.stream, batch.timestamps.isEmpty else {
            let positions = inOrder ?? Array(batch.values.indices)
            for position in positions {
                let series = batch.series[position].rawValue
                let time = batch.timestamps.isEmpty ? batch.timestamp : batch.timestamps[position]
                let start = batch.startTimestamps.isEmpty ? 0 : batch.startTimestamps[position]
                open.insert(series, time, batch.values[position], start)
                if !isReplay { singles.append((series, time, batch.values[position], start)) }
            }
            return
        }
        var memory = JournalCodec.StreamMemory()
        if let inOrder {
            memory.series = inOrder.map { batch.series[$0] }
            memory.values = inOrder.map { batch.values[$0] }
            memory.starts = batch.startTimestamps.isEmpty ? [] : inOrder.map { batch.startTimestamps[$0] }
        } else {
            memory.series = batch.series
            memory.values = batch.values
            memory.starts = batch.startTimestamps
        }
        if memory.series.isEmpty { return }
        open.appendRow(
            stream: stream,
            time: batch.timestamp,
            series: memory.series,
            values: memory.values,
            starts: memory.starts,
            hasAbsentBits: hasAbsentBits
        )
        if isReplay { return }
        if let last = journalMemory[stream.rawValue], last.series == memory.series {
            JournalCodec.writeChange(stream.rawValue, batch.timestamp, memory, after: last, into: &writer)
        } else {
            JournalCodec.writeFull(stream.rawValue, batch.timestamp, memory, into: &writer)
        }
        journalMemory[stream.rawValue] = memory
    }

    /// A sample that is not newer than its series' newest one, or too old for a new series.
    private mutating func appendLate(
        _ series: UInt32,
        _ time: Timestamp,
        _ value: Double,
        _ start: Timestamp,
        _ minValid: Timestamp,
        _ isReplay: Bool,
        _ newest: inout Timestamp,
        _ singles: inout [(series: UInt32, time: Timestamp, value: Double, start: Timestamp)]
    ) -> AppendReport.Rejection? {
        guard table.contains(series) else { return .unknownSeries }
        let index = Int(series - table.first)
        if isReplay {
            open.insert(series, time, value, start)
            return nil
        }
        settleLast(series, index)
        if time > lastTime[index], time >= minValid {
            lastTime[index] = time
            lastBits[index] = value.bitPattern
            lastHistogram[series] = nil
            open.insert(series, time, value, start)
            singles.append((series, time, value, start))
            newest = max(newest, time)
            return nil
        }
        if let rejection = judgeLate(
            time,
            index,
            minValid,
            isSame: lastHistogram[series] == nil && lastBits[index] == value.bitPattern
        ) {
            return rejection
        }
        if time == lastTime[index], time >= minValid { return nil }
        if let existing = open.insert(series, time, value, start) {
            if existing == value.bitPattern { return nil }
            duplicateSamples += 1
            return .duplicate
        }
        singles.append((series, time, value, start))
        return nil
    }

    /// Why a late sample is not taken; `nil` where it repeats the newest one, or is within the out-of-order window.
    private mutating func judgeLate(
        _ time: Timestamp,
        _ index: Int,
        _ minValid: Timestamp,
        isSame: Bool
    ) -> AppendReport.Rejection? {
        if time >= minValid, time == lastTime[index] {
            if isSame { return nil }
            duplicateSamples += 1
            return .duplicate
        }
        let window = options.outOfOrderWindow
        if window > 0 {
            if maxTime == .min || time >= maxTime - window { return nil }
            tooOldSamples += 1
            return .tooOld
        }
        outOfOrderSamples += 1
        return time < minValid ? .outOfBounds : .outOfOrder
    }

    /// Finds out the newest stored sample of a series that was there when the store was opened.
    private mutating func settleLast(_ series: UInt32, _ index: Int) {
        let isOpen = unsettled.remove(series) != nil || loadedFloor != .min && lastTime[index] == loadedFloor
        guard isOpen, let lookUpLast else { return }
        if let last = lookUpLast(series, capture(.min, .max)) {
            lastTime[index] = last.time
            lastBits[index] = last.bits
        } else {
            lastTime[index] = .min
        }
    }

    private mutating func appendHistograms(
        _ batch: SampleBatch,
        _ minValid: Timestamp,
        _ isReplay: Bool,
        _ newest: inout Timestamp,
        _ report: inout AppendReport
    ) -> [SampleBatch.HistogramSample] {
        var taken: [SampleBatch.HistogramSample] = []
        for (position, given) in batch.histograms.enumerated() {
            var sample = given
            // Only gauges are told apart: whether a counter was reset is found out when it is read, as by Prometheus, for
            // samples that come late may lie between.
            if sample.histogram.counterResetHint != .gauge { sample.histogram.counterResetHint = .unknown }
            let series = sample.series.rawValue
            guard table.contains(series) else {
                report.rejectedHistograms.append((position, .unknownSeries))
                continue
            }
            if !isReplay, !sample.histogram.isStale, let problem = sample.histogram.contradiction {
                report.rejectedHistograms.append((position, .invalidHistogram(problem)))
                continue
            }
            let index = Int(series - table.first)
            if sample.timestamp <= lastTime[index] || sample.timestamp < minValid, !isReplay {
                settleLast(series, index)
            }
            if sample.timestamp > lastTime[index], sample.timestamp >= minValid {
                lastTime[index] = sample.timestamp
                lastHistogram[series] = sample.histogram
                newest = max(newest, sample.timestamp)
            } else if !isReplay {
                let isSame = lastHistogram[series] == sample.histogram
                if let rejection = judgeLate(sample.timestamp, index, minValid, isSame: isSame) {
                    report.rejectedHistograms.append((position, rejection))
                    continue
                }
                if sample.timestamp == lastTime[index] {
                    report.appended += 1
                    continue
                }
            }
            if open.insert(series, sample) {
                taken.append(sample)
                report.appended += 1
            } else {
                duplicateSamples += 1
                report.rejectedHistograms.append((position, .duplicate))
            }
        }
        return taken
    }

    private mutating func appendExemplars(
        _ batch: SampleBatch,
        _ report: inout AppendReport
    ) -> [(series: UInt32, exemplar: Exemplar)] {
        var taken: [(series: UInt32, exemplar: Exemplar)] = []
        for entry in batch.exemplars {
            var exemplar = entry.exemplar
            exemplar.timestamp = exemplar.timestamp ?? batch.timestamp
            let isTaken =
                table.contains(entry.series.rawValue)
                && exemplars.add(entry.series.rawValue, exemplar, window: options.outOfOrderWindow)
            if isTaken { taken.append((entry.series.rawValue, exemplar)) } else { report.rejectedExemplars += 1 }
        }
        return taken
    }

    /// How many series had a sample in the hour before the newest sample of all.
    var activeSeries: Int {
        guard maxTime != .min else { return 0 }
        var count = 0
        for index in lastTime.indices where lastTime[index] > maxTime - 3_600_000 && table.isAlive[index] { count += 1 }
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
