import Exposition
import MetricModel
import NIOCore
import Scrape
import Synchronization
import Testing

@Suite("What a scrape stores", .timeLimit(.minutes(5)))
struct ScrapeSampleTests {
    private let start = ScrapeHarness.start

    @Test("samples get the target's labels; the scraper adds its own series")
    func plain() async {
        let harness = await ScrapeHarness("a 1\nb{x=\"y\"} 2\n")
        await harness.scrape()
        #expect(harness.store.series == [#"a{instance="a:1",job="j"}"#, #"b{instance="a:1",job="j",x="y"}"#])
        #expect(
            harness.store.allSeries.filter { $0.hasPrefix("up") || $0.hasPrefix("scrape") } == [
                #"scrape_duration_seconds{instance="a:1",job="j"}"#,
                #"scrape_samples_post_metric_relabeling{instance="a:1",job="j"}"#,
                #"scrape_samples_scraped{instance="a:1",job="j"}"#, #"scrape_series_added{instance="a:1",job="j"}"#,
                #"up{instance="a:1",job="j"}"#,
            ]
        )
        #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#) == [.init(time: start, value: 1)])
        #expect(harness.store.last("up") == 1)
        #expect(harness.store.last("scrape_samples_scraped") == 2)
        #expect(harness.store.last("scrape_samples_post_metric_relabeling") == 2)
        #expect(harness.store.last("scrape_series_added") == 2)
    }

    @Test("the extra series")
    func extra() async {
        let harness = await ScrapeHarness("a 1\n") {
            $0.extraScrapeMetrics = true
            $0.limits.samples = 7
        }
        await harness.scrape()
        #expect(harness.store.last("scrape_timeout_seconds") == 10)
        #expect(harness.store.last("scrape_sample_limit") == 7)
        #expect(harness.store.last("scrape_body_size_bytes") == 4)
    }

    @Test("repeated scrapes ask the store for nothing new and use the same columns")
    func steady() async {
        let harness = await ScrapeHarness("# TYPE a counter\na 1\na{l=\"1\"} 2\n# HELP b x\nb 3\n")
        for value in 0..<4 {
            harness.transport.set("# TYPE a counter\na \(value)\na{l=\"1\"} 2\n# HELP b x\nb 3\n")
            await harness.scrape()
        }
        #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#).map(\.value) == [0, 1, 2, 3])
        #expect(harness.store.state.withLock { $0.resolved } == 8)
        #expect(harness.store.last("scrape_series_added") == 0)
        let batches = harness.store.state.withLock { $0.batches }
        #expect(Set(batches.map { $0.series.map(\.rawValue) }).count == 1)
        #expect(batches.allSatisfy { $0.stream == batches[0].stream })
    }

    @Test("a large target stays known: regular scrapes forget nothing")
    func large() async {
        let body = (0..<3000).map { "a{n=\"\($0)\"} 1\n" }.joined()
        let harness = await ScrapeHarness(body)
        for _ in 0..<4 { await harness.scrape() }
        #expect(harness.store.state.withLock { $0.resolved } == 3005)
        #expect(harness.store.state.withLock { $0.released }.isEmpty)
    }

    @Test("order changes, insertions and removals lose nothing, and what vanished goes stale")
    func churn() async {
        let harness = await ScrapeHarness()
        let bodies = [
            "a 1\nb 1\nc 1\nd 1\n", "a 2\nb 2\nx 2\nc 2\nd 2\n", "d 3\nc 3\nx 3\nb 3\na 3\n", "a 4\nc 4\n",
            "a 5\nb 5\nc 5\n",
        ]
        for body in bodies {
            harness.transport.set(body)
            await harness.scrape()
        }
        func values(_ name: String) -> [String] {
            harness.store.samples(name + #"{instance="a:1",job="j"}"#).map {
                SpecialValue.isStale($0.value) ? "stale" : GoNumber.text($0.value, .json)
            }
        }
        #expect(values("a") == ["1", "2", "3", "4", "5"])
        #expect(values("b") == ["1", "2", "3", "stale", "5"])
        #expect(values("c") == ["1", "2", "3", "4", "5"])
        #expect(values("d") == ["1", "2", "3", "stale"])
        #expect(values("x") == ["2", "3", "stale"])
        let added = harness.store.samples(#"scrape_series_added{instance="a:1",job="j"}"#).map(\.value)
        #expect(added == [4, 1, 0, 0, 1])
    }

    @Test("a failed scrape marks everything stale once, and up is 0")
    func failure() async {
        let harness = await ScrapeHarness("a 1\nb 2\n")
        await harness.scrape()
        harness.transport.set { (_) throws(TransportError) in throw TransportError("no way") }
        await harness.scrape()
        await harness.scrape()
        harness.transport.set("a 3\n")
        await harness.scrape()
        let samples = harness.store.samples(#"a{instance="a:1",job="j"}"#)
        #expect(samples.map(\.description) == ["1.0@\(start)", "stale@\(start + 10_000)", "3.0@\(start + 30_000)"])
        #expect(harness.store.samples(#"b{instance="a:1",job="j"}"#).count == 2)
        #expect(harness.store.samples(#"up{instance="a:1",job="j"}"#).map(\.value) == [1, 0, 0, 1])
        #expect(harness.target?.report.health == .up)
    }

    @Test("errors are worded as Prometheus words them")
    func errors() async {
        let cases: [(ScriptedTransport.Answer, String)] = [
            (
                { _ in TargetResponse(status: 503, reason: "Service Unavailable") },
                "server returned HTTP status 503 Service Unavailable"
            ),
            (
                { _ in TargetResponse(body: ByteBuffer(string: "a 1\n")) },
                "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
            ),
            (
                ScriptedTransport.text("a 1\n", type: "text/html"),
                #"received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target"#
            ),
            (
                { (_) throws(TransportError) in throw TransportError("Get \"http://a:1/metrics\": EOF") },
                "Get \"http://a:1/metrics\": EOF"
            ),
        ]
        let harness = await ScrapeHarness("a 1\n")
        for (answer, message) in cases {
            harness.transport.set(answer)
            await harness.scrape()
            #expect(harness.target?.report.lastError == message)
            #expect(harness.target?.report.health == .down)
        }
    }

    @Test("an empty body is a good scrape of nothing")
    func empty() async {
        let harness = await ScrapeHarness("a 1\n")
        await harness.scrape()
        harness.transport.set("")
        await harness.scrape()
        #expect(harness.store.last("up") == 1)
        #expect(
            harness.store.samples(#"a{instance="a:1",job="j"}"#).last.map { SpecialValue.isStale($0.value) } == true
        )
    }

    @Test("the fallback protocol makes up for a missing Content-Type")
    func fallback() async {
        let harness = await ScrapeHarness { $0.fallbackProtocol = .prometheusText004 }
        harness.transport.set { _ in TargetResponse(body: ByteBuffer(string: "a 1\n")) }
        await harness.scrape()
        #expect(harness.store.last("up") == 1)
    }

    @Test("limits refuse the whole scrape", arguments: limits)
    func limit(_ limit: LimitCase) async {
        let harness = await ScrapeHarness("a{l=\"v\"} 1\nbb{label=\"value\"} 2\nc 3\n", limit.change)
        await harness.scrape()
        await harness.scrape()
        #expect(harness.target?.report.lastError == limit.error)
        #expect(harness.store.series.isEmpty)
        #expect(harness.store.last("up") == 0)
        #expect(harness.store.last("scrape_samples_scraped") == limit.scraped)
        #expect(harness.store.last("scrape_samples_post_metric_relabeling") == limit.added)
    }

    struct LimitCase: Sendable {
        var error: String
        var scraped: Double
        var added: Double
        var change: @Sendable (inout ScrapeConfig) -> Void
    }

    static let limits: [LimitCase] = [
        LimitCase(error: "sample limit exceeded", scraped: 3, added: 3) { $0.limits.samples = 2 },
        LimitCase(error: "body size limit exceeded", scraped: 0, added: 0) {
            $0.limits.bodySize = ByteSize(bytes: 10)
        },
        LimitCase(
            error: "label_limit exceeded (metric: a, number of labels: 4, limit: 3)",
            scraped: 1,
            added: 0
        ) { $0.limits.labels = 3 },
        LimitCase(
            error: "label_name_length_limit exceeded (metric: a, label name: __name__, length: 8, limit: 7)",
            scraped: 1,
            added: 0
        ) { $0.limits.labelNameLength = 7 },
        LimitCase(
            error:
                #"label_value_length_limit exceeded (metric: bb, label name: label, value: "value", length: 5, limit: 4)"#,
            scraped: 2,
            added: 1
        ) { $0.limits.labelValueLength = 4 },
        LimitCase(error: "target_limit exceeded (number of targets: 2, limit: 1)", scraped: 0, added: 0) {
            $0.limits.targets = 1
            $0.discovery = [
                .fixed([
                    TargetGroup(
                        source: "0",
                        targets: ["a:1", "b:1"].map { [Label(name: "__address__", value: $0)] }
                    )
                ])
            ]
        },
    ]

    @Test("exposed labels that the target has too are exported, or win where they are honoured")
    func conflicts() async {
        let body = "m{job=\"x\",exported_job=\"y\",instance=\"\"} 1\n"
        let strict = await ScrapeHarness(body)
        await strict.scrape()
        #expect(strict.store.series == [#"m{exported_exported_job="x",exported_job="y",instance="a:1",job="j"}"#])
        let honoring = await ScrapeHarness(body) { $0.honorLabels = true }
        await honoring.scrape()
        #expect(honoring.store.series == [#"m{exported_job="y",job="x"}"#])
    }

    @Test("a sample that says the same about the same time again is no other sample, and never goes stale")
    func repeatedTimestamp() async {
        let harness = await ScrapeHarness("a 1 1234\nb 1\n")
        for _ in 0..<4 { await harness.scrape() }
        #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#).map(\.description) == ["1.0@1234"])
        #expect(harness.store.samples(#"b{instance="a:1",job="j"}"#).count == 4)
        #expect(harness.target?.report.health == .up)
        let duplicates = harness.manager.metricFamilies
            .first { $0.name == "prometheus_target_scrapes_sample_duplicate_timestamp_total" }
        #expect(duplicates?.metrics.map(\.value) == [.counter(0)])
    }

    @Test("timestamps count where they are honoured, and their series get no markers unless asked")
    func timestamps() async {
        for (honor, track, expected) in [
            (true, false, ["1.0@1234", "2.0@1235"]), (true, true, ["1.0@1234", "2.0@1235", "stale@\(start + 20_000)"]),
            (false, false, ["1.0@\(start)", "2.0@\(start + 10_000)", "stale@\(start + 20_000)"]),
        ] {
            let harness = await ScrapeHarness("a 1 1234\nb 1\n") {
                $0.honorTimestamps = honor
                $0.trackTimestampsStaleness = track
            }
            await harness.scrape()
            harness.transport.set("a 2 1235\nb 1\n")
            await harness.scrape()
            harness.transport.set("b 1\n")
            await harness.scrape()
            #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#).map(\.description) == expected)
            #expect(harness.store.samples(#"b{instance="a:1",job="j"}"#).count == 3)
        }
    }

    @Test("a series exposed twice counts twice, but the first value is taken")
    func duplicates() async {
        let harness = await ScrapeHarness("a 1\na 2\nb 3\n")
        for _ in 0..<3 { await harness.scrape() }
        #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#).map(\.value) == [1, 1, 1])
        #expect(harness.store.last("scrape_samples_scraped") == 3)
        #expect(harness.store.last("scrape_samples_post_metric_relabeling") == 3)
        #expect(harness.manager.statistics.duplicateSamples == 3)
    }

    @Test("samples more than ten minutes ahead are not taken")
    func future() async {
        let harness = await ScrapeHarness("a 1 \(start + 600_001)\nb 2 \(start + 600_000)\n")
        await harness.scrape()
        #expect(harness.store.series == [#"b{instance="a:1",job="j"}"#])
        #expect(harness.manager.statistics.outOfBoundsSamples == 1)
        #expect(harness.store.last("up") == 1)
    }

    @Test("metric relabelling drops and changes series")
    func relabelling() async {
        let harness = await ScrapeHarness("a{x=\"1\"} 1\nb 2\nc 3\n") {
            $0.metricRelabelRules = [
                try! RelabelRule(.drop, sourceLabels: ["__name__"], regex: "b"),
                try! RelabelRule(.replace, sourceLabels: ["x"], regex: "(.+)", targetLabel: "y", replacement: "<$1>"),
            ]
        }
        for _ in 0..<3 { await harness.scrape() }
        #expect(harness.store.series == [#"a{instance="a:1",job="j",x="1",y="<1>"}"#, #"c{instance="a:1",job="j"}"#])
        #expect(harness.store.samples(#"c{instance="a:1",job="j"}"#).count == 3)
        #expect(harness.store.last("scrape_samples_scraped") == 3)
        #expect(harness.store.last("scrape_samples_post_metric_relabeling") == 2)
    }

    @Test("exemplars of OpenMetrics go along, every time")
    func exemplars() async {
        let body = "# TYPE a counter\na_total 1 # {id=\"x\"} 0.5 1.5\na_total{l=\"m\"} 2\n# EOF\n"
        let harness = await ScrapeHarness(body, type: "application/openmetrics-text; version=1.0.0")
        for _ in 0..<3 { await harness.scrape() }
        let exemplars = harness.store.state.withLock { $0.exemplars }
        #expect(exemplars.values.map { $0.count } == [3])
        #expect(exemplars.values.first?.first == Exemplar(labels: ["id": "x"], value: 0.5, timestamp: 1500))
        #expect(harness.store.samples(#"a_total{instance="a:1",job="j",l="m"}"#).count == 3)
    }

    @Test("an exemplar without a time of its own is taken again only when it says something else")
    func timelessExemplars() async {
        let harness = await ScrapeHarness()
        for id in ["x", "x", "y", "x"] {
            harness.transport.set("a_total 1 # {id=\"\(id)\"} 0.5\n# EOF\n", type: "application/openmetrics-text")
            await harness.scrape()
        }
        let times = harness.store.state.withLock { $0.exemplars.values.flatMap { $0.map(\.timestamp) } }
        #expect(times == [0, 20_000, 30_000].map { ScrapeHarness.start + $0 })
    }

    @Test("a name that is not UTF-8 fails the scrape")
    func unreadableName() async {
        let harness = await ScrapeHarness()
        harness.transport.set { _ in
            let bytes = Array("{\"".utf8) + [0x89] + Array("\"} 1\n".utf8)
            return TargetResponse(headers: [("Content-Type", "text/plain")], body: ByteBuffer(bytes: bytes))
        }
        await harness.scrape()
        #expect(harness.target?.report.lastError.hasPrefix("invalid metric name or label names: ") == true)
    }

    @Test("a label without a name fails the scrape")
    func emptyName() async {
        let harness = await ScrapeHarness(#"a{""="x"} 1"# + "\n")
        await harness.scrape()
        #expect(harness.target?.report.lastError.hasPrefix("invalid metric name or label names: ") == true)
    }

    @Test("a text cut in the middle fails, and what came before the fault does not go stale")
    func cut() async {
        let harness = await ScrapeHarness("a 1\nb 2\n")
        await harness.scrape()
        harness.transport.set("a 1\nb{")
        await harness.scrape()
        #expect(harness.store.last("up") == 0)
        #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#).count == 1)
        #expect(
            harness.store.samples(#"b{instance="a:1",job="j"}"#).map(\.description).last == "stale@\(start + 10_000)"
        )
    }

    @Test("metadata is kept for the target and the store")
    func metadata() async {
        let harness = await ScrapeHarness("# HELP a what\n# TYPE a counter\na 1\n")
        await harness.scrape()
        let found = harness.manager.metadata()
        #expect(found.map(\.family) == ["a"])
        #expect(found.first?.metadata == MetricMetadata(type: .counter, help: "what"))
        #expect(harness.store.state.withLock { $0.metadata["a"] } == MetricMetadata(type: .counter, help: "what"))
    }

    @Test("the last scrapes are kept as they came")
    func raw() async {
        let harness = await ScrapeHarness("a 1\n")
        for _ in 0..<6 { await harness.scrape() }
        guard let target = harness.target else { return }
        let scrapes = harness.manager.rawScrapes(pool: "j", labels: target.target.publicLabels)
        #expect(scrapes.count == 4)
        #expect(scrapes.first?.body == Array("a 1\n".utf8))
        #expect(scrapes.first?.requestHeaders.map(\.name).contains("Accept") == true)
        #expect(scrapes.first?.time == start + 50_000)
    }

    @Test("a body that was longer than the job allows is not unpacked to be shown, and others only where asked for")
    func bomb() async {
        let packed = GzipEncoder.encode([UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20))
        let harness = await ScrapeHarness("a 1\n") { $0.limits.bodySize = ByteSize(bytes: 1 << 16) }
        await harness.scrape()
        harness.transport.set { _ in
            TargetResponse(headers: [("Content-Encoding", "gzip")], body: .init(bytes: packed))
        }
        await harness.scrape()
        #expect(harness.target?.report.lastError == "body size limit exceeded")
        let labels = harness.target?.target.publicLabels ?? Labels()
        let scrapes = harness.manager.rawScrapes(pool: "j", labels: labels, bodiesOf: 0..<2)
        #expect(scrapes.map(\.body) == [nil, Array("a 1\n".utf8)])
        #expect(harness.manager.rawScrapes(pool: "j", labels: labels).map(\.body) == [nil, nil])
    }

    @Test("what a body unpacks to has its part of the memory for all bodies, until the scrape is over")
    func room() async {
        let text = Array("a 1\n".utf8) + [UInt8](repeating: UInt8(ascii: "\n"), count: 5 << 20)
        let budget = BodyBudget(limit: 10 << 20)
        let forms: [([(String, String)], [UInt8])] = [
            ([], text), ([("Content-Encoding", "gzip")], GzipEncoder.encode(text)),
            // Members in a row are unpacked piece by piece.
            ([("Content-Encoding", "gzip")], GzipEncoder.encode([]) + GzipEncoder.encode(text)),
        ]
        for (headers, body) in forms {
            let harness = await ScrapeHarness("")
            harness.transport.set { _ in
                var answer = TargetResponse(
                    headers: [("Content-Type", "text/plain")] + headers,
                    body: .init(bytes: body)
                )
                answer.share = budget.share()
                return answer
            }
            // A part of another.
            var other: BodyBudget.Share? = budget.share()
            #expect(other?.grow(to: 10 << 20) == true)
            await harness.scrape()
            #expect(harness.target?.report.lastError == "too many long bodies at a time")
            other = nil
            await harness.scrape()
            #expect(harness.target?.report.lastError == "")
            // All of it was given back.
            #expect(budget.share().grow(to: 11 << 20))
        }
    }

    @Test("what is remembered of a scrape holds no credentials")
    func recorded() async {
        let harness = await ScrapeHarness()
        harness.transport.set { _ in
            TargetResponse(
                headers: [
                    ("Content-Type", "text/plain"), ("Set-Cookie", "id=s3cr3t"), ("Location", "http://u:p@h/?token=t"),
                ],
                body: .init(string: "a 1\n")
            )
        }
        await harness.scrape()
        let labels = harness.target?.target.publicLabels ?? Labels()
        let scrape = harness.manager.rawScrapes(pool: "j", labels: labels).first
        #expect(
            scrape?.responseHeaders.map { "\($0.name): \($0.value)" }
                == ["Content-Type: text/plain", "Location: http://***@h/?token=***"]
        )
        #expect(scrape?.requestHeaders.map(\.name).contains("Accept") == true)
    }

    @Test("what was said about a family is forgotten after ten scrapes without it, and its number is used again")
    func forgotten() async {
        let both = "# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n"
        let harness = await ScrapeHarness(both)
        func families() -> [String] { harness.manager.metadata().map(\.family).sorted() }
        await harness.scrape()
        harness.transport.set("# TYPE a counter\na 1\n")
        for _ in 0..<10 { await harness.scrape() }
        #expect(families() == ["a", "b"])
        await harness.scrape()
        #expect(families() == ["a"])
        // What goes on as before stays, however long.
        for _ in 0..<25 { await harness.scrape() }
        #expect(families() == ["a"])
        harness.transport.set("# TYPE a counter\na 1\n# TYPE c gauge\nc 1\n")
        await harness.scrape()
        #expect(families() == ["a", "c"])
        #expect(harness.manager.metadata().first { $0.family == "c" }?.metadata.type == .gauge)
        // A failed scrape is no scrape without the family.
        harness.transport.set("{")
        for _ in 0..<25 { await harness.scrape() }
        #expect(families() == ["a", "c"])
        for number in 0..<60 {
            harness.transport.set("# TYPE a counter\na 1\n# TYPE x\(number) gauge\nx\(number) 1\n")
            await harness.scrape()
        }
        #expect(families().count == 12)
    }
}
