import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import Promenade
import PromenadeTesting
import Testing

/// What the servers of a stack know of each other, asked of each of them.
@Suite(.timeLimit(.minutes(5))) struct StackSurveyTests {
    private func send(_ method: HTTPMethod, _ url: String, _ body: String = "") async throws -> (
        status: Int, body: String
    ) {
        var request = HTTPClientRequest(url: url)
        request.method = method
        if !body.isEmpty { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (Int(response.status.code), String(decoding: body.readableBytesView, as: UTF8.self))
    }

    private static func config(_ gatewayJob: String) -> String {
        """
        scrape_configs:
          - job_name: demo
            static_configs: [{targets: ["localhost:8080"]}]
        \(gatewayJob)
        """
    }

    private static let gatewayJob = """
          - job_name: gate
            honor_labels: true
            scrape_interval: 30s
            static_configs: [{targets: ["localhost:9091"]}]
        """

    @Test func `all three servers tell where the others are and who scrapes them`() async throws {
        try await withStack(config: Self.config(Self.gatewayJob)) { stack in
            for url in [stack.url, stack.pushgatewayURL, stack.demoURL] {
                let answer = try await send(.GET, url + "/api/v1/stack")
                #expect(answer.status == 200, "\(url)")
                for (name, server) in [
                    ("prometheus", stack.url), ("pushgateway", stack.pushgatewayURL), ("demo", stack.demoURL),
                ] {
                    let port = server.split(separator: ":").last ?? ""
                    #expect(
                        answer.body.contains(
                            #""\#(name)":{"scheme":"http","host":"127.0.0.1","port":\#(port),"path":"/""#
                        )
                    )
                }
                #expect(answer.body.contains(#""scrapedBy":[{"scrapePool":"gate","scrapeUrl":""#), "\(answer.body)")
                #expect(answer.body.contains(#""honorLabels":true,"health":"unknown","interval":30"#))
                #expect(answer.body.contains(#""failed":false"#))
                // Only the server that shows the configuration tells its mistakes.
                #expect(answer.body.contains(#""errors":["#) == (url == stack.url))
            }
            await stack.scrape(job: "gate")
            let scraped = try await send(.GET, stack.url + "/api/v1/stack")
            #expect(scraped.body.contains(#""health":"up""#))
            #expect(!scraped.body.contains(#""lastScrape":null,"nextScrape":null}],"job""#))
        }
    }

    @Test func `what was pushed and is not scraped is found, with its groups`() async throws {
        try await withStack(config: Self.config("")) { stack in
            let group = stack.pushgatewayURL + "/metrics/job/backup/db/x"
            #expect(try await send(.PUT, group, "rows 4\n").status == 200)
            let survey = try await send(.GET, stack.url + "/api/v1/stack").body
            #expect(survey.contains(#""groups":1,"scrapedBy":[]"#), "\(survey)")
            #expect(survey.contains(#""job":"  - job_name: pushgateway\n    honor_labels: true\n"#))
            let pushed = try await send(.GET, stack.url + "/api/v1/stack/pushed?metric=rows").body
            #expect(pushed.contains(#""count":1,"groups":[{"labels":{"db":"x","job":"backup"},"pushed":"#), "\(pushed)")
            #expect(try await send(.GET, stack.url + "/api/v1/stack/pushed?metric=row").body.contains(#""count":0"#))
            #expect(try await send(.GET, stack.url + "/api/v1/stack/pushed").status == 400)
        }
    }

    @Test func `an explanation knows what the Pushgateway holds`() async throws {
        func explained(_ stack: TestStack, _ query: String) async throws -> String {
            let escaped = query.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let body = try await send(.GET, stack.url + "/api/v1/explain?query=" + escaped).body
            guard let start = body.firstRange(of: #""emptyReason":"#) else { return "" }
            return String(body[start.upperBound...])
        }
        try await withStack(config: Self.config("")) { stack in
            _ = try await send(.PUT, stack.pushgatewayURL + "/metrics/job/backup/db/x", "rows 4\n")
            for (query, kind) in [
                ("rows", "unread"), (#"rows{job="backup"}"#, "unread"), (#"sum(rate(rows{db=~"x|y"}[5m]))"#, "unread"),
                (#"topk(1, -(rows))"#, "unread"), (#"{__name__="rows"}"#, "unread"), ("1 + other / rows", "unread"),
                (#"rows{job="other"}"#, "no-metric"), (#"rows{db!~"x"}"#, "no-metric"), ("other", "no-metric"),
            ] {
                let reason = try await explained(stack, query)
                #expect(reason.hasPrefix(#"{"kind":"\#(kind)","#), "\(query): \(reason)")
            }
            #expect(try await explained(stack, "rows").contains(#"to the group {db=\"x\", job=\"backup\"}."#))
            // Before the push it was not there.
            let past = try await send(.GET, stack.url + "/api/v1/explain?query=rows&time=1000").body
            #expect(past.contains(#""emptyReason":{"kind":"no-metric""#), "\(past)")
        }
        let job = Self.gatewayJob.replacing("honor_labels: true", with: "honor_labels: false")
        try await withStack(config: Self.config(job)) { stack in
            _ = try await send(.PUT, stack.pushgatewayURL + "/metrics/job/backup", "rows 4\n")
            let waits = try await explained(stack, "rows")
            #expect(waits.hasPrefix(#"{"kind":"waits","title":"Pushed "#) && waits.contains(#""retry":"#), "\(waits)")
            await stack.scrape(job: "gate")
            let renamed = try await explained(stack, #"rows{job="backup"} offset 1ms"#)
            #expect(renamed.hasPrefix(#"{"kind":"renamed","#), "\(renamed)")
            #expect(renamed.contains(#""query":"rows{exported_job=\"backup\"} offset 1ms""#), "\(renamed)")
            #expect(try await explained(stack, "rows > 4").hasPrefix(#"{"kind":"filtered","#))
        }
    }

    @Test func `pushes, scrapes and the demo server's states are told in order`() async throws {
        try await withStack(config: Self.config(Self.gatewayJob)) { stack in
            let group = stack.pushgatewayURL + "/metrics/job/backup"
            _ = try await send(.PUT, group, "rows 4\n")
            _ = try await send(.POST, group, "rows four\n")
            for _ in 0..<2 { _ = try await send(.DELETE, group, "") }
            for method in [HTTPMethod.POST, .PUT] { _ = try await send(method, group, "rows 5\n") }
            await stack.scrape(job: "gate")
            _ = try await send(.POST, stack.url + "/api/v1/demo?do=err")
            let told = try await send(.GET, stack.url + "/api/v1/events").body
            let parts = [
                #""kind":"push","#,
                #""method":"PUT","group":{"job":"backup"},"status":200,"error":"","number":1,"wasThere":false}"#,
                #""method":"POST","group":{"job":"backup"},"status":400,"error":"text format parsing error in line 1"#,
                #""method":"DELETE","group":{"job":"backup"},"status":202,"error":"","number":3,"wasThere":true}"#,
                #""method":"DELETE","group":{"job":"backup"},"status":202,"error":"","number":4,"wasThere":false}"#,
                #""method":"POST","group":{"job":"backup"},"status":200,"error":"","number":5,"wasThere":false}"#,
                #""method":"PUT","group":{"job":"backup"},"status":200,"error":"","number":6,"wasThere":true}"#,
                #""kind":"scrape","#, #""scrapePool":"gate","#, #""kind":"demo","#, #""state":"erring""#,
            ]
            var rest = told[...]
            for part in parts {
                guard let found = rest.firstRange(of: part) else {
                    Issue.record("\(part) is missing or out of order in \(told)")
                    return
                }
                rest = rest[found.upperBound...]
            }
        }
    }

    @Test(arguments: [
        (
            true,
            [
                #"{"name":"job","target":"gate","values":["#, #"{"value":"backup","series":3}"#,
                #"{"value":"","series":3}"#,
            ],
            "exported_job"
        ),
        (
            false, [#"{"name":"exported_job","target":null,"values":[{"value":"backup","series":3}],"others":0}"#],
            #"{"value":"","series"#
        ),
    ])
    func `samples' labels are those that are stored`(honors: Bool, parts: [String], absent: String) async throws {
        let job = Self.gatewayJob.replacing("honor_labels: true", with: "honor_labels: \(honors)")
        try await withStack(config: Self.config(job)) { stack in
            _ = try await send(.PUT, stack.pushgatewayURL + "/metrics/job/backup", "rows 4\n")
            let port = stack.pushgatewayURL.split(separator: ":").last ?? ""
            let path =
                "/api/v1/targets/sample_labels?scrapePool=gate&scrapeUrl=http%3A%2F%2F127.0.0.1%3A\(port)%2Fmetrics"
            #expect(try await send(.GET, stack.url + path).status == 404)
            await stack.scrape(job: "gate")
            let answer = try await send(.GET, stack.url + path).body
            #expect(answer.contains(#"{"honorLabels":\#(honors),"series":"#), "\(answer)")
            for part in parts { #expect(answer.contains(part), "\(part) in \(answer)") }
            #expect(!answer.contains(absent), "\(answer)")
            #expect(try await stack.value("rows{\(honors ? "job" : "exported_job")=\"backup\"}") == 4)
        }
    }

    @Test func `the demo server's own page controls it too, up to its end`() async throws {
        try await withStack { stack in
            let own = stack.demoURL + "/api/v1/demo"
            #expect(try await send(.GET, own).body.contains(#""state":"serving""#))
            #expect(try await send(.POST, own + "?do=fail").body.contains(#""state":"failing","code":503"#))
            #expect(try await send(.GET, own).body.contains(#""state":"failing""#))
            #expect(try await send(.POST, own + "?do=sleep").status == 400)
            #expect(try await send(.POST, own + "?do=stop").body.contains(#""state":"stopped""#))
            while !Task.isCancelled {
                let state = try await send(.GET, stack.url + "/api/v1/demo").body
                if state.contains(#""state":"stopped""#) { break }
                await Task.yield()
            }
            #expect(try await send(.POST, stack.url + "/api/v1/demo?do=start").body.contains(#""state":"serving""#))
        }
    }
}
