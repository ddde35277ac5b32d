import Exposition
import MetricModel

extension PrometheusServer {
    /// The longest request of a remote reader, packed and unpacked.
    private static let readLimit = 32 << 20
    /// The most samples that one selection may bring, as Prometheus's `--storage.remote.read-sample-limit`.
    private static let sampleLimit = 50_000_000

    /// `POST /api/v1/read`: remote read. Samples are answered whole; a stream of chunks is not offered.
    func remoteRead(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        ServerFigures.add(1, to: figures.remoteReads)
        defer { ServerFigures.add(-1, to: figures.remoteReads) }
        do throws(ReadFailure) {
            return WebResponse(
                headers: [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")],
                body: .bytes(Snappy.encode(try await readAnswer(request.body)))
            )
        } catch {
            return .error(error.message, status: error.status)
        }
    }

    private struct ReadFailure: Error {
        var status: Int
        var message: String
    }

    private func readAnswer(_ body: [UInt8]) async throws(ReadFailure) -> [UInt8] {
        let message: RemoteReadRequest
        do {
            message = try RemoteReadRequest(decoding: Snappy.decode(body, limit: Self.readLimit))
        } catch {
            throw ReadFailure(status: 400, message: "\(error)")
        }
        // The first form that is known is taken; whoever takes chunks takes samples as well.
        let samples = RemoteReadRequest.ResponseType.samples.rawValue
        if !message.accepted.isEmpty, !message.accepted.contains(samples) {
            let names = message.accepted.map(Self.name(ofType:)).joined(separator: " ")
            throw ReadFailure(
                status: 400,
                message: "server does not support any of the requested response types: [\(names)]; "
                    + "supported: map[SAMPLES:{}]"
            )
        }
        let outer = environment.externalLabels()
        var answer = RemoteReadResponse()
        for query in message.queries {
            let span = query.hinted ?? (query.start <= query.end ? query.start...query.end : nil)
            let matchers = try Self.matchers(query.matchers, outer)
            var found: [SeriesColumns] = []
            // Without a condition nothing is selected, as in Prometheus.
            if let span, !matchers.isEmpty {
                let request = SelectRequest(
                    matchers: matchers,
                    start: span.lowerBound,
                    end: span.upperBound,
                    isSorted: true,
                    sampleLimit: Self.sampleLimit
                )
                do throws(StorageError) {
                    found = try await reader.select(request)
                } catch {
                    if error.code == .tooManySamples {
                        throw ReadFailure(status: 400, message: "exceeded sample limit (\(Self.sampleLimit))")
                    }
                    throw ReadFailure(status: error.code == .cancelled ? 499 : 500, message: error.message)
                }
            }
            answer.append(found, outer: outer)
        }
        return answer.bytes
    }

    private static func name(ofType number: UInt64) -> String {
        switch RemoteReadRequest.ResponseType(rawValue: number) {
        case .samples: "SAMPLES"
        case .streamedChunks: "STREAMED_XOR_CHUNKS"
        case nil: "\(number)"
        }
    }

    /// The conditions compiled. One that asks for an external label of this server asks for its absence here, since the labels
    /// are not stored.
    private static func matchers(_ given: [RemoteReadRequest.Matcher], _ outer: [Label]) throws(ReadFailure)
        -> [LabelMatcher]
    {
        let operations: [LabelMatcher.Operator] = [.equal, .notEqual, .matches, .notMatches]
        var result: [LabelMatcher] = []
        for matcher in given {
            guard matcher.type < 4 else { throw ReadFailure(status: 500, message: "invalid matcher type") }
            let operation = operations[Int(matcher.type)]
            if operation == .equal, outer.contains(where: { $0.name == matcher.name && $0.value == matcher.value }) {
                result.append(LabelMatcher(matcher.name, equals: ""))
                continue
            }
            do throws(RegularExpressionError) {
                result.append(try LabelMatcher(matcher.name, operation, matcher.value))
            } catch {
                throw ReadFailure(status: 500, message: "\(error)")
            }
        }
        return result
    }
}
