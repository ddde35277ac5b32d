import Exposition
import MetricModel

/// How a client behaves on the wire, and from scrape to scrape.
extension ScrapeConformance {
    var gzip: ClientFinding {
        let answer = answer(.gzip)
        guard answer.status == 200 else { return ClientFinding(.gzip, .fail, answer.summary) }
        guard let coding = answer.header("Content-Encoding"), coding != "identity" else {
            return ClientFinding(.gzip, .warn, "not compressed: \(answer.body.count) bytes")
        }
        guard coding.lowercased() == "gzip" else { return ClientFinding(.gzip, .fail, "answered \(coding)") }
        guard let body = bodies[.gzip] else { return ClientFinding(.gzip, .fail, "the body is not gzip") }
        return ClientFinding(.gzip, .pass, "\(answer.body.count) bytes for \(body.count)")
    }

    var unaskedCoding: ClientFinding {
        let problems = answers.filter { $0.key != .gzip }.compactMap { $0.value.header("Content-Encoding") }
            .filter { $0.lowercased() != "identity" }
        return .unless(.unaskedCoding, problems.map { "answered Content-Encoding: \($0)" }, else: "sent as it is")
    }

    var head: ClientFinding {
        let answer = answer(.head)
        guard answer.failure.isEmpty else { return ClientFinding(.head, .fail, answer.failure) }
        if !answer.body.isEmpty { return ClientFinding(.head, .fail, "a body of \(answer.body.count) bytes") }
        // Prometheus never sends HEAD, so a refusal does no harm.
        return ClientFinding(.head, answer.status == 200 ? .pass : .warn, answer.summary)
    }

    var query: ClientFinding { expectSuccess(.query, .query) }

    var timeoutHeader: ClientFinding { expectSuccess(.timeoutHeader, .timeoutHeader) }

    private func expectSuccess(_ rule: ClientRule, _ probe: ClientProbe) -> ClientFinding {
        ClientFinding(rule, answer(probe).status == 200 ? .pass : .fail, answer(probe).summary)
    }

    var keepAlive: ClientFinding {
        let repeated = ClientProbe.repeated.map(answer)
        if let old = repeated.first(where: { $0.version != "1.1" && $0.failure.isEmpty }) {
            return ClientFinding(.keepAlive, .warn, "answered with HTTP/\(old.version), a connection for each scrape")
        }
        let closes = repeated.contains { $0.header("Connection")?.lowercased() == "close" }
        return ClientFinding(
            .keepAlive,
            closes ? .warn : .pass,
            closes ? "answered Connection: close" : "HTTP/1.1, not closed"
        )
    }

    var concurrent: ClientFinding {
        let problems = ClientProbe.concurrent.map(answer).filter { $0.status != 200 }.map(\.summary)
        return .unless(.concurrent, problems, else: "\(ClientProbe.concurrent.count) at once, all answered")
    }

    /// What has to hold from one scrape to the next.
    var repeats: [ClientFinding] {
        let scrapes = ClientProbe.repeated.compactMap { figures[$0] }.filter(\.error.isEmpty)
        let rules: [ClientRule] = [.monotone, .stableTypes, .stableCreated, .stableSeries]
        guard scrapes.count > 1 else { return rules.map { ClientFinding($0, .skip, "not scraped twice") } }
        var (falls, types, created, gone) = ([String](), [String](), [String](), [String]())
        var (counters, creations) = (0, 0)
        for (before, after) in zip(scrapes, scrapes.dropFirst()) {
            for (name, family) in before.families.sorted(by: { $0.key < $1.key }) {
                guard let now = after.families[name], now != family else { continue }
                let change =
                    now.type == family.type
                    ? "help from \(GoText.quoted(family.help)) to \(GoText.quoted(now.help))"
                    : "type from \(family.type.rawValue) to \(now.type.rawValue)"
                types.append("\(name) changed its \(change)")
            }
            for (labels, value) in before.samples.sorted(by: { $0.key < $1.key }) {
                let series = ObservedSeries.text(labels)
                guard let now = after.samples[labels] else {
                    gone.append("\(series) was gone at the next scrape")
                    continue
                }
                let change = "\(series) from \(GoNumber.text(value, .shortest)) to \(GoNumber.text(now, .shortest))"
                switch before.kind(of: labels) {
                case .counter:
                    counters += 1
                    if now < value { falls.append(change) }
                case .created:
                    creations += 1
                    if now != value { created.append(change) }
                case .other: break
                }
            }
        }
        return [
            .unless(.monotone, falls, else: "\(counters) values compared, none went down"),
            .unless(.stableTypes, types, else: "\(scrapes[0].families.count) families, the same each time"),
            creations == 0
                ? ClientFinding(.stableCreated, .skip, "there is no _created")
                : .unless(.stableCreated, created, else: "\(creations) compared, none changed"),
            .unless(.stableSeries, gone, else: "\(scrapes[0].samples.count) series, all there each time", .warn),
        ]
    }
}
