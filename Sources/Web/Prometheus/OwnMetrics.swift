import MetricModel

extension PrometheusServer {
    /// `/metrics`: the server's own figures.
    func ownMetrics(_ request: WebRequest) async -> WebResponse {
        let families = await environment.metrics() + requests.families + figures.families
        return MetricsAnswer.response(
            to: request,
            families: families.filter { !$0.metrics.isEmpty }.sorted {
                $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
            }
        )
    }
}
