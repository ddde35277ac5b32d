import Exposition
import MetricModel
import PrometheusClient

/// Families as an answer to a scrape.
enum MetricsAnswer {
    /// What a Go server without OpenMetrics offers besides text.
    static let offered: Set<ExpositionFormat.Kind> = [.text1, .protobuf]

    /// What a gatherer has, in the form that the scraper asks for.
    static func response(to request: WebRequest, gatherer: any MetricGatherer) -> WebResponse {
        do {
            return response(to: request, families: try gatherer.gather())
        } catch {
            return .error("An error has occurred while serving metrics:\n\n\(error)", status: 500)
        }
    }

    /// The form that the scraper asks for.
    static func format(for request: WebRequest) -> ExpositionFormat {
        ExpositionFormat.negotiate(accept: request.headers["Accept"] ?? "", offered: offered)
    }

    /// Families in the form that the scraper asks for.
    static func response(to request: WebRequest, families: [MetricFamily]) -> WebResponse {
        let format = format(for: request)
        var response = WebResponse(
            headers: [("Content-Type", format.contentType)],
            body: .bytes(FamilyEncoder.encode(families, as: format))
        )
        // Unlike the API, what is scraped is small or compressed, never both.
        if case .bytes(let bytes) = response.body, bytes.count > 1024,
            ContentCoding.negotiated(request.headers["Accept-Encoding"]) == .gzip
        {
            response.body = .bytes(Deflater(.gzip).compress(bytes, isLast: true))
            response.headers.append(("Content-Encoding", "gzip"))
        }
        return response
    }
}
