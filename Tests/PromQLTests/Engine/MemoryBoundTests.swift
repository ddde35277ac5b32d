import MetricModel
import PromQL
import Testing

/// What a query builds has a bound in bytes.
@Suite(.timeLimit(.minutes(5))) struct MemoryBoundTests {
    private static func engine(_ bytes: Int, inAll: Int = 1 << 30) -> PromQLEngine {
        var options = PromQLEngine.Options()
        options.maximumBytes = bytes
        options.maximumBytesInAll = inAll
        options.parser = .all
        return PromQLEngine(options: options, clock: ManualClock())
    }

    private static let reader = {
        var reader = MemoryReader()
        for index in 0..<200 {
            reader.add(["__name__": "m", "a": "\(index)", "job": "j"], (0..<40).map { Double($0 * 200 + index) })
        }
        reader.add(["__name__": "one", "job": "j"], (0..<40).map { Double($0) })
        return reader
    }()

    /// A label of the query's own, of 4^levels times the length.
    private static func nested(_ levels: Int, _ inner: String) -> String {
        String(repeating: "label_replace(", count: levels) + inner
            + String(repeating: ", 'a', '$1$1$1$1', 'a', '(.*)')", count: levels)
    }

    @Test(
        "Labels and values that grow",
        arguments: [
            nested(9, "m"), nested(20, "m"),
            "label_replace(m, 'b', '\(String(repeating: "$1", count: 100_000))', 'a', '(.*)')",
            "label_join(\(nested(6, "m")), 'c', \(nested(0, "'--'"))"
                + String(repeating: ", 'a'", count: 100) + ")",
            "m * on(job) group_left(b) label_replace(one, 'b', '\(String(repeating: "x", count: 40_000))', '', '')",
            "label_replace(m, 'b', '$300', 'a', '\(String(repeating: "(.*)", count: 300))')",
            "m{" + String(repeating: "a=~'.*x.*y',", count: 5000) + "}",
            "label_join(m, 'a', 'b'" + String(repeating: ",'c'", count: 50_000) + ")",
            [String](
                repeating: "label_replace(m, 'b', 'c', 'a', '(\(String(repeating: "z", count: 90_000)))?.*')",
                count: 6
            ).joined(separator: " or "),
            "sum_over_time(m[1h:10ms])", "vector(1) + sum_over_time(vector(1)[100d:1s])",
        ]
    )
    func grows(_ query: String) async throws {
        let engine = Self.engine(4 << 20)
        let error = await #expect(throws: PromQLError.self) {
            try await engine.instant(query: query, at: 585_000, reader: Self.reader)
        }
        #expect(error?.message == "query processing would hold more than 4MiB in memory in query execution")
        #expect(error?.code == .execution)
        // All is given back.
        _ = try await engine.instant(query: "m", at: 585_000, reader: Self.reader)
    }

    @Test(
        "Rows at many steps",
        arguments: ["count_values('v', m)", "m == on(a) fill(1) m", "label_replace(m, 'b', 'c', '', '')"]
    )
    func steps(_ query: String) async throws {
        let engine = Self.engine(1 << 20)
        let error = await #expect(throws: PromQLError.self) {
            try await engine.range(query: query, from: 0, to: 600_000, step: 100, reader: Self.reader)
        }
        #expect(error?.message == "query processing would hold more than 1MiB in memory in query execution")
    }

    @Test("All queries together have a bound as well; what one has held is given back")
    func together() async throws {
        let engine = Self.engine(4 << 20, inAll: 1 << 20)
        for _ in 0..<3 {
            let error = await #expect(throws: PromQLError.self) {
                try await engine.instant(query: Self.nested(9, "m"), at: 585_000, reader: Self.reader)
            }
            #expect(error?.message == "all queries together would hold more than 1MiB in memory in query execution")
        }
        let result = try await engine.instant(query: Self.nested(3, "m"), at: 585_000, reader: Self.reader)
        guard case .vector(let rows) = result.value else { return }
        #expect(rows.count == 200)
    }
}
