import MetricModel

/// Judging batches: what of them is taken, and the row for the journal. Nothing is visible until it is committed.
extension HeadState {
    /// What a batch came to.
    struct Judged {
        var report = AppendReport()
        /// The bytes of its row in the journal; empty where there is nothing to keep.
        var journal: [UInt8] = []
        /// The number of that row.
        var row: Int64 = 0
    }

    /// Judges a batch against all that is stored and staged, and stages what is taken of it.
    ///
    /// Series of which ``unsettled(in:)`` tells have to be settled before.
    mutating func judge(_ batch: SampleBatch) -> Judged {
        var judged = Judged()
        switch batch.acceptance {
        case .each: break
        case .whole:
            judged.report = misfits(in: batch)
            if judged.report.isRefused { return judged }
        case .trial:
            judged.report = misfits(in: batch)
            judged.report.isRefused = true
            return judged
        }
        var stage = StagedBatch()
        stage.newest = maxTime
        stage.refusesLate = batch.refusesLate
        stage.refusesLateMarkers = batch.refusesLateMarkers
        let minValid = self.minValid
        let isShared = batch.timestamps.isEmpty
        let isRow = isShared && batch.stream != nil
        let hasStarts = !batch.startTimestamps.isEmpty
        // Positions of the samples that go into the row, as long as they are not simply all.
        var inOrder: [Int]?
        let count = min(batch.series.count, batch.values.count)
        let first = table.first
        if !isRow { stage.singles.reserveCapacity(count) }
        for position in 0..<count {
            let series = batch.series[position].rawValue
            let index = Int(series &- first)
            let time = isShared ? batch.timestamp : batch.timestamps[position]
            let value = batch.values[position]
            if index < lastTime.count, table.isAlive[index], time > lastTime[index], time >= minValid,
                time <= Self.latest
            {
                setLast(index, time, value.bitPattern)
                if !lastHistogram.isEmpty { forgetHistogram(series) }
                if time > stage.newest { stage.newest = time }
                if isRow {
                    if value.bitPattern == HeadSegment.absentBits { stage.hasAbsentBits = true }
                    inOrder?.append(position)
                } else {
                    let start = hasStarts ? batch.startTimestamps[position] : 0
                    stage.singles.append((series, time, value, start))
                    staged.note((series, time, value, start))
                    stage.appended += 1
                }
                continue
            }
            if isRow, inOrder == nil { inOrder = Array(0..<position) }
            let start = hasStarts ? batch.startTimestamps[position] : 0
            if let rejection = judgeLate((series, time, value, start), minValid, &stage) {
                judged.report.rejected.append((position, rejection))
            } else {
                stage.appended += 1
            }
        }
        if isRow {
            stage.appended += inOrder?.count ?? count
            stage.stream = batch.stream
            stage.time = batch.timestamp
            stage.row = HeadState.row(batch, inOrder)
        }
        judgeHistograms(batch, minValid, &judged.report, &stage)
        judgeExemplars(batch, &judged.report, &stage)
        judged.report.appended = stage.appended
        judged.journal = writeRow(stage)
        if !judged.journal.isEmpty {
            journalRow += 1
            judged.row = journalRow
            stage.journalRow = journalRow
        }
        staged.add(stage, hasRow: !judged.journal.isEmpty, maxTimeBefore: maxTime)
        maxTime = max(maxTime, stage.newest)
        return judged
    }

    /// Samples are between these: a difference of two times fits, so does one and the longest span.
    static let earliest: Timestamp = -(1 << 61)
    static let latest: Timestamp = 1 << 61

    /// The oldest time that a sample may have.
    private var minValid: Timestamp {
        guard maxTime != .min, let age = options.acceptedAge else { return Self.earliest }
        return max(Self.earliest, maxTime.minus(age))
    }

    /// What of a batch does not fit to what is stored and staged; nothing of it is staged. Samples of the batch that do not fit to
    /// each other are not among it.
    private func misfits(in batch: SampleBatch) -> AppendReport {
        var report = AppendReport()
        var ignored = StagedBatch()
        let minValid = self.minValid
        for position in 0..<min(batch.series.count, batch.values.count) {
            let series = batch.series[position].rawValue
            let time = batch.timestamps.isEmpty ? batch.timestamp : batch.timestamps[position]
            guard table.contains(series) else {
                report.rejected.append((position, .unknownSeries))
                continue
            }
            let index = Int(series - table.first)
            if time > lastTime[index], time >= minValid, time <= Self.latest { continue }
            let isSame = lastHistogram[series] == nil && lastBits[index] == batch.values[position].bitPattern
            if let rejection = rejection(time, index, minValid, isSame: isSame, &ignored) {
                report.rejected.append((position, rejection))
            }
        }
        for (position, sample) in batch.histograms.enumerated() {
            let series = sample.series.rawValue
            if let refusal = refusal(of: sample) {
                report.rejectedHistograms.append((position, refusal))
                continue
            }
            let index = Int(series - table.first)
            if sample.timestamp > lastTime[index], sample.timestamp >= minValid, sample.timestamp <= Self.latest {
                continue
            }
            let isSame = lastHistogram[series] == sample.histogram
            if let rejection = rejection(sample.timestamp, index, minValid, isSame: isSame, &ignored) {
                report.rejectedHistograms.append((position, rejection))
            }
        }
        report.isRefused = !report.rejected.isEmpty || !report.rejectedHistograms.isEmpty
        return report
    }

    /// Why a histogram cannot be taken, whatever its time.
    @inline(__always)
    private func refusal(of sample: SampleBatch.HistogramSample) -> AppendReport.Rejection? {
        guard table.contains(sample.series.rawValue) else { return .unknownSeries }
        guard !sample.histogram.isStale, let problem = sample.histogram.contradiction else { return nil }
        return .invalidHistogram(problem)
    }

    @inline(__always)
    private mutating func setLast(_ index: Int, _ time: Timestamp, _ bits: UInt64) {
        staged.replace(index, lastTime[index], lastBits[index])
        lastTime[index] = time
        lastBits[index] = bits
    }

    private mutating func forgetHistogram(_ series: UInt32) {
        if let old = lastHistogram.removeValue(forKey: series) { staged.replaceHistogram(series, old) }
    }

    /// The samples of a batch that are in order, as a row.
    static func row(_ batch: SampleBatch, _ inOrder: [Int]?) -> JournalCodec.StreamMemory {
        var row = JournalCodec.StreamMemory()
        if let inOrder {
            row.series = inOrder.map { batch.series[$0] }
            row.values = inOrder.map { batch.values[$0] }
            row.starts = batch.startTimestamps.isEmpty ? [] : inOrder.map { batch.startTimestamps[$0] }
        } else {
            row.series = batch.series
            row.values = batch.values
            row.starts = batch.startTimestamps
        }
        return row
    }

    private mutating func writeRow(_ stage: borrowing StagedBatch) -> [UInt8] {
        var writer = ByteWriter()
        if let stream = stage.stream?.rawValue, !stage.row.series.isEmpty {
            if let last = journalMemory[stream], last.series == stage.row.series {
                JournalCodec.writeChange(stream, stage.time, stage.row, after: last, into: &writer)
            } else {
                JournalCodec.writeFull(stream, stage.time, stage.row, into: &writer)
            }
            journalMemory[stream] = stage.row
        }
        if !stage.singles.isEmpty || !stage.histograms.isEmpty || !stage.exemplars.isEmpty {
            JournalCodec.writeSingles(stage.singles, stage.histograms, stage.exemplars, into: &writer)
        }
        return writer.bytes
    }

    /// A sample that is not newer than its series' newest one, or too old for a new series.
    private mutating func judgeLate(
        _ sample: SingleSample,
        _ minValid: Timestamp,
        _ stage: inout StagedBatch
    ) -> AppendReport.Rejection? {
        let (series, time, value, _) = sample
        guard table.contains(series) else { return .unknownSeries }
        let index = Int(series - table.first)
        let isSame = lastHistogram[series] == nil && lastBits[index] == value.bitPattern
        let isMarker = SpecialValue.isStale(value)
        if let rejection = rejection(time, index, minValid, isSame: isSame, isMarker: isMarker, &stage) {
            return rejection
        }
        if time == lastTime[index], time >= minValid { return nil }
        let place = Staging.Place(series: series, time: time)
        if let existing = open.bits(series, at: time) ?? staged.bits(place, stage) {
            if existing == value.bitPattern { return nil }
            stage.duplicates += 1
            return .duplicate
        }
        stage.singles.append(sample)
        staged.note(sample)
        return nil
    }

    /// Why a late sample is not taken; `nil` where it repeats the newest one, or is within the out-of-order window.
    private func rejection(
        _ time: Timestamp,
        _ index: Int,
        _ minValid: Timestamp,
        isSame: Bool,
        isMarker: Bool = false,
        _ stage: inout StagedBatch
    ) -> AppendReport.Rejection? {
        if time < Self.earliest || time > Self.latest { return .outOfBounds }
        if time >= minValid, time == lastTime[index] {
            if isSame { return nil }
            stage.duplicates += 1
            return .duplicate
        }
        let window = options.outOfOrderWindow
        if window > 0 {
            if maxTime == .min || time >= maxTime.minus(window) {
                // What would have been taken of somebody else is not counted, as by Prometheus.
                return stage.refusesLate || isMarker && stage.refusesLateMarkers ? .outOfOrder : nil
            }
            stage.tooOld += 1
            return .tooOld
        }
        stage.outOfOrder += 1
        return time < minValid ? .outOfBounds : .outOfOrder
    }

    private mutating func judgeHistograms(
        _ batch: SampleBatch,
        _ minValid: Timestamp,
        _ report: inout AppendReport,
        _ stage: inout StagedBatch
    ) {
        for (position, given) in batch.histograms.enumerated() {
            var sample = given
            // Only gauges are told apart: whether a counter was reset is found out when it is read, as by Prometheus, for
            // samples that come late may lie between.
            if sample.histogram.counterResetHint != .gauge { sample.histogram.counterResetHint = .unknown }
            let series = sample.series.rawValue
            if let refusal = refusal(of: sample) {
                report.rejectedHistograms.append((position, refusal))
                continue
            }
            let index = Int(series - table.first)
            let place = Staging.Place(series: series, time: sample.timestamp)
            if sample.timestamp > lastTime[index], sample.timestamp >= minValid, sample.timestamp <= Self.latest {
                setLast(index, sample.timestamp, 0)
                staged.replaceHistogram(series, lastHistogram.updateValue(sample.histogram, forKey: series))
                stage.newest = max(stage.newest, sample.timestamp)
            } else {
                let isSame = lastHistogram[series] == sample.histogram
                let isMarker = sample.histogram.isStale
                if let rejection = rejection(
                    sample.timestamp,
                    index,
                    minValid,
                    isSame: isSame,
                    isMarker: isMarker,
                    &stage
                ) {
                    report.rejectedHistograms.append((position, rejection))
                    continue
                }
                if sample.timestamp == lastTime[index] {
                    stage.appended += 1
                    continue
                }
                if open.hasHistogram(series, at: sample.timestamp) || staged.hasHistogram(place) {
                    stage.duplicates += 1
                    report.rejectedHistograms.append((position, .duplicate))
                    continue
                }
            }
            staged.noteHistogram(place)
            stage.histograms.append(sample)
            stage.appended += 1
        }
    }

    private mutating func judgeExemplars(_ batch: SampleBatch, _ report: inout AppendReport, _ stage: inout StagedBatch)
    {
        for entry in batch.exemplars {
            var exemplar = entry.exemplar
            exemplar.timestamp = exemplar.timestamp ?? batch.timestamp
            let series = entry.series.rawValue
            guard table.contains(series) else {
                report.rejectedExemplars += 1
                continue
            }
            let last = staged.newestExemplars[series]
            switch exemplars.judge(series, exemplar, after: last, window: options.outOfOrderWindow) {
            case .new:
                stage.exemplars.append((series, exemplar))
                if exemplar.timestamp ?? 0 >= last?.timestamp ?? .min { staged.newestExemplars[series] = exemplar }
            case .known: break
            case .refused: report.rejectedExemplars += 1
            }
        }
    }

    // MARK: - Settling

    /// The newest sample of a series, as found by looking it up.
    struct Newest: Sendable {
        var time = Timestamp.min
        var bits: UInt64 = 0
        var histogram: NativeHistogram?
    }

    /// Series whose newest sample has to be looked up before the batch can be judged, and what is known of it.
    func unsettled(in batch: SampleBatch) -> [(series: UInt32, bound: Timestamp)] {
        guard hasUnsettled else { return [] }
        var found: [(series: UInt32, bound: Timestamp)] = []
        let isShared = batch.timestamps.isEmpty
        let first = table.first
        for position in 0..<min(batch.series.count, batch.values.count) {
            let index = Int(batch.series[position].rawValue &- first)
            let time = isShared ? batch.timestamp : batch.timestamps[position]
            if index < lastTime.count, time <= lastTime[index], isUnsettled[index] {
                found.append((batch.series[position].rawValue, lastTime[index]))
            }
        }
        for sample in batch.histograms {
            let index = Int(sample.series.rawValue &- first)
            if index < lastTime.count, sample.timestamp <= lastTime[index], isUnsettled[index] {
                found.append((sample.series.rawValue, lastTime[index]))
            }
        }
        return found
    }

    /// Sets what was looked up; left alone where a series has got a sample since.
    mutating func settle(_ bounds: [(series: UInt32, bound: Timestamp)], _ found: [UInt32: Newest]) {
        for (series, bound) in bounds where table.contains(series) {
            let index = Int(series - table.first)
            guard isUnsettled[index], lastTime[index] == bound else { continue }
            let newest = found[series] ?? Newest()
            lastTime[index] = newest.time
            lastBits[index] = newest.bits
            lastHistogram[series] = newest.histogram
            isUnsettled[index] = false
        }
    }

    // MARK: - The outcome

    /// What is staged becomes part of the head: it is in the journal now.
    mutating func commitStaged(for followers: FeedFollowers) {
        for batch in staged.take() {
            apply(batch)
            followers.note(batch)
            for (series, exemplar) in batch.exemplars {
                exemplars.add(series, exemplar, window: options.outOfOrderWindow)
            }
            samplesAppended += UInt64(batch.appended)
            outOfOrderSamples += UInt64(batch.outOfOrder)
            tooOldSamples += UInt64(batch.tooOld)
            duplicateSamples += UInt64(batch.duplicates)
        }
    }

    /// Puts samples into the open segment.
    private mutating func apply(_ batch: StagedBatch) {
        if let stream = batch.stream, !batch.row.series.isEmpty {
            open.appendRow(
                stream: stream,
                time: batch.time,
                series: batch.row.series,
                values: batch.row.values,
                starts: batch.row.starts,
                hasAbsentBits: batch.hasAbsentBits
            )
        }
        for sample in batch.singles { open.insert(sample.series, sample.time, sample.value, sample.start) }
        for sample in batch.histograms { open.insert(sample.series.rawValue, sample) }
    }

    /// What is staged was not written: everything is as if it had never come.
    mutating func takeBackStaged() {
        let before = staged.takeReplaced()
        for entry in before.samples {
            let index = Int(entry.index)
            lastBits[index] = entry.bits
            // An upper bound may have risen meanwhile by a block that was imported.
            if !isUnsettled[index] { lastTime[index] = entry.time }
        }
        for entry in before.histograms { lastHistogram[entry.series] = entry.histogram }
        if let newest = before.maxTime { maxTime = max(newest, blocks.map(\.maxTime).max() ?? .min) }
        journalRow -= before.rows
        // The next rows must not build on what is not there.
        if before.rows > 0 { journalMemory = [:] }
    }

    // MARK: - Reading back

    /// Takes a batch that was taken before and is read back from the journal.
    mutating func replay(_ batch: SampleBatch) {
        var stage = StagedBatch()
        let isShared = batch.timestamps.isEmpty
        let isRow = isShared && batch.stream != nil
        var inOrder: [Int]?
        for position in 0..<min(batch.series.count, batch.values.count) {
            let series = batch.series[position].rawValue
            let index = Int(series &- table.first)
            let time = isShared ? batch.timestamp : batch.timestamps[position]
            let value = batch.values[position]
            let isKnown = index < lastTime.count && table.isAlive[index]
            if isKnown, time > lastTime[index] {
                lastTime[index] = time
                lastBits[index] = value.bitPattern
                if !lastHistogram.isEmpty { lastHistogram[series] = nil }
                stage.newest = max(stage.newest, time)
                if isRow {
                    if value.bitPattern == HeadSegment.absentBits { stage.hasAbsentBits = true }
                    inOrder?.append(position)
                    continue
                }
            } else if isRow, inOrder == nil {
                inOrder = Array(0..<position)
            }
            let start = batch.startTimestamps.isEmpty ? 0 : batch.startTimestamps[position]
            if isKnown { stage.singles.append((series, time, value, start)) }
        }
        if isRow {
            stage.stream = batch.stream
            stage.time = batch.timestamp
            stage.row = HeadState.row(batch, inOrder)
        }
        for sample in batch.histograms where table.contains(sample.series.rawValue) {
            let index = Int(sample.series.rawValue - table.first)
            if sample.timestamp > lastTime[index] {
                lastTime[index] = sample.timestamp
                lastBits[index] = 0
                lastHistogram[sample.series.rawValue] = sample.histogram
                stage.newest = max(stage.newest, sample.timestamp)
            }
            stage.histograms.append(sample)
        }
        apply(stage)
        for entry in batch.exemplars where table.contains(entry.series.rawValue) {
            exemplars.add(entry.series.rawValue, entry.exemplar, window: options.outOfOrderWindow)
        }
        maxTime = max(maxTime, stage.newest)
        samplesAppended += UInt64(stage.row.series.count + stage.singles.count + stage.histograms.count)
    }
}
