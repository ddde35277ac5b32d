import MetricModel
import Pushgateway

/// What Prometheus has not: what the servers of this stack know of each other. Not for pages from elsewhere.
extension PrometheusServer {
    /// The most groups that are told of.
    private static let groupLimit = 20

    /// `/api/v1/stack`: the servers, who scrapes them, and whether the last reload worked.
    func survey(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        guard let survey = environment.survey else { throw APIFailure(.notFound, "this server is alone") }
        return .json { survey.write(isComplete: true, to: &$0) }
    }

    /// `/api/v1/stack/pushed?metric=NAME`: which groups of the Pushgateway hold a metric. `NAME` may be that of a histogram's or a
    /// summary's series.
    func pushed(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let metric = parameters["metric"]
        if metric.isEmpty { throw APIFailure(.badData, "no metric parameter provided") }
        let found = await environment.survey?.gateway?.holders(of: metric, limit: Self.groupLimit)
        return .json { text in
            text.raw("{")
            text.field("count", isFirst: true)
            text.integer(found?.count ?? 0)
            text.field("groups")
            text.raw("[")
            for (index, holder) in (found?.groups ?? []).enumerated() {
                if index > 0 { text.raw(",") }
                text.raw("{")
                text.field("labels", isFirst: true)
                text.labels(Labels(holder.key.labels))
                text.field("pushed")
                text.timestamp(holder.pushed)
                text.raw("}")
            }
            text.raw("]}")
        }
    }
}
