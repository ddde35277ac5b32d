import MetricModel
import PromQL
import Testing

/// An expression that is prepared once and evaluated at many moments answers as if it had been read anew at each.
@Suite(.timeLimit(.minutes(5))) struct PreparedQueryTests {
    static let expressions = [
        "limit", "requests_total offset 1m", "rate(requests_total[2m])",
        "sum by (job) (rate(requests_total[5m])) / 2",
        "time()", "vector(time())", "hour()",
        "-requests_total < -10", #"label_replace(limit, "x", "$1", "job", "(.)")"#,
        // Tied to a moment: what these find is the same at any time, or follows it.
        "requests_total @ 300", "requests_total @ end()", "requests_total @ start()",
        "rate(requests_total[2m] @ end())",
        "requests_total - requests_total @ 300", "sum(requests_total @ end()) - sum(requests_total)",
        "max_over_time(requests_total[3m:30s])", "max_over_time(requests_total[3m:30s] @ end())",
        "max_over_time((requests_total @ start())[3m:30s])", "max_over_time((limit * time())[3m:30s] @ 400)",
        "count_over_time((requests_total @ end())[2m:1m] offset 1m)", "topk(1, requests_total @ end())", "1 + 2",
        "'text'",
        "absent(nope)", "absent(nope @ end())", "scalar(limit @ end()) * time()",
    ]

    @Test(arguments: expressions)
    func `the same as read anew at each moment`(_ text: String) async throws {
        let (engine, reader) = (EngineTests.engine, EngineTests.reader)
        let query = InstantQuery(try engine.parse(text))
        var answers: Set<[String]> = []
        for time in stride(from: Timestamp(240_000), through: 780_000, by: 90_000) {
            let once = try await engine.instant(query, at: time, reader: reader)
            let anew = try await engine.instant(query: text, at: time, reader: reader)
            #expect(lines(once.value) == lines(anew.value), "\(text) at \(time)")
            answers.insert(lines(once.value))
        }
        // Even what does not change has the time of its evaluation.
        #expect(answers.count > 1 || text == "'text'", "\(text)")
    }

    @Test func `a moment that is fixed by the evaluation follows it`() async throws {
        let (engine, reader) = (EngineTests.engine, EngineTests.reader)
        for text in ["limit * 0 + on(job) sum by (job) (requests_total)", "sum by (job) (requests_total @ end())"] {
            let query = InstantQuery(try engine.parse(text))
            let first = try await engine.instant(query, at: 300_000, reader: reader)
            let second = try await engine.instant(query, at: 600_000, reader: reader)
            #expect(lines(first.value).first == #"{job="a"} 80@300"#, "\(text)")
            #expect(lines(second.value).first == #"{job="a"} 160@600"#, "\(text)")
        }
    }
}
