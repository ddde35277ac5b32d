import MetricModel
import PromQL

extension PrometheusServer {
    func query(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let limit = try parameters.limit()
        let time = try parameters.time("time", default: APITime(wallNanoseconds: clock.wallNanoseconds))
        let options = try queryOptions(parameters)
        let query = parameters["query"]
        let result: QueryResult
        do throws(PromQLError) {
            result = try await engine.instant(
                query: query,
                at: time.engineMilliseconds,
                reader: reader,
                options: options
            )
        } catch {
            throw Self.failure(error)
        }
        return answer(result, limit: limit, parameters)
    }

    func queryRange(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let limit = try parameters.limit()
        let (start, end, step) = try range(parameters)
        let options = try queryOptions(parameters)
        let result: QueryResult
        do throws(PromQLError) {
            result = try await engine.range(
                query: parameters["query"],
                from: start.engineMilliseconds,
                to: end.engineMilliseconds,
                step: step,
                reader: reader,
                options: options
            )
        } catch {
            throw Self.failure(error)
        }
        return answer(result, limit: limit, parameters)
    }

    /// The times of a range query: `start`, `end`, and `step` in milliseconds.
    func range(_ parameters: APIParameters) throws(APIFailure) -> (start: APITime, end: APITime, step: Int64) {
        let start = try parameters.requiredTime("start")
        let end = try parameters.requiredTime("end")
        if end < start { throw .invalid("end", "end timestamp must not be before start time") }
        let step: Int64
        switch APIParameters.duration(parameters["step"]) {
        case .success(let value): step = value
        case .failure(let error): throw .invalid("step", error.message)
        }
        guard step > 0 else {
            throw .invalid(
                "step",
                "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        }
        if end.nanoseconds(since: start) / step > 11_000 {
            throw APIFailure(
                .badData,
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
            )
        }
        return (start, end, max(1, step / 1_000_000))
    }

    func queryOptions(_ parameters: APIParameters) throws(APIFailure) -> PromQLEngine.QueryOptions {
        var options = PromQLEngine.QueryOptions()
        let timeout = try parameters.timeout()
        options.timeout = timeout.map { max(1, $0 / 1_000_000) }
        options.lookbackDelta = try parameters.lookbackDelta()
        // As in Prometheus: over before the expression is looked at.
        if let timeout, timeout <= 0 { throw .invalid("query", "context deadline exceeded") }
        options.countsSamplesPerStep = parameters["stats"] == "all"
        return options
    }

    static func failure(_ error: PromQLError) -> APIFailure {
        switch error.code {
        case .badData: .invalid("query", error.message)
        case .execution: APIFailure(.execution, error.message)
        case .canceled: APIFailure(.canceled, error.message)
        case .timeout: APIFailure(.timeout, error.message)
        case .storage: APIFailure(.internal, error.message)
        }
    }

    /// The result in JSON, with what was annotated. What is long is written piece by piece.
    private func answer(_ result: QueryResult, limit: Int, _ parameters: APIParameters) -> APIAnswer {
        ServerFigures.add(result.statistics.totalSamples, to: figures.querySamples)
        var (warnings, infos) = result.annotations.rendered(query: parameters["query"])
        var count = 0
        switch result.value {
        case .vector(let rows), .matrix(let rows):
            count = rows.count
            if limit > 0, count > limit {
                count = limit
                warnings.append(Self.truncated)
            }
        default: break
        }
        let stats = parameters["stats"]
        if !["", "true", "all"].contains(stats) {
            warnings.insert(
                "value \(GoText.quoted(stats)) for parameter \"stats\" is deprecated and will be rejected in the next "
                    + "major release, use \"true\" or \"all\"",
                at: 0
            )
        }
        let encoder = QueryResultJSON(result: result, count: count, withStatistics: !stats.isEmpty)
        if encoder.isShort {
            return .json(warnings: warnings, infos: infos) { text in encoder.write(to: &text) }
        }
        return .stream(warnings: warnings, infos: infos) { stream in try await encoder.write(to: &stream) }
    }
}

extension APITime {
    /// How long after another moment, as Go's `Sub` counts: no more than 292 years.
    func nanoseconds(since earlier: APITime) -> Int64 {
        let tooLong: Int64 = self < earlier ? .min : .max
        let (seconds, overflow) = sinceYearOne.subtractingReportingOverflow(earlier.sinceYearOne)
        let (product, productOverflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow || productOverflow { return tooLong }
        let (sum, sumOverflow) = product.addingReportingOverflow(nanoseconds - earlier.nanoseconds)
        return sumOverflow ? tooLong : sum
    }
}
