import Exposition
import Logging
import MetricModel

/// What one append came to.
struct AppendOutcome: Sendable {
    var failure: String?
    var total = 0
    var added = 0
    /// Nanoseconds until the report was written.
    var duration: Int64 = 0
}

extension ScrapeLoop {
    /// Reads a body and stores its samples, the stale markers of series that are gone, and the scraper's own series, as one batch.
    func append(
        _ body: BodySpace?,
        contentType: String,
        at time: Timestamp,
        start: Int64,
        bytesRead: Int,
        failure: String?
    ) async -> AppendOutcome {
        var batch = SampleBatch(stream: stream, timestamp: time)
        var result = PassResult()
        var failure = failure
        let isEmpty = (body?.count ?? 0) == 0
        if let body, !isEmpty {
            let choice = memory.format(contentType, fallback: rules.fallback)
            if let format = choice.format {
                if let problem = choice.problem {
                    logger.debug("Invalid content type on scrape", metadata: ["err": "\(problem.message)"])
                }
                var pass = ScrapePass(memory: memory, rules: rules, time: time, now: clock.now, batch: batch)
                body.withUnsafeBytes { pass.run($0, format: format) }
                (batch, result) = (pass.batch, pass.result)
            } else {
                result.failure = choice.problem?.message ?? ""
            }
        }
        count(result)
        if result.failure == nil, !isEmpty, !result.isRegular {
            if let problem = await resolve(&batch, result) { result.failure = problem }
        }
        if result.failure != nil {
            // As Prometheus: nothing of a failed scrape is stored, but what it did expose does not go stale.
            batch = SampleBatch(stream: stream, timestamp: time)
        }
        let isFlush = !isEmpty && result.failure == nil
        if failure == nil { failure = result.failure }
        var outcome = AppendOutcome(failure: failure, total: result.total, added: result.added)
        outcome.duration = clock.steadyNanoseconds - start
        let sampleCount = batch.values.count
        await addReport(&batch, result, outcome, bytesRead: bytesRead, isRegular: result.isRegular && isFlush)
        if isFlush, !result.isRegular { memory.orderedSeries = batch.series }
        let markers = addStaleMarkers(&batch, isRegular: result.isRegular && isFlush)
        let isStored = await store(batch, slots: isFlush ? result : nil, sampleCount: sampleCount)
        // What went away while nothing could be stored is marked once that is possible again.
        memory.owedMarkers = isStored ? [] : markers
        if !isStored { memory.forgetExemplars(result.exemplarSlots) }
        let (released, wasForced) = memory.finish(isFlush: isFlush)
        if wasForced { counters.update { $0.cacheFlushForced += 1 } }
        if !released.isEmpty { await store.releaseSeries(released) }
        let changes = memory.metadata.takeChanges()
        if !changes.isEmpty {
            do throws(StorageError) {
                try await store.record(changes)
            } catch {
                memory.metadata.giveBack(changes.map(\.family))
                logger.warning("Storing metadata failed", metadata: ["err": "\(error.message)"])
            }
        }
        return outcome
    }

    private func count(_ result: PassResult) {
        let isQuiet =
            result.duplicates == 0 && result.outOfBounds == 0 && !result.hitSampleLimit && !result.hitBucketLimit
            && !result.hitLabelLimit
        if isQuiet { return }
        counters.update { values in
            values.duplicates += result.duplicates
            values.outOfBounds += result.outOfBounds
            if result.hitSampleLimit { values.exceededSampleLimit += 1 }
            if result.hitBucketLimit { values.exceededBucketLimit += 1 }
            if result.hitLabelLimit { values.exceededLabelLimits += 1 }
        }
        if result.duplicates > 0 {
            logger.warning(
                "Error on ingesting samples with different value but same timestamp",
                metadata: ["num_dropped": "\(result.duplicates)", "target": "\(target.url)"]
            )
        }
        if result.outOfBounds > 0 {
            logger.warning(
                "Error on ingesting samples that are too old or are too far into the future",
                metadata: ["num_dropped": "\(result.outOfBounds)", "target": "\(target.url)"]
            )
        }
    }

    /// Asks the store for the names of new series and fills them in. Answers what went wrong, if anything.
    private func resolve(_ batch: inout SampleBatch, _ result: PassResult) async -> String? {
        var wanted: [Int] = []
        for slot in result.slots + result.histogramSlots where memory.slots[slot].ref == SeriesMemory.noRef {
            wanted.append(slot)
        }
        if !wanted.isEmpty {
            do throws(StorageError) {
                let series = try await store.resolve(wanted.map { memory.unresolved[$0] ?? Labels() })
                for (slot, series) in zip(wanted, series) {
                    memory.slots[slot].ref = series
                    memory.unresolved[slot] = nil
                }
            } catch {
                return error.message
            }
        }
        for (index, slot) in result.slots.enumerated() { batch.series[index] = memory.slots[slot].ref }
        for (index, slot) in result.histogramSlots.enumerated() {
            batch.histograms[index].series = memory.slots[slot].ref
        }
        for (index, slot) in result.exemplarSlots.enumerated() {
            batch.exemplars[index].series = memory.slots[slot].ref
        }
        return nil
    }

    /// Adds markers for the series that are gone and for those owed; gives all of them.
    private func addStaleMarkers(_ batch: inout SampleBatch, isRegular: Bool) -> [SeriesRef] {
        var markers: [SeriesRef] = []
        if !isRegular || memory.hasStrays {
            memory.materialize()
            markers = memory.stale()
        }
        if !memory.owedMarkers.isEmpty {
            let exposed = Set(batch.series).union(batch.histograms.map(\.series)).union(markers)
            markers += memory.owedMarkers.filter { !exposed.contains($0) }
        }
        for series in markers { batch.addSample(series, SpecialValue.stale) }
        return markers
    }

    // MARK: The scraper's own series

    private static let reportNames = [
        "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ]
    private static let extraReportNames = ["scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes"]

    private func addReport(
        _ batch: inout SampleBatch,
        _ result: PassResult,
        _ outcome: AppendOutcome,
        bytesRead: Int,
        isRegular: Bool
    ) async {
        guard let series = await reportSeries() else { return }
        var values = [
            outcome.failure == nil ? 1 : 0, Double(outcome.duration) / 1e9, Double(result.total), Double(result.added),
            Double(result.seriesAdded),
        ]
        if rules.extraMetrics {
            values += [target.timeout.seconds, Double(rules.sampleLimit), Double(bytesRead)]
        }
        if isRegular {
            // The series are there already, from the scrape before.
            batch.values += values
            if !batch.timestamps.isEmpty {
                batch.timestamps += repeatElement(batch.timestamp, count: values.count)
            }
            return
        }
        for (series, value) in zip(series, values) { batch.addSample(series, value) }
    }

    private func reportSeries() async -> [SeriesRef]? {
        if !memory.reportSeries.isEmpty { return memory.reportSeries }
        let names = Self.reportNames + (rules.extraMetrics ? Self.extraReportNames : [])
        do throws(StorageError) {
            memory.reportSeries = try await store.resolve(names.map { rules.labels.report($0) })
            return memory.reportSeries
        } catch {
            logger.warning("Appending scrape report failed", metadata: ["err": "\(error.message)"])
            return nil
        }
    }

    // MARK: Storing

    /// Whether the batch was stored, be it without what was rejected.
    private func store(_ batch: SampleBatch, slots result: PassResult?, sampleCount: Int) async -> Bool {
        let report: AppendReport
        do throws(StorageError) {
            report = try await store.append(batch)
        } catch {
            logger.error("Scrape commit failed", metadata: ["err": "\(error.message)", "target": "\(target.url)"])
            memory.materialize()
            memory.order = ScrapeOrder()
            return false
        }
        if report.rejected.isEmpty, report.rejectedHistograms.isEmpty, report.rejectedExemplars == 0 { return true }
        handle(report, result, sampleCount: sampleCount)
        return true
    }

    private func handle(_ report: AppendReport, _ result: PassResult?, sampleCount: Int) {
        var outOfOrder = 0
        var duplicates = 0
        var outOfBounds = 0
        let ordered = memory.order.entries.filter { !$0.isDropped && !$0.isHistogram }.map { Int($0.slot) }
        memory.materialize()
        for (index, reason) in report.rejected where index < sampleCount {
            switch reason {
            case .outOfOrder: outOfOrder += 1
            case .duplicate: duplicates += 1
            case .tooOld, .outOfBounds: outOfBounds += 1
            case .unknownSeries, .invalidHistogram: break
            }
            guard let result else { continue }
            let slots = result.isRegular ? ordered : result.slots
            guard index < slots.count else { continue }
            memory.slots[slots[index]].trackedIteration = 0
            if reason == .unknownSeries {
                memory.slots[slots[index]].ref = SeriesMemory.noRef
                memory.slots[slots[index]].state = .dead
            }
        }
        memory.order = ScrapeOrder()
        counters.update { values in
            values.outOfOrder += outOfOrder
            values.duplicates += duplicates
            values.outOfBounds += outOfBounds
            values.exemplarsOutOfOrder += report.rejectedExemplars
        }
        for (message, count) in [
            ("Error on ingesting out-of-order samples", outOfOrder),
            ("Error on ingesting samples with different value but same timestamp", duplicates),
            ("Error on ingesting samples that are too old or are too far into the future", outOfBounds),
            ("Error on ingesting out-of-order exemplars", report.rejectedExemplars),
        ] where count > 0 {
            logger.warning("\(message)", metadata: ["num_dropped": "\(count)", "target": "\(target.url)"])
        }
    }

    // MARK: The end

    /// Marks everything stale, the scraper's own series included, at a time.
    @concurrent
    func markEverythingStale(at time: Timestamp) async {
        var batch = SampleBatch(stream: stream, timestamp: time)
        memory.materialize()
        for series in memory.stale() + memory.owedMarkers { batch.addSample(series, SpecialValue.stale) }
        for series in memory.reportSeries { batch.addSample(series, SpecialValue.stale) }
        _ = memory.finish(isFlush: false)
        do throws(StorageError) {
            _ = try await store.append(batch)
        } catch {
            logger.warning("Stale commit failed", metadata: ["err": "\(error.message)"])
        }
        await store.releaseSeries(memory.references + memory.reportSeries)
    }
}

extension SampleBatch {
    /// Adds a float sample at the batch's own time.
    fileprivate mutating func addSample(_ ref: SeriesRef, _ value: Double) {
        series.append(ref)
        values.append(value)
        if !timestamps.isEmpty { timestamps.append(timestamp) }
    }
}
