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
        return .json { text in
            text.raw("{\"activeTargets\":[")
            var isFirst = true
            if showsActive {
                for pool in pools {
                    for target in pool.active {
                        if !isFirst { text.raw(",") }
                        isFirst = false
                        write(target, to: &text)
                    }
                }
            }
            text.raw("],\"droppedTargets\":[")
            isFirst = true
            if showsDropped {
                for pool in pools {
                    for target in pool.dropped {
                        if !isFirst { text.raw(",") }
                        isFirst = false
                        text.raw("{\"discoveredLabels\":")
                        text.labels(target.discoveredLabels)
                        text.raw(",\"scrapePool\":")
                        text.string(target.scrapePool)
                        text.raw("}")
                    }
                }
            }
            text.raw("],\"droppedTargetCounts\":")
            if showsDropped {
                text.raw("{")
                for (index, pool) in all.sorted(by: { $0.name < $1.name }).enumerated() {
                    if index > 0 { text.raw(",") }
                    text.string(pool.name)
                    text.raw(":")
                    text.integer(pool.droppedCount)
                }
                text.raw("}}")
            } else {
                text.raw("null}")
            }
        }
    }

    func write(_ target: ActiveTarget, to text: inout JSONText) {
        let labels = target.target.labels
        text.raw("{\"discoveredLabels\":")
        text.labels(target.discoveredLabels)
        text.raw(",\"labels\":")
        text.labels(target.target.publicLabels)
        text.raw(",\"scrapePool\":")
        text.string(target.scrapePool)
        text.raw(",\"scrapeUrl\":")
        text.string(target.target.url)
        text.raw(",\"globalUrl\":")
        text.string(globalURL(target.target.url))
        text.raw(",\"lastError\":")
        text.string(target.report.lastError)
        text.raw(",\"lastScrape\":")
        text.string(
            target.report.lastScrape.map { CivilTime.rfc3339(nanoseconds: $0 * 1_000_000) } ?? "0001-01-01T00:00:00Z"
        )
        text.raw(",\"lastScrapeDuration\":")
        text.number(Double(target.report.lastDuration) / 1e9)
        text.raw(",\"health\":")
        text.string(target.report.health.rawValue)
        text.raw(",\"scrapeInterval\":")
        text.string(labels[TargetLabel.scrapeInterval] ?? target.target.interval.description)
        text.raw(",\"scrapeTimeout\":")
        text.string(labels[TargetLabel.scrapeTimeout] ?? target.target.timeout.description)
        text.raw("}")
    }

    /// The URL as outsiders reach it: a local host's name is replaced by this server's.
    private func globalURL(_ url: String) -> String {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return url }
        let start = url.index(colon, offsetBy: 3)
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
        return url[..<start] + name + (port.map { ":" + $0 } ?? "") + rest[end...]
    }

    private static func hostAndPort(_ text: String) -> (host: String, port: String?) {
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") else {
            return (text.filter { $0 != "[" && $0 != "]" }, nil)
        }
        return (text[..<colon].filter { $0 != "[" && $0 != "]" }, String(text[text.index(after: colon)...]))
    }

    func scrapePools(_ parameters: APIParameters) -> APIAnswer {
        let names = (scraper?.poolNames ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return .json { text in
            text.raw("{\"scrapePools\":")
            text.strings(names)
            text.raw("}")
        }
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
        return .json { text in
            text.raw("{\"yaml\":")
            text.string(config.yaml)
            text.raw("}")
        }
    }

    func relabelSteps(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
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
        guard let steps = scraper?.relabelSteps(pool: name, labels: Labels(pairs)) else { throw unknownPool(name) }
        return .json { text in
            text.raw("{\"steps\":[")
            for (index, step) in steps.enumerated() {
                if index > 0 { text.raw(",") }
                text.raw("{\"rule\":")
                Self.write(step.rule, to: &text)
                text.raw(",\"output\":")
                text.labels(step.output)
                text.raw(",\"keep\":")
                text.bool(step.isKept)
                text.raw("}")
            }
            text.raw("]}")
        }
    }

    private static func write(_ rule: RelabelRule, to text: inout JSONText) {
        text.raw("{")
        if let labels = rule.sourceLabels, !labels.isEmpty {
            text.raw("\"source_labels\":")
            text.strings(labels)
            text.raw(",")
        }
        text.raw("\"separator\":")
        text.string(rule.separator)
        text.raw(",\"regex\":")
        text.string(rule.regex)
        if rule.modulus != 0 {
            text.raw(",\"modulus\":")
            text.integer(rule.modulus)
        }
        if !rule.targetLabel.isEmpty {
            text.raw(",\"target_label\":")
            text.string(rule.targetLabel)
        }
        text.raw(",\"replacement\":")
        text.string(rule.replacement)
        text.raw(",\"action\":")
        text.string(rule.action.rawValue)
        text.raw("}")
    }

    private static func count(_ text: String, _ name: String) throws(APIFailure) -> Int? {
        guard !text.isEmpty else { return nil }
        guard let value = Int(text) else { throw APIFailure(.badData, "\(name) must be a number") }
        return value
    }

    func targetMetadata(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let limit = try Self.count(parameters["limit"], "limit")
        var matchers: [LabelMatcher] = []
        let match = parameters["match_target"]
        if !match.isEmpty {
            do throws(ParseError) {
                matchers = try parser.parseSelector(match)
            } catch {
                throw .invalid("match_target", error.description)
            }
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
        return .json { text in
            text.list(found) { entry, text in
                text.raw("{\"target\":")
                text.labels(entry.target)
                if family.isEmpty {
                    text.raw(",\"metric\":")
                    text.string(entry.family)
                }
                text.raw(",\"type\":")
                text.string(entry.metadata.type.rawValue)
                text.raw(",\"help\":")
                text.string(entry.metadata.help)
                text.raw(",\"unit\":")
                text.string(entry.metadata.unit)
                text.raw("}")
            }
        }
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
        return .json { text in
            text.raw("{")
            for (index, family) in sorted.enumerated() {
                if index > 0 { text.raw(",") }
                text.string(family.key)
                text.raw(":[")
                for (index, metadata) in family.value.enumerated() {
                    if index > 0 { text.raw(",") }
                    text.raw("{\"type\":")
                    text.string(metadata.type.rawValue)
                    text.raw(",\"unit\":")
                    text.string(metadata.unit)
                    text.raw(",\"help\":")
                    text.string(metadata.help)
                    text.raw("}")
                }
                text.raw("]")
            }
            text.raw("}")
        }
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
