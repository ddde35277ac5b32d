public import MetricModel
public import PromQL
public import Promenade
import Logging
import Scrape
import Synchronization
import Web

/// A whole stack inside a test: free ports, samples in memory, a clock that the test moves, nothing left behind.
///
///     try await withStack { stack in
///         await stack.scrape(job: "demo")
///         try await stack.expect("up{job=\"demo\"} == 1")
///     }
///
/// - Parameters:
///   - config: a `stack.yml`; by default the three servers scrape each other. Targets on the usual ports (9090, 9091, 8080) of
///     this machine follow the servers to their free ports.
///   - flags: flags as on the command line. `--storage.path` keeps the samples in a file instead of in memory.
///   - clock: by default a manual one, on which time passes only by ``TestStack/advance(by:)``, so that nothing in a test
///     depends on how fast it runs. `SystemClock()` for a stack that scrapes by itself in real time.
///   - body: the test; the stack ends with it.
/// - Returns: what the body returns.
public func withStack<Result>(
    config: String = TestStack.defaultConfig,
    flags: [String] = [],
    clock: (any StackClock)? = nil,
    _ body: (TestStack) async throws -> Result
) async throws -> Result {
    let stack = try await TestStack.start(config: config, flags: flags, clock: clock ?? ManualClock())
    do {
        let result = try await body(stack)
        await stack.end()
        return result
    } catch {
        await stack.end()
        throw error
    }
}

/// A running stack with what tests ask of it.
public struct TestStack: Sendable {
    /// The three servers scrape each other; the intervals are long, so that only ``scrape(job:)`` counts.
    public static let defaultConfig = BuiltInConfig.text(
        globals: [("scrape_interval", "1h"), ("scrape_timeout", "10s")]
    )

    /// The stack itself.
    public let stack: Stack
    /// Where its servers listen.
    public let addresses: StackAddresses
    private let running: Task<Void, any Error>

    /// The Prometheus server's URL.
    public var url: String { addresses.prometheus.localURL }
    /// The Pushgateway's URL.
    public var pushgatewayURL: String { addresses.pushgateway?.localURL ?? "" }
    /// The demo server's URL.
    public var demoURL: String { addresses.demo?.localURL ?? "" }

    /// Where OpenTelemetry's clients send metrics: the value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    public var otlpURL: String { addresses.otlp?.localURL ?? "" }

    static func start(config: String, flags: [String], clock: any StackClock) async throws -> TestStack {
        let flags = try FlagSet(parsing: ["--test"] + flags)
        let parsed = try StackConfig(
            text: Array(config.utf8),
            file: "stack.yml",
            context: Stack.context("", flags)
        )
        let options = try StackOptions(flags: flags, config: parsed)
        var logger = StackLogHandler.logger(format: .logfmt, level: .critical, clock: clock)
        logger.logLevel = .critical
        let stack = try await Stack(options: options, clock: clock, logger: logger)
        let ready = Readiness()
        let running = Task {
            do {
                try await stack.run { ready.settle(.success($0)) }
                ready.settle(.failure(CancellationError()))
            } catch {
                ready.settle(.failure(error))
                throw error
            }
        }
        return TestStack(stack: stack, addresses: try await ready.addresses(), running: running)
    }

    func end() async {
        stack.end()
        _ = try? await running.value
    }

    /// The answer to a query at a time; now without one.
    public func query(_ expression: String, at time: Timestamp? = nil) async throws -> QueryResult {
        try await stack.engine.instant(query: expression, at: time ?? stack.clock.now, reader: stack.reader)
    }

    /// The one value that a query answers; `nil` where there is none or more than one.
    public func value(_ expression: String, at time: Timestamp? = nil) async throws -> Double? {
        switch try await query(expression, at: time).value {
        case .scalar(let value, _): return value
        case .vector(let rows): return rows.count == 1 ? rows.values.first : nil
        case .string, .matrix: return nil
        }
    }
}

/// Waits for a stack to be ready.
private final class Readiness: Sendable {
    private enum State {
        case waiting(CheckedContinuation<StackAddresses, any Error>?)
        case settled(Result<StackAddresses, any Error>)
    }

    /// Who waits, or what came.
    private let state = Mutex(State.waiting(nil))

    func settle(_ result: Result<StackAddresses, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<StackAddresses, any Error>? in
            guard case .waiting(let waiter) = state else { return nil }
            state = .settled(result)
            return waiter
        }
        waiter?.resume(with: result)
    }

    func addresses() async throws -> StackAddresses {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<StackAddresses, any Error>? in
                if case .settled(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
