import MetricModel
import PrometheusClient

/// Families as an answer to a scrape.
enum MetricsAnswer {
    /// What a gatherer has, in the form that the scraper asks for.
    static func response(to request: WebRequest, gatherer: any MetricGatherer) -> WebResponse {
        do {
            return response(to: request, families: try gatherer.gather())
        } catch {
            return .error("An error has occurred while serving metrics:\n\n\(error)", status: 500)
        }
    }

    /// Families in the form that the scraper asks for.
    static func response(to request: WebRequest, families: [MetricFamily]) -> WebResponse {
        guard request.method == .get || request.method == .head else { return .methodNotAllowed("GET, HEAD") }
        return WebResponse(
            headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")],
            body: .bytes([])
        )
    }
}
