import Exposition
import MetricModel
import Scrape

/// What was read from a target last, with a verdict on its lines. Not an endpoint of Prometheus; the targets page shows it.
extension PrometheusServer {
    /// The most of a body that is shown.
    private static let shownBody = 512 * 1024
    /// The longest body that is judged and compared.
    private static let judgedBody = 8 << 20

    /// One at a time: a body may be as long as a scrape's may be.
    func lastScrape(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try await showingBody.alone { () throws(APIFailure) in try lastScrape(parameters, of: shownTarget(parameters)) }
    }

    private func lastScrape(
        _ parameters: APIParameters,
        of shown: (ScrapeManager, PoolSnapshot, ActiveTarget)
    ) throws(APIFailure) -> APIAnswer {
        let (scraper, pool, target) = shown
        let index = parameters["index"].isEmpty ? 0 : Int(parameters["index"]) ?? -1
        let kept = scraper.rawScrapes(
            pool: pool.name,
            labels: target.target.publicLabels,
            bodiesOf: index < 0 || index > 1000 ? 0..<0 : index..<index + 2
        )
        if kept.isEmpty { throw APIFailure(.notFound, "not scraped yet") }
        guard kept.indices.contains(index) else {
            throw APIFailure(
                .badData,
                "index counts from 0, the last scrape, to \(kept.count - 1), the oldest that is kept"
            )
        }
        let scrape = kept[index]
        let type = scrape.contentType
        let fallback = pool.config.fallbackProtocol?.format
        let format = ScrapeFormat.choose(contentType: type, fallback: fallback).format
        var difference: ExpositionDifference?
        if let format, let body = scrape.body, index + 1 < kept.count, let old = kept[index + 1].body,
            max(body.count, old.count) <= Self.judgedBody,
            let oldFormat = ScrapeFormat.choose(contentType: kept[index + 1].contentType, fallback: fallback).format
        {
            difference = ExpositionDifference(
                from: ExpositionContent(old, format: oldFormat),
                to: ExpositionContent(body, format: format)
            )
        }
        var data: JSONObject = [
            "time": JSONTime(scrape.time),
            "sampleTime": JSONTime(scrape.sampleTime),
            "status": scrape.status,
            "contentType": type,
            "format": format?.mediaType ?? "",
            "size": scrape.bodySize,
            "duration": Double(scrape.duration) / 1e9,
            "error": scrape.error,
            "kept": kept.count,
            "bodyKept": scrape.body != nil,
            "requestHeaders": TrafficJSON.headers(scrape.requestHeaders),
            "responseHeaders": TrafficJSON.headers(scrape.responseHeaders),
        ]
        data += Self.shown(scrape.body ?? [], type: type)
        data += ["difference": difference.map(TrafficJSON.difference)]
        return .json(data)
    }

    /// A target as the parameters `scrapePool` and `scrapeUrl` name it.
    func shownTarget(_ parameters: APIParameters) throws(APIFailure) -> (ScrapeManager, PoolSnapshot, ActiveTarget) {
        let pool = parameters["scrapePool"]
        let url = parameters["scrapeUrl"]
        if pool.isEmpty { throw APIFailure(.badData, "no scrapePool parameter provided") }
        guard let scraper, let found = scraper.pools(named: pool).first,
            let target = found.active.first(where: { $0.target.url == url })
        else {
            throw APIFailure(.notFound, "no target with scrapeUrl \(GoText.quoted(url)) in scrape pool \(pool)")
        }
        return (scraper, found, target)
    }

    private static func shown(_ body: [UInt8], type: String) -> JSONObject {
        let isText = !type.contains("protobuf")
        var shown = isText ? body[...] : []
        if shown.count > shownBody {
            let cut = shown[..<shownBody]
            shown = cut[..<(cut.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? shownBody)]
        }
        let format: ExpositionLinter.Format = type.contains("openmetrics") ? .openmetrics : .text
        return [
            "body": String(decoding: shown, as: UTF8.self),
            "truncated": isText && shown.count < body.count,
            "verdicts": TrafficJSON.verdicts(
                isText && !body.isEmpty && body.count <= judgedBody
                    ? ExpositionLinter.check(body, as: format).findings : []
            ),
            "bodyBase64": isText ? "" : Base64.encode(body.prefix(shownBody)),
        ]
    }
}

extension RawScrape {
    fileprivate var contentType: String {
        responseHeaders.first { $0.name.lowercased() == "content-type" }?.value ?? ""
    }
}
