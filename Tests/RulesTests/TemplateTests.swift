import Foundation
import MetricModel
import RuleTemplates
import Testing

/// Templates against what a real promtool made of them (`Tests/Conformance/template_vectors.py` asks it).
@Suite(.timeLimit(.minutes(5))) struct TemplateTests {
    struct Vector: Decodable {
        var template: String
        var value: Double?
        var text: String?
        var refused: String?
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

    static func answers() -> TemplateAnswers {
        func sample(_ labels: Labels, _ value: Double) -> TemplateSample {
            var builder = LabelsBuilder(labels)
            builder.set("__name__", "metric")
            return TemplateSample(labels: builder.build(), value: value)
        }
        let b = sample(["instance": "b"], 21)
        let all = [b, sample(["instance": "a", "__value__": "sv"], 11), sample(["instance": "c"], 0.5)]
        var answers = TemplateAnswers()
        answers.answers = [
            "metric": .samples(all), "none": .samples([]), "metric{instance='b'}": .samples([b]),
            "metric{": .failure("1:8: parse error: unexpected end of input inside braces"),
        ]
        return answers
    }

    /// What is younger than the promtool that was asked (3.5): from the source of main.
    static let younger = [
        ("{{ now }}", "1.5"), ("{{ toDuration 90.5 }}", "1m30.5s"),
        ("{{ (toDuration 90.5).Minutes }}", "1.5083333333333333"),
        ("{{ toDuration \"0.0000015\" }} {{ toDuration 0 }} {{ toDuration -3600 }}", "1.5µs 0s -1h0m0s"),
        ("{{ humanizeDuration (toDuration 5).Seconds }}", "5s"), ("{{ urlQueryEscape \"a b&c\" }}", "a+b%26c"),
        ("{{ parseDuration \"-5m\" }}", "-300"), ("{{ pathPrefix }}", "/prom"),
        ("{{ ((toTime now).Add (toDuration 60)).Unix }}", "61"),
    ]

    @Test(arguments: younger)
    func `younger functions`(_ template: String, _ text: String) throws {
        let data = TemplateData(labels: [:], pathPrefix: "/prom", value: 0, time: 1500)
        guard case .text(let got) = try TextTemplate(alert: "A", text: template).expand(data) else {
            Issue.record("\(template) is not expanded")
            return
        }
        #expect(got == text)
    }

    /// What promtool 3.5.3 makes of a native histogram.
    static let histograms = [
        ("{{ $value.Count }} {{ .Value.Sum }}", "3 2"),
        ("{{ $value }}", "{count:3, sum:2, (0.5,1]:1, (1,2]:2}"), ("{{ printf \"%.8s\" .Value }}", "{count:3"),
        (
            "{{ printf \"%.1f\" .Value }}",
            "&{%!f(histogram.CounterResetHint=2) %!f(int32=0) 0.0 0.0 3.0 2.0 [{%!f(int32=0) %!f(uint32=2)}] [] [1.0 2.0] [] []}"
        ),
    ]

    @Test(arguments: histograms)
    func `native histograms print as in Go`(_ template: String, _ text: String) throws {
        var histogram = NativeHistogram()
        (histogram.count, histogram.sum, histogram.counterResetHint) = (3, 2, .notReset)
        (histogram.positiveSpans, histogram.positiveBuckets) = ([.init(offset: 0, length: 2)], [1, 2])
        let data = TemplateData(labels: [:], value: 0, histogram: histogram, time: 0)
        guard case .text(let got) = try TextTemplate(alert: "A", text: template).expand(data) else {
            Issue.record("\(template) is not expanded")
            return
        }
        #expect(got == text)
    }

    /// What would run for ever, or out of stack, ends with a message.
    static let endless = [
        "{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}",
        "{{ range 1000000 }}{{ range 1000000 }}{{ end }}x{{ end }}", "{{ range 1000000 }}0123456789012345{{ end }}",
        // Texts that double, and functions that make much of little.
        "{{ $x := \"0123456789\" }}{{ range 60 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}",
        // Values inside each other: wide, deep, and levels of branches times calls.
        "{{ $x := args \"a\" }}{{ range 40 }}{{ $x = args $x $x }}{{ end }}{{ $x }}",
        "{{ $x := args 1 }}{{ range 190000 }}{{ $x = args $x }}{{ end }}done",
        "{{ define \"t\" }}" + String(repeating: "{{ if 1 }}", count: 98) + "{{ template \"t\" . }}"
            + String(repeating: "{{ end }}", count: 99) + "{{ template \"t\" . }}",
        "{{ $x := \"0123456789\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}",
        "{{ $x := \"0123456789\" }}{{ range 60 }}{{ $x = reReplaceAll \".*\" \"$0$0\" $x }}{{ end }}",
        "{{ $x := \"0123456789\" }}{{ range 60 }}{{ $x = html (print \"<\" $x \"<\" $x) }}{{ end }}",
        "{{ printf \"" + String(repeating: "%[1]999999d", count: 5000) + "\" 1 }}",
        "{{ $x := printf \"%999999d\" 1 }}{{ printf \"" + String(repeating: "%[1]s", count: 5000) + "\" $x }}",
        "{{ $x := printf \"%999999d\" 1 }}{{ print" + String(repeating: " $x", count: 5000) + " }}",
        "{{ $x := printf \"%999999d\" 1 }}{{ reReplaceAll \".+\" \"" + String(repeating: "$0", count: 5000)
            + "\" $x }}",
    ]

    @Test(arguments: endless)
    func `nothing runs for ever`(_ template: String) throws {
        let data = TemplateData(labels: [:], value: 0, time: 0)
        guard case .failure(let error) = try TextTemplate(alert: "A", text: template).expand(data) else {
            Issue.record("\(template) has an end")
            return
        }
        #expect(error.code == .execution)
    }

    /// What Go makes of times and verbs that are seldom used.
    static let seldom = [
        ("{{ (toTime 9e9).Truncate 9100000000000000000 }}", "2019-07-29 12:26:40 +0000 UTC"),
        ("{{ (toTime 1e9).Truncate 604800000000000 }}", "2001-09-03 00:00:00 +0000 UTC"),
        ("{{ (toTime 1e9).Round 86400000000000 }}", "2001-09-09 00:00:00 +0000 UTC"),
        ("{{ (toTime -9.223372036854775e9).Unix }}", "-9223372037"), ("{{ (toTime -0.0015).UnixMilli }}", "-1"),
        ("{{ (toTime 1.5e9).AddDate 1 2 3 }}", "2018-09-17 02:40:00 +0000 UTC"),
        ("{{ (toTime 1.5e9).AddDate 0 -8 17 }}", "2016-12-01 02:40:00 +0000 UTC"),
        ("{{ (toTime 1).Compare (toTime 2) }} {{ (toTime 1).Location }}", "-1 UTC"),
        ("{{ printf \"%+v %+d %#v\" 1.5 1 2.0 }}", "1.5 +1 2"),
        ("{{ printf \"%5d|%-5d|\" 1.0 1.0 }}", "%!d(float64=    1)|%!d(float64=1    )|"),
        ("{{ printf \"%q %q\" 3661 39 }}", "'\u{E4D}' '\\''"),
        ("{{ printf \"%.3f %.2s\" 5 1234567.5 }}", "%!f(int=005) %!s(float64=1.2e+06)"),
        (
            "{{ printf \"%q %+v\" . . }}",
            "{map[\"a\":\"b\"] map[] \"\" %!q(float64=0)} {Labels:map[a:b] ExternalLabels:map[] ExternalURL: Value:0}"
        ),
    ]

    @Test(arguments: seldom)
    func `seldom used`(_ template: String, _ text: String) throws {
        let data = TemplateData(labels: ["a": "b"], value: 0, time: 0)
        guard case .text(let got) = try TextTemplate(alert: "A", text: template).expand(data) else {
            Issue.record("\(template) is not expanded")
            return
        }
        #expect(got == text)
    }

    @Test func `nesting has a limit`() {
        for open in ["{{ if true }}", "{{ print "] {
            let text =
                open == "{{ print " ? open + String(repeating: "(", count: 5000) : String(repeating: open, count: 5000)
            #expect(throws: TemplateError.self) { try TextTemplate(alert: "A", text: text) }
        }
    }

    /// Each match looks through all of the rest before it takes one character of it.
    @Test(arguments: [("%0200000d", false), ("%0200d", true)])
    func `replacing is work that counts`(format: String, isTaken: Bool) throws {
        let template = try TextTemplate(alert: "A", text: #"{{ reReplaceAll "0*b|0" "c" (printf "\#(format)" 1) }}"#)
        switch template.expand(TemplateData(labels: Labels(), value: 0, time: 0)) {
        case .text(let text): #expect(isTaken && text == String(repeating: "c", count: 199) + "1")
        case .failure(let error): #expect(!isTaken && error.message.contains("more than 1000000 steps"))
        case .needs: Issue.record("no query was asked")
        }
    }

    /// Each round makes a megabyte, reads a class of a hundred thousand letters, or reads a long expression once more.
    @Test(arguments: [
        (#"{{ $x := printf "%999999d" 1 }}"#, false),
        (#"{{ $x := match (printf "[[:^alpha:]]{1000}%d" $i) "x" }}"#, false),
        (#"{{ $x := match "(?i)[\#(String(repeating: #"\\pL"#, count: 30_000))]" "1" }}"#, false),
        (#"{{ $x := match "[[:^alpha:]]{1000}" "x" }}"#, true),
        (#"{{ $x := reReplaceAll "[[:^alpha:]]{1000}" "y" "x" }}"#, true),
    ])
    func `what functions make and read is work that counts`(body: String, isTaken: Bool) throws {
        let text = "{{ range $i := 10000 }}" + body + "{{ end }}."
        switch try TextTemplate(alert: "A", text: text).expand(TemplateData(labels: Labels(), value: 0, time: 0)) {
        case .text(let text): #expect(isTaken && text == ".")
        case .failure(let error): #expect(!isTaken && error.message.contains("more than 1000000 steps"))
        case .needs: Issue.record("no query was asked")
        }
    }

    @Test func `a template is given up where its task has to end`() async throws {
        let template = try TextTemplate(alert: "A", text: "{{ range 900000 }}{{ end }}")
        let outcome = await TaskLimit { true }.run {
            template.expand(TemplateData(labels: Labels(), value: 0, time: 0))
        }
        guard case .failure(let error) = outcome else {
            Issue.record("it was expanded")
            return
        }
        #expect(error.message.contains("given up"))
    }

    @Test func `templates expand as promtool's do`() throws {
        let bytes = try Data(contentsOf: Self.folder.appending(path: "templates.json"))
        let vectors = try JSONDecoder().decode([Vector].self, from: bytes)
        #expect(vectors.count > 350)
        var data = TemplateData(
            labels: ["__name__": "up", "job": "api", "instance": "host.example.org:9100", "sp": "a \"b\" <c>&"],
            externalLabels: ["region": "eu", "cluster": "c1"],
            externalURL: "http://prom.example.org:9090/prom",
            pathPrefix: "/prom",
            value: 0,
            time: 0
        )
        for vector in vectors {
            let template: TextTemplate
            do throws(TemplateError) {
                template = try TextTemplate(alert: "A0", text: vector.template)
            } catch {
                #expect(error.message == vector.refused, "\(vector.template)")
                continue
            }
            #expect(vector.refused == nil, "is read: \(vector.template)")
            if vector.refused != nil { continue }
            data.value = vector.value ?? 0
            let text =
                switch template.expand(data, answers: Self.answers()) {
                case .text(let text): text
                case .failure(let error):
                    "<error expanding template: error executing template __alert_A0: \(error.message)>"
                case .needs(let query): "needs \(query)"
                }
            #expect(text == vector.text, "\(vector.template)")
        }
    }
}
