import MetricModel
import PromQL
import Testing

/// A query's result as lines of text: labels, then `value@seconds` for each sample.
func lines(_ value: QueryResult.Value) -> [String] {
    switch value {
    case .scalar(let value, let time): return ["\(GoNumber.text(value, .json))@\(time / 1000)"]
    case .string(let text, _): return [text]
    case .vector(let rows), .matrix(let rows):
        return (0..<rows.count).map { row in
            let floats = rows.floats(row).map {
                "\(GoNumber.text(rows.values[$0], .json))@\(rows.timestamps[$0] / 1000)"
            }
            let histograms = rows.histograms(row).map {
                "\(rows.histograms[$0])@\(rows.histogramTimestamps[$0] / 1000)"
            }
            return ([rows.labels[row].description] + floats + histograms).joined(separator: " ")
        }
    }
}

@Suite(.timeLimit(.minutes(5))) struct EngineTests {
    static let reader: MemoryReader = {
        var reader = MemoryReader()
        for (job, factor) in [("a", 1.0), ("b", 2.0)] {
            for instance in ["1", "2"] {
                let labels: Labels = ["__name__": "requests_total", "job": "\(job)", "instance": "\(instance)"]
                reader.add(labels, (0..<80).map { Double($0) * factor * (instance == "1" ? 1 : 3) })
            }
        }
        reader.add(["__name__": "limit", "job": "a"], Array(repeating: 10, count: 80))
        reader.add(["__name__": "gone", "job": "a"], (0..<10).map { $0 == 9 ? SpecialValue.stale : 1 })
        return reader
    }()

    static let engine = PromQLEngine(clock: ManualClock())

    static let instants: [(String, [String])] = [
        ("1 + 2 * 3", ["7@600"]),
        ("limit", [#"{__name__="limit", job="a"} 10@600"#]),
        ("gone", []),
        ("-limit", [#"{job="a"} -10@600"#]),
        ("sum by (job) (requests_total)", [#"{job="a"} 160@600"#, #"{job="b"} 320@600"#]),
        ("sum(rate(requests_total[5m]))", ["{} 0.7999999999999999@600"]),
        ("sum without (instance) (requests_total) / on (job) limit", [#"{job="a"} 16@600"#]),
        ("topk(1, requests_total)", [#"{__name__="requests_total", instance="2", job="b"} 240@600"#]),
        (
            "requests_total > 100",
            [
                #"{__name__="requests_total", instance="2", job="a"} 120@600"#,
                #"{__name__="requests_total", instance="2", job="b"} 240@600"#,
            ]
        ),
        ("max_over_time(sum(requests_total)[2m:30s])", ["{} 480@600"]),
        (
            "requests_total @ 60 offset 15s and on (job) limit",
            [
                #"{__name__="requests_total", instance="1", job="a"} 3@600"#,
                #"{__name__="requests_total", instance="2", job="a"} 9@600"#,
            ]
        ),
        ("absent(nothing{x=\"y\"})", [#"{x="y"} 1@600"#]),
        ("count_values(\"v\", limit)", [#"{v="10"} 1@600"#]),
        ("label_replace(limit, \"x\", \"$1!\", \"job\", \"(.*)\")", [#"{__name__="limit", job="a", x="a!"} 10@600"#]),
    ]

    @Test(arguments: instants) func instant(_ query: String, _ expected: [String]) async throws {
        let result = try await Self.engine.instant(query: query, at: 600_000, reader: Self.reader)
        #expect(lines(result.value) == expected)
    }

    @Test func range() async throws {
        let result = try await Self.engine.range(
            query: "sum by (job) (increase(requests_total[1m]))",
            from: 60_000,
            to: 180_000,
            step: 60_000,
            reader: Self.reader
        )
        #expect(lines(result.value) == [#"{job="a"} 16@60 16@120 16@180"#, #"{job="b"} 32@60 32@120 32@180"#])
    }

    @Test("Where names go at the end, equal labels matter there, and within a range of times")
    func delayedNameRemoval() async throws {
        var options = PromQLEngine.Options()
        options.delaysNameRemoval = true
        options.parser = .all
        let engine = PromQLEngine(options: options, clock: ManualClock())
        var reader = MemoryReader()
        reader.add(["__name__": "c_bucket", "le": "1"], [4, 4])
        reader.add(["__name__": "c_bucket", "le": "+Inf"], [5, 5])
        let twice = #"histogram_quantiles(c_bucket, "q", 0.4, 0.4)"#
        let sum = try await engine.instant(query: "sum(\(twice))", at: 0, reader: reader)
        #expect(lines(sum.value) == ["{} 1@0"])
        await #expect(throws: PromQLError.self) { try await engine.instant(query: twice, at: 0, reader: reader) }
        await #expect(throws: PromQLError.self) {
            try await engine.range(query: "sum(\(twice))", from: 0, to: 15_000, step: 15_000, reader: reader)
        }
    }
}
