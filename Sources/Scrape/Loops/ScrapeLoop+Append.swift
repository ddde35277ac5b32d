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

/// What the scraper itself tells of each target.
package enum ReportedSeries {
    /// What it always tells.
    package static let names = [
        "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ]
    /// What it tells where more is wanted.
    package static let extraNames = ["scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes"]
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
            let choice = cache.format(contentType, fallback: rules.fallback)
            if let format = choice.format {
                if let problem = choice.problem {
                    logger.debug("Invalid content type on scrape", metadata: ["err": "\(problem.message)"])
                }
                var pass = ScrapePass(cache: cache, rules: rules, time: time, now: clock.now, batch: batch)
                // Patterns of relabelling may take long over what a target answers.
                let end = start.plus(request.timeoutNanoseconds)
                await TaskLimit { [clock] in clock.steadyNanoseconds > end }.run {
                    body.withUnsafeBytes { pass.run($0, format: format) }
                }
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
            cache.fail()
            batch = SampleBatch(stream: stream, timestamp: time)
        }
        let isFlush = !isEmpty && result.failure == nil
        if failure == nil { failure = result.failure }
        var outcome = AppendOutcome(failure: failure, total: result.total, added: result.added)
        outcome.duration = clock.steadyNanoseconds - start
        let sampleCount = batch.values.count
        await addReport(&batch, result, outcome, bytesRead: bytesRead, isRegular: result.isRegular && isFlush)
        if isFlush { cache.complete(batch.series) }
        Self.addMarkers(cache.markers(besides: batch), to: &batch)
        let fate = await store(batch, sampleCount: sampleCount)
        let closing = cache.close(fate, read: result.slots)
        if closing.wasForced { counters.update { $0.cacheFlushForced += 1 } }
        if !closing.released.isEmpty { await store.releaseSeries(closing.released) }
        let changes = cache.metadata.takeChanges()
        if !changes.isEmpty {
            do throws(StorageError) {
                try await store.record(changes)
            } catch {
                cache.metadata.giveBack(changes.map(\.family))
                logger.warning("Storing metadata failed", metadata: ["err": "\(error.message)"])
            }
        }
        return outcome
    }

    /// Adds stale markers. One of a series that is in the batch with a time of its own comes after it, as Prometheus stores them: it
    /// is dropped where the sample is newer. Histograms are stored after all floats, so the marker of one is a histogram, too.
    private static func addMarkers(_ markers: [SeriesRef], to batch: inout SampleBatch) {
        if markers.isEmpty { return }
        batch.refusesLateMarkers = true
        let histograms = batch.histograms.isEmpty ? [] : Set(batch.histograms.map(\.series))
        for series in markers {
            guard histograms.contains(series) else {
                batch.addSample(series, SpecialValue.stale)
                continue
            }
            var marker = NativeHistogram()
            marker.sum = SpecialValue.stale
            batch.histograms.append(.init(series: series, timestamp: batch.timestamp, histogram: marker))
        }
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
        let slots = result.slots
        let wanted = cache.unnamed(in: slots.samples + slots.histograms)
        if !wanted.isEmpty {
            do throws(StorageError) {
                cache.name(wanted.map(\.slot), try await store.resolve(wanted.map(\.labels)))
            } catch {
                return error.message
            }
        }
        for (index, slot) in slots.samples.enumerated() { batch.series[index] = cache.reference(of: slot) }
        for (index, slot) in slots.histograms.enumerated() {
            batch.histograms[index].series = cache.reference(of: slot)
        }
        for (index, slot) in slots.exemplars.enumerated() {
            batch.exemplars[index].series = cache.reference(of: slot)
        }
        return nil
    }

    // MARK: The scraper's own series

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
        if !cache.reportSeries.isEmpty { return cache.reportSeries }
        let names = ReportedSeries.names + (rules.extraMetrics ? ReportedSeries.extraNames : [])
        do throws(StorageError) {
            cache.nameReport(try await store.resolve(names.map { rules.labels.report($0) }))
            return cache.reportSeries
        } catch {
            logger.warning("Appending scrape report failed", metadata: ["err": "\(error.message)"])
            return nil
        }
    }

    // MARK: Storing

    /// Has the batch stored, and tells of what was rejected.
    private func store(_ batch: SampleBatch, sampleCount: Int) async -> ScrapeCache.Fate {
        let report: AppendReport
        do throws(StorageError) {
            var batch = batch
            batch.isStoredHere = executor != nil
            report = try await store.append(batch)
        } catch {
            logger.error("Scrape commit failed", metadata: ["err": "\(error.message)", "target": "\(target.url)"])
            return .lost
        }
        let isWhole = report.rejected.isEmpty && report.rejectedHistograms.isEmpty && report.rejectedExemplars == 0
        if !isWhole { tell(of: report, sampleCount: sampleCount) }
        return .stored(report)
    }

    /// Counts and logs what the store has not taken.
    private func tell(of report: AppendReport, sampleCount: Int) {
        var outOfOrder = 0
        var duplicates = 0
        var outOfBounds = 0
        for (index, reason) in report.rejected where index < sampleCount {
            switch reason {
            case .outOfOrder: outOfOrder += 1
            case .duplicate: duplicates += 1
            case .tooOld, .outOfBounds: outOfBounds += 1
            case .unknownSeries, .invalidHistogram: break
            }
        }
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
        // What the scraper says of itself may well be there already, but is never too old.
        let isReportLost = report.rejected.contains { index, reason in
            index >= sampleCount && (reason == .tooOld || reason == .outOfBounds)
        }
        if isReportLost {
            logger.warning(
                "Appending scrape report failed",
                metadata: ["err": "out of bounds", "target": "\(target.url)"]
            )
        }
    }

    // MARK: The end

    /// Marks everything stale, the scraper's own series included, at a time.
    @concurrent
    func markEverythingStale(at time: Timestamp) async {
        var batch = SampleBatch(stream: stream, timestamp: time)
        batch.refusesLateMarkers = true
        for series in cache.lastMarkers() { batch.addSample(series, SpecialValue.stale) }
        _ = cache.close(.stored(AppendReport()))
        do throws(StorageError) {
            _ = try await store.append(batch)
        } catch {
            logger.warning("Stale commit failed", metadata: ["err": "\(error.message)"])
        }
        await store.releaseSeries(cache.references)
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
