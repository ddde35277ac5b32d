import MetricModel
import PromQL

extension PrometheusServer {
    /// What `/version` answers.
    var version: String {
        var text = JSONText()
        build.write(to: &text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    private var build: JSONObject {
        [
            "version": settings.build.version,
            "revision": settings.build.revision,
            "branch": settings.build.branch,
            "buildUser": settings.build.buildUser,
            "buildDate": settings.build.buildDate,
            "goVersion": settings.build.goVersion,
        ]
    }

    /// `/api/v1/status/config`: the configuration in use.
    func statusConfig(_ parameters: APIParameters) -> APIAnswer {
        .json(["yaml": environment.configuration()] as JSONObject)
    }

    /// `/api/v1/status/runtimeinfo`: figures about the process.
    func statusRuntime(_ parameters: APIParameters) -> APIAnswer { .json(runtimeInfo) }

    /// `/api/v1/status/buildinfo`: who built what.
    func statusBuild(_ parameters: APIParameters) -> APIAnswer { .json(build) }

    /// `/api/v1/status/flags`: all flags with their values.
    func statusFlags(_ parameters: APIParameters) -> APIAnswer {
        .json(JSONObject(settings.flags.map { ($0.name, $0.value) }))
    }

    /// `/api/v1/status/walreplay`: there is nothing to replay once the server answers.
    func statusReplay(_ parameters: APIParameters) -> APIAnswer {
        .json(["min": 0, "max": 0, "current": 0] as JSONObject)
    }

    /// `/api/v1/features`: what is switched on.
    func listFeatures(_ parameters: APIParameters) -> APIAnswer { .json { features(&$0) } }

    /// `/api/v1/status/tsdb/blocks`: the store has no blocks as Prometheus's has.
    func statusBlocks(_ parameters: APIParameters) -> APIAnswer { .json { $0.raw("{\"blocks\":[]}") } }

    private var runtimeInfo: JSONObject {
        let runtime = environment.runtime()
        return [
            "startTime": CivilTime.rfc3339(nanoseconds: runtime.startNanoseconds),
            "CWD": runtime.workingFolder,
            "hostname": runtime.hostName,
            "serverTime": CivilTime.rfc3339(nanoseconds: clock.wallNanoseconds),
            "reloadConfigSuccess": runtime.isLastReloadGood,
            "lastConfigTime": CivilTime.rfc3339(nanoseconds: runtime.lastReload * 1_000_000_000),
            "corruptionCount": 0,
            "goroutineCount": runtime.threads,
            "GOMAXPROCS": runtime.processors,
            "GOMEMLIMIT": Int64.max,
            "GOGC": "",
            "GODEBUG": "",
            "storageRetention": settings.retentionText,
        ]
    }

    private func features(_ text: inout JSONText) {
        text.raw("{")
        for (index, category) in settings.features.sorted(by: { $0.category < $1.category }).enumerated() {
            if index > 0 { text.raw(",") }
            text.string(category.category)
            text.raw(":{")
            for (index, feature) in category.features.sorted(by: { $0.name < $1.name }).enumerated() {
                if index > 0 { text.raw(",") }
                // These texts are never escaped for HTML, so that operators can be read.
                var name = feature.name
                name.withUTF8 { text.labelString($0) }
                text.raw(":")
                text.bool(feature.isOn)
            }
            text.raw("}")
        }
        text.raw("}")
    }

    func storageStatus(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        var limit = 10
        let given = parameters["limit"]
        if !given.isEmpty {
            guard let value = Int(given), value >= 1 else {
                throw APIFailure(.badData, "limit must be a positive number")
            }
            guard value <= 10_000 else { throw APIFailure(.badData, "limit must not exceed 10000") }
            limit = value
        }
        let figures: StorageStatistics
        do throws(StorageError) {
            figures = try await store.statistics(limit: limit)
        } catch {
            throw Self.failure(error, .internal)
        }
        let data: JSONObject = [
            "headStats": [
                "numSeries": figures.activeSeries,
                "numLabelPairs": figures.labelPairs,
                "chunkCount": figures.chunks,
                "minTime": figures.minTime ?? .max,
                "maxTime": figures.maxTime ?? .min,
            ] as JSONObject,
            "seriesCountByMetricName": Self.counts(figures.seriesByMetricName),
            "labelValueCountByLabelName": Self.counts(figures.valuesByLabelName),
            "memoryInBytesByLabelName": Self.counts(figures.bytesByLabelName),
            "seriesCountByLabelValuePair": Self.counts(figures.seriesByLabelPair),
        ]
        return .json(data)
    }

    private static func counts(_ counts: [StorageStatistics.Count]) -> [JSONObject] {
        counts.map { ["name": $0.name, "value": $0.value] }
    }

    /// The longest formatted query: lines that are indented far multiply a short one.
    private static let formatLimit = 16 << 20

    func formatQuery(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let text = parameters["query"]
        let formatted = try await read("query") { parser throws(ParseError) in
            (try parser.parse(text)).prettified(limit: Self.formatLimit)
        }
        guard let formatted else {
            throw APIFailure(.execution, "the formatted query would be longer than \(Self.formatLimit >> 20)MiB")
        }
        return .json { $0.string(formatted) }
    }

    func parseQuery(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let text = parameters["query"]
        let expression = try await read("query") { parser throws(ParseError) in try parser.parse(text) }
        do throws(PromQLError) {
            return try await engine.working(on: expression.syntaxTreeBytes) {
                .json { Self.write(expression.syntaxTree, to: &$0) }
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private static func write(_ value: SyntaxTreeValue, to text: inout JSONText) {
        switch value {
        case .null: text.raw("null")
        case .bool(let value): text.bool(value)
        case .integer(let value): text.integer(value)
        case .number(let value): text.number(value)
        case .string(let value): text.string(value)
        case .array(let items):
            text.list(items) { item, text in
                write(item, to: &text)
            }
        case .object(let members):
            text.raw("{")
            for (index, member) in members.enumerated() {
                if index > 0 { text.raw(",") }
                text.string(member.name)
                text.raw(":")
                write(member.value, to: &text)
            }
            text.raw("}")
        }
    }
}
