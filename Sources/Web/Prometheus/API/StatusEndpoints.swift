import MetricModel
import PromQL

extension PrometheusServer {
    /// What `/version` answers.
    var version: String {
        var text = JSONText()
        write(settings.build, to: &text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    private func write(_ build: PrometheusSettings.BuildInfo, to text: inout JSONText) {
        text.raw("{")
        text.field("version", isFirst: true)
        text.string(build.version)
        text.field("revision")
        text.string(build.revision)
        text.field("branch")
        text.string(build.branch)
        text.field("buildUser")
        text.string(build.buildUser)
        text.field("buildDate")
        text.string(build.buildDate)
        text.field("goVersion")
        text.string(build.goVersion)
        text.raw("}")
    }

    /// The endpoints that tell about the server itself.
    func status(_ route: PrometheusRoute.APIRoute) -> APIAnswer {
        switch route {
        case .config:
            .json { text in
                text.raw("{\"yaml\":")
                text.string(environment.configuration())
                text.raw("}")
            }
        case .runtimeInfo: .json { runtimeInfo(&$0) }
        case .buildInfo: .json { write(settings.build, to: &$0) }
        case .flags:
            .json { text in
                text.raw("{")
                for (index, flag) in settings.flags.enumerated() {
                    if index > 0 { text.raw(",") }
                    text.string(flag.name)
                    text.raw(":")
                    text.string(flag.value)
                }
                text.raw("}")
            }
        case .walReplay: .json { $0.raw("{\"min\":0,\"max\":0,\"current\":0}") }
        case .features: .json { features(&$0) }
        case .tsdbBlocks: .json { $0.raw("{\"blocks\":[]}") }
        default: .json { $0.raw("[]") }
        }
    }

    private func runtimeInfo(_ text: inout JSONText) {
        let runtime = environment.runtime()
        text.raw("{")
        text.field("startTime", isFirst: true)
        text.string(CivilTime.rfc3339(nanoseconds: runtime.startNanoseconds))
        text.field("CWD")
        text.string(runtime.workingFolder)
        text.field("hostname")
        text.string(runtime.hostName)
        text.field("serverTime")
        text.string(CivilTime.rfc3339(nanoseconds: clock.wallNanoseconds))
        text.field("reloadConfigSuccess")
        text.bool(runtime.isLastReloadGood)
        text.field("lastConfigTime")
        text.string(CivilTime.rfc3339(nanoseconds: runtime.lastReload * 1_000_000_000))
        text.field("corruptionCount")
        text.integer(0)
        text.field("goroutineCount")
        text.integer(runtime.threads)
        text.field("GOMAXPROCS")
        text.integer(runtime.processors)
        text.field("GOMEMLIMIT")
        text.integer(Int64.max)
        text.field("GOGC")
        text.string("")
        text.field("GODEBUG")
        text.string("")
        text.field("storageRetention")
        text.string(settings.retentionText)
        text.raw("}")
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
        return .json { text in
            text.raw("{\"headStats\":{")
            text.field("numSeries", isFirst: true)
            text.integer(figures.activeSeries)
            text.field("numLabelPairs")
            text.integer(figures.labelPairs)
            text.field("chunkCount")
            text.integer(figures.chunks)
            text.field("minTime")
            text.integer(figures.minTime ?? .max)
            text.field("maxTime")
            text.integer(figures.maxTime ?? .min)
            text.raw("}")
            text.field("seriesCountByMetricName")
            counts(figures.seriesByMetricName, &text)
            text.field("labelValueCountByLabelName")
            counts(figures.valuesByLabelName, &text)
            text.field("memoryInBytesByLabelName")
            counts(figures.bytesByLabelName, &text)
            text.field("seriesCountByLabelValuePair")
            counts(figures.seriesByLabelPair, &text)
            text.raw("}")
        }
    }

    private func counts(_ counts: [StorageStatistics.Count], _ text: inout JSONText) {
        text.raw("[")
        for (index, count) in counts.enumerated() {
            if index > 0 { text.raw(",") }
            text.raw("{\"name\":")
            text.string(count.name)
            text.raw(",\"value\":")
            text.integer(count.value)
            text.raw("}")
        }
        text.raw("]")
    }

    func formatQuery(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let expression = try parsed(parameters["query"])
        return .json { $0.string(expression.prettified) }
    }

    func parseQuery(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let expression = try parsed(parameters["query"])
        return .json { Self.write(expression.syntaxTree, to: &$0) }
    }

    private func parsed(_ query: String) throws(APIFailure) -> Expr {
        do throws(ParseError) {
            return try parser.parse(query)
        } catch {
            throw .invalid("query", error.description)
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
            text.raw("[")
            for (index, item) in items.enumerated() {
                if index > 0 { text.raw(",") }
                write(item, to: &text)
            }
            text.raw("]")
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
