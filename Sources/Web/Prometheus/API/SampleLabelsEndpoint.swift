import MetricModel
import Scrape

/// Which labels a target's samples are stored with. Not an endpoint of Prometheus; the page of the targets shows it.
extension PrometheusServer {
    /// `/api/v1/targets/sample_labels?scrapePool=POOL&scrapeUrl=URL`
    func sampleLabels(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let pool = parameters["scrapePool"]
        let url = parameters["scrapeUrl"]
        if pool.isEmpty { throw APIFailure(.badData, "no scrapePool parameter provided") }
        guard let scraper, let found = scraper.pools(named: pool).first,
            let target = found.active.first(where: { $0.target.url == url })
        else {
            throw APIFailure(.notFound, "no target with scrapeUrl \(GoText.quoted(url)) in scrape pool \(pool)")
        }
        guard let survey = scraper.sampleLabels(pool: pool, labels: target.target.publicLabels) else {
            throw APIFailure(.notFound, "nothing of it was read yet")
        }
        return .json { text in
            text.raw("{")
            text.field("honorLabels", isFirst: true)
            text.bool(survey.honorsLabels)
            text.field("series")
            text.integer(survey.series)
            text.field("labels")
            text.raw("[")
            for (index, row) in survey.rows.enumerated() {
                if index > 0 { text.raw(",") }
                Self.write(row, to: &text)
            }
            text.raw("]}")
        }
    }

    private static func write(_ row: SampleLabelSurvey.Row, to text: inout JSONText) {
        text.raw("{")
        text.field("name", isFirst: true)
        text.string(row.name)
        text.field("target")
        if let target = row.target { text.string(target) } else { text.raw("null") }
        text.field("values")
        text.list(row.values) { value, text in
            text.raw("{")
            text.field("value", isFirst: true)
            text.string(value.value)
            text.field("series")
            text.integer(value.series)
            text.raw("}")
        }
        text.field("others")
        text.integer(row.others)
        text.raw("}")
    }
}
