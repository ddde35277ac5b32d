import Exposition
import MetricModel

/// Takes OpenTelemetry's metrics.
extension PrometheusServer {
    /// The longest body, as it is sent and unpacked.
    private static let otlpLimit = 32 << 20

    /// `POST /api/v1/otlp/v1/metrics`.
    func takeOTLP(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        guard settings.isOTLPEnabled else {
            return .error("otlp write receiver needs to be enabled with --web.enable-otlp-receiver", status: 404)
        }
        return await receiveOTLP(request)
    }

    /// Takes what a client sends, and remembers what became of it.
    func receiveOTLP(_ request: WebRequest) async -> WebResponse {
        var receipt = OTLPReceipts.Receipt(request, time: clock.wallNanoseconds)
        var addition: OTLPDelta.Addition?
        let answer = await storeOTLP(request, &receipt, &addition)
        if answer.status >= 300, let addition { otlp.takeBack(addition) }
        receipt.status = answer.status
        otlp.add(receipt)
        return answer
    }

    /// - Parameter addition: What was added up of points that count from the one before; holds where the request is taken.
    private func storeOTLP(
        _ request: WebRequest,
        _ receipt: inout OTLPReceipts.Receipt,
        _ addition: inout OTLPDelta.Addition?
    ) async -> WebResponse {
        func refuse(_ message: String, _ status: Int) -> WebResponse {
            receipt.error = message
            return .error(message, status: status)
        }
        var translation = environment.otlp()
        translation.lookback = settings.lookbackDelta
        translation.addsTypeAndUnit = settings.addsTypeAndUnitLabels
        if settings.otlpDelta == .kept { translation.allowsDelta = true }
        var outcome: OTLPTranslator.Outcome
        do throws(OTLPJSONError) {
            outcome = try await translate(request, translation, &addition)
            guard request.hasRoom(unpacked: request.body.count + outcome.size) else { throw Self.busy }
        } catch {
            guard error.isBusy else { return refuse(error.message, 400) }
            receipt.error = error.message
            return .noRoom
        }
        count(outcome)
        do throws(StorageError) {
            var stored = try await append(outcome)
            if stored.isForgotten {
                // The store knows no more of some series than their numbers: all is read again.
                otlp.forgetSeries()
                if let addition { otlp.takeBack(addition) }
                do throws(OTLPJSONError) {
                    outcome = try await translate(request, translation, &addition)
                } catch {
                    guard error.isBusy else { return refuse(error.message, 400) }
                    receipt.error = error.message
                    return .noRoom
                }
                stored = try await append(outcome)
            }
            receipt.verdicts = outcome.verdicts
            receipt.warnings = outcome.collisions
            let failures = try await settle(outcome, stored, &receipt)
            guard let first = failures.first else { return WebResponse(status: 200) }
            receipt.error = first.message
            let isLate = failures.contains { $0.isLate }
            return refuse(failures.map(\.message).joined(separator: "\n"), isLate ? 400 : 500)
        } catch {
            return refuse(error.message, error.code == .cancelled ? 499 : 500)
        }
    }

    private func translate(
        _ request: WebRequest,
        _ translation: OTLPTranslator.Settings,
        _ addition: inout OTLPDelta.Addition?
    ) async throws(OTLPJSONError) -> OTLPTranslator.Outcome {
        addition = nil
        let type = request.headers["Content-Type"] ?? ""
        guard type == "application/json" || type == "application/x-protobuf" else {
            throw OTLPJSONError(
                message: "unsupported content type: \(type), supported: [application/json, application/x-protobuf]"
            )
        }
        let body = try await unpacked(request)
        return try SharedRoom.asking(request.room(besides: body.count), for: body.count) { () throws(OTLPJSONError) in
            try translate(body, isJSON: type == "application/json", request, translation, &addition)
        }
    }

    private func translate(
        _ body: [UInt8],
        isJSON: Bool,
        _ request: WebRequest,
        _ translation: OTLPTranslator.Settings,
        _ addition: inout OTLPDelta.Addition?
    ) throws(OTLPJSONError) -> OTLPTranslator.Outcome {
        var metrics: OTLPMetrics
        if isJSON {
            guard request.hasRoom(unpacked: body.count + OTLPJSON.size(body)) else { throw Self.busy }
            metrics = try OTLPJSON.decode(body)
        } else {
            do throws(ExpositionError) {
                if settings.otlpDelta != .addedUp { return try otlp.translate(body, translation) }
                metrics = try OTLPMetrics(decoding: body)
            } catch {
                throw OTLPJSONError(message: error.message, isBusy: error == .noRoom)
            }
        }
        do throws(ExpositionError) {
            if settings.otlpDelta == .addedUp, metrics.hasDelta {
                addition = try otlp.accumulate(&metrics, now: clock.now, figures)
            }
            return try OTLPTranslator.translate(metrics, translation)
        } catch {
            throw OTLPJSONError(message: error.message, isBusy: error == .noRoom)
        }
    }

    private static let busy = OTLPJSONError(message: CompressionError.noRoom.message, isBusy: true)

    private func unpacked(_ request: WebRequest) async throws(OTLPJSONError) -> [UInt8] {
        switch request.headers["Content-Encoding"] ?? "" {
        case "": return request.body
        case "gzip":
            do throws(CompressionError) {
                return try await GzipDecoder.decodeInPieces(
                    request.body,
                    limit: Self.otlpLimit,
                    room: request.hasRoom(unpacked:)
                )
            } catch {
                throw OTLPJSONError(message: error.message, isBusy: error.code == .noRoom)
            }
        case let coding:
            throw OTLPJSONError(
                message: "unsupported compression: \(coding). Only \"gzip\" or no compression supported"
            )
        }
    }

    private func count(_ outcome: OTLPTranslator.Outcome) {
        ServerFigures.add(outcome.collisions.count, to: figures.otlpCollisions)
        var (empty, odd) = (0, 0)
        for verdict in outcome.verdicts where !verdict.warnings.isEmpty {
            if verdict.points == 0 { empty += verdict.warnings.count } else { odd += verdict.warnings.count }
        }
        ServerFigures.add(empty, to: figures.otlpEmpty)
        ServerFigures.add(odd, to: figures.otlpZeroCounts)
    }

    // MARK: Storing

    private struct Failure {
        var message: String
        /// Whether it came too late, or twice: it would do so again.
        var isLate = false
    }

    /// A request that was given to the store.
    private struct Stored {
        var batch: SampleBatch
        var report: AppendReport
        var latest: Timestamp

        /// Whether the store does not know a series any more whose number was remembered.
        var isForgotten: Bool {
            report.rejected.contains { $0.reason == .unknownSeries }
        }
    }

    /// Gives a request to the store, which takes all of it or nothing.
    private func append(_ outcome: OTLPTranslator.Outcome) async throws(StorageError) -> Stored {
        let latest = clock.now + Self.greatestLead
        var isSound = outcome.problems.isEmpty && !outcome.verdicts.contains { $0.problem != nil }
        let references = outcome.labels.isEmpty ? [] : try await store.resolve(outcome.labels)
        otlp.learn(outcome, references)
        func reference(_ place: OTLPTranslator.Place) -> SeriesRef {
            switch place {
            case .new(let index): references[index]
            case .known(let reference): reference
            }
        }
        var batch = SampleBatch(timestamp: clock.now)
        batch.series.reserveCapacity(outcome.samples.count)
        batch.timestamps.reserveCapacity(outcome.samples.count)
        batch.values.reserveCapacity(outcome.samples.count)
        let hasStarts = outcome.samples.contains { $0.start != 0 }
        for sample in outcome.samples {
            batch.series.append(reference(sample.series))
            batch.timestamps.append(sample.timestamp)
            batch.values.append(sample.value)
            if hasStarts { batch.startTimestamps.append(sample.start) }
            if sample.timestamp > latest { isSound = false }
        }
        for sample in outcome.histograms {
            batch.histograms.append(
                SampleBatch.HistogramSample(
                    series: reference(sample.series),
                    timestamp: sample.timestamp,
                    startTimestamp: sample.start,
                    histogram: sample.histogram
                )
            )
            if sample.timestamp > latest { isSound = false }
        }
        for (place, exemplar) in outcome.exemplars where exemplar.timestamp ?? 0 <= latest {
            batch.exemplars.append(SampleBatch.SeriesExemplar(series: reference(place), exemplar: exemplar))
        }
        batch.acceptance = isSound ? .whole : .trial
        return Stored(batch: batch, report: try await store.append(batch), latest: latest)
    }

    /// Notes what was taken.
    /// - Returns: Why nothing was.
    private func settle(
        _ outcome: OTLPTranslator.Outcome,
        _ stored: Stored,
        _ receipt: inout OTLPReceipts.Receipt
    ) async throws(StorageError) -> [Failure] {
        let report = stored.report
        if report.isRefused { return failures(outcome, report, latest: stored.latest, &receipt) }
        ServerFigures.add(report.rejectedExemplars, to: figures.otlpExemplars)
        if !outcome.metadata.isEmpty { try await store.record(outcome.metadata) }
        receipt.samples = outcome.samples.count - report.rejected.count
        receipt.histograms = outcome.histograms.count - report.rejectedHistograms.count
        receipt.exemplars = stored.batch.exemplars.count - report.rejectedExemplars
        return []
    }

    /// Why a request was not taken: the first thing that is wrong with each metric.
    private func failures(
        _ outcome: OTLPTranslator.Outcome,
        _ report: AppendReport,
        latest: Timestamp,
        _ receipt: inout OTLPReceipts.Receipt
    ) -> [Failure] {
        func words(_ reason: AppendReport.Rejection) -> Failure {
            switch reason {
            case .outOfOrder: Failure(message: "out of order sample", isLate: true)
            case .tooOld: Failure(message: "too old sample", isLate: true)
            case .duplicate: Failure(message: "duplicate sample for timestamp", isLate: true)
            case .outOfBounds: Failure(message: "out of bounds", isLate: true)
            case .unknownSeries: Failure(message: "unknown series")
            case .invalidHistogram(let message): Failure(message: message)
            }
        }
        let early = Failure(message: "out of bounds: timestamp is too far in the future", isLate: true)
        var wrong: [Int: Failure] = [:]
        for (index, reason) in report.rejected { wrong[index] = words(reason) }
        for (index, sample) in outcome.samples.enumerated() where sample.timestamp > latest { wrong[index] = early }
        var wrongHistograms: [Int: Failure] = [:]
        for (index, reason) in report.rejectedHistograms { wrongHistograms[index] = words(reason) }
        for (index, sample) in outcome.histograms.enumerated() where sample.timestamp > latest {
            wrongHistograms[index] = early
        }
        var failures: [Failure] = []
        for (position, verdict) in outcome.verdicts.enumerated() {
            let first = verdict.samples.first { wrong[$0] != nil }.flatMap { wrong[$0] }
            let firstHistogram = verdict.histograms.first { wrongHistograms[$0] != nil }.flatMap { wrongHistograms[$0] }
            for index in verdict.samples { wrong[index] = nil }
            guard let found = first ?? firstHistogram ?? verdict.problem.map({ Failure(message: $0) }) else { continue }
            failures.append(found)
            receipt.verdicts[position].problem = found.message
        }
        failures += outcome.problems.map { Failure(message: $0) }
        if let index = wrong.keys.min(), let found = wrong[index] { failures.append(found) }
        return failures
    }
}
