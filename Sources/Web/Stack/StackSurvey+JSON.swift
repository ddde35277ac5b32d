import Exposition
import MetricModel
import Pushgateway
import Scrape

extension StackSurvey {
    /// Writes the survey.
    /// - Parameter isComplete: whether the configuration's mistakes are told, which is for whoever may see the configuration.
    func write(isComplete: Bool, to text: inout JSONText) {
        let now = surroundings()
        text.raw("{")
        text.field("time", isFirst: true)
        text.timestamp(clock.now)
        text.field("prometheus")
        Self.write(now.prometheus, to: &text)
        text.field("pushgateway")
        writeGateway(now, to: &text)
        text.field("demo")
        let demo = readers(of: now.demo, path: "/metrics", hostNames: now.hostNames)
        Self.write(now.demo, to: &text) { text in
            text.field("scrapedBy")
            write(demo, to: &text)
        }
        text.field("reload")
        write(now, isComplete: isComplete, to: &text)
        text.raw("}")
    }

    private static func write(
        _ server: StackServerAddress?,
        to text: inout JSONText,
        more: (inout JSONText) -> Void = { _ in }
    ) {
        guard let server else { return text.raw("null") }
        text.raw("{")
        text.field("scheme", isFirst: true)
        text.string(server.listening.scheme)
        text.field("host")
        text.string(server.listening.host)
        text.field("port")
        text.integer(server.listening.port)
        text.field("path")
        text.string(server.path)
        text.field("externalUrl")
        text.string(server.externalURL)
        more(&text)
        text.raw("}")
    }

    private func writeGateway(_ now: Surroundings, to text: inout JSONText) {
        guard let server = now.pushgateway else { return text.raw("null") }
        let path = server.path.dropLast() + now.telemetryPath
        let readers = readers(of: server, path: String(path), hostNames: now.hostNames)
        Self.write(server, to: &text) { text in
            text.field("groups")
            text.integer(gateway?.groupCount ?? 0)
            text.field("scrapedBy")
            write(readers, to: &text)
            text.field("job")
            text.string(Self.job(for: server, path: String(path)))
        }
    }

    /// The lines that make a job of the Pushgateway, to be put below `scrape_configs:`.
    package static func job(for server: StackServerAddress, path: String) -> String {
        var lines = ["  - job_name: pushgateway", "    honor_labels: true"]
        if server.listening.scheme != "http" { lines.append("    scheme: \(server.listening.scheme)") }
        if path != "/metrics" { lines.append("    metrics_path: \(path)") }
        let host = server.listening.reachableHost == "127.0.0.1" ? "localhost" : server.listening.reachableHost
        lines += ["    static_configs:", "      - targets: [\"\(host):\(server.namedPort ?? server.listening.port)\"]"]
        return lines.joined(separator: "\n")
    }

    private func write(_ readers: [Reader], to text: inout JSONText) {
        text.raw("[")
        for (index, reader) in readers.enumerated() {
            let target = reader.target
            if index > 0 { text.raw(",") }
            text.raw("{")
            text.field("scrapePool", isFirst: true)
            text.string(target.scrapePool)
            text.field("scrapeUrl")
            text.string(RecordedTraffic.url(target.target.url))
            text.field("labels")
            text.labels(target.target.publicLabels)
            text.field("honorLabels")
            text.bool(reader.honorsLabels)
            text.field("health")
            text.string(target.report.health.rawValue)
            text.field("interval")
            text.number(Double(target.target.interval.milliseconds) / 1000)
            text.field("lastScrape")
            write(target.report.lastScrape, to: &text)
            text.field("nextScrape")
            write(nextScrape(of: target), to: &text)
            text.raw("}")
        }
        text.raw("]")
    }

    private func write(_ time: Timestamp?, to text: inout JSONText) {
        if let time { text.timestamp(time) } else { text.raw("null") }
    }

    private func write(_ now: Surroundings, isComplete: Bool, to text: inout JSONText) {
        text.raw("{")
        text.field("failed", isFirst: true)
        text.bool(now.failedReload != nil)
        text.field("since")
        write(now.failedReload.map { $0.since / 1_000_000 }, to: &text)
        if isComplete {
            text.field("file")
            text.string(now.configFile)
            text.field("errors")
            text.strings((now.failedReload?.error ?? "").split(separator: "\n").map(String.init))
        }
        text.raw("}")
    }

    /// The survey as another server of the stack answers it, whose readers need not be those who may see the configuration.
    func response() -> WebResponse {
        var text = JSONText()
        text.raw("{\"status\":\"success\",\"data\":")
        write(isComplete: false, to: &text)
        text.raw("}")
        return WebResponse(
            headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store")],
            body: .bytes(text.bytes)
        )
    }
}
