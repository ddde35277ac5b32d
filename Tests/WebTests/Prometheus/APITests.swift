import Exposition
import MetricModel
import TSDB
import Testing
import Web

/// The server without a network: requests in, answers out.
@Suite(.timeLimit(.minutes(5))) struct APITests {
    static let now: Timestamp = 1_700_000_000_000

    private func server(
        more: [Labels] = [],
        _ change: (inout PrometheusSettings) -> Void = { _ in }
    ) async throws -> PrometheusServer {
        let clock = ManualClock(now: Self.now)
        let store = TimeSeriesDatabase.inMemory(clock: clock)
        let series: [Labels] = [
            ["__name__": "a", "path": "/x<y>&\"z\"", "job": "one"], ["__name__": "a", "path": "ü", "job": "two"],
            ["__name__": "b", "job": "one"],
        ]
        let references = try await store.resolve(series)
        for step in 0..<3 {
            var batch = SampleBatch(timestamp: Self.now - 120_000 + Int64(step) * 60_000)
            batch.series = references
            batch.values = [1e6 + Double(step), 1e-7, step == 2 ? .nan : 1.5]
            _ = try await store.append(batch)
        }
        var batch = SampleBatch(timestamp: Self.now)
        batch.series = try await store.resolve(more)
        batch.values = more.map { _ in 1 }
        _ = try await store.append(batch)
        var settings = PrometheusSettings()
        settings.flags = [("a", "1"), ("b", "<x>")]
        change(&settings)
        let environment = PrometheusEnvironment.still(externalLabels: [Label(name: "zone", value: "z")])
        return PrometheusServer.still(store, clock: clock, settings: settings, environment: environment)
    }

    private func answer(_ server: PrometheusServer, _ request: WebRequest) async throws -> (Int, String) {
        let found = await server.makeRouter().respond(to: request)
        return (found.status, String(decoding: try await found.wholeBody(), as: UTF8.self))
    }

    static let bad = #"{"status":"error","errorType":"bad_data","error":"#

    @Test(
        arguments: [
            ("query?query=1", 200, #"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1"]}}"#),
            (
                "query?query=1&time=1.0006", 200,
                #"{"status":"success","data":{"resultType":"scalar","result":[1.001,"1"]}}"#
            ),
            (
                "query?query=1&time=2015-07-01T20:10:51.78Z", 200,
                #"{"status":"success","data":{"resultType":"scalar","result":[1435781451.78,"1"]}}"#
            ),
            (
                #"query?query=%22a%3Cb%22"#, 200,
                #"{"status":"success","data":{"resultType":"string","result":[1700000000,"a\u003cb"]}}"#
            ),
            (
                #"query?query=%22%22&time=0.25"#, 200,
                #"{"status":"success","data":{"resultType":"string","result":[0.25,""]}}"#
            ),
            ("query?query=nope", 200, #"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
            (
                "query?query=b+@+1700000000&time=NaN", 200,
                #"{"status":"success","data":{"resultType":"vector","result":[]}}"#
            ),
            (
                "query?query=a%7Bjob=%22one%22%7D", 200,
                #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"a","job":"one","path":"/x<y>&\"z\""},"value":[1700000000,"1000002"]}]}}"#
            ),
            (
                "query?query=min(a)", 200,
                #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000,"1e-07"]}]}}"#
            ),
            (
                "query?query=b", 200,
                #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"b","job":"one"},"value":[1700000000,"NaN"]}]}}"#
            ),
            (
                "query?query=foo(", 400,
                bad + #""invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"}"#
            ),
            ("query?query=1&limit=-1", 400, bad + #""invalid parameter \"limit\": limit must be non-negative"}"#),
            (
                "query?query=1&limit=x", 400,
                bad + #""invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"}"#
            ),
            (
                "query?query=1&time=x", 400,
                bad
                    + #""invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp"}"#
            ),
            (
                "query?query=(&timeout=0", 400,
                bad + #""invalid parameter \"query\": context deadline exceeded"}"#
            ),
            (
                "query?query=1&timeout=x", 400,
                bad + #""invalid parameter \"timeout\": cannot parse \"x\" to a valid duration"}"#
            ),
            (
                "query?query=1&lookback_delta=x", 400,
                bad + #""error parsing lookback delta duration: cannot parse \"x\" to a valid duration"}"#
            ),
            (
                "query_range?query=b&start=1699999880&end=1700000000&step=1m", 200,
                #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"b","job":"one"},"values":[[1699999880,"1.5"],[1699999940,"1.5"],[1700000000,"NaN"]]}]}}"#
            ),
            (
                "query_range?query=1&start=1&end=0&step=1", 400,
                bad + #""invalid parameter \"end\": end timestamp must not be before start time"}"#
            ),
            (
                "query_range?query=1&start=0&end=11001&step=1", 400,
                bad
                    + #""exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"}"#
            ),
            (
                "query_range?query=1&start=0&end=1&step=0", 400,
                bad
                    + #""invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer"}"#
            ),
            (
                "query_range?query=1&start=x&end=1&step=1", 400,
                bad + #""invalid parameter \"start\": cannot parse \"x\" to a valid timestamp"}"#
            ),
            (
                "query_range?query=1&start=0&end=Inf&step=x", 400,
                bad + #""invalid parameter \"end\": end timestamp must not be before start time"}"#
            ),
            (
                "query_range?query=1&start=-Inf&end=0&step=1", 400,
                bad
                    + #""exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"}"#
            ),
            (
                "query?query=b&lookback_delta=0.0001", 200,
                #"{"status":"success","data":{"resultType":"vector","result":[]}}"#
            ),
            ("labels", 200, #"{"status":"success","data":["__name__","job","path"]}"#),
            (
                "labels?limit=1", 200,
                #"{"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]}"#
            ),
            ("labels?match[]=b", 200, #"{"status":"success","data":["__name__","job"]}"#),
            ("labels?match[]=%7B%7D", 400, bad + #""match[] must contain at least one non-empty matcher"}"#),
            ("label/path/values", 200, #"{"status":"success","data":["/x\u003cy\u003e\u0026\"z\"","ü"]}"#),
            ("label/a%ff/values", 400, bad + #""invalid label name: \"a\\xff\""}"#),
            ("label/U__job/values?match[]=b", 200, #"{"status":"success","data":["one"]}"#),
            ("series?match[]=b", 200, #"{"status":"success","data":[{"__name__":"b","job":"one"}]}"#),
            ("series", 400, bad + #""no match[] parameter provided"}"#),
            ("series?match[]=%zz", 400, bad + #""error parsing form values: invalid URL escape \"%zz\""}"#),
            ("format_query?query=sum+by(x)(a)", 200, #"{"status":"success","data":"sum by (x) (a)"}"#),
            ("status/flags", 200, #"{"status":"success","data":{"a":"1","b":"\u003cx\u003e"}}"#),
            ("status/walreplay", 200, #"{"status":"success","data":{"min":0,"max":0,"current":0}}"#),
            ("status/tsdb?limit=0", 400, bad + #""limit must be a positive number"}"#),
            (
                "targets?state=active", 200,
                #"{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":null}}"#
            ),
            ("alerts", 200, #"{"status":"success","data":{"alerts":[]}}"#),
            ("rules?type=x", 400, bad + #""invalid parameter \"type\": not supported value \"x\""}"#),
            ("query_exemplars?query=1", 204, ""),
            ("nope", 404, "404 page not found\n"),
        ]
    )
    func `answers are Prometheus's byte for byte`(path: String, status: Int, body: String) async throws {
        let found = try await answer(server(), WebRequest(method: .get, target: "/api/v1/" + path))
        #expect(found.0 == status)
        #expect(found.1 == body)
    }

    @Test func `a form's body comes before the query`() async throws {
        let request = WebRequest(
            method: .post,
            target: "/api/v1/query?query=2",
            headers: WebHeaders([("Content-Type", "application/x-www-form-urlencoded")]),
            body: Array("query=1%2B2".utf8)
        )
        #expect(try await answer(server(), request).1.contains(#"[1700000000,"3"]"#))
    }

    @Test(
        arguments: [
            ("--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n1+2\r\n--x--\r\n", "x", true),
            ("before\r\n--x \r\ncontent-disposition:form-data;name=query\r\n\r\n1+2\r\n--x--", "x", true),
            (
                "--x\r\nA: b\r\nContent-Disposition: form-data; name=time\r\n\r\n5\r\n--x\r\nContent-Disposition: form-data; name=query\r\n\r\n1+2\r\n--x--",
                "\"x\"", true
            ),
            ("--x\nContent-Disposition: form-data; name=query\n\n1+2\n--x--\n", "x", true),
            (
                "--x\r\nContent-Disposition: form-data; name=query\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n1=2B=\r\n2\r\n--x--",
                "x", true
            ),
            ("--x\r\nContent-Disposition: form-data; name=query; filename=a\r\n\r\n1+2\r\n--x--", "x", false),
            ("--x\r\nContent-Disposition: form-data; name=query\r\n\r\n1+2\r\n", "x", false),
            ("--y\r\nContent-Disposition: form-data; name=query\r\n\r\n1+2\r\n--y--", "x", false), ("", "x", false),
        ]
    )
    func `a form in parts is read as a form`(body: String, boundary: String, isRead: Bool) async throws {
        let request = WebRequest(
            method: .post,
            target: "/api/v1/query",
            headers: WebHeaders([("Content-Type", "multipart/form-data; boundary=\(boundary)")]),
            body: Array(body.utf8)
        )
        let found = try await answer(server(), request)
        #expect(found.0 == (isRead ? 200 : 400))
        #expect(found.1.contains(#","3"]"#) == isRead)
    }

    /// The right answers are those of Prometheus 3.5.
    @Test(
        arguments: [
            ("name*=utf-8''query", true), ("name*=UTF-8'en'qu%65ry", true), ("name*0=que; name*1=ry", true),
            ("name*0*=us-ascii''que; name*1=ry", true), ("name*0*=utf-8''qu%65; name*1*=%72y", true),
            ("name=query; name=query", true), ("name=query; name=time", false), ("name*=latin1''query", false),
            ("name*=utf-8query", false), ("name*=utf-8''qu%6", false), ("name*1=query", false),
        ] as [(String, Bool)]
    )
    func `names of parts may be encoded or cut`(name: String, isRead: Bool) async throws {
        for method in [WebRequest.Method.get, .post] {
            let request = WebRequest(
                method: method,
                target: "/api/v1/query",
                headers: WebHeaders([("Content-Type", "multipart/form-data; boundary=x")]),
                body: Array("--x\r\nContent-Disposition: form-data; \(name)\r\n\r\n1+2\r\n--x--".utf8)
            )
            #expect(try await answer(server(), request).1.contains(#","3"]"#) == isRead)
        }
    }

    /// Where Prometheus reads the form before the parts, and where it refuses what is malformed.
    @Test(
        arguments: [
            ("series", "multipart/form-data; boundary=x", "no match[] parameter provided"),
            ("series?match[]=up", "multipart/form-data; boundary=x", nil),
            ("labels", "multipart/form-data; boundary=x", nil),
            ("series?match[]=up", "application/x-www-form-urlencoded; =", "mime: invalid media parameter"),
            ("labels", "application/x-www-form-urlencoded; =", nil), ("series?match[]=up", "/", "mime: no media type"),
        ] as [(String, String, String?)]
    )
    func `forms that are not looked at, or refused`(path: String, type: String, problem: String?) async throws {
        let request = WebRequest(
            method: .post,
            target: "/api/v1/" + path,
            headers: WebHeaders([("Content-Type", type)]),
            body: Array("--x\r\nContent-Disposition: form-data; name=match[]\r\n\r\nup\r\n--x--".utf8)
        )
        let found = try await answer(server(), request)
        #expect(found.0 == (problem == nil ? 200 : 400))
        #expect(found.1.contains(problem ?? #""status":"success""#))
    }

    @Test(
        arguments: [
            (WebRequest.Method.post, "/api/v1/status/config", 405), (.options, "/api/v1/anything", 204),
            (.options, "/-/healthy", 200), (.post, "/-/reload", 403), (.get, "/-/quit", 405), (.get, "/graph?x=1", 302),
            (.get, "/metrics/", 301), (.get, "//metrics", 301), (.put, "/api/v1/admin/tsdb/clean_tombstones", 500),
            (.post, "/api/v1/write", 404), (.get, "/-/ready", 200), (.get, "/federate", 200), (.get, "/nope", 404),
            (.get, "/api/v1", 301), (.get, "/api/v1/", 404), (.get, "/api/v1/label//values", 301),
            (.options, "/api/v1/../v1/query", 301), (.get, "/api/v1/query/", 301), (.delete, "/api/v1/query/", 404),
            (.post, "/api/v1/read", 400),
        ]
    )
    func `methods, redirects and refusals`(method: WebRequest.Method, path: String, status: Int) async throws {
        #expect(try await answer(server(), WebRequest(method: method, target: path)).0 == status)
    }

    @Test func `plain series and federation`() async throws {
        let server = try await server()
        let plain = try await answer(
            server,
            WebRequest(method: .get, target: "/series/b?start=1699999880&end=1700000000")
        )
        #expect(
            plain.1
                == #"{"name":"b","series":[{"labels":{"__name__":"b","job":"one"},"samples":[[1699999880,1.5],[1699999940,1.5],[1700000000,"NaN"]]}]}"#
                + "\n"
        )
        let federated = try await answer(server, WebRequest(method: .get, target: "/federate?match[]=b"))
        #expect(federated.1 == "# TYPE b untyped\nb{job=\"one\",instance=\"\",zone=\"z\"} NaN 1700000000000\n")
    }

    @Test func `federation of many series goes out in pieces: by name and labels, each once`() async throws {
        let many: [Labels] = (0..<2500).map { ["__name__": $0 < 2400 ? "m" : "l", "i": "\($0)"] }
        let server = try await server(more: many.shuffled())
        let selectors = "match[]=m&match[]=%7B__name__=~%22l%7Cm%22%7D&match[]=b"
        for header in ["text/plain", "application/openmetrics-text;version=1.0.0"] {
            let headers = WebHeaders([("Accept", header)])
            let found = try await answer(
                server,
                WebRequest(method: .get, target: "/federate?\(selectors)", headers: headers)
            )
            let lines = found.1.split(separator: "\n").map(String.init).filter { $0 != "# EOF" }
            #expect(lines.count == 1 + 3 + 2500)
            let names = lines.map { $0.hasPrefix("#") ? "#" : String($0.prefix(1)) }
            #expect(
                names.filter { $0 != "#" } == ["b"] + Array(repeating: "l", count: 100)
                    + Array(repeating: "m", count: 2400)
            )
            #expect([0, 2, 103].allSatisfy { names[$0] == "#" })
            let labels = lines.filter { $0.hasPrefix("m") }.compactMap { $0.split(separator: "\"").dropFirst().first }
            #expect(labels == (0..<2400).map { "\($0)"[...] }.sorted())
        }
    }

    private static let escapes = [
        ("\"", #"\""#), ("\\", #"\\"#), ("\u{1}", #"\u0001"#), ("\u{1f}", #"\u001f"#), ("\n", #"\n"#), (" ", " "),
        ("!", "!"),
        ("#", "#"), ("<", "<"), ("\u{7f}", "\u{7f}"), ("é", "é"), ("\u{2028}", "\u{2028}"), ("😀", "😀"),
    ]

    @Test(arguments: escapes)
    func `a label's value is escaped wherever it stands`(text: String, escaped: String) async throws {
        let server = try await server()
        for position in 0..<18 {
            let (before, behind) = (String(repeating: "a", count: position), "bcdefghi")
            let value = GoText.quoted(before + text + behind)
            let query = "label_replace(vector(1), \"l\", \(value), \"\", \"\")"
            let encoded = query.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let found = try await answer(server, WebRequest(method: .get, target: "/api/v1/query?query=" + encoded))
            #expect(found.1.contains(#"{"metric":{"l":"\#(before)\#(escaped)\#(behind)"},"#))
        }
    }

    @Test func `labels of many series are escaped as those of one are`() async throws {
        var series: [Labels] = []
        var wanted: [String] = []
        for length in [0, 1, 6, 7, 8, 9, 120, 127, 128, 3000, 9000] {
            for (text, escaped) in Self.escapes {
                let before = String(repeating: "a", count: length)
                series.append(["more": before + text + "z", text: "y"])
                let fields = [("more", "\(before)\(escaped)z"), (escaped, "y")]
                let isFirst = "more".utf8.lexicographicallyPrecedes(text.utf8)
                wanted.append(
                    "{" + (isFirst ? fields : fields.reversed()).map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",")
                        + "}"
                )
            }
        }
        let found = try await answer(
            try await server(more: series),
            WebRequest(method: .get, target: "/api/v1/series?match[]=%7Bmore%21=%22%22%7D")
        )
        #expect(found.1 == #"{"status":"success","data":["# + wanted.joined(separator: ",") + "]}")
    }

    @Test func `answers are compressed however short they are, and empty ones say so`() async throws {
        let server = try await server()
        for (coding, named) in [("gzip", "gzip"), ("br, deflate", "deflate"), ("identity", nil), ("", nil)] {
            for (method, status) in [(WebRequest.Method.get, 200), (.options, 204)] {
                let headers = WebHeaders([("Accept-Encoding", coding)])
                let request = WebRequest(method: method, target: "/api/v1/query?query=1", headers: headers)
                let answer = await server.makeRouter().respond(to: request)
                #expect(answer.status == status)
                #expect(answer.header("Content-Encoding") == named)
                #expect(answer.headers.filter { $0.name == "Vary" }.map(\.value) == ["Accept-Encoding", "Origin"])
                let bytes = try await answer.wholeBody()
                #expect(bytes.starts(with: [0x1f, 0x8b]) == (named == "gzip" && status == 200))
            }
        }
    }

    @Test func `features list the language as it is switched on`() async throws {
        let server = try await server {
            $0.features = [("promql", [("b", false), ("a", true)]), ("api", [("<", true)])]
        }
        let found = try await answer(server, WebRequest(method: .get, target: "/api/v1/features"))
        #expect(found.1 == #"{"status":"success","data":{"api":{"<":true},"promql":{"a":true,"b":false}}}"#)
    }

    @Test func `everything lies below the prefix`() async throws {
        let server = try await server { $0.routePrefix = "/p" }
        #expect(try await answer(server, WebRequest(method: .get, target: "/")).0 == 302)
        #expect(try await answer(server, WebRequest(method: .get, target: "/-/healthy")).0 == 404)
        #expect(try await answer(server, WebRequest(method: .get, target: "/p/-/healthy")).0 == 200)
        #expect(
            await server.makeRouter().respond(to: WebRequest(method: .get, target: "/p")).header("Location") == "/p/"
        )
    }

    @Test func `origins are echoed to those who send one, where the settings let them`() async throws {
        let request = WebRequest(
            method: .get,
            target: "/api/v1/query?query=1",
            headers: WebHeaders([("Origin", "http://a.b")])
        )
        let response = await (try server { $0.crossOrigin = .any }).makeRouter().respond(to: request)
        #expect(response.header("Access-Control-Allow-Origin") == "http://a.b")
        let closed = await (try server()).makeRouter().respond(to: request)
        #expect(closed.header("Access-Control-Allow-Origin") == nil)
        let own = WebRequest(
            method: .get,
            target: "/api/v1/targets/last_scrape?scrapePool=x&scrapeUrl=y",
            headers: WebHeaders([("Origin", "http://a.b")])
        )
        let recorded = await (try server { $0.crossOrigin = .any }).makeRouter().respond(to: own)
        #expect(recorded.header("Access-Control-Allow-Origin") == nil)
        #expect(response.header("Access-Control-Expose-Headers") == "Date")
    }

    @Test func `the empty selector selects nothing: it deletes nothing, and is not federated`() async throws {
        let server = try await server { $0.isAdminEnabled = true }
        let path = "/api/v1/admin/tsdb/delete_series?match[]=%7B%7D"
        #expect(try await answer(server, WebRequest(method: .post, target: path)).0 == 204)
        #expect(try await answer(server, WebRequest(method: .get, target: "/federate?match[]=%7B%7D")).1.isEmpty)
        #expect(try await answer(server, WebRequest(method: .get, target: "/federate?match[]=b")).1.isEmpty == false)
    }

    @Test func `series are deleted by all selectors at once, or, where one cannot be read, by none`() async throws {
        let server = try await server { $0.isAdminEnabled = true }
        let path = "/api/v1/admin/tsdb/delete_series?match[]=b"
        let answered = try await answer(server, WebRequest(method: .post, target: path + "&match[]=b%7B"))
        #expect(answered.0 == 400 && answered.1.contains("invalid parameter \\\"match[]\\\""), "\(answered)")
        #expect(try await answer(server, WebRequest(method: .get, target: "/federate?match[]=b")).1.isEmpty == false)
        #expect(try await answer(server, WebRequest(method: .post, target: path + "&match[]=nothing")).0 == 204)
        #expect(try await answer(server, WebRequest(method: .get, target: "/federate?match[]=b")).1.isEmpty)
    }

    @Test func `remote read answers samples, and the labels of this server are no condition on the stored ones`()
        async throws
    {
        var message = RemoteReadRequest()
        message.queries = [
            .init(
                start: Self.now - 60_000,
                end: Self.now,
                matchers: [.init(type: 0, name: "__name__", value: "b"), .init(type: 0, name: "zone", value: "z")]
            ),
            .init(start: 0, end: Self.now, matchers: []),
        ]
        message.accepted = [1, 0]
        let request = WebRequest(
            method: .post,
            target: "/api/v1/read",
            body: Snappy.encode(message.encoded())
        )
        let response = await (try server()).makeRouter().respond(to: request)
        #expect(response.header("Content-Type") == "application/x-protobuf")
        #expect(response.header("Content-Encoding") == "snappy")
        let bytes = try await response.wholeBody()
        let results = try RemoteReadResponse.decode(Snappy.decode(bytes))
        #expect(results.map(\.series.count) == [1, 0])
        #expect(results[0].series.first?.labels == ["__name__": "b", "job": "one", "zone": "z"])
        #expect(results[0].timestamps == [Self.now - 60_000, Self.now])
        #expect(results[0].values.first == 1.5)
    }

    @Test(
        arguments: [
            ("application/x-protobuf;proto=nothing", "got application/x-protobuf;proto=nothing content type; unknown"),
            ("text/plain", "expected application/x-protobuf as the first (media) part, got text/plain content-type"),
        ]
    )
    func `remote write of an unknown form is refused`(type: String, message: String) async throws {
        let request = WebRequest(
            method: .post,
            target: "/api/v1/write",
            headers: WebHeaders([("Content-Type", type)]),
            body: [0]
        )
        let found = try await answer(server { $0.isRemoteWriteEnabled = true }, request)
        #expect(found.0 == 415)
        #expect(found.1.hasPrefix(message))
    }
}
