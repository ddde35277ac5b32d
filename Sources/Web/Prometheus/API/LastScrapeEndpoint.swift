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
        let kept = scraper.rawScrapes(pool: pool, labels: target.target.publicLabels)
        let index = parameters["index"].isEmpty ? 0 : Int(parameters["index"]) ?? -1
        if kept.isEmpty { throw APIFailure(.notFound, "not scraped yet") }
        guard kept.indices.contains(index) else {
            throw APIFailure(
                .badData,
                "index counts from 0, the last scrape, to \(kept.count - 1), the oldest that is kept"
            )
        }
        let scrape = kept[index]
        let type = scrape.contentType
        let fallback = found.config.fallbackProtocol?.format
        let format = ScrapeFormat.choose(contentType: type, fallback: fallback).format
        return .json { text in
            text.raw("{\"time\":")
            text.timestamp(scrape.time)
            text.raw(",\"sampleTime\":")
            text.timestamp(scrape.sampleTime)
            text.raw(",\"status\":")
            text.integer(scrape.status)
            text.raw(",\"contentType\":")
            text.string(type)
            text.raw(",\"format\":")
            text.string(format?.mediaType ?? "")
            text.raw(",\"size\":")
            text.integer(scrape.bodySize)
            text.raw(",\"duration\":")
            text.number(Double(scrape.duration) / 1e9)
            text.raw(",\"error\":")
            text.string(scrape.error)
            text.raw(",\"kept\":")
            text.integer(kept.count)
            text.raw(",\"requestHeaders\":")
            TrafficJSON.write(scrape.requestHeaders, to: &text)
            text.raw(",\"responseHeaders\":")
            TrafficJSON.write(scrape.responseHeaders, to: &text)
            Self.write(scrape.body ?? [], type: type, to: &text)
            text.raw(",\"difference\":")
            if let format, let body = scrape.body, index + 1 < kept.count, let old = kept[index + 1].body,
                let oldFormat = ScrapeFormat.choose(contentType: kept[index + 1].contentType, fallback: fallback).format
            {
                let difference = ExpositionDifference(
                    from: ExpositionContent(old, format: oldFormat),
                    to: ExpositionContent(body, format: format)
                )
                TrafficJSON.write(difference, to: &text)
            } else {
                text.raw("null")
            }
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
        text.raw(",\"verdicts\":")
        let format: ExpositionLinter.Format = type.contains("openmetrics") ? .openmetrics : .text
        TrafficJSON.write(isText && !body.isEmpty ? ExpositionLinter.check(body, as: format).findings : [], to: &text)
        text.raw(",\"bodyBase64\":")
        text.string(isText ? "" : Base64.encode(body.prefix(shownBody)))
    }
}

extension RawScrape {
    fileprivate var contentType: String {
        responseHeaders.first { $0.name.lowercased() == "content-type" }?.value ?? ""
    }
}
