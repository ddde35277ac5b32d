public import MetricModel

/// Evaluates PromQL over whatever can be read.
public struct PromQLEngine: Sendable {
    /// How an engine works.
    public struct Options: Sendable {
        /// How far back an instant selector looks, in milliseconds.
        public var lookbackDelta: Int64 = 300_000
        /// The most samples that a query may hold.
        public var maximumSamples = 50_000_000
        /// The most bytes that a query may hold: values of results, labels that functions write.
        public var maximumBytes = 1 << 30
        /// The most bytes that all queries together may hold.
        public var maximumBytesInAll = 4 << 30
        /// How long a query may run, in milliseconds.
        public var timeout: Int64 = 120_000
        /// The step of subqueries that give none, in milliseconds.
        public var defaultSubqueryInterval: Int64 = 60_000
        /// Which parts of the language are on.
        public var parser = ParserOptions()
        /// Names are dropped at the end rather than by each function (`promql-delayed-name-removal`).
        public var delaysNameRemoval = false
        /// Metrics tell type and unit by labels (`type-and-unit-labels`).
        public var usesTypeAndUnitLabels = false
        /// Functions of counters use the times at which these started (`use-start-timestamps`).
        public var usesStartTimestamps = false
        /// Samples may be counted by step (`promql-per-step-stats`).
        public var countsSamplesPerStep = false

        /// Prometheus's defaults.
        public init() {}
    }

    /// How one query is to be evaluated.
    public struct QueryOptions: Sendable {
        /// How far back an instant selector looks, in milliseconds; `nil` for the engine's.
        public var lookbackDelta: Int64?
        /// How long the query may run, in milliseconds; `nil` for the engine's. Never more than that.
        public var timeout: Int64?
        /// Whether samples are counted by step, where the engine allows it.
        public var countsSamplesPerStep = false

        /// The engine's options.
        public init() {}
    }

    /// How the engine works.
    public let options: Options
    /// The gate for queries.
    public let activeQueries: ActiveQueries
    /// Where queries are evaluated that are not asked from such threads already; `nil` for wherever they are asked.
    public let threads: EvaluationThreads?
    let clock: any StackClock
    /// The bytes that all queries hold.
    private let memory: MemoryBudget
    /// Is told how long each part of a query took, in seconds.
    private let observe: (@Sendable (QuerySlice, Double) -> Void)?

    /// An engine.
    /// - Parameter threads: where to evaluate what is not asked from threads for evaluations already; `nil` to do so wherever it
    ///   is asked, as in tests.
    public init(
        options: Options = Options(),
        clock: any StackClock,
        activeQueries: ActiveQueries = ActiveQueries(limit: 20),
        threads: EvaluationThreads? = nil,
        observe: (@Sendable (QuerySlice, Double) -> Void)? = nil
    ) {
        self.observe = observe
        self.options = options
        self.clock = clock
        self.activeQueries = activeQueries
        self.threads = threads
        memory = MemoryBudget(limit: options.maximumBytesInAll)
    }

    /// Runs `body` on the threads on which this engine evaluates, so that its queries do not change threads.
    public func onOwnThreads<Result: Sendable>(_ body: @Sendable () async -> Result) async -> Result {
        await EvaluationThreads.run(on: threads, body)
    }

    /// The bytes that somebody else may hold who answers with samples: as many as a query, and counted among those of all queries.
    package func memoryOfOneQuery() -> MemoryBudget { MemoryBudget(limit: options.maximumBytes, whole: memory) }

    /// What they are told who would hold more.
    package var tooManyBytes: PromQLError { .tooManyBytes(options.maximumBytes) }

    /// Evaluates an expression at one time.
    @concurrent
    public func instant(
        query: String,
        at time: Timestamp,
        reader: any SampleReader,
        options queryOptions: QueryOptions = QueryOptions()
    ) async throws(PromQLError) -> QueryResult {
        try await limited(queryOptions) { limits throws(PromQLError) in
            let expression = try await parse(query, limits)
            return try await run(expression, Span(start: time, end: time), reader, queryOptions, limits)
        }
    }

    /// Evaluates an expression at one time.
    @concurrent
    public func instant(
        _ query: InstantQuery,
        at time: Timestamp,
        reader: any SampleReader,
        options queryOptions: QueryOptions = QueryOptions()
    ) async throws(PromQLError) -> QueryResult {
        try await limited(queryOptions) { limits throws(PromQLError) in
            let span = Span(start: time, end: time)
            return try await run(query.expression, prepared: query.prepared, span, reader, queryOptions, limits)
        }
    }

    /// Evaluates an expression at many times. `step` in milliseconds.
    @concurrent
    public func range(
        query: String,
        from start: Timestamp,
        to end: Timestamp,
        step: Int64,
        reader: any SampleReader,
        options queryOptions: QueryOptions = QueryOptions()
    ) async throws(PromQLError) -> QueryResult {
        let span = Span(start: start, end: end, step: step)
        return try await limited(queryOptions) { limits throws(PromQLError) in
            let expression = try await parse(query, limits)
            try checkRange(expression, step)
            return try await run(expression, span, reader, queryOptions, limits)
        }
    }

    /// Evaluates an expression at many times. `step` in milliseconds.
    @concurrent
    public func range(
        _ expression: Expr,
        from start: Timestamp,
        to end: Timestamp,
        step: Int64,
        reader: any SampleReader,
        options queryOptions: QueryOptions = QueryOptions()
    ) async throws(PromQLError) -> QueryResult {
        try checkRange(expression, step)
        let span = Span(start: start, end: end, step: step)
        return try await limited(queryOptions) { limits throws(PromQLError) in
            try await run(expression, span, reader, queryOptions, limits)
        }
    }

    /// Runs `body` on the threads for evaluations, with the limits of a query that was asked for now.
    func limited<Result: Sendable>(
        _ queryOptions: QueryOptions,
        _ body: @Sendable (QueryLimits) async throws(PromQLError) -> Result
    ) async throws(PromQLError) -> Result {
        let started = clock.steadyNanoseconds
        return try await EvaluationThreads.run(on: threads) { () async throws(PromQLError) -> Result in
            try await body(limits(queryOptions, since: started))
        }
    }

    func checkRange(_ expression: Expr, _ step: Int64) throws(PromQLError) {
        if step <= 0 { throw PromQLError(.badData, "zero or negative query resolution step widths are not accepted") }
        guard expression.type == .vector || expression.type == .scalar else {
            throw PromQLError(
                .badData,
                "invalid expression type \(GoText.quoted(expression.type.documentedName)) for range query, "
                    + "must be Scalar or instant Vector"
            )
        }
    }

    /// What a query may use that was asked for at that moment.
    func limits(_ queryOptions: QueryOptions, since started: Int64) -> QueryLimits {
        let timeout = min(options.timeout, queryOptions.timeout ?? options.timeout)
        let deadline = started.addingReportingOverflow(timeout.multipliedReportingOverflow(by: 1_000_000).partialValue)
        return QueryLimits(
            started: started,
            clock: clock,
            deadline: deadline.overflow ? .max : deadline.partialValue,
            queries: activeQueries,
            memory: MemoryBudget(limit: options.maximumBytes, whole: memory)
        )
    }

    /// Reads an expression within the query's limits.
    func parse(_ query: String, _ limits: QueryLimits) async throws(PromQLError) -> Expr {
        try await reading(limits) { parser throws(ParseError) in try parser.parse(query) }
    }

    /// The times of a query; a step of 0 for a single one.
    struct Span: Sendable {
        let start: Timestamp
        let end: Timestamp
        let step: Int64

        init(start: Timestamp, end: Timestamp, step: Int64 = 0) {
            self.start = Preprocessing.bounded(start)
            self.end = Preprocessing.bounded(end)
            self.step = step
        }
    }

    func run(
        _ expression: Expr,
        prepared known: Expr? = nil,
        _ span: Span,
        _ reader: any SampleReader,
        _ queryOptions: QueryOptions,
        _ limits: QueryLimits,
        _ recording: Recording? = nil
    ) async throws(PromQLError) -> QueryResult {
        let started = limits.started
        var statistics = QueryStatistics()
        let queued = clock.steadyNanoseconds
        do throws(PromQLError) {
            try await enter(limits)
        } catch {
            observe?(.queueTime, seconds(clock.steadyNanoseconds - queued))
            throw error
        }
        defer { activeQueries.leave() }
        let entered = clock.steadyNanoseconds
        statistics.queue = seconds(entered - queued)
        observe?(.queueTime, statistics.queue)
        try limits.check(in: "query execution")
        let preprocessing = Preprocessing(start: span.start, end: span.end, interval: span.step)
        let prepared = if let known { known } else { try preprocessing.prepared(expression) }
        let isInstant = span.step == 0
        let grid =
            isInstant ? StepGrid(at: span.start) : StepGrid(start: span.start, end: span.end, interval: span.step)
        let tracksSteps = options.countsSamplesPerStep && queryOptions.countsSamplesPerStep
        let counter = SampleCounter(grid: grid, tracksSteps: tracksSteps)
        let recorder = recording.map { _ in ExplanationRecorder(clock: clock, limits: limits) }
        defer { if let recorder { recording?.set(recorder.root, recorder.charge) } }
        let lookback = queryOptions.lookbackDelta ?? options.lookbackDelta
        let reader = reader.forQuery()
        let evaluation = Evaluation(
            reader: reader,
            options: options,
            lookback: lookback,
            limits: limits,
            recorder: recorder
        )
        let scope = Evaluation.Scope(grid: grid, samples: counter)
        let evaluated = clock.steadyNanoseconds
        statistics.preparation = seconds(evaluated - entered)
        observe?(.prepareTime, statistics.preparation)
        let raw: RawResult
        do throws(PromQLError) {
            raw = try await limits.task.run { () async throws(PromQLError) -> RawResult in
                try await evaluation.evaluateTop(prepared, expression.type, scope, isInstant: isInstant)
            }
        } catch {
            observe?(.innerEvaluation, seconds(clock.steadyNanoseconds - evaluated))
            throw error
        }
        let sorting = clock.steadyNanoseconds
        observe?(.innerEvaluation, seconds(sorting - evaluated))
        try limits.check()
        let value = try raw.sorted(limits)
        let finished = clock.steadyNanoseconds
        statistics.innerEvaluation = seconds(sorting - evaluated)
        statistics.resultSort = seconds(finished - sorting)
        if !isInstant { observe?(.resultSort, statistics.resultSort) }
        statistics.evaluationTotal = seconds(finished - entered)
        statistics.executionTotal = seconds(finished - started)
        counter.report(&statistics)
        for text in reader.shortfalls { evaluation.annotations.add(Annotations.Entry(outside: text)) }
        return QueryResult(
            value: value,
            annotations: evaluation.annotations,
            statistics: statistics
        )
    }

    /// Waits for a place among the running queries.
    private func enter(_ limits: QueryLimits) async throws(PromQLError) {
        switch await activeQueries.enter(until: limits.deadline, clock: clock) {
        case .admitted: return
        case .cancelled: throw .canceled(in: "query queue")
        case .expired: throw .timedOut(in: "query queue")
        case .closed: throw .ending(in: "query queue")
        }
    }

    private func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }
}

extension SampleCounter {
    func report(_ statistics: inout QueryStatistics) {
        statistics.totalSamples = total
        statistics.samplesRead = read
        statistics.peakSamples = peak
        statistics.totalSamplesPerStep = totalByStep.enumerated().map { step, count in
            QueryStatistics.StepCount(timestamp: grid.time(step), count: count)
        }
        statistics.samplesReadPerStep = readByStep.enumerated().map { step, count in
            QueryStatistics.StepCount(timestamp: grid.time(step), count: count)
        }
    }
}
