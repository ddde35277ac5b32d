import MetricModel
import Scrape

/// Which labels a target's samples are stored with. Not an endpoint of Prometheus; the page of the targets shows it.
extension PrometheusServer {
    /// `/api/v1/targets/sample_labels?scrapePool=POOL&scrapeUrl=URL`
    func sampleLabels(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let (scraper, pool, target) = try shownTarget(parameters)
        let survey = await showingBody.alone {
            scraper.sampleLabels(pool: pool.name, labels: target.target.publicLabels)
        }
        guard let survey else {
            throw APIFailure(.notFound, "nothing of it was read yet, or what was read last was too long to be kept")
        }
        let data: JSONObject = [
            "honorLabels": survey.honorsLabels,
            "series": survey.series,
            "labels": survey.rows.map { row -> JSONObject in
                [
                    "name": row.name,
                    "target": row.target,
                    "values": row.values.map { ["value": $0.value, "series": $0.series] as JSONObject },
                    "others": row.others,
                ]
            },
        ]
        return .json(data)
    }
}
