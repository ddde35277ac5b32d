import ConfigTree
import MetricModel
import Promenade
import PromenadeTesting
import Synchronization
import Testing
import Web

/// Decisions and words of `expect`, without a server.
@Suite(.timeLimit(.minutes(5))) struct ExpectationTests {
    /// A clock on which sleeping takes no time.
    final class LeapingClock: StackClock {
        let now = Mutex<Int64>(0)
        var wallNanoseconds: Int64 { now.withLock { $0 } }
        var steadyNanoseconds: Int64 { now.withLock { $0 } }
        func sleep(untilSteady deadline: Int64) async throws { now.withLock { $0 = max($0, deadline) } }
    }

    static func series(_ labels: Labels..., value: String = "1") -> Observation {
        .series(labels.map { ObservedSeries($0, value) })
    }

    static func outcome(_ expression: String, _ last: Observation) -> Expectations.Outcome {
        Expectations.Outcome(expression, last: last, attempts: 2, nanoseconds: 250_000_000)
    }

    @Test(arguments: [
        (#"{"status":"success","data":{"resultType":"vector","result":[]}}"#, Observation.series([]), false),
        (
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"a","x":"\u003c\""},"#
                + #""value":[1.5,"0"]}]}}"#,
            series(["__name__": "a", "x": "<\""], value: "0"), true
        ),
        (
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"3"],[2,"4"]]}]}}"#,
            series([:], value: "4"), true
        ),
        (
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"h"},"#
                + #""histogram":[1,{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}]}]}}"#,
            series(["__name__": "h"], value: "histogram {count:3, sum:4.5}"), true
        ),
        (#"{"status":"success","data":{"resultType":"scalar","result":[1,"0.5"]}}"#, .scalar("0.5"), true),
        (#"{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}"#, .scalar("0"), false),
        (#"{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}"#, .scalar("NaN"), false),
        (#"{"status":"success","data":{"resultType":"scalar","result":[1,"-Inf"]}}"#, .scalar("-Inf"), true),
        (
            #"{"status":"success","data":{"resultType":"string","result":[1,"yes"]}}"#,
            .refused("a string says neither yes nor no"), false
        ),
        (#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, .refused("parse error"), false),
        (#"{"status":"error","errorType":"execution","error":"too much"}"#, .failed("too much"), false),
        ("<html>", .failed("HTTP status 500, and no answer of the query API"), false),
    ])
    func `answers of the query API are read, and hold or not`(_ text: String, _ expected: Observation, _ holds: Bool)
        throws
    {
        let seen = Observation(status: 500, answer: try? YAMLReader.parse(Array(text.utf8), file: ""))
        #expect(seen == expected)
        #expect(seen.holds == holds)
    }

    @Test(arguments: [
        ([Observation.scalar("1")], 0),
        ([.scalar("1"), .scalar("0")], 1),
        ([.failed("no"), .scalar("1")], 1),
        ([.scalar("0"), .unreachable("gone")], 3),
        ([.unreachable("gone"), .refused("wrong"), .scalar("0")], 2),
    ])
    func `exit codes`(_ seen: [Observation], _ code: Int) {
        #expect(Int(Expectations.exitCode(seen.map { Self.outcome("x", $0) })) == code)
    }

    @Test func `each condition is asked for until it has held once`() async {
        let asked = Mutex<[String: Int]>([:])
        let clock = LeapingClock()
        let within = PrometheusDuration(milliseconds: 1000)
        let outcomes = await Expectations(["a", "b", "c", "d"], within: within).wait(clock: clock) { condition, left in
            let expression = condition.text
            let count = asked.withLock { asked in
                asked[expression, default: 0] += 1
                return asked[expression, default: 0]
            }
            #expect(left.milliseconds == 1000 - Int64(count - 1) * 100)
            switch expression {
            case "a": return Self.series(["__name__": "a"])
            case "b": return count < 4 ? .unreachable("not yet") : Self.series(["__name__": "b"])
            case "c": return .refused("wrong")
            default: return .scalar("0")
            }
        }
        #expect(outcomes.map(\.isMet) == [true, true, false, false])
        #expect(outcomes.map(\.attempts) == [1, 4, 1, 11])
        #expect(outcomes.map(\.nanoseconds) == [0, 300_000_000, 0, 1_000_000_000])
        #expect(clock.steadyNanoseconds == 1_000_000_000)
    }

    @Test func `a file holds one expression a line`() {
        let text = "# what has to be there\n\nup == 1\n   rate(a[1m]) > 0  \r\n  # done\n"
        #expect(Expectations.parse(file: text) == ["up == 1", "rate(a[1m]) > 0"])
    }

    @Test(arguments: [
        (
            #"rows_totl > 5"#,
            ["no metric is called rows_totl; did you mean rows_total?"]
        ),
        (#"row"#, ["no metric is called row; did you mean rows?"]),
        (#"scrape_duration"#, ["no metric is called scrape_duration; did you mean scrape_duration_seconds?"]),
        (#"rate(zebra_count[5m])"#, ["no metric is called zebra_count"]),
        (
            #"rows_total{job="nightly"} > 5"#,
            [#"rows_total{job="nightly"} is there:"#, #"  rows_total{db="x", job="nightly"} 1"#]
        ),
        (
            #"rows_total{job="night", db=~"y+"} + rows_total{job="night", db=~"y+"}"#,
            [
                #"no series fits rows_total{job="night", db=~"y+"}; near misses:"#,
                #"  rows_total{db="yy", job="daily"} 1: job is "daily", not ="night""#,
                #"  rows_total{db="x", job="nightly"} 1: job is "nightly", not ="night", db is "x", not =~"y+""#,
            ]
        ),
        (
            #"rows_total{instance="i"}"#,
            [
                #"no series fits rows_total{instance="i"}; near misses:"#,
                #"  rows_total{db="x", job="nightly"} 1: instance is missing, not ="i""#,
                #"  rows_total{db="yy", job="daily"} 1: instance is missing, not ="i""#,
            ]
        ),
        ("this is no query", []),
    ])
    func `what is near is told`(_ expression: String, _ lines: [String]) {
        var evidence = ExpectationEvidence()
        evidence.series["rows_total"] = [
            ObservedSeries(["__name__": "rows_total", "db": "x", "job": "nightly"], "1"),
            ObservedSeries(["__name__": "rows_total", "db": "yy", "job": "daily"], "1"),
        ]
        evidence.names = ["rows_total", "rows", "up", "scrape_duration_seconds"]
        #expect(evidence.explain(expression) == lines)
    }

    @Test func `where nobody could look it is not said that there is no such metric`() {
        var evidence = ExpectationEvidence()
        evidence.unanswered = ["rows"]
        #expect(evidence.explain("rows > 1 or bytes > 1") == ["no metric is called bytes"])
    }

    @Test func `failed scrapes and refused pushes are found in the answers`() throws {
        let targets = try YAMLReader.parse(
            Array(
                (#"{"data":{"activeTargets":[{"scrapePool":"demo","scrapeUrl":"http://d/metrics","lastError":""},"#
                    + #"{"scrapePool":"db","scrapeUrl":"http://b/metrics","lastError":"EOF"},"#
                    + #"{"scrapePool":"pushgateway","scrapeUrl":"http://g:1/metrics","lastError":""}]}}"#).utf8
            ),
            file: ""
        )
        #expect(ExpectationEvidence.scrapeErrors(inTargets: targets) == ["db http://b/metrics: EOF"])
        #expect(ExpectationEvidence.pushgateway(inTargets: targets) == "http://g:1")
        let pushes = try YAMLReader.parse(
            Array(
                (#"{"data":[{"result":"success"},{"time":"T","method":"PUT","path":"/metrics/job/x","#
                    + #""result":"failure","error":"bad"},{"result":"failure","error":"older"}]}"#).utf8
            ),
            file: ""
        )
        #expect(ExpectationEvidence.pushError(inPushes: pushes) == "T PUT /metrics/job/x: bad")
    }

    @Test(arguments: [(0, " PUT /b: two"), (1, " PUT /b: two"), (2, ""), (4, "")])
    func `a refused push is told until it is made good, and not to a later test`(after: Int64, told: String) throws {
        let pushes = try YAMLReader.parse(
            Array(
                (#"{"data":[{"number":4,"path":"/a","result":"success"},"#
                    + #"{"number":3,"method":"PUT","path":"/a","result":"failure","error":"made good"},"#
                    + #"{"number":2,"method":"PUT","path":"/b","result":"failure","error":"two"},"#
                    + #"{"number":1,"path":"/b","result":"success"}]}"#).utf8
            ),
            file: ""
        )
        #expect(ExpectationEvidence.pushError(inPushes: pushes, after: after) == told)
    }

    @Test(arguments: [
        ("Down", #"{alertname="Down"}"#), (#"alertname="Down", job=~"a|b""#, #"{alertname="Down", job=~"a|b"}"#),
        (#"{severity!="page"}"#, #"{severity!="page"}"#), (#"Down{job="a"}"#, #"{alertname="Down", job="a"}"#),
        (#"severity="page""#, #"{severity="page"}"#),
    ])
    func `a notice is told by labels`(_ text: String, _ selector: String) throws {
        #expect(try NoticeCondition(parsing: text).text == "notified " + selector)
        #expect(try NoticeCondition(parsing: text, isResolved: true).text == "resolved " + selector)
    }

    @Test(arguments: [
        "", "{}", "alertname=", "Down[5m]", "Down offset 1m", "Down > 1", "rate(Down)", "alertname=\"a\"}",
    ])
    func `what tells no labels is refused`(_ text: String) {
        let failure = #expect(throws: ConditionFailure.self) { try NoticeCondition(parsing: text) }
        #expect(failure?.description.contains("does not tell an alert by its labels") == true)
    }

    /// Rules in all states, and two notices, as servers tell them.
    /// - Parameters:
    ///   - down: what is told of the first rule besides.
    ///   - quiet: what is told of the second one besides.
    static func alerts(down: String = "", quiet: String = "") throws -> NoticeEvidence {
        func read(_ data: String) throws -> ConfigNode {
            try JSONReader.parse(Array("{\"data\": \(data)}".utf8), file: "answer")
        }
        return NoticeEvidence(
            inbox: try read(
                #"""
                {"notices": [
                  {"number": 2, "time": "T2", "reason": "resolved", "labels": {"alertname": "Late", "job": "a"}},
                  {"number": 1, "time": "T1", "reason": "first", "labels": {"alertname": "Late", "job": "a"}}]}
                """#
            ),
            rules: try read(
                #"""
                {"groups": [{"rules": [
                  {"name": "Down", "query": "up == 0", "duration": 300, "alerts": [
                    {"labels": {"alertname": "Down", "job": "a"}, "state": "pending",
                     "activeAt": "1970-01-01T00:15:55Z"}]\#(down)},
                  {"name": "Quiet", "query": "missing > 1"\#(quiet)},
                  {"name": "New", "query": "up", "state": "unknown"},
                  {"name": "Broken", "query": "a * b", "lastError": "many-to-many"}]}]}
                """#
            ),
            alertmanagers: nil,
            clock: try read(#"{"now": 1000}"#)
        )
    }

    static let told = [
        "told instead, newest first:", "  T2 resolved {alertname=\"Late\", job=\"a\"}",
        "  T1 first {alertname=\"Late\", job=\"a\"}",
    ]

    @Test(arguments: [
        ("Down", [#"pending {alertname="Down", job="a"} for 45s of 5m, 4m15s to go"#]),
        (
            #"Down{job="b"}"#,
            [#"pending {alertname="Down", job="a"} for 45s of 5m, 4m15s to go: job is "a", not ="b""#]
        ), ("Dawn", ["no alerting rule is called Dawn; did you mean Down?"]),
        ("New", ["the rule New has not been evaluated yet"]), ("Broken", ["the rule Broken fails: many-to-many"]),
        ("Quiet", ["the rule Quiet finds nothing now: missing > 1"]),
    ])
    func `why nobody was told is told`(_ text: String, _ lines: [String]) throws {
        var evidence = ExpectationEvidence()
        evidence.alerts = try Self.alerts()
        let condition = Condition.notice(try NoticeCondition(parsing: text))
        let explained = evidence.explain(condition)
        #expect(Array(explained.prefix(lines.count)) == lines)
        #expect(explained[lines.count] == Self.told[0])
        #expect(explained.contains("no metric is called missing") == (text == "Quiet"))
    }

    @Test func `alerts that do not stay, those that went, and what Explain says are told`() throws {
        var evidence = ExpectationEvidence()
        evidence.alerts = try Self.alerts(
            down:
                #", "unsteady": {"labels": ["pod"], "alerts": 9, "recent": [{"pod": "a"}, {"pod": "b"}], "longest": 25}"#,
            quiet: #"""
                , "duration": 60, "lastPending": {"labels": {"alertname": "Quiet"}, "times": 3,
                  "from": "1970-01-01T00:00:05Z", "to": "1970-01-01T00:00:30Z"}
                """#
        )
        evidence.reasons = ["missing > 1": "Only one sample in the window of 5s."]
        let pending = evidence.explain(.notice(try NoticeCondition(parsing: "Down")))
        #expect(
            pending.prefix(2) == [
                #"pending {alertname="Down", job="a"} for 45s of 5m"#,
                "9 alerts of Down, one after the other, differ in pod only (the last: a, b): "
                    + "each was gone before it fired, after 25s at most of 5m",
            ]
        )
        let quiet = evidence.explain(.notice(try NoticeCondition(parsing: "Quiet")))
        #expect(
            quiet[1]
                == #"it was last pending from 1970-01-01T00:00:05Z to 1970-01-01T00:00:30Z, 25s of 1m: {alertname="Quiet"}; 3 alerts of it went before they fired"#
        )
        #expect(quiet.contains("Only one sample in the window of 5s."))
    }

    @Test func `what servers say of rules is read`() throws {
        let rules = try JSONReader.parse(
            Array(
                #"""
                {"data": {"groups": [{"rules": [{"name": "A", "query": "x", "duration": 60, "alerts": [],
                  "unsteady": {"labels": ["p", "q"], "alerts": 5, "longest": 20.5, "everyEvaluation": true,
                    "recent": [{"p": "1", "q": "2"}, {"p": "3"}]},
                  "lastPending": {"labels": {"p": "1"}, "from": "1970-01-01T00:00:05Z", "to": "1970-01-01T00:00:06Z",
                    "times": 2, "longest": 1}}]}]}}
                """#.utf8
            ),
            file: "rules"
        )
        let rule = try #require(NoticeEvidence(inbox: nil, rules: rules, alertmanagers: nil, clock: nil).rules.first)
        let unsteady = try #require(rule.unsteady)
        #expect((unsteady.labels, unsteady.recent) == (["p", "q"], [["1", "2"], ["3", ""]]))
        #expect((unsteady.alerts, unsteady.longest, unsteady.isEveryEvaluation) == (5, 20_500, true))
        let pending = try #require(rule.lastPending)
        #expect((pending.labels, pending.span, pending.times) == (["p": "1"], 5000...6000, 2))
    }

    @Test(arguments: [("one-sample", "T. D." as String?), ("no-metric", nil), ("pushed", "T. D.")])
    func `why an expression finds nothing is read`(_ kind: String, _ words: String?) throws {
        let text = #"{"data": {"emptyReason": {"kind": "\#(kind)", "title": "T.", "details": ["D."]}}}"#
        let answer = try JSONReader.parse(Array(text.utf8), file: "explain")
        #expect(ExpectationEvidence.words(inExplanation: answer) == words)
    }

    @Test func `the nearest alert is told first, and that notices were forgotten`() throws {
        var evidence = try Self.alerts()
        var alert = evidence.rules[0].alerts[0]
        alert.state = "firing"
        evidence.rules[0].alerts = (0..<2000).map {
            alert.labels = ["alertname": "Down", "job": "\($0)"]
            return alert
        }
        evidence.inbox.forgotten = 1500
        let lines = evidence.explain(try NoticeCondition(parsing: #"Down{job="1200"}"#))
        #expect(lines.first == #"firing {alertname="Down", job="1200"}"#)
        #expect(lines.last?.contains("keeps the newest 2 notices: 1500 before them") == true)
    }

    @Test func `notices of an earlier test do not count`() throws {
        let answer = try JSONReader.parse(
            Array(
                #"""
                {"data": {"notices": [
                    {"number": 3, "time": "T3", "reason": "first", "labels": {"alertname": "B"}},
                    {"number": 2, "time": "T2", "reason": "resolved", "labels": {"alertname": "A"}},
                    {"number": 1, "time": "T1", "reason": "first", "labels": {"alertname": "A"}}]}}
                """#.utf8
            ),
            file: "inbox"
        )
        #expect(NoticeEvidence.notices(inInbox: answer).map(\.number) == [3, 2, 1])
        #expect(NoticeEvidence.notices(inInbox: answer, after: 1).map(\.time) == ["T3", "T2"])
        #expect(NoticeEvidence.notices(inInbox: answer, after: 3) == [])
        let evidence = NoticeEvidence(inbox: answer, rules: nil, alertmanagers: nil, clock: nil, after: 2)
        #expect(evidence.notices.map(\.time) == ["T3"])
    }

    @Test func `an inbox that is off is told`() throws {
        var evidence = try Self.alerts()
        evidence.inbox = RuleSource.InboxState(isOn: false, isSet: true)
        let reason = "the inbox takes nothing, because the configuration has inbox: {enabled: false}"
        let condition = try NoticeCondition(parsing: "Down")
        #expect(evidence.explain(condition).contains(reason))
        evidence.inbox.isOn = true
        #expect(!evidence.explain(condition).contains(reason))
    }

    @Test func `that Alertmanagers are configured but not found is told`() throws {
        let inbox = try JSONReader.parse(Array(#"{"data":{"notices":[],"enabled":false,"set":false}}"#.utf8), file: "")
        let evidence = NoticeEvidence(inbox: inbox, rules: nil, alertmanagers: nil, clock: nil)
        let lines = evidence.explain(try NoticeCondition(parsing: "Down"))
        #expect(lines.contains { $0.hasPrefix("the discovery of the Alertmanagers in alerting: finds none") })
        #expect(!lines.contains { $0.contains("{enabled: false}") })
    }

    @Test func `a notice of the end is no notice of the beginning`() throws {
        let evidence = try Self.alerts()
        let fires = try NoticeCondition(parsing: "Late")
        let ends = try NoticeCondition(parsing: "Late", isResolved: true)
        #expect(evidence.notices.map { $0.meets(fires) } == [false, true])
        #expect(evidence.notices.map { $0.meets(ends) } == [true, false])
        let other = try NoticeCondition(parsing: #"{alertname="Late", job="b"}"#)
        #expect(evidence.explain(other).last == Self.told[2] + ": job is \"a\", not =\"b\"")
    }

    @Test func `the report for people, for TAP and for JUnit`() {
        var evidence = ExpectationEvidence()
        evidence.names = ["bc"]
        evidence.scrapeErrors = ["db http://b/metrics: EOF"]
        let report = ExpectationReport(
            outcomes: [
                Self.outcome("a # x", Self.series(["__name__": "a"])), Self.outcome("bb < 1", .series([])),
            ],
            evidence: evidence
        )
        #expect(
            report.text == """
                ok      a # x  (after 250 ms, 2 attempts)
                        a 1
                not met bb < 1  (after 250 ms, 2 attempts)
                        last seen: no series
                        no metric is called bb; did you mean bc?
                scrape failed: db http://b/metrics: EOF

                """
        )
        #expect(
            report.tap == """
                TAP version 13
                1..2
                ok 1 - a \\# x
                # a 1
                not ok 2 - bb < 1
                # last seen: no series
                # no metric is called bb; did you mean bc?
                # scrape failed: db http://b/metrics: EOF

                """
        )
        // What explains a line stands before the next one.
        var turned = report
        turned.outcomes.reverse()
        #expect(
            turned.tap == """
                TAP version 13
                1..2
                not ok 1 - bb < 1
                # last seen: no series
                # no metric is called bb; did you mean bc?
                # scrape failed: db http://b/metrics: EOF
                ok 2 - a \\# x
                # a 1

                """
        )
        #expect(report.junit.contains("tests=\"2\" failures=\"1\""))
        #expect(report.junit.contains("name=\"line 2: bb &lt; 1\""))
        #expect(report.junit.contains("no metric is called bb; did you mean bc?"))
    }
}

/// What a server that is not ours may answer.
@Suite(.timeLimit(.minutes(5))) struct ToldTimeTests {
    @Test func `times of a server are numbers, or none`() {
        #expect(ToldTime.milliseconds("1.5") == 1500 && ToldTime.nanoseconds("-2") == -2_000_000_000)
        for text in [nil, "", "x", "1e300", "-1e300", "Inf", "NaN", "9223372036854775807"] {
            #expect(ToldTime.milliseconds(text) == nil && ToldTime.nanoseconds(text) == nil)
        }
    }
}

/// The recipe of the documentation, with a running stack.
@Suite(.timeLimit(.minutes(5))) struct FixtureRecipeTests {
    @Test func `what a stack scraped can be expected`() async throws {
        try await withStack { stack in
            await stack.scrape(job: "demo")
            try await stack.expect("up{job=\"demo\"} == 1", "scalar(count(request_count_total)) == bool 1")
        }
    }

    @Test func `an expectation that fails says what is near`() async throws {
        try await withStack { stack in
            await stack.scrape(job: "demo")
            await #expect {
                try await stack.expect("up{job=\"demos\"} == 1")
            } throws: { error in
                let text = "\(error)"
                return text.contains("not met up{job=\"demos\"} == 1") && text.contains("near misses")
                    && text.contains("job is \"demo\", not =\"demos\"")
            }
        }
    }
}
