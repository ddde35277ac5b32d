import Foundation
import MetricModel
import PromQL
import Synchronization
import Testing

/// Queries that take long end soon after their time is up, their client has gone or the process is to end, whatever they do.
@Suite(.serialized, .timeLimit(.minutes(5))) struct GivingUpTests {
    /// How long a query may go on after that: what `GIVING_UP_MS` says where this runs alone and optimized, as `make test`
    /// has it. Beside all other tests everything takes far longer, and only what does not end at all is found.
    private static let patience: Int64 = {
        let given = ProcessInfo.processInfo.environment["GIVING_UP_MS"].flatMap { Int64($0) }
        return (given ?? 30_000) * 1_000_000
    }()

    /// Answers all that it has, whatever is asked.
    private struct Everything: SampleReader {
        let held: MemoryReader

        func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] { held.series }
        func series(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets { [] }
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

    private static func reader(series: Int, samples: Int) -> Everything {
        var reader = MemoryReader()
        for index in 0..<series {
            let labels: Labels = ["__name__": "m", "a": "\(index)", "b": "\(index % 7)"]
            reader.add(labels, every: 1000, (0..<samples).map { Double(($0 * 7919 + index) % 1009) / 7 })
        }
        return Everything(held: reader)
    }

    /// A clock that does something at the first look after a while.
    private final class Trigger: StackClock {
        private let inner = SystemClock()
        private let delay: Int64
        private let start: Int64
        private let action = Mutex<(@Sendable () -> Void)?>(nil)
        /// When it did; 0 for not yet.
        let moment = Atomic<Int64>(0)

        init(after delay: Int64) {
            self.delay = delay
            start = inner.steadyNanoseconds
        }

        func set(_ action: @escaping @Sendable () -> Void) { self.action.withLock { $0 = action } }

        var wallNanoseconds: Int64 { inner.wallNanoseconds }
        var steadyNanoseconds: Int64 {
            let now = inner.steadyNanoseconds
            if now - start > delay, let action = action.withLock({ $0.take() }) {
                moment.store(now, ordering: .sequentiallyConsistent)
                action()
            }
            return now
        }
        func sleep(untilSteady deadline: Int64) async throws { try await inner.sleep(untilSteady: deadline) }
    }

    /// Each keeps another loop busy, at 3,600 steps.
    static let overRange = [
        "sum_over_time(m[1h:1s])", "avg_over_time(m[1h:1s])", "stddev_over_time(m[1h:1s])", "mad_over_time(m[1h:1s])",
        "quantile_over_time(0.3, m[1h:1s])", "deriv(m[1h:1s])", "predict_linear(m[1h:1s], 60)", "resets(m[1h:1s])",
        "double_exponential_smoothing(m[1h:1s], 0.5, 0.5)", "max_over_time(rate(m[5m:1s])[1h:1s])", "changes(m[1h:1s])",
        "sum by (a) (sum_over_time(m[1h:1s]))", "ts_of_max_over_time(m[1h:1s])", "topk(500, m) or bottomk(500, m)",
        "quantile(0.5, m) + quantile by (b) (0.7, m)", "count_values('v', m)", "limit_ratio(0.5, m)", "stddev(m)",
        "m * on(a) group_left(b) m", "m and on(a) m or m unless on(b) m", "m atan2 m ^ m", "m == on(a) fill(1) m",
        "histogram_quantile(0.9, label_replace(m, 'le', '$1', 'a', '(.*)'))", "exp(ln(sqrt(sin(cos(tan(m))))))",
        "label_replace(m, 'c', '$1$2$3', 'a', '(.*?)(.*?)(.*)')", "label_join(m, 'c', '-', 'a', 'b', 'a')",
        "m smoothed", "increase(m[1h:1s] anchored)", "rate(m[10m] smoothed)", "info(m)", "scalar(m) + absent(m)",
        "m + m + m + m + m + m + m + m", "timestamp(m) + time() - minute(m)", "vector(1) + sum_over_time(m[30m:100ms])",
    ]

    /// Threads of their own, so that the other tests go on.
    private static let threads = EvaluationThreads(EvaluationThreads.Lane(limit: 4, niceness: 0))

    private static func engine(_ clock: any StackClock, _ gate: ActiveQueries = ActiveQueries(limit: 20))
        -> PromQLEngine
    {
        var options = PromQLEngine.Options()
        options.parser = .all
        return PromQLEngine(options: options, clock: clock, activeQueries: gate, threads: threads)
    }

    @Test("An hour of steps over 1,000 series ends in time", .timeLimit(.minutes(5)), arguments: overRange)
    func endsOverRange(_ query: String) async throws {
        let clock = SystemClock()
        let engine = Self.engine(clock)
        var options = PromQLEngine.QueryOptions()
        options.timeout = 20
        let reader = Self.readers.large
        let start = clock.steadyNanoseconds
        do throws(PromQLError) {
            _ = try await engine.range(
                query: query,
                from: 0,
                to: 3_600_000,
                step: 1000,
                reader: reader,
                options: options
            )
        } catch {
            #expect(error.code == .timeout || error.code == .badData, "\(error)")
            #expect(error.code == .timeout || query.contains("anchored"))
        }
        #expect(clock.steadyNanoseconds - start < 20_000_000 + Self.patience)
    }

    private static let readers = (large: reader(series: 1000, samples: 60), wide: reader(series: 20_000, samples: 1))

    /// Each keeps a loop busy at a single step.
    static let atOneTime = [
        "sort_by_label(sort_by_label_desc(m, 'a'), 'b')", "topk(20000, m)", "sum by (a) (m) * on(a) group_left m",
        "label_replace(m, 'c', '\(String(repeating: "$1", count: 2000))', 'a', '(.*)')",
        "label_replace(m, 'c', '$1', 'a', '\(String(repeating: "(.?)", count: 300)).*')",
        // Whoever copies all groups for each thread, or looks at the time between rows alone, is at it for hours.
        "label_replace(m, 'c', '$1', 'a', '\(String(repeating: "((((((((.*))))))))", count: 1000))')",
        "label_replace(m, 'c', '$2000', 'a', '\(String(repeating: "((((((((.*))))))))", count: 250))')",
        "label_replace(m, 'c', '$1', 'a', '\(String(repeating: "(.?)", count: 2000))x')",
        "sum_over_time(vector(1)[20d:1s])", "quantile_over_time(0.5, vector(time() % 1009)[10d:1s])",
        "stdvar_over_time(vector(time())[20d:1s])", "rate(vector(time() % 7)[20d:1s])",
        "sum_over_time(sum_over_time(vector(time())[10m:1s])[1d:1s])",
        "sum_over_time((count_over_time(vector(1)[1h:1ms]))[1h:1s])", "count_over_time((vector(1) + time())[2h:1ms])",
        "quantile_over_time(2, histogram_quantile(9, vector(time()))[2h:1ms])",
        "count_over_time(histogram_quantile(time(), vector(time()))[2h:1ms])",
        "sum_over_time((-sort(vector(time())))[2h:1ms])", "max_over_time((vector(1) or vector(2))[2h:1ms])",
        "m{a=~'(.*[0-9]){90}x'}", "count(m) by (a) or count(m) by (a, b) or m",
        String(repeating: "abs(", count: 900) + "m" + String(repeating: ")", count: 900),
    ]

    enum End: String, CaseIterable {
        case timeout
        case cancellation
        case closing
    }

    @Test("A moment of 20,000 series ends in time", .timeLimit(.minutes(5)), arguments: atOneTime, End.allCases)
    func endsAtOneTime(_ query: String, _ end: End) async throws {
        let reader = Self.readers.wide
        let clock = Trigger(after: 20_000_000)
        let engine = Self.engine(clock)
        var options = PromQLEngine.QueryOptions()
        if end == .timeout { options.timeout = 20 }
        let given = options
        let task = Task {
            let result = await Result { () async throws(PromQLError) -> QueryResult in
                try await engine.instant(query: query, at: 1000, reader: reader, options: given)
            }
            return (result, SystemClock().steadyNanoseconds)
        }
        switch end {
        case .timeout: clock.set {}
        case .cancellation: clock.set { task.cancel() }
        case .closing: clock.set { engine.activeQueries.close() }
        }
        let (result, finished) = await task.value
        let moment = clock.moment.load(ordering: .sequentiallyConsistent)
        // Some are done before that on a fast machine.
        guard moment != 0 else { return }
        #expect(finished - moment < Self.patience)
        if case .failure(let error) = result { #expect(error.code == (end == .timeout ? .timeout : .canceled)) }
    }

    @Test("The end of the process ends those that wait, and lets no more in", .timeLimit(.minutes(5)))
    func closing() async throws {
        let gate = ActiveQueries(limit: 1)
        let engine = Self.engine(SystemClock(), gate)
        let reader = Self.readers.large
        let long = Task {
            try await engine.range(query: Self.overRange[0], from: 0, to: 3_600_000, step: 1000, reader: reader)
        }
        while gate.runningCount == 0, !Task.isCancelled { await Task.yield() }
        let waiting = Task { try await engine.instant(query: "1", at: 0, reader: reader) }
        while gate.waitingCount == 0, !Task.isCancelled { await Task.yield() }
        gate.close()
        for task in [long, waiting] {
            let error = await #expect(throws: PromQLError.self) { try await task.value }
            #expect(error?.code == .canceled)
            #expect(error?.message.hasSuffix("the server is shutting down") == true)
        }
        await #expect(throws: PromQLError.self) { try await engine.instant(query: "1", at: 0, reader: reader) }
        #expect(gate.runningCount == 0)
    }

    /// One series of histograms, each of which takes long.
    private static let huge: Everything = {
        var histogram = NativeHistogram()
        histogram.schema = 8
        histogram.positiveSpans = [.init(offset: -100_000, length: 200_000)]
        histogram.positiveBuckets = [Double](repeating: 1, count: 200_000)
        histogram.count = 200_000
        let columns = SeriesColumns(
            labels: ["__name__": "m"],
            histogramTimestamps: (0..<400).map { $0 * 1000 },
            histograms: [NativeHistogram](repeating: histogram, count: 400)
        )
        return Everything(held: MemoryReader(series: [columns]))
    }()

    @Test(
        "Histograms of 200,000 buckets end in time",
        arguments: ["sum_over_time(m[10m])", "avg_over_time(m[10m])"]
    )
    func endsOverHistograms(_ query: String) async throws {
        let clock = SystemClock()
        let engine = Self.engine(clock)
        var options = PromQLEngine.QueryOptions()
        options.timeout = 20
        let start = clock.steadyNanoseconds
        let error = await #expect(throws: PromQLError.self) {
            try await engine.instant(query: query, at: 599_000, reader: Self.huge, options: options)
        }
        #expect(error?.code == .timeout || error?.code == .execution, "\(query): \(String(describing: error))")
        #expect(clock.steadyNanoseconds - start < 20_000_000 + Self.patience)
    }
}

extension Result where Failure == PromQLError, Success == QueryResult {
    fileprivate init(_ body: () async throws(PromQLError) -> QueryResult) async {
        do throws(PromQLError) {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
