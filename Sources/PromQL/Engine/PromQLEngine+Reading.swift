public import MetricModel

extension PromQLEngine {
    /// Reads an expression, in the language that the engine has switched on.
    public func parse(_ query: String) throws(PromQLError) -> Expr {
        do throws(ParseError) {
            return try PromQLParser(options: options.parser).parse(query)
        } catch {
            throw PromQLError(.badData, error.description)
        }
    }

    /// Reads what a client has sent, on the threads for evaluations, and within the time and the memory of a query. What patterns
    /// take counts as held until they are let go.
    @concurrent
    package func reading<Result: Sendable>(
        _ read: @Sendable (PromQLParser) throws(ParseError) -> Result
    ) async throws(PromQLError) -> Result {
        try await limited(QueryOptions()) { limits throws(PromQLError) in
            let result = try await reading(limits, read)
            // What reads on where nobody looks at it does so only until the limits are over.
            try limits.check(in: "query execution")
            return result
        }
    }

    /// Does what a client has asked for besides queries, on the threads for evaluations, and within the time and the memory of one.
    /// Whatever is done looks at the task's limit; what it has made then is thrown away.
    /// - Parameter bytes: what it makes takes so many.
    @concurrent
    package func working<Result: Sendable>(
        on bytes: Int = 0,
        _ body: @Sendable () throws(PromQLError) -> Result
    ) async throws(PromQLError) -> Result {
        try await limited(QueryOptions()) { limits throws(PromQLError) in
            let charge = try limits.charge(bytes)
            defer { withExtendedLifetime(charge) {} }
            let result = try await limits.task.run { () async throws(PromQLError) -> Result in try body() }
            try limits.checkReading()
            return result
        }
    }

    /// Runs `body` within the time and the memory of a query that is asked for now.
    package func withinLimits<Result: Sendable>(_ body: () async -> Result) async -> Result {
        await limits(QueryOptions(), since: clock.steadyNanoseconds).task.run(body)
    }

    func reading<Result: Sendable>(
        _ limits: QueryLimits,
        _ read: (PromQLParser) throws(ParseError) -> Result
    ) async throws(PromQLError) -> Result {
        let parser = PromQLParser(options: options.parser)
        do throws(ParseError) {
            return try await limits.task.run { () async throws(ParseError) -> Result in try read(parser) }
        } catch {
            try limits.checkReading()
            throw PromQLError(.badData, error.description)
        }
    }
}
