import Exposition
import MetricModel
import PromQL

extension PrometheusServer {
    /// The longest request of a remote reader, packed and unpacked.
    private static let readLimit = 4 << 20
    /// The most samples that one request may bring, as Prometheus's `--storage.remote.read-sample-limit`.
    private static let sampleLimit = 50_000_000
    /// A longer answer is sent in pieces of this size.
    private static let piece = 1 << 20

    /// `POST /api/v1/read`: remote read. Samples are answered whole; a stream of chunks is not offered.
    func remoteRead(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        ServerFigures.add(1, to: figures.remoteReads)
        defer { ServerFigures.add(-1, to: figures.remoteReads) }
        let held = MemoryCharge(engine.memoryOfOneQuery())
        let limit = TaskLimit(timeLimitFromNow())
        do throws(ReadFailure) {
            let bytes = try await limit.run { () async throws(ReadFailure) in try await readAnswer(request.body, held) }
            return WebResponse(
                headers: [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")],
                body: Self.body(Snappy.encode(bytes), held)
            )
        } catch {
            return .error(error.message, status: error.status)
        }
    }

    /// A long answer counts as held until the client has it.
    private static func body(_ packed: [UInt8], _ held: MemoryCharge) -> WebResponse.Body {
        if packed.count <= piece { return .bytes(packed) }
        return .stream { writer in
            for start in stride(from: 0, to: packed.count, by: piece) {
                try await writer.write(Array(packed[start..<min(packed.count, start + piece)]))
            }
            withExtendedLifetime(held) {}
        }
    }

    private struct ReadFailure: Error {
        var status: Int
        var message: String

        init(status: Int, message: String) {
            self.status = status
            self.message = message
        }

        /// What would be held is too much.
        init(_ error: PromQLError) { self.init(status: 400, message: error.message) }
    }

    private func readAnswer(_ body: [UInt8], _ held: MemoryCharge) async throws(ReadFailure) -> [UInt8] {
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
        var left = Self.sampleLimit
        for query in message.queries {
            if TaskLimit.isOver { throw Self.late }
            let span = query.hinted ?? (query.start <= query.end ? query.start...query.end : nil)
            let matchers = try Self.matchers(query.matchers, outer)
            var found: [SeriesColumns] = []
            // Without a condition nothing is selected, as in Prometheus.
            if let span, !matchers.isEmpty { found = try await select(matchers, span, left, held) }
            do throws(PromQLError) {
                let columns = MemoryCharge(sharing: held)
                for series in found {
                    left -= series.timestamps.count + series.histogramTimestamps.count
                    try columns.add(series.heldBytes)
                }
                let size = answer.bytes.count
                answer.append(found, outer: outer)
                try held.add(answer.bytes.count - size)
            } catch {
                throw ReadFailure(error)
            }
        }
        return answer.bytes
    }

    private static var late: ReadFailure {
        Task.isCancelled
            ? ReadFailure(status: 499, message: "context canceled")
            : ReadFailure(status: 503, message: "remote read timed out")
    }

    private func select(
        _ matchers: [LabelMatcher],
        _ span: ClosedRange<Timestamp>,
        _ left: Int,
        _ held: MemoryCharge
    ) async throws(ReadFailure) -> [SeriesColumns] {
        // What cannot be held need not be read.
        let room = held.rest / SeriesColumns.sampleBytes
        let request = SelectRequest(
            matchers: matchers,
            start: span.lowerBound,
            end: span.upperBound,
            isSorted: true,
            sampleLimit: max(1, min(left, room))
        )
        do throws(StorageError) {
            return try await reader.select(request)
        } catch {
            if TaskLimit.isOver { throw Self.late }
            guard error.code == .tooManySamples else {
                throw ReadFailure(status: error.code == .cancelled ? 499 : 500, message: error.message)
            }
            if left > room { throw ReadFailure(engine.tooManyBytes) }
            throw ReadFailure(status: 400, message: "exceeded sample limit (\(Self.sampleLimit))")
        }
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

extension SeriesColumns {
    /// What a sample takes: its time and its value.
    fileprivate static let sampleBytes = 16

    /// The bytes that the columns take.
    fileprivate var heldBytes: Int {
        histograms.reduce(timestamps.count * Self.sampleBytes) { $0 + 8 + $1.accountedSize }
    }
}
