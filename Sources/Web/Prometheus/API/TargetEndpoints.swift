import ConfigTree
import MetricModel
import PromQL
import Scrape

extension PrometheusServer {
    func targets(_ parameters: APIParameters) -> APIAnswer {
        let wanted = parameters.query["scrapePool"]
        let state = parameters.query["state"].lowercased()
        let showsActive = ["", "any", "active"].contains(state)
        let showsDropped = ["", "any", "dropped"].contains(state)
        let all = scraper?.pools(named: nil) ?? []
        let pools = all.filter { wanted.isEmpty || $0.name == wanted }.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        let counts = all.sorted { $0.name < $1.name }.map { ($0.name, $0.droppedCount) }
        let data: JSONObject = [
            "activeTargets": showsActive ? pools.flatMap(\.active).map(json) : [],
            "droppedTargets": showsDropped
                ? pools.flatMap(\.dropped).map { target -> JSONObject in
                    ["discoveredLabels": target.discoveredLabels, "scrapePool": target.scrapePool]
                } : [],
            "droppedTargetCounts": showsDropped ? JSONObject(counts) : nil,
        ]
        return .json(data)
    }

    func json(_ target: ActiveTarget) -> JSONObject {
        let labels = target.target.labels
        let last = target.report.lastScrape.map { CivilTime.rfc3339(nanoseconds: $0 * 1_000_000) }
        return [
            "discoveredLabels": target.discoveredLabels,
            "labels": target.target.publicLabels,
            "scrapePool": target.scrapePool,
            "scrapeUrl": target.target.url,
            "globalUrl": globalURL(target.target.url),
            "lastError": target.report.lastError,
            "lastScrape": last ?? "0001-01-01T00:00:00Z",
            "lastScrapeDuration": Double(target.report.lastDuration) / 1e9,
            "health": target.report.health.rawValue,
            "scrapeInterval": labels[TargetLabel.scrapeInterval] ?? target.target.interval.description,
            "scrapeTimeout": labels[TargetLabel.scrapeTimeout] ?? target.target.timeout.description,
        ]
    }

    /// The URL as outsiders reach it: a local host's name is replaced by this server's.
    private func globalURL(_ url: String) -> String {
        guard let start = url.firstRange(of: "//")?.upperBound else { return url }
        let rest = url[start...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = String(rest[..<end])
        let (host, port) = Self.hostAndPort(authority)
        guard ["127.0.0.1", "localhost", "::1"].contains(host) else { return url }
        let own = Self.hostAndPort(settings.externalHost)
        if let port, port == settings.listenPort {
            return settings.externalScheme + "://" + settings.externalHost + rest[end...]
        }
        let name = own.host.contains(":") ? "[\(own.host)]" : own.host
        return url[..<start] + name + (port.map { $0.isEmpty ? "" : ":" + $0 } ?? "") + rest[end...]
    }

    private static func hostAndPort(_ text: String) -> (host: String, port: String?) {
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") else {
            return (text.filter { $0 != "[" && $0 != "]" }, nil)
        }
        return (text[..<colon].filter { $0 != "[" && $0 != "]" }, String(text[text.index(after: colon)...]))
    }

    func scrapePools(_ parameters: APIParameters) -> APIAnswer {
        let names = (scraper?.poolNames ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return .json(["scrapePools": names] as JSONObject)
    }

    private func pool(_ parameters: APIParameters) throws(APIFailure) -> String {
        let pool = parameters["scrapePool"]
        if pool.isEmpty { throw APIFailure(.badData, "no scrapePool parameter provided") }
        return pool
    }

    private func unknownPool(_ name: String) -> APIFailure {
        APIFailure(.badData, "error retrieving scrape config: scrape pool \(GoText.quoted(name)) not found")
    }

    func scrapePoolConfig(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let name = try pool(parameters)
        guard let config = scraper?.config(ofPool: name) else { throw unknownPool(name) }
        return .json(["yaml": config.yaml] as JSONObject)
    }

    func relabelSteps(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let name = try pool(parameters)
        let given = parameters["labels"]
        if given.isEmpty { throw APIFailure(.badData, "no labels parameter provided") }
        let pairs: [Label]
        do throws(ConfigError) {
            pairs = try JSONReader.strings(Array(given.utf8), file: "labels").map {
                Label(name: $0.key, value: $0.value)
            }
        } catch {
            throw APIFailure(.badData, "error parsing labels: \(error.reason)")
        }
        // Rules with groups may take long over what somebody sends.
        let (scraper, labels) = (scraper, Labels(pairs))
        let found: [Relabeller.Step]?
        do throws(PromQLError) {
            found = try await engine.working { scraper?.relabelSteps(pool: name, labels: labels) }
        } catch {
            throw Self.failure(error)
        }
        guard let steps = found else { throw unknownPool(name) }
        let shown = steps.map { step -> JSONObject in
            ["rule": Self.json(step.rule), "output": step.output, "keep": step.isKept]
        }
        return .json(["steps": shown] as JSONObject)
    }

    private static func json(_ rule: RelabelRule) -> JSONObject {
        var object: JSONObject = [:]
        if let labels = rule.sourceLabels, !labels.isEmpty { object.add("source_labels", labels) }
        object += ["separator": rule.separator, "regex": rule.regex]
        if rule.modulus != 0 { object.add("modulus", rule.modulus) }
        if !rule.targetLabel.isEmpty { object.add("target_label", rule.targetLabel) }
        object += ["replacement": rule.replacement, "action": rule.action.rawValue]
        return object
    }

    private static func count(_ text: String, _ name: String) throws(APIFailure) -> Int? {
        guard !text.isEmpty else { return nil }
        guard let value = Int(text) else { throw APIFailure(.badData, "\(name) must be a number") }
        return value
    }

    func targetMetadata(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let limit = try Self.count(parameters["limit"], "limit")
        var matchers: [LabelMatcher] = []
        let match = parameters["match_target"]
        if !match.isEmpty {
            matchers = try await read("match_target") { parser throws(ParseError) in try parser.parseSelector(match) }
        }
        let family = parameters["metric"]
        let wanted = matchers
        var found =
            scraper?.metadata(
                of: { labels in wanted.allSatisfy { $0.matches(labels) } },
                family: family.isEmpty ? nil : family
            ) ?? []
        if let limit, limit >= 0, found.count > limit {
            // A target that was begun is shown whole.
            var end = limit
            while end > 0, end < found.count, found[end].target == found[end - 1].target { end += 1 }
            found.removeLast(found.count - end)
        }
        let isShown = family.isEmpty
        let entries = found.map { entry in
            var object: JSONObject = ["target": entry.target]
            if isShown, !entry.family.isEmpty { object.add("metric", entry.family) }
            object += [
                "type": entry.metadata.type.rawValue, "help": entry.metadata.help, "unit": entry.metadata.unit,
            ]
            return object
        }
        return .json(entries)
    }

    func metricMetadata(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let limit = try Self.count(parameters["limit"], "limit")
        let limitPerMetric = try Self.count(parameters["limit_per_metric"], "limit_per_metric") ?? -1
        let family = parameters["metric"]
        var families: [String: [MetricMetadata]] = [:]
        for entry in scraper?.metadata(of: { _ in true }, family: family.isEmpty ? nil : family) ?? [] {
            let known = families[entry.family] ?? []
            if known.contains(entry.metadata) || (limitPerMetric > 0 && known.count >= limitPerMetric) { continue }
            families[entry.family] = known + [entry.metadata]
        }
        var sorted = families.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        if let limit, limit >= 0, sorted.count > limit { sorted.removeLast(sorted.count - limit) }
        let data = sorted.map { family in
            let entries = family.value.map { metadata -> JSONObject in
                ["type": metadata.type.rawValue, "unit": metadata.unit, "help": metadata.help]
            }
            return (family.key, entries)
        }
        return .json(JSONObject(data))
    }

    /// `POST /api/v1/scrape?job=`: scrapes now and answers when the samples can be queried.
    func scrapeNow(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        guard let scraper else { throw APIFailure(.unavailable, "nothing is scraped here") }
        let job = parameters["job"]
        if !job.isEmpty, !scraper.poolNames.contains(job) {
            throw APIFailure(.notFound, "there is no job \(GoText.quoted(job))")
        }
        await environment.beforeScrape(job.isEmpty ? nil : job)
        await scraper.scrapeNow(job: job.isEmpty ? nil : job)
        return targetList(scraper.pools(named: job.isEmpty ? nil : job))
    }
}
