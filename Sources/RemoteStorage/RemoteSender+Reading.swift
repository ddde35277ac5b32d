import MetricModel
import Scrape
import Synchronization

/// Handing out what was stored.
extension RemoteSender {
    /// Labels of so many series are remembered while nothing waits.
    private static let seriesLimit = 500_000

    /// Hands out what was read.
    func take(_ entries: [FeedEntry], after last: inout Int64) async {
        for entry in entries {
            if entry.row > last + 1 {
                let missing = Int(entry.row - last - 1)
                state.withLock { $0.figures.missingEntries += missing }
            }
            last = entry.row
            await add(entry)
        }
    }

    private func add(_ entry: FeedEntry) async {
        let unknown = state.withLock { state in
            if state.queue.isEmpty, state.series.count > Self.seriesLimit {
                state.series = RemoteSeriesTable(isVersion2: config.isVersion2)
            }
            return state.series.unknown(in: entry)
        }
        if !unknown.isEmpty {
            let found = await around.source.feedLabels(of: unknown)
            state.withLock { state in
                for (number, labels) in zip(unknown, found) {
                    // What the store has forgotten stays unknown.
                    guard let labels else { continue }
                    let made = RemoteMessage.labels(labels, external: externalLabels, rules: config.relabelRules)
                    state.series.add(number, made)
                }
            }
        }
        let (now, wall) = (clock.steadyNanoseconds, clock.now)
        let oldest = config.queue.sampleAgeLimit > 0 ? wall - config.queue.sampleAgeLimit : .min
        state.withLock { state in
            var handing = Handing(row: entry.row, now: now, oldest: oldest)
            for batch in entry.batches { handOut(batch, &handing, &state) }
            state.queue.reach(FeedPlace(row: entry.row))
            state.end = max(state.end, entry.row)
            state.figures.tickRead += Int(handing.index)
            state.figures.tickDropped += Int(handing.index) - handing.kept
            if handing.kept > 0 {
                state.figures.newestRead = max(state.figures.newestRead, Double(handing.newest) / 1000)
            }
        }
    }

    /// How far an entry is handed out.
    private struct Handing {
        let row: Int64
        let now: Int64
        /// What is older is left out.
        let oldest: Timestamp
        var index: Int32 = 0
        var kept = 0
        var newest = Timestamp.min

        init(row: Int64, now: Int64, oldest: Timestamp) {
            self.row = row
            self.now = now
            self.oldest = oldest
        }
    }

    /// What is to be sent of a sample; `nil` where it is left out.
    @inline(__always)
    private func item(
        _ series: SeriesRef,
        _ time: Timestamp,
        _ start: Timestamp,
        _ value: Double,
        as kind: RemoteItem.Kind,
        _ handing: inout Handing,
        _ state: inout State
    ) -> RemoteItem? {
        let place = FeedPlace(row: handing.row, index: handing.index)
        handing.index += 1
        guard let known = state.series.place(of: series.rawValue) else {
            state.figures.forgotten.add(kind)
            return nil
        }
        if state.series.isDropped(known) {
            state.figures.byRule.add(kind)
            return nil
        }
        if time < handing.oldest {
            state.figures.tooOld.add(kind)
            return nil
        }
        handing.kept += 1
        handing.newest = max(handing.newest, time)
        return RemoteItem(
            timestamp: time,
            start: start,
            bits: value.bitPattern,
            place: place,
            known: UInt32(truncatingIfNeeded: known)
        )
    }

    private func handOut(_ batch: SampleBatch, _ handing: inout Handing, _ state: inout State) {
        var exemplars: [SeriesRef: [SampleBatch.SeriesExemplar]] = [:]
        if config.sendsExemplars { exemplars = Dictionary(grouping: batch.exemplars, by: \.series) }
        for position in 0..<min(batch.series.count, batch.values.count) {
            let series = batch.series[position]
            let time = batch.timestamps.isEmpty ? batch.timestamp : batch.timestamps[position]
            let start = batch.startTimestamps.isEmpty ? 0 : batch.startTimestamps[position]
            if let item = item(series, time, start, batch.values[position], as: .float, &handing, &state) {
                state.queue.add(item, of: series.rawValue, now: handing.now)
            }
            if !exemplars.isEmpty { handOut(exemplars.removeValue(forKey: series), of: batch, &handing, &state) }
        }
        if config.sendsNativeHistograms {
            for sample in batch.histograms {
                if !config.isVersion2, sample.histogram.schema == NativeHistogram.customBoundsSchema {
                    state.figures.customBuckets += 1
                    continue
                }
                let (time, start) = (sample.timestamp, sample.startTimestamp)
                if let item = item(sample.series, time, start, 0, as: .histogram, &handing, &state) {
                    let extra = RemoteExtras.Extra.histogram(sample.histogram)
                    state.queue.add(item, extra, of: sample.series.rawValue, now: handing.now)
                }
                handOut(exemplars.removeValue(forKey: sample.series), of: batch, &handing, &state)
            }
        }
        // In the order in which they came, so that places are the same when they are read again.
        for sample in batch.exemplars where exemplars[sample.series] != nil {
            handOut(exemplars.removeValue(forKey: sample.series), of: batch, &handing, &state)
        }
    }

    /// Hands out the exemplars of a series.
    private func handOut(
        _ exemplars: [SampleBatch.SeriesExemplar]?,
        of batch: SampleBatch,
        _ handing: inout Handing,
        _ state: inout State
    ) {
        for sample in exemplars ?? [] {
            let time = sample.exemplar.timestamp ?? batch.timestamp
            guard let item = item(sample.series, time, 0, 0, as: .exemplar, &handing, &state) else { continue }
            state.queue.add(item, .exemplar(sample.exemplar), of: sample.series.rawValue, now: handing.now)
        }
    }
}
