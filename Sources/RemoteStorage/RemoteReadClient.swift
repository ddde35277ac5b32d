import Exposition
import HTTPCalling
import MetricModel
import NIOCore
import Scrape
import Synchronization

/// Why somebody who was asked for samples did not bring them, in words.
struct RemoteReadFailure: Error {
    var message: String
    /// Whether the query that asked has ended.
    var isCancelled = false

    init(_ message: String) { self.message = message }
}

/// Asks one server for samples (`remote_read`).
final class RemoteReadClient: Sendable {
    let config: RemoteReadConfig
    let figures = Mutex(RemoteReadFigures())
    private let transport: HTTPTransport
    private let clock: any StackClock
    private let version: String
    /// The longest answer, packed.
    private static let answerLimit = 256 << 20
    /// The longest answer, unpacked.
    private static let messageLimit = 1 << 30

    init(
        _ config: RemoteReadConfig,
        clock: any StackClock,
        version: String,
        environment: [String: String]
    ) throws(TransportError) {
        self.config = config
        self.clock = clock
        self.version = version
        transport = try HTTPTransport(config.client, clock: clock, environment: environment)
    }

    func close() async { await transport.close() }

    /// Whether a query names what it has to name for this server to be asked.
    func isMeant(by matchers: [LabelMatcher]) -> Bool {
        config.requiredMatchers.allSatisfy { wanted in
            matchers.contains { $0.operation == .equal && $0.name == wanted.name && $0.value == wanted.value }
        }
    }

    /// The series in the span (inclusive), by labels.
    func read(
        _ matchers: [LabelMatcher],
        start: Timestamp,
        end: Timestamp,
        externalLabels: [Label]
    ) async throws(RemoteReadFailure) -> [SeriesColumns] {
        let outer =
            config.filtersExternalLabels
            ? externalLabels.filter { label in !matchers.contains { $0.name == label.name } } : []
        var query = RemoteReadRequest.Query(start: start, end: end)
        query.hinted = start <= end ? start...end : nil
        for matcher in matchers + outer.map({ LabelMatcher($0.name, equals: $0.value) }) {
            query.matchers.append(
                .init(type: matcher.operation.number, name: matcher.name, value: matcher.value)
            )
        }
        figures.withLock { $0.running += 1 }
        defer { figures.withLock { $0.running -= 1 } }
        var series = try await ask(query, [.streamedChunks, .samples])
        // Chunks of native histograms are read by stores only.
        if series == nil { series = try await ask(query, [.samples]) }
        var found: [SeriesColumns] = []
        for columns in series ?? [] {
            var columns = columns.orderedByTime.clipped(to: start...max(start, end))
            if columns.isEmpty { continue }
            if !outer.isEmpty {
                var builder = LabelsBuilder(columns.labels)
                for label in outer { builder.remove(label.name) }
                columns.labels = builder.build()
            }
            found.append(columns)
        }
        found.sort { $0.labels < $1.labels }
        return SeriesColumns.mergedNeighbours(found)
    }

    /// Asks once; `nil` where the answer has to be asked for as samples.
    private func ask(
        _ query: RemoteReadRequest.Query,
        _ accepted: [RemoteReadRequest.ResponseType]
    ) async throws(RemoteReadFailure) -> [SeriesColumns]? {
        var message = RemoteReadRequest()
        message.queries = [query]
        message.accepted = accepted.map(\.rawValue)
        var request = TargetRequest(
            url: config.url,
            headers: config.headers + [
                ("Content-Encoding", "snappy"), ("Accept-Encoding", "snappy"),
                ("Content-Type", "application/x-protobuf"), ("User-Agent", "Prometheus/\(version)"),
                ("X-Prometheus-Remote-Read-Version", "0.1.0"),
            ],
            timeoutMilliseconds: max(1, config.timeout),
            bodyLimit: Self.answerLimit
        )
        request.secretHeaders = Set(config.headers.map { $0.name.lowercased() })
        let started = clock.steadyNanoseconds
        let answer: TargetResponse
        do throws(TransportError) {
            answer = try await transport.post(request, bytes: Snappy.encode(message.encoded()))
        } catch {
            figures.withLock { $0.count("", "", seconds: nil) }
            var failure = RemoteReadFailure("error sending request: \(error.message)")
            failure.isCancelled = Task.isCancelled
            throw failure
        }
        let seconds = Double(clock.steadyNanoseconds - started) / 1e9
        guard (200..<300).contains(answer.status) else {
            figures.withLock { $0.count("", "\(answer.status)", seconds: nil) }
            var text = String(decoding: answer.body.readableBytesView.prefix(1 << 16), as: UTF8.self)
            while text.last == "\n" { text.removeLast() }
            text = String(text.drop { $0 == "\n" })
            throw RemoteReadFailure(
                "remote server \(RecordedTraffic.url(config.url)) returned http status \(answer.statusText): \(text)"
            )
        }
        let type = answer.header("Content-Type")
        let isChunked = type.hasPrefix("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
        guard isChunked || type.hasPrefix("application/x-protobuf") else {
            figures.withLock { $0.count("unsupported", "\(answer.status)", seconds: seconds) }
            throw RemoteReadFailure("unsupported content type: \(type)")
        }
        figures.withLock { $0.count(isChunked ? "chunked" : "sampled", "\(answer.status)", seconds: seconds) }
        // To read an answer may take longer than to get it.
        let end = started.plus(min(max(1, config.timeout), .max / 1_000_000) * 1_000_000)
        let limit = TaskLimit.sooner { [clock] in clock.steadyNanoseconds > end }
        return try await limit.run { () async throws(RemoteReadFailure) in
            do throws(RemoteReadFailure) {
                return try read(Array(answer.body.readableBytesView), isChunked: isChunked)
            } catch {
                guard TaskLimit.isOver else { throw error }
                var failure = RemoteReadFailure("error reading response: context deadline exceeded")
                failure.isCancelled = Task.isCancelled
                throw failure
            }
        }
    }

    private func read(_ body: [UInt8], isChunked: Bool) throws(RemoteReadFailure) -> [SeriesColumns]? {
        guard isChunked else { return try Self.samples(body) }
        do throws(ExpositionError) {
            return try ChunkedReadStream.decode(body, queries: 1, frameLimit: config.chunkedReadLimit)?.first
        } catch {
            throw RemoteReadFailure("\(error)")
        }
    }

    private static func samples(_ body: [UInt8]) throws(RemoteReadFailure) -> [SeriesColumns] {
        let message: [UInt8]
        do throws(CompressionError) {
            message = try Snappy.decode(body, limit: messageLimit)
        } catch {
            throw RemoteReadFailure("error reading response: \(error)")
        }
        let results: [RemoteWriteRequest]
        do throws(ExpositionError) {
            results = try RemoteReadResponse.decode(message)
        } catch {
            throw RemoteReadFailure("unable to unmarshal response body: \(error)")
        }
        guard results.count == 1, let result = results.first else {
            throw RemoteReadFailure("responses: want 1, got \(results.count)")
        }
        var found: [SeriesColumns] = []
        for series in result.series {
            // A series without a name is none to be written, but may well be read.
            if let problem = series.problem, series.labels[Labels.metricName] != nil {
                throw RemoteReadFailure(problem)
            }
            let histograms = result.histograms[series.histograms]
            found.append(
                SeriesColumns(
                    labels: series.labels,
                    timestamps: Array(result.timestamps[series.samples]),
                    values: Array(result.values[series.samples]),
                    histogramTimestamps: histograms.map(\.timestamp),
                    histograms: histograms.map(\.histogram)
                )
            )
        }
        return found
    }
}

extension LabelMatcher.Operator {
    /// How the protocol numbers it.
    fileprivate var number: UInt64 {
        switch self {
        case .equal: 0
        case .notEqual: 1
        case .matches: 2
        case .notMatches: 3
        }
    }
}
