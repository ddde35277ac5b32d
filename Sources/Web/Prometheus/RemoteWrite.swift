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
        let message: RemoteWriteRequest
        do {
            let body = try Snappy.decode(request.body, limit: Self.unpackedLimit)
            message = try RemoteWriteRequest(decoding: body, version: version)
        } catch {
            return .error("\(error)", status: 400)
        }
        do throws(StorageError) {
            let outcome = try await write(message)
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

    private func write(_ message: RemoteWriteRequest) async throws(StorageError) -> Outcome {
        var outcome = Outcome()
        let latest = clock.now + Self.greatestLead
        var good = message.series
        if good.contains(where: { $0.problem != nil }) {
            good.removeAll { $0.problem != nil }
            let bad = message.series.filter { $0.problem != nil }
            outcome.problem = bad.first?.problem
            let samples = bad.reduce(0) { $0 + $1.samples.count + $1.histograms.count }
            ServerFigures.add(samples, to: figures.invalidLabels)
        }
        let references = try await store.resolve(good.map(\.labels))
        var batch = SampleBatch(timestamp: clock.now)
        for (series, reference) in zip(good, references) {
            for position in series.samples {
                if message.timestamps[position] > latest {
                    outcome.problem = outcome.problem ?? "out of bounds: timestamp is too far in the future"
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
                    outcome.problem = outcome.problem ?? "out of bounds: timestamp is too far in the future"
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
        outcome.samples = batch.values.count - report.rejected.count
        outcome.histograms = batch.histograms.count - report.rejectedHistograms.count
        outcome.exemplars = batch.exemplars.count - report.rejectedExemplars
        if let reason = report.rejected.first?.reason ?? report.rejectedHistograms.first?.reason {
            outcome.problem = outcome.problem ?? reason.description
        }
        var metadata = message.metadata
        if good.contains(where: { $0.metadata != nil }) {
            // Each series says what its family is; of a family once is enough.
            var told: [String: MetricMetadata] = [:]
            for series in good { if let own = series.metadata { told[series.labels.name] = own } }
            for (name, own) in told { metadata.append((name, own)) }
        }
        if !metadata.isEmpty { try await store.record(metadata) }
        return outcome
    }
}
