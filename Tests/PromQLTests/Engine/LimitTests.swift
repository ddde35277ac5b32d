import MetricModel
import PromQL
import Testing

@Suite(.timeLimit(.minutes(5))) struct LimitTests {
    private static func reader(series: Int, samples: Int) -> MemoryReader {
        var reader = MemoryReader()
        for index in 0..<series {
            reader.add(["__name__": "m", "i": "\(index)"], (0..<samples).map { Double($0) })
        }
        return reader
    }

    @Test(arguments: ["m", "m[5m]", "rate(m[5m])", "m + m", "m @ 300"])
    func samples(_ query: String) async throws {
        var options = PromQLEngine.Options()
        options.maximumSamples = 4
        let engine = PromQLEngine(options: options, clock: ManualClock())
        let reader = Self.reader(series: 5, samples: 40)
        let error = await #expect(throws: PromQLError.self) {
            try await engine.instant(query: query, at: 300_000, reader: reader)
        }
        #expect(error?.message == "query processing would load too many samples into memory in query execution")
        #expect(error?.code == .execution)
    }

    @Test func `a subquery has no more steps than a query may have samples, or ten million`() async throws {
        var options = PromQLEngine.Options()
        options.maximumSamples = 1000
        let engine = PromQLEngine(options: options, clock: ManualClock())
        let reader = Self.reader(series: 1, samples: 1)
        for query in ["count_over_time(vector(1)[10000001ms:1ms])", "absent_over_time(none[100y:1ms])"] {
            let error = await #expect(throws: PromQLError.self) {
                try await engine.instant(query: query, at: 0, reader: reader)
            }
            #expect(error?.message == "query processing would load too many samples into memory in query execution")
        }
        let result = try await engine.instant(query: "absent_over_time(none[10000s:1ms])", at: 0, reader: reader)
        #expect(lines(result.value).count == 1)
    }

    /// A reader at which time passes.
    private struct SlowReader: SampleReader {
        let clock: ManualClock
        var inner = LimitTests.reader(series: 1, samples: 40)

        func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
            clock.advance(milliseconds: 5000)
            return try await inner.select(request)
        }

        func series(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
            []
        }
        func labelNames(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
            -> [String]
        { [] }
        func labelValues(_ name: String, _ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
            -> [String]
        { [] }
        func exemplars(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [SeriesExemplars] {
            []
        }
    }

    @Test func timeout() async {
        let clock = ManualClock()
        let engine = PromQLEngine(clock: clock)
        var options = PromQLEngine.QueryOptions()
        options.timeout = 3000
        let error = await #expect(throws: PromQLError.self) {
            try await engine.instant(query: "m", at: 300_000, reader: SlowReader(clock: clock), options: options)
        }
        #expect(error == PromQLError(.timeout, "query timed out in expression evaluation"))
    }

    @Test func cancellation() async {
        let engine = PromQLEngine(clock: ManualClock())
        let reader = Self.reader(series: 1, samples: 40)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await #expect(throws: PromQLError.self) {
                try await engine.instant(query: "m", at: 300_000, reader: reader)
            }
        }
        #expect(await task.value?.code == .canceled)
    }

    @Test func deepExpressions() async throws {
        let engine = PromQLEngine(clock: ManualClock())
        let reader = Self.reader(series: 1, samples: 40)
        let nested = String(repeating: "abs(", count: 300) + "m" + String(repeating: ")", count: 300)
        let chain = "m" + String(repeating: " + 1", count: 900)
        for (query, value) in [(nested, "20"), (chain, "920")] {
            let result = try await engine.instant(query: query, at: 300_000, reader: reader)
            #expect(lines(result.value) == [#"{i="0"} \#(value)@300"#])
        }
    }

    @Test("A subquery is evaluated up to the last step, be it before the end that was asked for")
    func subqueryEnd() async throws {
        let engine = PromQLEngine(options: PromQLEngine.Options(), clock: ManualClock())
        for end in [240_000 as Timestamp, 299_000] {
            let result = try await engine.range(
                query: "max_over_time(m[1m:15s])",
                from: 120_000,
                to: end,
                step: 60_000,
                reader: Self.reader(series: 1, samples: 40)
            )
            #expect(result.statistics.peakSamples == 19)
        }
    }

    /// The figures are those of a Prometheus (main) over the same series.
    @Test(
        "Samples held at most",
        arguments: [
            ("timestamp(m)", 6), ("start_timestamp(m)", 3), ("m smoothed", 120), ("sum(m smoothed)", 120),
            ("m[1m] anchored", 72), ("m[1m] smoothed", 132), ("rate(m[1m] anchored)", 27), ("info(b)", 21),
            ("info(m)", 9), ("info(rate(b[1m]))", 21), ("absent_over_time((m)[17s:2m]) + m", 7),
        ]
    )
    func peaks(_ query: String, _ peak: Int) async throws {
        var options = PromQLEngine.Options()
        options.parser = .all
        var reader = Self.reader(series: 3, samples: 60)
        for (name, count) in [("b", 5), ("target_info", 3)] {
            for index in 0..<count {
                let labels: Labels = ["__name__": name, "job": "j", "instance": "\(index)"]
                reader.add(labels, (0..<60).map { Double($0) })
            }
        }
        let engine = PromQLEngine(options: options, clock: ManualClock())
        let result = try await engine.instant(query: query, at: 400_000, reader: reader)
        #expect(result.statistics.peakSamples == peak)
    }

    @Test func statistics() async throws {
        var options = PromQLEngine.Options()
        options.countsSamplesPerStep = true
        let engine = PromQLEngine(options: options, clock: ManualClock())
        var query = PromQLEngine.QueryOptions()
        query.countsSamplesPerStep = true
        let result = try await engine.range(
            query: "sum(rate(m[1m]))",
            from: 120_000,
            to: 240_000,
            step: 60_000,
            reader: Self.reader(series: 2, samples: 40),
            options: query
        )
        #expect(result.statistics.totalSamples == 24)
        #expect(result.statistics.samplesRead == 24)
        #expect(result.statistics.totalSamplesPerStep.map(\.count) == [8, 8, 8])
        #expect(result.statistics.peakSamples == 10)
    }

    @Test func waitingForAPlace() async throws {
        let clock = ManualClock()
        let gate = ActiveQueries(limit: 1)
        let engine = PromQLEngine(clock: clock, activeQueries: gate)
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let (blocked, unblock) = AsyncStream.makeStream(of: Void.self)
        let reader = BlockingReader(entered: continuation, release: blocked)
        let first = Task { try await engine.instant(query: "m", at: 0, reader: reader) }
        for await _ in stream { break }
        let second = Task { try await engine.instant(query: "1", at: 0, reader: reader) }
        while gate.waitingCount == 0, !Task.isCancelled { await Task.yield() }
        second.cancel()
        await #expect(throws: PromQLError(.canceled, "query was canceled in query queue")) { try await second.value }
        unblock.finish()
        _ = try await first.value
        #expect(gate.runningCount == 0)
    }

    /// A reader that waits until it is let go.
    private struct BlockingReader: SampleReader {
        let entered: AsyncStream<Void>.Continuation
        let release: AsyncStream<Void>

        func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
            entered.yield()
            for await _ in release {}
            return []
        }

        func series(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
            []
        }
        func labelNames(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
            -> [String]
        { [] }
        func labelValues(_ name: String, _ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
            -> [String]
        { [] }
        func exemplars(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [SeriesExemplars] {
            []
        }
    }
}
