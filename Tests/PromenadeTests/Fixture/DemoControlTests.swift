import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import Promenade
import PromenadeTesting
import Testing

/// What a class does to the demo server, and a test to the time, over HTTP.
@Suite(.timeLimit(.minutes(5))) struct DemoControlTests {
    private func send(_ method: HTTPMethod, _ url: String) async throws -> (status: Int, body: String) {
        var request = HTTPClientRequest(url: url)
        request.method = method
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (Int(response.status.code), String(decoding: body.readableBytesView, as: UTF8.self))
    }

    @Test func `it stops, starts with counters at 0, fails, and is well again`() async throws {
        try await withStack { stack in
            let control = stack.url + "/api/v1/demo"
            func scraped() async throws -> (up: Double?, count: Double?, error: String) {
                await stack.scrape(job: "demo")
                return (
                    try await stack.value("up{job=\"demo\"}"), try await stack.value("request_count_total"),
                    stack.lastScrapeError(job: "demo")
                )
            }
            for _ in 0..<3 { _ = try await send(.GET, stack.demoURL + "/") }
            var seen = try await scraped()
            #expect(seen.up == 1 && seen.count == 3)

            var answer = try await send(.POST, control + "?do=stop")
            #expect(answer.status == 200)
            #expect(answer.body.contains(#""data":{"state":"stopped","url":"\#(stack.demoURL)"}"#))
            seen = try await scraped()
            #expect(seen.up == 0 && seen.count == nil)
            #expect(seen.error.hasSuffix("connect: connection refused"), "\(seen.error)")
            await #expect(throws: (any Error).self) { try await send(.GET, stack.demoURL + "/") }

            answer = try await send(.POST, control + "?do=start")
            #expect(answer.body.contains("\"serving\""))
            seen = try await scraped()
            #expect(seen.up == 1 && seen.count == 0)

            _ = try await send(.GET, stack.demoURL + "/")
            #expect(try await scraped().count == 1)
            _ = try await send(.POST, control + "?do=restart")
            #expect(try await scraped().count == 0)
            #expect(try await stack.value("resets(request_count_total[1h])") == 2)

            answer = try await send(.POST, control + "?do=fail&code=500")
            #expect(answer.body.contains(#"{"state":"failing","code":500,"#))
            #expect(try await send(.GET, stack.demoURL + "/").status == 500)
            #expect(try await scraped().error == "server returned HTTP status 500 Internal Server Error")

            _ = try await send(.POST, control + "?do=err")
            for _ in 0..<5 { #expect(try await send(.GET, stack.demoURL + "/").body == "Error") }
            #expect(try await scraped().up == 1)
            #expect(try await stack.value("request_error_count_total == request_count_total") == 7)

            _ = try await send(.POST, control + "?do=start")
            #expect(try await send(.GET, control).body.contains("\"serving\""))
        }
    }

    @Test func `a slow one lets wait on the stack's clock`() async throws {
        try await withStack(clock: SystemClock()) { stack in
            let answer = try await send(.POST, stack.url + "/api/v1/demo?do=slow&latency=30ms")
            #expect(answer.body.contains(#"{"state":"slow","latency":"30ms","#))
            await stack.scrape(job: "demo")
            #expect(try await stack.value("scrape_duration_seconds{job=\"demo\"} >= 0.03") != nil)
        }
    }

    @Test(
        arguments: [
            ("do=stopp", "did you mean stop?"), ("", "\"\" has to be one of stop, start, restart, slow, fail, err"),
            ("do=slow&latency=soon", "\"soon\" is not a duration between 1ms and 1m"), ("do=slow&latency=0", "not a"),
            ("do=slow&latency=2m", "not a duration between"), ("do=fail&code=200", "not a status code of an error"),
            ("do=fail&code=x", "not a status code"), ("do=slow", "time stands still here"),
        ]
    )
    func `what cannot be done is told`(query: String, words: String) async throws {
        try await withStack { stack in
            let answer = try await send(.POST, stack.url + "/api/v1/demo?" + query)
            #expect(answer.status == 400)
            #expect(answer.body.replacing("\\\"", with: "\"").contains(words), "\(answer.body)")
        }
    }

    @Test func `without a demo server, and where others reach the server, nothing is controlled`() async throws {
        try await withStack(flags: ["--no-demo.enabled"]) { stack in
            let answer = try await send(.GET, stack.url + "/api/v1/demo")
            #expect(answer.status == 404)
        }
        try await withStack(flags: ["--web.listen-address=:0"]) { stack in
            let answer = try await send(.POST, stack.url + "/api/v1/demo?do=stop")
            #expect(answer.status == 403 && answer.body.contains("--web.enable-lifecycle"))
            #expect(try await send(.GET, stack.url + "/api/v1/demo").status == 200)
        }
        try await withStack(flags: ["--web.listen-address=:0", "--web.enable-lifecycle"]) { stack in
            let answer = try await send(.POST, stack.url + "/api/v1/demo?do=stop")
            #expect(answer.status == 200)
        }
    }

    @Test func `a manual clock is moved over HTTP, and everything due is done`() async throws {
        let config = """
            global: {scrape_interval: 15s}
            scrape_configs:
              - {job_name: demo, static_configs: [{targets: [localhost:8080]}]}
            """
        try await withStack(config: config) { stack in
            let clock = stack.url + "/api/v1/clock"
            #expect(
                try await send(.GET, clock).body == #"{"status":"success","data":{"now":1700000000,"manual":true}}"#
            )
            #expect(try await send(.POST, clock + "?advance=1m500ms").body.contains("\"now\":1700000060.500,"))
            #expect(try await stack.value("count_over_time(up[2m])") == 4)
            for text in ["", "soon", "-5s", "2y"] {
                let answer = try await send(.POST, clock + "?advance=" + text)
                #expect(answer.status == 400, "\(text): \(answer.body)")
            }
            for (query, words) in [
                ("advance=1s&advance=2s", "it is there twice"), ("advanc=1s", "did you mean advance? there is advance"),
                ("advance=1s&speed=2", "there is no such field"), ("advance=", "it has no value, such as advance=30s"),
            ] {
                let answer = try await send(.POST, clock + "?" + query)
                #expect(answer.status == 400 && answer.body.contains(words), "\(query): \(answer.body)")
            }
            let asked = try await send(.GET, clock + "?advance=1s")
            #expect(asked.status == 400 && asked.body.contains("GET tells the time and takes no fields"))
            #expect(try await send(.GET, clock).body.contains("\"now\":1700000060.500,"))
        }
    }

    /// Whoever has gone away wants nothing any more, and holds up nobody.
    @Test func `a manual clock stands still once nobody waits for it`() async throws {
        try await withStack { stack in
            let began = stack.now
            let walk = Task { await stack.advance(by: .seconds(30 * 86_400)) }
            while stack.now == began, !Task.isCancelled { await Task.yield() }
            walk.cancel()
            await walk.value
            let stood = stack.now
            #expect(stood < began + 30 * 86_400_000)
            await stack.advance(by: .milliseconds(1))
            #expect(stack.now == stood + 1)
        }
    }

    @Test func `time that passes by itself is not moved`() async throws {
        try await withStack(clock: SystemClock()) { stack in
            let answer = try await send(.POST, stack.url + "/api/v1/clock?advance=1s")
            #expect(answer.status == 403 && answer.body.contains("promenade run --test --clock=manual"))
            #expect(try await send(.GET, stack.url + "/api/v1/clock").body.contains("\"manual\":false"))
        }
    }
}
