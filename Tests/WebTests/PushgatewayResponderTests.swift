import MetricModel
import Pushgateway
import Testing
import Web

@Suite(.timeLimit(.minutes(5))) struct PushgatewayResponderTests {
    struct Server {
        let clock = ManualClock()
        let store: GroupStore
        let responder: PushgatewayResponder

        init(
            _ options: PushgatewayOptions = PushgatewayOptions(),
            _ settings: PushgatewaySettings = PushgatewaySettings()
        ) {
            let metrics = GatewayMetrics(clock: clock, build: [])
            store = GroupStore(options: options, clock: clock, metrics: metrics)
            responder = PushgatewayResponder(store: store, settings: settings, clock: clock)
        }

        func ask(
            _ method: WebRequest.Method,
            _ target: String,
            _ body: String = "",
            _ headers: [(name: String, value: String)] = []
        ) async -> (status: Int, body: String, response: WebResponse) {
            let request = WebRequest(
                method: method,
                target: target,
                headers: WebHeaders(headers),
                body: Array(body.utf8)
            )
            let response = await responder.makeRouter().respond(to: request)
            let bytes = (try? await response.wholeBody()) ?? []
            return (response.status, String(decoding: bytes, as: UTF8.self), response)
        }

        func lines(_ prefix: String) async -> [String] {
            await ask(.get, "/metrics").body.split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
        }
    }

    @Test(arguments: [
        (WebRequest.Method.get, "/-/healthy", 200, "OK", ""), (.get, "/-/ready", 200, "OK", ""),
        (.head, "/-/ready", 405, "Method Not Allowed\n", "GET, OPTIONS"),
        (.get, "/-/quit", 405, "Only POST or PUT requests allowed.", ""),
        (.post, "/-/quit", 403, "Lifecycle API is not enabled.", ""),
        (.get, "/nothing", 404, "404 page not found\n", ""),
        (.get, "/metrics/job/a", 405, "Method Not Allowed\n", "DELETE, OPTIONS, POST, PUT"),
        (.get, "/metrics/", 301, "", "/metrics"),
        (.put, "/metrics/job/", 307, "", "/metrics/job"), (.put, "/metrics/job", 404, "404 page not found\n", ""),
        (.get, "/STATIC/", 301, "", "/static/"),
        (.put, "/metrics//job/a", 301, "", "/metrics/job/a"), (.put, "/METRICS/job/A", 307, "", "/metrics/job/A"),
        (.put, "/METRICS/job/A?", 307, "", "/metrics/job/A?"), (.put, "/metrics//job/a?", 301, "", "/metrics/job/a"),
        (.get, "/api/v1", 301, "", "/api/v1/"),
        (.put, "/api/v1/admin/wipe", 404, "404 page not found\n", ""),
        (.delete, "/metrics/job/a", 202, "", ""), (.delete, "/metrics", 405, "Method Not Allowed\n", "GET, OPTIONS"),
        (.put, "/metrics/job/a/b", 400, "odd number of components in label string \"/b\"\n", ""),
        (.options, "/-/healthy", 200, "", "GET, OPTIONS"),
    ])
    func endpoints(_ method: WebRequest.Method, _ target: String, _ status: Int, _ body: String, _ header: String) async
    {
        let answer = await Server().ask(method, target)
        #expect(answer.status == status)
        #expect(answer.body == body)
        #expect(header == answer.response.header("Allow") ?? answer.response.header("Location") ?? "")
    }

    @Test func aPrefixStandsBeforeEverything() async {
        var settings = PushgatewaySettings()
        settings.routePrefix = PushgatewaySettings.routePrefix("push/", externalPath: "")
        let server = Server(PushgatewayOptions(), settings)
        #expect(await server.ask(.put, "/push/metrics/job/a", "m 1\n").status == 200)
        #expect(await server.ask(.get, "/push/metrics").body.contains("m{instance=\"\",job=\"a\"} 1\n"))
        #expect(await server.ask(.get, "/push/api/v1/metrics").status == 200)
        #expect(await server.ask(.get, "/metrics").status == 404)
    }

    @Test(arguments: ["m", "/m", "m/", "/m/", "./x/../m"]) func thePathOfMetricsHasNoSlashAtItsEnd(_ path: String) async
    {
        var settings = PushgatewaySettings()
        settings.telemetryPath = path
        let server = Server(PushgatewayOptions(), settings)
        #expect(await server.ask(.get, "/m").status == 200)
        #expect(await server.ask(.get, "/m/").response.header("Location") == "/m")
    }

    @Test(arguments: [
        ("gzip", "m 1\n", 400, "unexpected EOF\n"), ("snappy", "m 1\n", 400, "snappy: corrupt input"),
        ("br", "m 1\n", 200, ""), ("SNAPPY", "", 200, ""),
    ])
    func bodiesThatAreNotWhatTheyClaim(_ coding: String, _ body: String, _ status: Int, _ message: String) async {
        let answer = await Server().ask(.put, "/metrics/job/a", body, [("Content-Encoding", coding)])
        #expect(answer.status == status)
        #expect(answer.body.contains(message), "\(answer.body)")
    }

    @Test func pushesAreCounted() async {
        let server = Server()
        _ = await server.ask(.put, "/metrics/job/a", "m 1\n")
        _ = await server.ask(.post, "/metrics/job/a", "m")
        #expect(
            await server.lines("pushgateway_http_requests_total") == [
                "pushgateway_http_requests_total{code=\"200\",handler=\"push\",method=\"put\"} 1",
                "pushgateway_http_requests_total{code=\"400\",handler=\"push\",method=\"post\"} 1",
            ]
        )
        #expect(await server.lines("pushgateway_http_push_size_bytes_count").count == 2)
        #expect(await server.lines("pushgateway_http_push_duration_seconds{").count == 6)
    }

    @Test func historyTellsWhatHappened() async {
        let server = Server()
        _ = await server.ask(.put, "/metrics/job/a", "m 1\n")
        _ = await server.ask(.put, "/metrics/job/a", "m 1")
        _ = await server.ask(.delete, "/metrics/job/a")
        let all = await server.ask(.get, "/api/v1/pushes").body
        #expect(all.contains("\"number\":3,") && all.contains("\"method\":\"DELETE\",\"group\":{\"job\":\"a\"}"))
        #expect(all.contains("\"result\":\"failure\",\"status\":400"))
        #expect(all.contains("text format parsing error in line 1: unexpected end of input stream"))
        #expect(all.contains("add a newline at the end"))
        #expect(await server.ask(.get, "/api/v1/pushes?since=3").body == "{\"status\":\"success\",\"data\":[]}")
    }

    @Test func historyKeepsNoCredentialsAndIsForOwnPagesOnly() async {
        var settings = PushgatewaySettings()
        settings.crossOrigin = .any
        let server = Server(PushgatewayOptions(), settings)
        let secrets = ["Authorization", "cookie", "X-Api-Key", "Proxy-Authorization", "X-Whatever"]
        _ = await server.ask(
            .put,
            "/metrics/job/a",
            "m 1\n",
            secrets.map { ($0, "s3cr3t") } + [("User-Agent", "curl/8"), ("Content-Type", "text/plain")]
        )
        for path in ["/api/v1/pushes", "/api/v1/pushes/1", "/api/v1/pushes/9"] {
            let answer = await server.ask(.get, path, "", [("Origin", "http://elsewhere.example")])
            #expect(!answer.body.contains("s3cr3t") && !answer.body.lowercased().contains("authorization"))
            #expect(answer.response.header("Access-Control-Allow-Origin") == nil)
        }
        let kept = await server.ask(.get, "/api/v1/pushes/1").body
        #expect(
            kept.contains(
                #""requestHeaders":[{"name":"User-Agent","value":"curl/8"},{"name":"Content-Type","value":"text/plain"}]"#
            )
        )
        #expect(await server.ask(.get, "/api/v1/metrics").response.header("Access-Control-Allow-Origin") == "*")
        #expect(await Server().ask(.get, "/api/v1/metrics").response.header("Access-Control-Allow-Origin") == nil)
    }

    @Test func changesAreToldSinceANumber() async {
        let server = Server()
        _ = await server.ask(.put, "/metrics/job/a", "m 1\n")
        _ = await server.ask(.put, "/metrics/job/b", "m 1\n")
        let first = await server.ask(.get, "/api/v1/groups").body
        #expect(
            first.contains("\"sequence\":2,\"complete\":true") && first.contains("job@base64/YQ=")
                && first.contains("job@base64/Yg=")
        )
        _ = await server.ask(.delete, "/metrics/job/a")
        let second = await server.ask(.get, "/api/v1/groups?since=2").body
        #expect(
            second.contains("\"complete\":false")
                && second.contains("\"groups\":[],\"removed\":[\"metrics/job@base64/YQ=\"]")
        )
        #expect(await server.ask(.get, "/api/v1/groups/metrics/job/b").body.contains("\"m\":{\"time_stamp\":"))
        #expect(await server.ask(.get, "/api/v1/groups/metrics/job/a").status == 404)
    }

    // MARK: - Dry run

    @Test func aDryRunShowsTheDifferenceAndChangesNothing() async {
        let server = Server()
        _ = await server.ask(.put, "/metrics/job/a", "m{l=\"1\"} 1\nm{l=\"2\"} 2\nn 1\n")
        let before = await server.lines("m")
        let put = await server.ask(.put, "/metrics/job/a?dry_run=1", "m{l=\"1\"} 5\nm{l=\"3\"} 3\n")
        #expect(put.status == 200)
        let shown = put.body.split(separator: "\n").filter { $0.hasPrefix("+") || $0.hasPrefix("-") }
        #expect(
            shown == [
                "- m{instance=\"\",job=\"a\",l=\"2\"} 2", "- m{instance=\"\",job=\"a\",l=\"1\"} 1",
                "+ m{instance=\"\",job=\"a\",l=\"1\"} 5", "+ m{instance=\"\",job=\"a\",l=\"3\"} 3",
                "- n{instance=\"\",job=\"a\"} 1",
            ]
        )
        let json = await server.ask(.post, "/metrics/job/a?dry_run=1", "n 2\n", [("Accept", "application/json")]).body
        #expect(json.contains("\"changed\":[{\"after\":\"n{instance=\\\"\\\",job=\\\"a\\\"} 2\",\"before\":"))
        #expect(await server.lines("m") == before)
    }

    @Test(arguments: [
        ("m 1\nn 1", ["line 2: n 1\n           ^", "hint: add a newline at the end"]),
        ("m 1\r\n", ["CRLF line endings"]), ("m one\n", ["line 1: m one\n          ^"]),
        ("# TYPE m counter\nm 1\n", ["is not a GAUGE", "collides with the group {job=\"other\"}"]),
        ("m{a='b'} 1\n", ["double quotes"]), ("m 1 2\n", ["leave out the number behind the values"]),
        ("{\"m\":1}\n", ["looks like JSON"]),
    ])
    func aDryRunSaysWhatIsWrong(_ body: String, _ expected: [String]) async {
        let server = Server()
        _ = await server.ask(.put, "/metrics/job/other", "# TYPE m gauge\nm 1\n")
        let answer = await server.ask(.put, "/metrics/job/a?dry_run=1", body)
        #expect(answer.status == 400)
        for text in expected { #expect(answer.body.contains(text), "\(answer.body)") }
        #expect(await server.lines("push_failure_time_seconds").count == 1)
    }

    // MARK: - Extras

    @Test func extrasAreOffUnlessSwitchedOn() async {
        let plain = Server()
        _ = await plain.ask(
            .post,
            "/metrics/job/a?aggregate=1",
            "# TYPE c counter\nc 1\n",
            [("X-Pushgateway-TTL", "1s")]
        )
        _ = await plain.ask(.post, "/metrics/job/a?aggregate=1", "# TYPE c counter\nc 1\n")
        plain.clock.advance(milliseconds: 2000)
        #expect(await plain.lines("c{") == ["c{instance=\"\",job=\"a\"} 1"])
    }

    @Test func extrasWork() async {
        var options = PushgatewayOptions()
        options.acceptsTimeToLiveHeader = true
        options.allowsAggregation = true
        options.allowsDeletionBySelector = true
        let server = Server(options)
        for _ in 0..<2 { _ = await server.ask(.post, "/metrics/job/a?aggregate=1", "# TYPE c counter\nc 1\n") }
        #expect(await server.lines("c{") == ["c{instance=\"\",job=\"a\"} 2"])
        #expect(await server.ask(.put, "/metrics/job/b", "m 1\n", [("X-Pushgateway-TTL", "soon")]).status == 400)
        #expect(await server.ask(.put, "/metrics/job/b", "m 1\n", [("X-Pushgateway-TTL", "1s")]).status == 200)
        server.clock.advance(milliseconds: 1000)
        #expect(server.store.groupCount == 1)
        for instance in ["x1", "x2", "y"] { _ = await server.ask(.put, "/metrics/job/s/instance/\(instance)", "m 1\n") }
        let deleted = await server.ask(.delete, "/metrics?match[]=%7Bjob%3D%22s%22%2Cinstance%3D~%22x.%22%7D")
        #expect(deleted.status == 202)
        #expect(deleted.body == "2 groups deleted\n")
        #expect(await server.ask(.delete, "/metrics?match[]=%7Bjob%3D~%22.*%22%7D").status == 400)
        let long = String(repeating: "x", count: 20_000)
        #expect(await server.ask(.delete, "/metrics?match[]=%7Bjob%3D%22\(long)%22%7D").status == 400)
        #expect(await server.ask(.delete, "/metrics").status == 400)
        #expect(server.store.groupCount == 2)
    }
}
