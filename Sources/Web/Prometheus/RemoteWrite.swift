import Exposition
import MetricModel

extension PrometheusServer {
    /// The longest body of a request after unpacking.
    private static let unpackedLimit = 256 << 20
    /// How far ahead of the clock a sample that somebody sends may be, in milliseconds.
    static let greatestLead: Int64 = 600_000

    /// `POST /api/v1/write`: remote write, version 1 and 2.
    func remoteWrite(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        guard settings.isRemoteWriteEnabled else {
            return .error(
                "remote write receiver needs to be enabled with --web.enable-remote-write-receiver",
                status: 404
            )
        }
        let type = request.headers["Content-Type"] ?? "application/x-protobuf"
        guard type.prefix(while: { $0 != ";" }).lowercased() == "application/x-protobuf" else {
            return .error(
                "expected application/x-protobuf as the first (media) part, got \(type) content-type",
                status: 415
            )
        }
        var version = RemoteWriteRequest.Version.version1
        for parameter in type.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
            guard parts.count == 2, parts[0].lowercased() == "proto" else { continue }
            switch parts[1] {
            case "prometheus.WriteRequest": version = .version1
            case "io.prometheus.write.v2.Request": version = .version2
            default:
                return .error(
                    "got \(type) content type; unknown type for remote write protobuf message \(parts[1]), "
                        + "supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
                    status: 415
                )
            }
        }
        if let coding = request.headers["Content-Encoding"], coding != "snappy" {
            return .error(
                "\(coding) encoding (compression) is not accepted by this server; only snappy is acceptable",
                status: 415
            )
        }
        let body: [UInt8]
        let message: RemoteWriteRequest
        do {
            body = try Snappy.decode(request.body, limit: Self.unpackedLimit, room: request.hasRoom(unpacked:))
            let room = request.room(besides: body.count)
            message = try SharedRoom.asking(room, for: body.count) { () throws(ExpositionError) in
                try remoteSeries.read(body, version)
            }
            guard request.hasRoom(unpacked: body.count + message.size) else { return .noRoom }
        } catch let error as CompressionError where error.code == .noRoom {
            return .noRoom
        } catch let error as ExpositionError where error == .noRoom {
            return .noRoom
        } catch {
            return .error("\(error)", status: 400)
        }
        do throws(StorageError) {
            let outcome = try await write(message, body, version)
            return answer(outcome, version)
        } catch {
            return .error(error.message, status: error.code == .cancelled ? 499 : 500)
        }
    }

    private struct Outcome {
        var samples = 0
        var histograms = 0
        var exemplars = 0
        var problem: String?
    }

    private func answer(_ outcome: Outcome, _ version: RemoteWriteRequest.Version) -> WebResponse {
        var response = WebResponse(status: 204)
        if let problem = outcome.problem { response = .error(problem, status: 400) }
        if version == .version2 {
            response.headers += [
                ("X-Prometheus-Remote-Write-Samples-Written", "\(outcome.samples)"),
                ("X-Prometheus-Remote-Write-Histograms-Written", "\(outcome.histograms)"),
                ("X-Prometheus-Remote-Write-Exemplars-Written", "\(outcome.exemplars)"),
            ]
        }
        return response
    }

    /// Stores a message.
    /// - Parameter body: What it was read from.
    private func write(
        _ message: RemoteWriteRequest,
        _ body: [UInt8],
        _ version: RemoteWriteRequest.Version
    ) async throws(StorageError) -> Outcome {
        var message = message
        var outcome = Outcome()
        if message.series.contains(where: { $0.problem != nil }) {
            let bad = message.series.filter { $0.problem != nil }
            outcome.problem = bad.first?.problem
            let samples = bad.reduce(0) { $0 + $1.samples.count + $1.histograms.count }
            ServerFigures.add(samples, to: figures.invalidLabels)
        }
        try await resolve(&message)
        remoteSeries.learn(message, version)
        let latest = clock.now + Self.greatestLead
        let forgotten = try await append(message, latest, &outcome)
        if !forgotten.isEmpty {
            // The store knows no more of some series than their numbers: their labels are read again.
            remoteSeries.forget(version)
            let places = message.series.indices.filter { index in
                message.series[index].reference.map(forgotten.contains) ?? false
            }
            var again: RemoteWriteRequest
            do throws(ExpositionError) {
                again = try RemoteWriteRequest(decoding: body, version: version)
            } catch {
                throw StorageError(.corrupt, error.message)
            }
            again.series = places.map { again.series[$0] }
            try await resolve(&again)
            if try await !append(again, latest, &outcome).isEmpty {
                outcome.problem = outcome.problem ?? AppendReport.Rejection.unknownSeries.description
            }
        }
        // Each series of version 2 says what its family is; of a family once is enough.
        let metadata = message.metadata + message.familyMetadata
        if !metadata.isEmpty { try await store.record(metadata) }
        return outcome
    }

    /// Looks up the sound series of a message that are not known yet.
    private func resolve(_ message: inout RemoteWriteRequest) async throws(StorageError) {
        let new = message.series.indices.filter { index in
            message.series[index].reference == nil && message.series[index].problem == nil
        }
        if new.isEmpty { return }
        let references = try await store.resolve(new.map { message.series[$0].labels })
        for (index, reference) in zip(new, references) { message.series[index].reference = reference }
    }

    /// Stores the samples of the sound series of a message.
    /// - Returns: Series that the store does not know any more.
    private func append(
        _ message: RemoteWriteRequest,
        _ latest: Timestamp,
        _ outcome: inout Outcome
    ) async throws(StorageError) -> Set<SeriesRef> {
        var batch = SampleBatch(timestamp: clock.now)
        batch.series.reserveCapacity(message.values.count)
        batch.values.reserveCapacity(message.values.count)
        batch.timestamps.reserveCapacity(message.values.count)
        let early = "out of bounds: timestamp is too far in the future"
        for series in message.series {
            guard series.problem == nil, let reference = series.reference else { continue }
            for position in series.samples {
                if message.timestamps[position] > latest {
                    outcome.problem = outcome.problem ?? early
                    continue
                }
                batch.series.append(reference)
                batch.values.append(message.values[position])
                batch.timestamps.append(message.timestamps[position])
                if !message.startTimestamps.isEmpty {
                    batch.startTimestamps.append(message.startTimestamps[position])
                }
            }
            for position in series.histograms {
                let sample = message.histograms[position]
                if sample.timestamp > latest {
                    outcome.problem = outcome.problem ?? early
                    continue
                }
                batch.histograms.append(
                    SampleBatch.HistogramSample(
                        series: reference,
                        timestamp: sample.timestamp,
                        startTimestamp: sample.startTimestamp,
                        histogram: sample.histogram
                    )
                )
            }
            for position in series.exemplars where message.exemplars[position].timestamp ?? 0 <= latest {
                batch.exemplars.append(
                    SampleBatch.SeriesExemplar(series: reference, exemplar: message.exemplars[position])
                )
            }
        }
        let report = try await store.append(batch)
        outcome.samples += batch.values.count - report.rejected.count
        outcome.histograms += batch.histograms.count - report.rejectedHistograms.count
        outcome.exemplars += batch.exemplars.count - report.rejectedExemplars
        var forgotten: Set<SeriesRef> = []
        for (index, reason) in report.rejected where reason == .unknownSeries { forgotten.insert(batch.series[index]) }
        for (index, reason) in report.rejectedHistograms where reason == .unknownSeries {
            forgotten.insert(batch.histograms[index].series)
        }
        let reasons = (report.rejected + report.rejectedHistograms).lazy.map(\.reason)
        if let reason = reasons.first(where: { $0 != .unknownSeries }) {
            outcome.problem = outcome.problem ?? reason.description
        }
        return forgotten
    }
}
