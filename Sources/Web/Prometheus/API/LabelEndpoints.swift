import Exposition
import MetricModel
import PromQL

extension PrometheusServer {
    /// The matchers of every `match[]`.
    func matcherSets(_ parameters: APIParameters) async throws(APIFailure) -> [[LabelMatcher]] {
        let texts = parameters.form.values("match[]")
        if texts.isEmpty { return [] }
        let sets = try await selectors(texts, "")
        for set in sets where set.allSatisfy(\.matchesEmpty) {
            throw APIFailure(.badData, "match[] must contain at least one non-empty matcher")
        }
        return sets
    }

    /// The matchers of each selector.
    /// - Parameter parameter: what is told to be wrong where one cannot be read; empty for nothing.
    func selectors(_ texts: [String], _ parameter: String) async throws(APIFailure) -> [[LabelMatcher]] {
        try await read(parameter) { parser throws(ParseError) in
            var sets: [[LabelMatcher]] = []
            for text in texts { sets.append(try parser.parseSelector(text)) }
            return sets
        }
    }

    /// What a client has sent, read within the limits of a query.
    /// - Parameter parameter: what is told to be wrong where it cannot be read; empty for nothing.
    func read<Result: Sendable>(
        _ parameter: String,
        _ read: @Sendable (PromQLParser) throws(ParseError) -> Result
    ) async throws(APIFailure) -> Result {
        do throws(PromQLError) {
            return try await engine.reading(read)
        } catch {
            if error.code != .badData { throw Self.failure(error) }
            throw parameter.isEmpty ? APIFailure(.badData, error.message) : .invalid(parameter, error.message)
        }
    }

    /// `start` and `end`, both optional.
    private func span(_ parameters: APIParameters) throws(APIFailure) -> TimeSpan {
        let start = try parameters.time("start", default: .earliest)
        let end = try parameters.time("end", default: .latest)
        return TimeSpan(start: start.milliseconds, end: end.milliseconds)
    }

    static let truncated = "results truncated due to limit"

    private func cut<Element>(_ items: inout [Element], to limit: Int) -> [String] {
        guard limit > 0, items.count > limit else { return [] }
        items.removeLast(items.count - limit)
        return [Self.truncated]
    }

    /// A failure of the store, as an endpoint tells it.
    static func failure(_ error: StorageError, _ kind: APIFailure.Kind = .execution) -> APIFailure {
        guard error.code == .cancelled else { return APIFailure(kind, error.message) }
        if Task.isCancelled || !TaskLimit.isOver { return APIFailure(.canceled, "context canceled") }
        return APIFailure(.timeout, "the request took too long, or the server is shutting down")
    }

    func labelNames(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let limit = try parameters.limit()
        let span = try span(parameters)
        let sets = try await matcherSets(parameters)
        var names: [String]
        do throws(StorageError) {
            names = try await reader.labelNames(sets, in: span)
        } catch {
            throw Self.failure(error)
        }
        let warnings = cut(&names, to: limit)
        return .json(warnings: warnings) { $0.strings(names) }
    }

    /// The name of a label in a path has to be UTF-8.
    private static func checkEncoding(ofLabelIn rawPath: String) throws(APIFailure) {
        guard rawPath.utf8.contains(UInt8(ascii: "%")), let path = PercentCoding.decodedPathBytes(rawPath),
            String(validating: path, as: UTF8.self) == nil, let start = path.firstRange(of: Array("/label/".utf8))
        else { return }
        let name = path[start.upperBound...].dropLast("/values".utf8.count)
        throw APIFailure(.badData, "invalid label name: \(ByteText.quoted(name))")
    }

    /// `/api/v1/label/NAME/values`.
    func labelValues(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try Self.checkEncoding(ofLabelIn: request.rawPath)
        let path = Self.labelName(of: request)
        let name = EscapedName.unescaped(path)
        guard !name.isEmpty else { throw APIFailure(.badData, "invalid label name: \(GoText.quoted(name))") }
        let limit = try parameters.limit()
        let span = try span(parameters)
        let sets = try await matcherSets(parameters)
        var values: [String]
        do throws(StorageError) {
            values = try await reader.labelValues(name, sets, in: span)
        } catch {
            throw Self.failure(error)
        }
        remember(valuesOf: path, count: values.count)
        let warnings = cut(&values, to: limit)
        return .json(warnings: warnings) { $0.strings(values) }
    }

    func series(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try parameters.requireForm()
        // As in Prometheus, parts of a body come too late for this look.
        guard parameters.form.containsEncoded("match[]") else {
            throw APIFailure(.badData, "no match[] parameter provided")
        }
        let limit = try parameters.limit()
        let span = try span(parameters)
        let sets: [[LabelMatcher]]
        do throws(APIFailure) {
            sets = try await matcherSets(parameters)
        } catch {
            throw error.kind == .badData ? .invalid("match[]", error.message) : error
        }
        let reader = reader.forQuery()
        let series: LabelSets
        do throws(StorageError) {
            series = try await reader.series(sets, in: span)
        } catch {
            throw Self.failure(error)
        }
        let count = limit > 0 ? min(limit, series.count) : series.count
        let warnings = reader.shortfalls + (count < series.count ? [Self.truncated] : [])
        guard count > 2000 else {
            return .json(warnings: warnings) { text in
                text.bytes.reserveCapacity(count * 160)
                text.raw("[")
                text.labels(series, 0..<count)
                text.raw("]")
            }
        }
        return .stream(warnings: warnings) { stream in
            let pieces = stride(from: 0, to: count, by: 500).map { $0..<min($0 + 500, count) }
            try await stream.array(pieces) { piece, text in
                if piece.lowerBound > 0 { text.raw(",") }
                text.labels(series, piece)
            }
        }
    }

    func queryExemplars(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let start = try parameters.time("start", default: .earliest)
        let end = try parameters.time("end", default: .latest)
        if end < start {
            throw APIFailure(.badData, "end timestamp must not be before start timestamp")
        }
        let query = parameters["query"]
        let selectors = try await read("") { parser throws(ParseError) in
            var selectors: [[LabelMatcher]] = []
            try parser.parse(query).walk { expression, _ in
                if case .vectorSelector(let selector) = expression { selectors.append(selector.matchers) }
                return true
            }
            return selectors
        }
        guard !selectors.isEmpty else { return .nothing }
        let found: [SeriesExemplars]
        do throws(StorageError) {
            found = try await reader.exemplars(
                selectors,
                in: TimeSpan(start: start.milliseconds, end: end.milliseconds)
            )
        } catch {
            throw Self.failure(error)
        }
        return .json { text in
            text.list(found) { series, text in
                text.raw("{\"seriesLabels\":")
                text.labels(series.labels)
                text.field("exemplars")
                text.list(series.exemplars) { exemplar, text in
                    text.raw("{\"labels\":")
                    text.labels(exemplar.labels)
                    text.field("value")
                    text.value(exemplar.value)
                    text.field("timestamp")
                    text.timestamp(exemplar.timestamp ?? 0)
                    text.raw("}")
                }
                text.raw("}")
            }
        }
    }
}

/// Names in URLs that would not be legal there: `U__http_2e_requests`.
enum EscapedName {
    /// The name that is meant; the text itself where it is not (well) escaped.
    static func unescaped(_ text: String) -> String {
        guard text.hasPrefix("U__") else { return text }
        var result = ""
        var rest = text.dropFirst(3)
        while let character = rest.popFirst() {
            guard character == "_" else {
                result.append(character)
                continue
            }
            if rest.first == "_" {
                rest = rest.dropFirst()
                result.append("_")
                continue
            }
            guard let end = rest.firstIndex(of: "_"), let code = UInt32(rest[..<end], radix: 16),
                let scalar = Unicode.Scalar(code)
            else { return text }
            result.unicodeScalars.append(scalar)
            rest = rest[rest.index(after: end)...]
        }
        return result
    }
}
