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

    /// `/api/v1/status/config`: the configuration in use.
    func statusConfig(_ parameters: APIParameters) -> APIAnswer {
        .json { text in
            text.raw("{\"yaml\":")
            text.string(environment.configuration())
            text.raw("}")
        }
    }

    /// `/api/v1/status/runtimeinfo`: figures about the process.
    func statusRuntime(_ parameters: APIParameters) -> APIAnswer { .json { runtimeInfo(&$0) } }

    /// `/api/v1/status/buildinfo`: who built what.
    func statusBuild(_ parameters: APIParameters) -> APIAnswer { .json { write(settings.build, to: &$0) } }

    /// `/api/v1/status/flags`: all flags with their values.
    func statusFlags(_ parameters: APIParameters) -> APIAnswer {
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
    }

    /// `/api/v1/status/walreplay`: there is nothing to replay once the server answers.
    func statusReplay(_ parameters: APIParameters) -> APIAnswer {
        .json { $0.raw("{\"min\":0,\"max\":0,\"current\":0}") }
    }

    /// `/api/v1/features`: what is switched on.
    func listFeatures(_ parameters: APIParameters) -> APIAnswer { .json { features(&$0) } }

    /// `/api/v1/status/tsdb/blocks`: the store has no blocks as Prometheus's has.
    func statusBlocks(_ parameters: APIParameters) -> APIAnswer { .json { $0.raw("{\"blocks\":[]}") } }

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
        text.list(counts) { count, text in
            text.raw("{\"name\":")
            text.string(count.name)
            text.raw(",\"value\":")
            text.integer(count.value)
            text.raw("}")
        }
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
