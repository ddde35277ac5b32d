import ConfigTree
import MetricModel
import Scrape
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("Discovery", .timeLimit(.minutes(5)))
struct DiscoveryTests {
    private func write(_ text: String, to path: String) {
        let file = fopen(path, "w")!
        fputs(text, file)
        fclose(file)
    }

    @Test("labels that each of very many targets would get are refused")
    func labelsThatMultiply() {
        let targets = (0..<2_000).map { "\"t:\($0)\"" }.joined(separator: ",")
        func groups(_ value: String) throws(ConfigError) -> [TargetGroup] {
            let text = #"[{"targets": [\#(targets)], "labels": {"a": "\#(value)"}}]"#
            return try TargetGroupFile.groups(Array(text.utf8), source: "s", format: .json, metaLabel: "__meta_url")
        }
        #expect((try? groups("x"))?.first?.targets.count == 2_000)
        let error = #expect(throws: ConfigError.self) { try groups(String(repeating: "x", count: 40_000)) }
        #expect(error?.description.contains("more than 64 MiB of labels") == true)
    }

    @Test(
        "what a server names has bounds",
        arguments: [
            ("[", "{},", 200_000, "{}]", "more than 200000 groups"),
            ("[", "{},", 1_000_000, "{}]", "more than 1000000 values and names of fields"),
            ("[{\"targets\":[", "\"\",", 200_000, "\"\"]}]", "it has more than 200000 targets"),
            ("[", "1,", 300_000, "1]", "[5]"),
        ]
    )
    func bounds(start: String, piece: String, count: Int, end: String, problem: String) {
        refuse(start + String(repeating: piece, count: count) + end, problem)
    }

    @Test("a group has a bound of labels")
    func manyLabels() {
        let labels = (0..<1001).map { "\"l\($0)\":\"x\"" }.joined(separator: ",")
        refuse("[{\"labels\":{\(labels)}}]", "group 0 has more than 1000 labels")
    }

    private func refuse(_ text: String, _ problem: String) {
        for format in [ConfigNode.Format.json, .yaml] {
            let error = #expect(throws: ConfigError.self) {
                try TargetGroupFile.groups(Array(text.utf8), source: "s", format: format, metaLabel: "__meta_url")
            }
            #expect(error?.description.contains(problem) == true, "\(error?.description.prefix(200) ?? "")")
            #expect((error?.problems.count ?? 0) <= 1000)
        }
    }

    @Test("files are found by pattern, looked at again when they change, and a broken one keeps its targets")
    func files() async {
        var template = Array("/tmp/discovery-XXXXXX".utf8CString)
        let folder = String(cString: mkdtemp(&template))
        defer {
            unlink(folder + "/a.json")
            unlink(folder + "/b.json")
            rmdir(folder)
        }
        write("[{\"targets\": [\"a:1\"], \"labels\": {\"zone\": \"x\"}}]", to: folder + "/a.json")
        let harness = await ScrapeHarness("m 1\n") {
            var files = DiscoveryConfig.FileDiscovery()
            files.files = [folder + "/*.json"]
            $0.discovery = [.file(files)]
        }
        func urls() -> [String] { harness.manager.pools().flatMap(\.active).map(\.target.url) }
        func wait(for expected: [String]) async {
            #expect(
                await ScrapeHarness.eventually {
                    urls() == expected
                } step: {
                    harness.clock.advance(milliseconds: 1000)
                }
            )
        }
        await harness.manager.start()
        await wait(for: ["http://a:1/metrics"])
        let target = harness.manager.pools().first?.active.first
        #expect(target?.target.publicLabels == ["instance": "a:1", "job": "j", "zone": "x"])
        #expect(target?.discoveredLabels["__meta_filepath"] == folder + "/a.json")
        write("[{\"targets\": [\"b:1\", \"b:2\"]}]", to: folder + "/b.json")
        await wait(for: ["http://a:1/metrics", "http://b:1/metrics", "http://b:2/metrics"])
        write("[{\"tarjets\": []}]", to: folder + "/a.json")
        func waitForError(_ text: String) async {
            let isTold = await ScrapeHarness.eventually {
                harness.manager.pools().first?.discovery.first?.lastError.contains(text) == true
            } step: {
                harness.clock.advance(milliseconds: 1000)
            }
            #expect(isTold)
            #expect(urls().count == 3)
        }
        await waitForError("[0].tarjets: json: unknown field \"tarjets\" (did you mean targets?)")
        // A file that is being written is empty for a moment.
        write("", to: folder + "/a.json")
        await waitForError("a.json:1:1: unexpected end of JSON input")
        write("[{\"targets\": [\"a:1\"]},]", to: folder + "/a.json")
        await waitForError("invalid character ']' looking for beginning of value")
        write("[{\"targets\": [\"a:1\"], \"labels\": {\"a\": 1}}]", to: folder + "/a.json")
        await waitForError("json: cannot unmarshal number into Go struct field .a of type model.LabelValue")
        write("[{\"targets\": [\"a:1\"], \"labels\": {\"\": \"x\"}}]", to: folder + "/a.json")
        await waitForError("\"\" is not a valid label name")
        // A good file that changes beside it does not hide it.
        write("[{\"targets\": [\"b:3\", \"b:4\"]}]", to: folder + "/b.json")
        await wait(for: ["http://a:1/metrics", "http://b:3/metrics", "http://b:4/metrics"])
        await waitForError("\"\" is not a valid label name")
        let failures = harness.manager.metricFamilies.first { $0.name == "prometheus_sd_file_read_errors_total" }
        guard case .counter(let count, _, _) = failures?.metrics.first?.value else {
            Issue.record("no count of errors")
            return
        }
        #expect(count >= 5)
        unlink(folder + "/b.json")
        await wait(for: ["http://a:1/metrics"])
        await harness.manager.stop()
    }

    @Test("a server that answers with nothing, or with what is no JSON, takes no targets away")
    func server() async {
        let harness = await ScrapeHarness("m 1\n") {
            var http = DiscoveryConfig.HTTPDiscovery()
            http.url = "http://sd.example/"
            $0.discovery = [.http(http)]
        }
        func answer(_ body: String) {
            harness.transport.set { request in
                request.url == "http://sd.example/" ? .text(body, contentType: "application/json") : .text("m 1\n")
            }
        }
        func urls() -> [String] { harness.manager.pools().flatMap(\.active).map(\.target.url) }
        func error() -> String { harness.manager.pools().first?.discovery.first?.lastError ?? "" }
        answer(#"[{"Targets":["a:1"],"labels":{"k":"\ud83d\ude00"}}]"#)
        await harness.manager.start()
        let isFound = await ScrapeHarness.eventually {
            !urls().isEmpty
        } step: {
            harness.clock.advance(milliseconds: 1000)
        }
        #expect(isFound && urls() == ["http://a:1/metrics"])
        #expect(harness.manager.pools().first?.active.first?.target.publicLabels["k"] == "😀")
        for (body, words) in [
            ("", "unexpected end of JSON input"), ("[]\n[]", "after top-level value"),
            ("{}", "cannot unmarshal object"),
        ] {
            answer(body)
            let isTold = await ScrapeHarness.eventually {
                error().contains(words)
            } step: {
                harness.clock.advance(milliseconds: 1000)
            }
            #expect(isTold && urls() == ["http://a:1/metrics"])
        }
        answer("[]")
        let isGone = await ScrapeHarness.eventually {
            urls().isEmpty
        } step: {
            harness.clock.advance(milliseconds: 1000)
        }
        #expect(isGone && error().isEmpty)
        await harness.manager.stop()
    }

    @Test("questions to name servers and their answers")
    func names() {
        let question = DNSMessage.question("a.bc", .srv, id: 0x1234)
        #expect(question == [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 2, 98, 99, 0, 0, 33, 0, 1])
        var answer = question
        answer[2] = 0x81
        answer[7] = 3
        // A service on port 8080 of x.a.bc (the end of its name is a pointer), and an address of each kind.
        answer += [0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 9, 0, 10, 0, 1, 0, 2, 0x1f, 0x90, 1, 120, 0xc0, 12]
        answer += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 1, 2, 3]
        answer +=
            [0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 9, 0, 16, 0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        #expect(
            DNSMessage(answer, id: 0x1234)?.records == [
                .service(target: "x.a.bc.", port: 8080), .address("10.1.2.3"), .address("2001:db8::1"),
            ]
        )
        #expect(DNSMessage(answer, id: 1)?.records == nil)
        for length in 0..<answer.count { _ = DNSMessage(Array(answer.prefix(length)), id: 0x1234) }
    }
}
