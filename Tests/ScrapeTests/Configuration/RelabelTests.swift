import MetricModel
import Scrape
import Testing

@Suite("Relabelling", .timeLimit(.minutes(5)))
struct RelabelTests {
    struct Case: Sendable, CustomStringConvertible {
        var rule: @Sendable () throws -> RelabelRule
        var expected: Labels?
        var description: String { expected.map { "\($0)" } ?? "dropped" }
    }

    static let input: Labels = ["a": "foo", "b": "bar", "c": "baz", "__meta_x": "m"]

    static func with(_ changes: [String: String]) -> Labels {
        var builder = LabelsBuilder(input)
        for (name, value) in changes { builder.set(name, value) }
        return builder.build()
    }

    @Test("letters of one character and of two are different ones, as their bytes are")
    func bytes() throws {
        let labels: Labels = ["a": "\u{e9}", "b": "e\u{301}"]
        for (action, isKept) in [(RelabelRule.Action.keepequal, false), (.dropequal, true)] {
            var builder = LabelsBuilder(labels)
            let rule = try RelabelRule(action, sourceLabels: ["a"], targetLabel: "b")
            #expect(Relabeller.apply(rule, to: &builder) == isKept)
        }
    }

    static let cases: [Case] = [
        Case(
            rule: {
                try RelabelRule(sourceLabels: ["a"], regex: "f(.*)", targetLabel: "d", replacement: "ch${1}-ch${1}")
            },
            expected: with(["d": "choo-choo"])
        ),
        Case(
            rule: {
                try RelabelRule(
                    sourceLabels: ["a", "b"],
                    regex: "f(.*);(.*)r",
                    targetLabel: "a",
                    replacement: "b${1}${2}m"
                )
            },
            expected: with(["a": "boobam"])
        ),
        Case(rule: { try RelabelRule(sourceLabels: ["a"], targetLabel: "d") }, expected: with(["d": "foo"])),
        Case(rule: { try RelabelRule(sourceLabels: ["a"], regex: "o", targetLabel: "d") }, expected: input),
        Case(rule: { try RelabelRule(sourceLabels: ["none"], regex: "f", targetLabel: "d") }, expected: input),
        Case(rule: { try RelabelRule(targetLabel: "a", replacement: "") }, expected: with(["a": ""])),
        Case(
            rule: { try RelabelRule(sourceLabels: ["a"], regex: "(f).*", targetLabel: "${1}_x", replacement: "v") },
            expected: with(["f_x": "v"])
        ),
        // In Go a number that begins with a zero is a name, which no group here has.
        Case(
            rule: {
                try RelabelRule(sourceLabels: ["a"], regex: "(f).*", targetLabel: "d", replacement: "<${01}$00$0>")
            },
            expected: with(["d": "<foo>"])
        ),
        Case(rule: { try RelabelRule(.drop, sourceLabels: ["a"], regex: "f.*") }, expected: nil),
        Case(rule: { try RelabelRule(.drop, sourceLabels: ["a"], regex: "f") }, expected: input),
        Case(rule: { try RelabelRule(.keep, sourceLabels: ["a"], regex: "no") }, expected: nil),
        Case(rule: { try RelabelRule(.keep, sourceLabels: ["a"], regex: "foo|x") }, expected: input),
        Case(rule: { try RelabelRule(.keepequal, sourceLabels: ["a"], targetLabel: "b") }, expected: nil),
        Case(rule: { try RelabelRule(.dropequal, sourceLabels: ["a"], targetLabel: "b") }, expected: input),
        Case(rule: { try RelabelRule(.dropequal, sourceLabels: ["none"], targetLabel: "nothing") }, expected: nil),
        Case(
            rule: { try RelabelRule(.hashmod, sourceLabels: ["c"], separator: ";", modulus: 1000, targetLabel: "d") },
            expected: with(["d": "976"])
        ),
        Case(
            rule: { try RelabelRule(.labelmap, regex: "(b.*)", replacement: "bar_${1}") },
            expected: with(["bar_b": "bar"])
        ),
        Case(
            rule: { try RelabelRule(.labelmap, regex: "__meta_(x)", replacement: "${1}") },
            expected: with(["x": "m"])
        ),
        Case(rule: { try RelabelRule(.labeldrop, regex: "(b|c)") }, expected: with(["b": "", "c": ""])),
        Case(rule: { try RelabelRule(.labelkeep, regex: "a|__.*") }, expected: with(["b": "", "c": ""])),
        Case(
            rule: { try RelabelRule(.uppercase, sourceLabels: ["a"], targetLabel: "d") },
            expected: with(["d": "FOO"])
        ),
        Case(
            rule: { try RelabelRule(.lowercase, sourceLabels: ["a"], targetLabel: "d") },
            expected: with(["d": "foo"])
        ),
    ]

    @Test("each action", arguments: cases)
    func action(_ item: Case) throws {
        var labels = LabelsBuilder(Self.input)
        let isKept = Relabeller.apply([try item.rule()], to: &labels)
        #expect(isKept == (item.expected != nil))
        if let expected = item.expected { #expect(labels.build() == expected) }
    }

    @Test("a trace tells what each rule did and ends where the set is dropped")
    func trace() throws {
        let rules = [
            try RelabelRule(sourceLabels: ["a"], targetLabel: "d"),
            try RelabelRule(.drop, sourceLabels: ["d"], regex: "foo"),
            try RelabelRule(targetLabel: "e", replacement: "x"),
        ]
        let steps = Relabeller.trace(rules, on: Self.input)
        #expect(steps.map(\.isKept) == [true, false])
        #expect(steps.map(\.output) == [Self.with(["d": "foo"]), Labels()])
    }

    @Test("rules that make no sense are refused in Prometheus's words")
    func problems() throws {
        let cases: [(RelabelRule, String?)] = [
            (
                try RelabelRule(.hashmod, targetLabel: "a"),
                "relabel configuration for hashmod requires non-zero modulus"
            ),
            (try RelabelRule(), "relabel configuration for replace action requires 'target_label' value"),
            (
                try RelabelRule(.lowercase, targetLabel: "a", replacement: "x"),
                "'replacement' can not be set for lowercase action"
            ),
            (
                try RelabelRule(.dropequal, sourceLabels: ["a"], regex: "x", targetLabel: "b"),
                "dropequal action requires only 'source_labels' and `target_label`, and no other fields"
            ),
            (
                try RelabelRule(.labeldrop, sourceLabels: ["a"], regex: "x"),
                "labeldrop action requires only 'regex', and no other fields"
            ), (try RelabelRule(targetLabel: "a"), nil), (try RelabelRule(targetLabel: "ä b"), nil),
        ]
        for (rule, message) in cases { #expect(rule.problem() == message) }
        var legacy = try RelabelRule(targetLabel: "${1}_x")
        legacy.nameValidation = .legacy
        #expect(legacy.problem() == nil)
        legacy.targetLabel = "0${1}"
        #expect(legacy.problem() == #""0${1}" is invalid 'target_label' for replace action"#)
    }
}

@Suite("Relabelling, character by character", .timeLimit(.minutes(5)))
struct RuneCaseTests {
    @Test(
        "cases change as Go's do: one character becomes one character",
        arguments: [
            ("Straße", "STRAßE", "straße"), ("ﬁ", "ﬁ", "ﬁ"), ("İı", "İI", "iı"), ("ŉ", "ŉ", "ŉ"), ("ǆ", "Ǆ", "ǆ"),
            ("ǅ", "Ǆ", "ǆ"),
            ("ΑΣ", "ΑΣ", "ας".replacing("ς", with: "σ")), ("ᾳ", "ᾼ", "ᾳ"), ("ᾀ", "ᾈ", "ᾀ"), ("ΐ", "ΐ", "ΐ"),
            ("éÉ", "ÉÉ", "éé"), ("ÿ", "Ÿ", "ÿ"),
            ("ẞ", "ẞ", "ß"), ("a1_-", "A1_-", "a1_-"), ("и", "И", "и"), ("", "", ""), ("😀", "😀", "😀"),
        ]
    )
    func cases(text: String, upper: String, lower: String) throws {
        for (action, expected) in [(RelabelRule.Action.uppercase, upper), (.lowercase, lower)] {
            var labels = LabelsBuilder(["a": text])
            let rule = try RelabelRule(action, sourceLabels: ["a"], targetLabel: "b")
            #expect(Relabeller.apply([rule], to: &labels))
            #expect((labels["b"] ?? "").unicodeScalars.elementsEqual(expected.unicodeScalars))
        }
    }
}
