import MetricModel
import PromQL
import Testing

@Suite(.timeLimit(.minutes(5))) struct ExplainTests {
    private static let reader = {
        var reader = MemoryReader()
        for (index, job) in ["a", "a", "b"].enumerated() {
            let labels: Labels = ["__name__": "m_total", "job": job, "instance": "\(index)"]
            reader.add(labels, (0..<40).map { Double($0 * 10) })
            reader.add(["__name__": "up", "job": job, "instance": "\(index)"], (0..<40).map { _ in 1 })
        }
        reader.add(["__name__": "size", "job": "a", "x": "1"], (0..<40).map { Double($0) })
        reader.add(["__name__": "size", "job": "b", "y": "1"], (0..<40).map { Double($0) })
        // Ended, and begun later.
        let gone = (0..<20).map { Double($0) } + [SpecialValue.stale]
        reader.add(["__name__": "gone"], gone)
        reader.add(["__name__": "old"], (0..<10).map { Double($0) })
        reader.add(["__name__": "young"], from: 500_000, [1, 2])
        return reader
    }()

    private static func explain(_ query: String, at time: Timestamp = 585_000) async throws -> Explanation {
        let engine = PromQLEngine(clock: ManualClock(now: 1_000_000))
        return try await engine.explain(query: query, over: .instant(at: time), reader: reader)
    }

    @Test(
        "Windows of a hundred years and words of a megabyte are explained, too",
        arguments: [
            ("rate(vector(1)[100y:150y])", EmptyReason.Kind.oneSample), ("rate(once[100y])", .oneSample),
            ("increase(vector(1)[290y:292y])", .oneSample), ("deriv(once[292y])", .oneSample),
            (String(repeating: "ab", count: 1 << 19), .noMetric),
            ("long{a=\"\(String(repeating: "ab", count: 1 << 19))\"}", .noValue),
        ]
    )
    func extremes(_ query: String, _ kind: EmptyReason.Kind) async throws {
        var reader = Self.reader
        reader.add(["__name__": "once"], from: 585_000, [1])
        reader.add(["__name__": String(repeating: "ba", count: 1 << 19)], [1])
        reader.add(["__name__": "long", "a": String(repeating: "ba", count: 1 << 19)], (0..<40).map { _ in 1 })
        let engine = PromQLEngine(clock: ManualClock(now: 1_000_000))
        let explanation = try await engine.explain(query: query, over: .instant(at: 585_000), reader: reader)
        #expect(explanation.emptyReason?.kind == kind)
        #expect(explanation.emptyReason?.suggestions.count == (kind == .noValue ? 1 : 0))
    }

    @Test(
        "A longer window is offered where one scrape is too few, and none where that would be a shorter one",
        arguments: [
            (5000, 0, "3s", "20s"), (200, 0, "100ms", "5s"), (6100, 0, "5s", "25s"), (20_000, 0, "5s", "2m"),
            // A target that has come back lately.
            (1000, 41_000, "30s", nil),
        ] as [(Int64, Int64, String, String?)]
    )
    func longerWindow(_ gap: Int64, _ silence: Int64, _ window: String, _ offered: String?) async throws {
        var times = (0..<20).map { 400_000 + $0 * gap }
        if silence > 0 { times.append(times[19] + silence) }
        var reader = MemoryReader()
        reader.series = [
            SeriesColumns(labels: ["__name__": "x_total"], timestamps: times, values: times.map { _ in 1 })
        ]
        let engine = PromQLEngine(clock: ManualClock(now: 1_000_000))
        let explanation = try await engine.explain(
            query: "rate(x_total[\(window)])",
            over: .instant(at: times[times.count - 1]),
            reader: reader
        )
        let reason = try #require(explanation.emptyReason)
        #expect(reason.kind == .oneSample)
        #expect(reason.suggestions.map(\.label) == (offered.map { ["Use [\($0)]"] } ?? []))
        #expect(reason.suggestions.map(\.expression) == (offered.map { ["rate(x_total[\($0)])"] } ?? []))
    }

    @Test("Of very many matchers not each one is suggested to be left out")
    func suggestions() async throws {
        let query = "up{" + (0..<500).map { "job!=\"\($0)\"," }.joined() + "job=\"a\",instance=\"2\"}"
        #expect(try await Self.explain(query).emptyReason?.suggestions.count == 8)
    }

    @Test("Each part tells what it answered")
    func tree() async throws {
        let explanation = try await Self.explain("sum by (job) (rate(m_total[1m])) / 2")
        let root = explanation.root
        #expect(root.kind == "binaryExpr")
        #expect(root.children.map(\.kind) == ["aggregation", "numberLiteral"])
        let sum = root.children[0]
        #expect(sum.series == 2)
        #expect(sum.lost == ["instance"])
        #expect(sum.labels.map(\.name) == ["job"])
        #expect(sum.labels.map(\.values) == [["a", "b"]])
        #expect(sum.examples.map(\.value) == [20.0 / 15, 10.0 / 15])
        let rate = sum.children[0]
        #expect(rate.kind == "call")
        #expect(rate.lost == ["__name__"])
        #expect(rate.series == 3)
        #expect(rate.windows.count == 3)
        #expect(rate.greatestWindow == 4)
        let range = rate.children[0]
        #expect(range.kind == "matrixSelector")
        #expect((range.series, range.samples, range.samplesRead) == (3, 12, 12))
        #expect((range.position.start, range.position.end) == (19, 30))
        #expect(explanation.emptyReason == nil)
        #expect(explanation.error == nil)
    }

    @Test("Subqueries, parentheses, selectors inside functions and texts have their places")
    func shapes() async throws {
        func shape(_ node: ExplainedNode) -> String {
            node.children.isEmpty ? node.kind : "\(node.kind)(\(node.children.map(shape).joined(separator: ",")))"
        }
        for (query, expected) in [
            ("(up)", "vectorSelector"), ("up[1m]", "matrixSelector"), ("up[1m:15s]", "subquery(vectorSelector)"),
            ("max_over_time((up + 1)[1m:15s])", "call(subquery(binaryExpr(vectorSelector,numberLiteral)))"),
            ("timestamp(up)", "call(vectorSelector)"), ("'text'", "stringLiteral"), ("1", "numberLiteral"),
            ("up @ 100", "vectorSelector"), ("quantile_over_time(0.5, up[1m])", "call(numberLiteral,matrixSelector)"),
            ("label_replace(up, 'x', '$1', 'job', '(.*)')", "call(vectorSelector)"),
            ("topk(2, -up)", "aggregation(numberLiteral,unaryExpr(vectorSelector))"),
        ] {
            let explanation = try await Self.explain(query)
            #expect(shape(explanation.root) == expected, "\(query)")
        }
    }

    /// The terms are the kernel's: multiplied they give what it answers.
    @Test(
        "How rate, increase and delta come to their numbers",
        arguments: [
            ("increase", [5, 15, 25, 35, 45, 55], [10, 11, 12, 13, 14, 15], (5.0, 5.0, 5.0, 0.0)),
            ("increase", [35, 45, 55], [13, 14, 15], (2, 5, 5, 0)),
            ("increase", [10, 20, 30, 40, 50], [5, 8, 2, 4, 6], (9, 10, 10, 8)),
            ("delta", [40, 50], [8, 2], (-6, 5, 10, 0)), ("increase", [40, 50], [1, 11], (10, 1, 10, 0)),
            ("rate", [5, 15, 25, 35, 45, 55], [10, 11, 12, 13, 14, 15], (5, 5, 5, 0)),
        ] as [(String, [Int64], [Double], (Double, Double, Double, Double))]
    )
    func terms(_ name: String, _ times: [Int64], _ values: [Double], _ expected: (Double, Double, Double, Double))
        async throws
    {
        var reader = MemoryReader()
        reader.series = [
            SeriesColumns(labels: ["__name__": "x_total"], timestamps: times.map { $0 * 1000 }, values: values)
        ]
        let engine = PromQLEngine(clock: ManualClock())
        let explanation = try await engine.explain(
            query: "\(name)(x_total[1m])",
            over: .instant(at: 60_000),
            reader: reader
        )
        let window = try #require(explanation.root.windows.first)
        guard case .change(let terms) = window.terms else {
            Issue.record("no terms")
            return
        }
        #expect((terms.change, terms.toStart, terms.toEnd, terms.lost) == expected)
        #expect(window.result == terms.change * terms.factor)
        #expect(window.values == values)
        #expect(window.resets == (terms.lost > 0 ? [30_000] : []))
        #expect((window.start, window.end) == (0, 60_000))
    }

    @Test("How two sides find each other")
    func matching() async throws {
        let explanation = try await Self.explain("up / on (job) group_left size{job='a'}")
        let matching = try #require(explanation.root.matching)
        #expect((matching.matchedLeft, matching.matchedRight) == (2, 1))
        #expect(matching.unmatchedLeft == [["__name__": "up", "job": "b", "instance": "2"]])
        #expect(matching.groups.map(\.left) == [2])
        #expect(matching.shared == ["job"])
        let apart = try #require(try await Self.explain("size + ignoring (x) up").root.matching)
        #expect((apart.onlyLeft, apart.onlyRight, apart.shared) == (["y"], ["instance"], ["job"]))
    }

    @Test("A query that fails tells where, and what was evaluated until then")
    func failing() async throws {
        let explanation = try await Self.explain("sum(up + on (job) up)")
        #expect(explanation.error?.code == .execution)
        let failed = explanation.root.children[0]
        #expect(failed.error?.contains("many-to-many matching not allowed") == true)
        #expect(failed.children.map(\.series) == [3, 3])
        #expect(explanation.root.error == nil)
        await #expect(throws: PromQLError.self) { try await Self.explain("sum(") }
    }

    @Test(
        "Why there is nothing",
        arguments: [
            ("sum(m_totl)", .noMetric, "Did you mean m_total?", "sum(m_total)"),
            ("up{jop='x'}", .noLabel, "Did you mean job?", "up{job=\"x\"}"),
            ("rate(m_total{job='c'}[1m])", .noValue, "job=\"a\"", "rate(m_total{job=\"a\"}[1m])"),
            ("up{job='a', instance='2'}", .noCombination, "Without job=\"a\"", "up{instance=\"2\"}"),
            ("old", .tooOld, "Look at that time", ""),
            ("rate(old[1m])", .tooOld, "Use a window of 15m", "rate(old[15m])"),
            ("gone", .ended, "Look at that time", ""),
            ("rate(m_total[15s])", .oneSample, "Use [1m]", "rate(m_total[1m])"),
            ("rate(up[10s:10s])", .oneSample, "Use [40s]", "rate(up[40s:10s])"),
            ("up[1s:1h]", .noStep, "Look at it without the subquery", "up"),
            (
                "up{job='a'} + up{job='b'}", .noMatch, "Match ignoring (instance, job)",
                "up{job=\"a\"} + ignoring (instance, job) up{job=\"b\"}"
            ),
            ("up > 5", .filtered, "Answer 0 or 1 (> bool)", "up > bool 5"), ("up unless up", .removed, nil, nil),
            ("absent(up)", .present, "Look at the series", "up"), ("histogram_quantile(0.9, up)", .noBuckets, nil, nil),
        ] as [(String, EmptyReason.Kind, String?, String?)]
    )
    func empty(_ query: String, _ kind: EmptyReason.Kind, _ label: String?, _ expression: String?) async throws {
        let reason = try #require(try await Self.explain(query).emptyReason)
        #expect(reason.kind == kind, "\(reason)")
        guard let label else { return }
        let suggestion = reason.suggestions.first { $0.label == label }
        #expect(suggestion != nil, "\(reason.suggestions)")
        #expect(suggestion?.expression ?? "" == expression)
    }

    @Test("A series that has begun later")
    func notYet() async throws {
        let reason = try #require(try await Self.explain("young", at: 400_000).emptyReason)
        #expect(reason.kind == .notYet)
        #expect(reason.suggestions.first?.looksAtNow == true)
    }

    @Test("Over a range, windows are those of the last step")
    func range() async throws {
        let engine = PromQLEngine(clock: ManualClock())
        let explanation = try await engine.explain(
            query: "rate(m_total[1m])",
            over: .range(from: 300_000, to: 410_000, step: 50_000),
            reader: Self.reader
        )
        #expect(explanation.time == 400_000)
        #expect(explanation.root.samples == 9)
        #expect(explanation.root.windows.first?.end == 400_000)
    }
}
