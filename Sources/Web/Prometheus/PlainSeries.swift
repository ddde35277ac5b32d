import MetricModel

extension PrometheusServer {
    /// `GET /series/{name}?start=&end=`: every series of that name with its samples, as plain JSON without an envelope.
    ///
    /// Times are seconds, values numbers (`"NaN"`, `"+Inf"` and `"-Inf"` are texts, since JSON has no such numbers).
    /// Without `start` and `end`, the last hour.
    func plainSeries(_ request: WebRequest) async -> WebResponse {
        if let response = unavailable() { return response }
        let name = request.captured(after: "/series/")
        let parameters = APIParameters(request)
        let now = APITime(wallNanoseconds: clock.wallNanoseconds)
        let found: [SeriesColumns]
        do {
            let end = try parameters.time("end", default: now)
            let start = try parameters.time(
                "start",
                default: APITime(seconds: end.seconds &- 3600, nanoseconds: end.nanoseconds)
            )
            guard start <= end else { throw APIFailure(.badData, "end timestamp must not be before start time") }
            found = try await reader.select(
                SelectRequest(
                    matchers: [LabelMatcher(Labels.metricName, equals: name)],
                    start: start.milliseconds,
                    end: end.milliseconds,
                    isSorted: true
                )
            )
        } catch let error as APIFailure {
            return Self.plainError(error)
        } catch let error as StorageError {
            return Self.plainError(Self.failure(error, .internal))
        } catch {
            return Self.plainError(APIFailure(.internal, "\(error)"))
        }
        return WebResponse(
            headers: [("Content-Type", "application/json")],
            body: .stream { writer in
                var stream = JSONStream(writer: copy writer)
                stream.text.raw("{\"name\":")
                stream.text.string(name)
                stream.text.raw(",\"series\":[")
                for (index, series) in found.enumerated() {
                    if index > 0 { stream.text.raw(",") }
                    stream.text.raw("{\"labels\":")
                    stream.text.labels(series.labels)
                    stream.text.raw(",\"samples\":[")
                    Self.writeSamples(series, to: &stream.text)
                    stream.text.raw("]}")
                    try await stream.flushIfFull()
                }
                stream.text.raw("]}\n")
                try await stream.finish()
            }
        )
    }

    private static func writeSamples(_ series: SeriesColumns, to text: inout JSONText) {
        var isFirst = true
        for (time, value) in zip(series.timestamps, series.values) where !SpecialValue.isStale(value) {
            if !isFirst { text.raw(",") }
            isFirst = false
            text.raw("[")
            text.timestamp(time)
            text.raw(",")
            if value.isFinite { text.number(value) } else { text.value(value) }
            text.raw("]")
        }
    }

    private static func plainError(_ failure: APIFailure) -> WebResponse {
        var text = JSONText()
        text.raw("{\"error\":")
        text.string(failure.message)
        text.raw("}\n")
        return WebResponse(
            status: failure.kind.status,
            headers: [("Content-Type", "application/json")],
            body: .bytes(text.bytes)
        )
    }
}
