import MetricModel
import Testing

@Suite(.timeLimit(.minutes(5))) struct LabelsTests {
    @Test func `are sorted, without empty values, the last of a name wins`() {
        let labels = Labels([
            Label(name: "b", value: "1"), Label(name: "a", value: ""), Label(name: "__name__", value: "up"),
            Label(name: "b", value: "2"),
        ])
        #expect(labels.map(\.name) == ["__name__", "b"])
        #expect(labels["b"] == "2")
        #expect(labels["a"] == nil)
        #expect(labels.name == "up")
        #expect(labels.count == 2)
        #expect(labels.description == #"{__name__="up", b="2"}"#)
    }

    @Test func `compare label by label, in byte order, not by encoded length`() {
        let short: Labels = ["a": "z"]
        let long: Labels = ["a": "yy"]
        #expect(long < short)
        #expect(short < ["a": "z", "b": "1"])
        #expect(!(short < short))
        let upper: Labels = ["B": "1"]
        let lengthy: Labels = ["a": String(repeating: "x", count: 300)]
        #expect(upper < long)
        #expect(lengthy < short)
    }

    @Test(
        arguments: [
            ["__name__": "m"], ["__name__": "m", "a": "1"], ["a": "1"], [:], ["A": "1", "__name__": "m", "b": "2"],
            ["__name__": "m", "__type__": "counter", "__unit__": "s", "a": "1"],
            ["__name__": "m", "__zone__": "z", "a": "1"],
            ["__name__": "m", "_x": "1"], ["__name__": "m", String(repeating: "a", count: 200): "1"],
            ["__name__": String(repeating: "m", count: 300), "é": "1"], ["__name__": "", "b": "1"],
        ] as [[String: String]]
    )
    func `what describes the metric goes, all else stays`(_ pairs: [String: String]) {
        let labels = Labels(pairs.map { Label(name: $0.key, value: $0.value) })
        let rest = pairs.filter { !["__name__", "__type__", "__unit__"].contains($0.key) }
        #expect(labels.withoutReserved == Labels(rest.map { Label(name: $0.key, value: $0.value) }))
    }

    @Test func `take a letter written in two ways for two`() {
        let (one, two) = ("\u{e9}", "e\u{301}")
        let labels = Labels([Label(name: one, value: "1"), Label(name: two, value: "2")])
        #expect(labels.count == 2)
        #expect(labels[one] == "1" && labels[two] == "2")
        #expect(!LabelMatcher("a", equals: one).matches(two))
        #expect(LabelMatcher("a", equals: one) != LabelMatcher("a", equals: two))
        #expect(Label(name: one, value: "") != Label(name: two, value: ""))
        #expect(Set([ExactText(one), ExactText(two)]).count == 2)
    }

    @Test func `keep long values`() {
        let value = String(repeating: "ü", count: 5000)
        let labels: Labels = ["a": value, "b": "2"]
        #expect(labels["a"] == value)
        #expect(labels["b"] == "2")
    }

    @Test(arguments: [
        (#"job="x""#, "x", true), (#"job!="x""#, "x", false), (#"job=~"x|y""#, "y", true), (#"job!~"x|y""#, "", true),
    ])
    func `matchers`(text: String, value: String, expected: Bool) throws {
        let operation = try #require(LabelMatcher.Operator.allCases.first { text.contains("job\($0.rawValue)\"") })
        let pattern = String(text.split(separator: "\"")[1])
        let matcher = try LabelMatcher("job", operation, pattern)
        #expect(matcher.matches(value) == expected)
        #expect(matcher.description == text)
    }

    @Test func `many labels take no longer than their number`() {
        var builder = LabelsBuilder(["first": "kept"])
        // From each one to all others would be ten thousand million steps.
        for index in 0..<100_000 { builder.set("l\(index)", "x") }
        for index in 0..<100_000 { builder.set("l\(index)", "v\(index)") }
        for index in 0..<100_000 { builder.remove("nothing\(index)") }
        #expect(builder["l77"] == "v77" && builder["first"] == "kept" && builder["none"] == nil)
        builder.remove("l77")
        #expect(builder["l77"] == nil && builder["l78"] == "v78" && builder.current.count == 100_000)
        builder.set("l77", "again")
        builder.keep { $0.name == "l77" || $0.name == "l99999" }
        builder.set("l99999", "")
        builder.set("é", "1")
        #expect(builder.build() == ["l77": "again", "é": "1"])
    }
}

@Suite(.timeLimit(.minutes(5))) struct PrometheusDurationTests {
    @Test(arguments: [
        ("0", 0, "0s"), ("5m", 300_000, "5m"), ("1h30m", 5_400_000, "1h30m"), ("90m", 5_400_000, "1h30m"),
        ("100ms", 100, "100ms"),
        ("7d", 604_800_000, "1w"), ("8d", 691_200_000, "8d"), ("1y", 31_536_000_000, "1y"), ("1w1d", 691_200_000, "8d"),
    ])
    func `read and print`(text: String, milliseconds: Int64, printed: String) throws {
        let duration = try PrometheusDuration(parsing: text)
        #expect(duration.milliseconds == milliseconds)
        #expect(duration.description == printed)
    }

    @Test(arguments: [
        ("", "empty duration string"), ("1", #"not a valid duration string: "1""#),
        ("1m1h", #"not a valid duration string: "1m1h""#),
        ("-1m", #"not a valid duration string: "-1m""#), ("1.5h", #"unknown unit "." in duration "1.5h""#),
        ("5hs", #"unknown unit "hs" in duration "5hs""#), ("300y", "duration out of range"),
        ("99999999999999999999s", #"not a valid duration string: "99999999999999999999s""#),
    ])
    func `refuse in Prometheus's words`(text: String, message: String) {
        #expect(throws: PrometheusDurationError(message: message)) { try PrometheusDuration(parsing: text) }
    }
}

@Suite(.timeLimit(.minutes(5))) struct ManualClockTests {
    @Test func `wakes sleepers when it is moved past their moment`() async throws {
        let clock = ManualClock(now: 1000)
        async let woken: Void = clock.sleep(milliseconds: 50)
        while clock.sleeperCount == 0, !Task.isCancelled { await Task.yield() }
        clock.advance(milliseconds: 49)
        #expect(clock.sleeperCount == 1)
        clock.advance(milliseconds: 1)
        try await woken
        #expect(clock.now == 1050)
    }

    @Test func `a cancelled sleep ends at once`() async {
        let clock = ManualClock()
        let task = Task { try await clock.sleep(milliseconds: 1_000_000) }
        while clock.sleeperCount == 0, !Task.isCancelled { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(clock.sleeperCount == 0)
    }
}
