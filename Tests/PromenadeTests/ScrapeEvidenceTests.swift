import ConfigTree
import MetricModel
import Promenade
import PromenadeTesting
import Testing

/// What waits to be scraped is told where an expectation finds nothing.
@Suite(.timeLimit(.minutes(5))) struct ScrapeEvidenceTests {
    private static let exposition = """
        # TYPE rows_total counter
        rows_total{db="x",instance="",job="nightly"} 42
        rows_total{instance="",job="nightly"} 7
        rows_total{instance="",job="daily"} 8
        took_bucket{instance="",job="nightly",le="+Inf"} 3
        push_time_seconds{db="x",instance="",job="nightly"} 20.5
        push_time_seconds{instance="",job="nightly"} 1.0e+01
        push_time_seconds{instance="",job="daily"} 5
        go_goroutines 9

        """

    /// A Pushgateway that was scraped 10 s after 1970, a target that never was, and a job of which one target was.
    private static func evidence(scraped: Timestamp? = 10_000, jobs: Int = 3) -> ExpectationEvidence {
        var evidence = ExpectationEvidence()
        let targets = [
            ScrapeEvidence.Target(job: "gateway", url: "http://localhost:9091/metrics", lastScrape: scraped),
            ScrapeEvidence.Target(job: "app one", url: "http://a:1/metrics", lastScrape: nil),
            ScrapeEvidence.Target(job: "many", url: "http://b:1/metrics", lastScrape: 3),
            ScrapeEvidence.Target(job: "many", url: "http://b:2/metrics", lastScrape: nil),
        ]
        evidence.scrapes.targets = Array(targets.prefix(jobs + 1))
        evidence.scrapes.read(exposition: Array(exposition.utf8), of: "http://127.0.0.1:9091")
        return evidence
    }

    private static let gateway = #"scrape("gateway") does it at once (POST /api/v1/scrape?job=gateway&wait=true)"#
    private static let all = "scrape() does it at once (POST /api/v1/scrape?wait=true)"

    @Test(arguments: [
        (
            #"rows_total{db="x"} > 50"#,
            #"the Pushgateway has rows_total{db="x", job="nightly"} 42, pushed 1970-01-01T00:00:20.5Z and not scraped since: "#
                + gateway
        ),
        (
            "rows_total == 42",
            #"the Pushgateway has rows_total{db="x", job="nightly"} 42 (and 1 more), pushed 1970-01-01T00:00:20.5Z "#
                + "and not scraped since: " + gateway
        ),
        (
            #"took_bucket{le="+Inf"}"#,
            #"the Pushgateway has took_bucket{job="nightly", le="+Inf"} 3, pushed 1970-01-01T00:00:10Z and not scraped since: "#
                + gateway
        ),
        // Pushed before the last scrape: something else keeps it away.
        (#"rows_total{job="daily"}"#, "no metric is called rows_total"),
        // The Pushgateway's own come with each scrape.
        (#"go_goroutines{job="gateway"}"#, "no metric is called go_goroutines"),
        (
            #"jobs{job=~"app.*"}"#,
            #"the job app one was not scraped yet: scrape("app one") does it at once (POST /api/v1/scrape?job=app+one&wait=true)"#
        ),
        (
            #"jobs{job="many"}"#,
            #"http://b:2/metrics of the job many was not scraped yet: scrape("many") does it at once "#
                + "(POST /api/v1/scrape?job=many&wait=true)"
        ),
        ("jobs", "the jobs app one, many were not scraped yet: " + all),
    ])
    func `a selector that finds nothing`(_ expression: String, _ last: String) {
        #expect(Self.evidence().explain(expression).last == last)
    }

    @Test func `what is stored with the value that was pushed waits for nothing`() {
        var evidence = Self.evidence()
        let labels: Labels = ["__name__": "rows_total", "db": "x", "job": "gateway", "exported_job": "nightly"]
        evidence.series["rows_total"] = [ObservedSeries(labels, "42")]
        #expect(evidence.explain(#"rows_total{db="x"} > 50"#).count == 2)
        // Another value is an older one.
        evidence.series["rows_total"] = [ObservedSeries(labels, "41")]
        let lines = evidence.explain(#"rows_total{db="x"} > 50"#)
        #expect(lines.count == 3 && lines.last?.hasPrefix("the Pushgateway has rows_total") == true)
    }

    @Test func `a Pushgateway that nobody scrapes, and one that never was`() {
        var evidence = Self.evidence()
        evidence.scrapes.targets.removeFirst()
        #expect(
            evidence.explain(#"rows_total{job="daily"}"#).last
                == #"the Pushgateway has rows_total{job="daily"} 8, pushed 1970-01-01T00:00:05Z, but no job scrapes it"#
        )
        evidence = Self.evidence(scraped: nil)
        #expect(
            evidence.explain("go_goroutines").last
                == "the Pushgateway has go_goroutines 9 and not scraped since: " + Self.gateway
        )
    }

    @Test func `other jobs are nobody's question where the metric is known`() {
        var evidence = Self.evidence()
        evidence.series["jobs"] = [ObservedSeries(["__name__": "jobs", "job": "many"], "1")]
        #expect(evidence.explain(#"jobs{zone="x"}"#).count == 2)
        #expect(
            evidence.explain(#"jobs{job="app one"}"#).last?.hasPrefix("the job app one was not scraped yet") == true
        )
    }

    @Test func `targets are read out of an answer`() throws {
        let answer = try JSONReader.parse(
            Array(
                (#"{"data":{"activeTargets":[{"scrapePool":"a","scrapeUrl":"http://a/m","lastScrape":"0001-01-01T00:00:00Z"},"#
                    + #"{"scrapePool":"b","scrapeUrl":"http://b/m","lastScrape":"1970-01-01T00:00:01.5Z"}]}}"#).utf8
            ),
            file: ""
        )
        #expect(
            ScrapeEvidence.Target.all(inTargets: answer) == [
                ScrapeEvidence.Target(job: "a", url: "http://a/m", lastScrape: nil),
                ScrapeEvidence.Target(job: "b", url: "http://b/m", lastScrape: 1500),
            ]
        )
    }

    @Test func `a push that no scrape followed is told in a test`() async throws {
        try await withStack { stack in
            try await stack.push("rows_total 42\n", job: "nightly")
            do {
                try await stack.expect("rows_total == 42")
                Issue.record("met")
            } catch let failure as ExpectationFailed {
                #expect(
                    failure.description.contains(
                        #"the Pushgateway has rows_total{job="nightly"} 42, pushed 2023-11-14T22:13:20Z and not scraped since: "#
                            + #"scrape("pushgateway")"#
                    )
                )
            }
            await stack.scrape(job: "pushgateway")
            try await stack.expect("rows_total == 42")
            do {
                try await stack.expect(#"up{job="demo"}"#)
                Issue.record("met")
            } catch let failure as ExpectationFailed {
                #expect(failure.description.contains(#"the job demo was not scraped yet: scrape("demo")"#))
            }
        }
    }
}
