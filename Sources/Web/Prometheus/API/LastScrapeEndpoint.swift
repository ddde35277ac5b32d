import Exposition
import MetricModel
import Scrape

/// What was read from a target last, with a verdict on its lines. Not an endpoint of Prometheus; the targets page shows it.
extension PrometheusServer {
    /// The most of a body that is shown.
    private static let shownBody = 512 * 1024

    func lastScrape(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let pool = parameters["scrapePool"]
        let url = parameters["scrapeUrl"]
        if pool.isEmpty { throw APIFailure(.badData, "no scrapePool parameter provided") }
        guard let scraper, let found = scraper.pools(named: pool).first,
            let target = found.active.first(where: { $0.target.url == url })
        else {
            throw APIFailure(.notFound, "no target with scrapeUrl \(GoText.quoted(url)) in scrape pool \(pool)")
        }
        guard let scrape = scraper.rawScrapes(pool: pool, labels: target.target.publicLabels).first else {
            throw APIFailure(.notFound, "not scraped yet")
        }
        let type = scrape.responseHeaders.first { $0.name.lowercased() == "content-type" }?.value ?? ""
        return .json { text in
            text.raw("{\"time\":")
            text.timestamp(scrape.time)
            text.raw(",\"status\":")
            text.integer(scrape.status)
            text.raw(",\"contentType\":")
            text.string(type)
            text.raw(",\"size\":")
            text.integer(scrape.bodySize)
            text.raw(",\"duration\":")
            text.number(Double(scrape.duration) / 1e9)
            text.raw(",\"error\":")
            text.string(scrape.error)
            Self.write(scrape.body ?? [], type: type, to: &text)
            text.raw("}")
        }
    }

    private static func write(_ body: [UInt8], type: String, to text: inout JSONText) {
        let isText = !type.contains("protobuf")
        var shown = isText ? body[...] : []
        if shown.count > shownBody {
            let cut = shown[..<shownBody]
            shown = cut[..<(cut.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? shownBody)]
        }
        text.raw(",\"body\":")
        text.string(String(decoding: shown, as: UTF8.self))
        text.raw(",\"truncated\":")
        text.bool(isText && shown.count < body.count)
        text.raw(",\"verdicts\":[")
        let format: ExpositionLinter.Format = type.contains("openmetrics") ? .openmetrics : .text
        let findings = isText && !body.isEmpty ? ExpositionLinter.check(body, as: format).findings : []
        for (index, finding) in findings.enumerated() {
            if index > 0 { text.raw(",") }
            text.raw("{\"line\":")
            text.integer(finding.line)
            text.raw(",\"verdict\":")
            text.string(finding.severity == .error ? "error" : "warning")
            text.raw(",\"message\":")
            text.string(finding.metric.isEmpty ? finding.message : "\(finding.metric): \(finding.message)")
            text.raw(",\"remedy\":")
            text.string(finding.remedy)
            text.raw("}")
        }
        text.raw("]")
    }
}
