import Promenade
import Testing

/// Answers in, findings out: each kind of misbehaviour is told by its rule, and by no other.
@Suite(.timeLimit(.minutes(5))) struct ClientCheckTests {
    private static let text = "# HELP a_total Help.\n# TYPE a_total counter\na_total{l=\"x\\\\y\"} 1\n"
    private static let openMetrics = "# HELP a Help.\n# TYPE a counter\na_total{l=\"x\\\\y\"} 1.0\n# EOF\n"

    private static func answer(_ type: String?, _ body: String, status: Int = 200) -> ProbeAnswer {
        ProbeAnswer(status: status, headers: type.map { [("Content-Type", $0)] } ?? [], body: Array(body.utf8))
    }

    /// A client that does everything right.
    private static var good: [ClientProbe: ProbeAnswer] {
        var answers: [ClientProbe: ProbeAnswer] = [:]
        for probe in ClientProbe.allCases {
            switch probe {
            case .plain, .unknownAccept, .text0, .protobuf:
                answers[probe] = answer("text/plain; version=0.0.4; charset=utf-8", text)
            case .openMetrics0:
                answers[probe] = answer("application/openmetrics-text; version=0.0.1; charset=utf-8", openMetrics)
            case .allowUTF8: answers[probe] = answer("text/plain; version=1.0.0; escaping=allow-utf-8", text)
            case .underscores: answers[probe] = answer("text/plain; version=1.0.0; escaping=underscores", text)
            case .dots: answers[probe] = answer("text/plain; version=1.0.0; escaping=dots", text)
            case .values: answers[probe] = answer("text/plain; version=1.0.0; escaping=values", text)
            case .head: answers[probe] = answer("text/plain; version=0.0.4", "")
            default: answers[probe] = answer("application/openmetrics-text; version=1.0.0; charset=utf-8", openMetrics)
            }
        }
        return answers
    }

    private static func verdicts(_ findings: [ClientFinding]) -> [String] {
        findings.filter { $0.verdict == .fail || $0.verdict == .warn }.map { "\($0.verdict) \($0.rule.rawValue)" }
    }

    @Test func `who does everything right fails nowhere`() {
        let findings = ScrapeConformance(Self.good).findings
        // Without compression a warning is left.
        #expect(Self.verdicts(findings) == ["warn http.gzip"])
        #expect(findings.count { $0.verdict == .pass } == 27)
    }

    private static let type = "text/plain; version=0.0.4"

    private typealias Misbehaviour = (probe: ClientProbe, answer: ProbeAnswer, expected: String)

    private static let misbehaviours: [Misbehaviour] = [
        (.plain, answer(nil, text), "fail scrape.content-type"),
        (.plain, answer("application/json", "{}"), "fail scrape.default-format"),
        (.unknownAccept, answer("text/plain", "", status: 406), "fail accept.unknown"),
        (.text0, answer("text/plain; version=1.0.0", text), "fail accept.text-0.0.4"),
        (.text0, answer(type, "a 1\nb{ 2\n"), "fail scrape.body"),
        (.allowUTF8, answer("text/plain; version=2.0.0", text), "fail accept.text-1.0.0"),
        (
            .openMetrics0, answer("application/openmetrics-text; version=1.0.0", openMetrics),
            "warn accept.openmetrics-0.0.1"
        ),
        (.openMetrics1, answer("application/openmetrics-text", openMetrics), "fail accept.openmetrics-1.0.0"),
        (
            .openMetrics1, answer("application/openmetrics-text; version=1.0.0", openMetrics),
            "fail openmetrics.charset"
        ),
        (
            .openMetrics1, answer("application/openmetrics-text; version=1.0.0; charset=utf-8", "a 1\n# EOF"),
            "fail openmetrics.eof"
        ),
        (
            .openMetrics1, answer("application/openmetrics-text; version=1.0.0; charset=utf-8", "a  1\n# EOF\n"),
            "fail openmetrics.lint"
        ),
        (.protobuf, answer("application/vnd.google.protobuf", text), "fail accept.protobuf"),
        (.prometheus, answer("text/html", text), "fail accept.prometheus"),
        (.dots, answer("text/plain; version=1.0.0; escaping=values", text), "fail accept.escaping"),
        (.dots, answer("text/plain; version=1.0.0; escaping=dots", "{\"a.b\"} 1\n"), "fail accept.escaping"),
        (.plain, answer(type, "# TYPE a_total counter\na_total 1\n"), "warn text.lint"),
        (.plain, answer(type, text + "other 1\n"), "warn formats.same-series"),
        (
            .plain, answer(type, "# HELP a_total Help.\n# TYPE a_total counter\na_total 1 1700000000000\n"),
            "warn text.timestamps"
        ),
        (.head, answer(type, "a"), "fail http.head"),
        (.head, answer(type, "", status: 405), "warn http.head"),
        (.query, answer(type, "", status: 400), "fail http.query"),
        (.timeoutHeader, answer(type, "", status: 500), "fail http.timeout-header"),
        (.concurrent3, answer(type, "", status: 503), "fail http.concurrent"),
        (.third, answer("text/plain", "# TYPE a_total counter\n# HELP a_total Help.\n"), "warn repeat.series"),
        (
            .second,
            answer(
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                openMetrics.replacing("1.0", with: "2.0")
            ),
            "fail repeat.counters"
        ),
        (
            .third,
            answer(
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                openMetrics.replacing("Help", with: "No")
            ),
            "fail repeat.types"
        ),
    ]

    @Test(arguments: misbehaviours.indices)
    func `a misbehaviour is told`(index: Int) {
        let (probe, answer, expected) = Self.misbehaviours[index]
        var answers = Self.good
        answers[probe] = answer
        #expect(Self.verdicts(ScrapeConformance(answers).findings).contains(expected))
    }

    @Test func `a creation time that moves is told, and nothing is judged where nobody answers`() {
        var answers = Self.good
        for (index, probe) in ClientProbe.repeated.enumerated() {
            let body = "# TYPE a counter\na_total 1\na_created \(index)\n# EOF\n"
            answers[probe] = Self.answer("application/openmetrics-text; version=1.0.0; charset=utf-8", body)
        }
        #expect(Self.verdicts(ScrapeConformance(answers).findings).contains("fail repeat.created"))
        // A gauge and a counter of one name are a matter of the form; which of the two went down cannot be told.
        for (index, probe) in ClientProbe.repeated.enumerated() {
            let body = "# TYPE b gauge\nb \(9 - index)\n# TYPE b counter\nb_total 1\n# EOF\n"
            answers[probe] = Self.answer("application/openmetrics-text; version=1.0.0; charset=utf-8", body)
        }
        #expect(!Self.verdicts(ScrapeConformance(answers).findings).contains("fail repeat.counters"))
        let nobody = ScrapeConformance([.plain: ProbeAnswer(failure: "connection refused")]).findings
        #expect(Self.verdicts(nobody) == ["fail scrape.status"])
    }

    private static func push(
        _ method: String = "PUT",
        _ path: String = "/metrics/job/j",
        type: String? = "text/plain; version=0.0.4",
        _ body: String = "a 1\n",
        status: Int = 200
    ) -> ClientPush {
        ClientPush(
            method: method,
            rawPath: path,
            headers: type.map { [("Content-Type", $0)] } ?? [],
            body: Array(body.utf8),
            status: status,
            answer: "no"
        )
    }

    private typealias WrongPush = (pushes: [ClientPush], code: Int32, expected: [String])

    private static let wrongPushes: [WrongPush] = [
        ([push()], 0, []),
        ([push("POST", "/metrics/job@base64/YS9i/path@base64/="), push("DELETE", "")], 0, ["fail push.path"]),
        ([push("DELETE", "/metrics/job/j", type: nil, "")], 0, []),
        ([], 0, ["fail push.command"]),
        ([push()], 3, ["fail push.command"]),
        ([push("PATCH")], 0, ["fail push.method"]),
        ([push("PUT", "/metrics/job/j/odd")], 0, ["fail push.path"]),
        ([push("PUT", "/metrics/job/j/path/a%2Fb")], 0, ["fail push.path", "fail push.base64"]),
        ([push("PUT", "/metrics/job/j/path/")], 0, ["fail push.base64"]),
        ([push(type: nil)], 0, ["warn push.content-type"]),
        ([push(type: "application/openmetrics-text", "a 1\n# EOF\n")], 0, ["fail push.content-type"]),
        ([push("PUT", "/metrics/job/j", "a{ 1\n")], 0, ["fail push.body"]),
        ([push("PUT", "/metrics/job/j", "a 1")], 0, ["fail push.newline"]),
        ([push("PUT", "/metrics/job/j", "a 1 1700000000000\n")], 0, ["fail push.timestamps"]),
        ([push("PUT", "/metrics/job/j", "push_time_seconds 1\n")], 0, ["fail push.push-time"]),
        ([push("PUT", "/metrics/job/j", "a{job=\"k\"} 1\n")], 0, ["warn push.grouping-labels"]),
        ([push("DELETE", "/metrics/job/j", "a 1\n")], 0, ["warn push.delete"]),
        ([push(status: 400)], 0, ["fail push.status"]),
    ]

    @Test(arguments: wrongPushes.indices)
    func `a wrong push is told`(index: Int) {
        let (pushes, code, expected) = Self.wrongPushes[index]
        var found = Self.verdicts(PushConformance(pushes, exitCode: code).findings)
        if pushes.count == 2 { found = found.filter { $0 == "fail push.path" } }
        #expect(found == expected)
    }

    @Test func `reports say the same in every form`() {
        let report = ClientReport(
            subject: "a \"client\"",
            findings: [
                ClientFinding(.reachable, .pass, "200"), ClientFinding(.end, .fail, "ends with \"x\n\""),
                ClientFinding(.gzip, .warn, "not compressed"), ClientFinding(.protobuf, .skip, "not offered"),
            ]
        )
        #expect(report.exitCode == 1)
        #expect(report.text.contains("fail  openmetrics.eof"))
        #expect(report.text.hasSuffix("\n1 pass, 1 warn, 1 fail, 1 skip\n"))
        #expect(
            report.json.hasPrefix(
                #"{"subject":"a \"client\"","counts":{"pass":1,"warn":1,"fail":1,"skip":1},"findings":[{"id":"scrape.status""#
            )
        )
        #expect(
            report.tap.contains("not ok 2 - openmetrics.eof: OpenMetrics ends with \\# EOF\n# fail: ends with \"x \"\n")
        )
        #expect(report.tap.contains("ok 4 - accept.protobuf") && report.tap.contains(" # SKIP not offered"))
        #expect(report.junit.contains(#"failures="1""#))
    }
}
