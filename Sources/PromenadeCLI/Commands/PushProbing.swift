import AsyncHTTPClient
import Logging
import MetricModel
import Promenade
import Pushgateway
import Synchronization
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Runs a command that pushes, with a Pushgateway of its own that remembers every request.
struct PushProbing: Sendable {
    let command: String
    let seconds: Int

    func conformance() async throws -> PushConformance {
        let clock = SystemClock()
        let store = GroupStore(
            options: PushgatewayOptions(),
            clock: clock,
            metrics: GatewayMetrics(clock: clock, build: [])
        )
        let recorder = PushRecorder()
        let gateway = PushgatewayResponder(store: store, clock: clock)
        let server = try WebServer(
            address: ListenAddress(host: "127.0.0.1", port: 0),
            router: gateway.makeRouter { recorder.take($0, $1) },
            clock: clock,
            eventLoopGroup: HTTPClient.shared.eventLoopGroup,
            logger: Logger(label: "check", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let serving = Task { try await server.run() }
        defer { serving.cancel() }
        let address = "127.0.0.1:\(try await server.listening().port)"
        let url = "http://" + address
        let child = try ShellCommand(
            command.replacing("{url}", with: url).replacing("{address}", with: address),
            environment: ["PUSHGATEWAY_URL": url, "PUSHGATEWAY_ADDRESS": address]
        )
        let code = await child.exitCode(within: seconds, clock: clock)
        return PushConformance(recorder.records, exitCode: code)
    }
}

/// Remembers what a Pushgateway was asked and what it answered.
private final class PushRecorder: Sendable {
    /// The requests in the order of their answers.
    private let recorded = Mutex<[ClientPush]>([])

    var records: [ClientPush] { recorded.withLock { $0 } }

    func take(_ request: WebRequest, _ response: WebResponse) {
        // Whoever looks whether the server is there pushes nothing.
        if request.method == .get || request.method == .head { return }
        var answer = ""
        if case .bytes(let bytes) = response.body { answer = String(decoding: bytes, as: UTF8.self) }
        let record = ClientPush(
            method: request.method.rawValue,
            rawPath: request.rawPath,
            headers: request.headers.all,
            body: request.body,
            status: response.status,
            answer: answer
        )
        recorded.withLock { $0.append(record) }
    }
}

/// A command of the shell in a process of its own. What it prints goes to the standard error.
private struct ShellCommand: Sendable {
    private let process: pid_t

    init(_ command: String, environment: [String: String]) throws {
        process = try ChildProcess(["/bin/sh", "-c", command], environment: environment).identifier
    }

    /// How it ended; `nil` where it did not in time, and was killed.
    func exitCode(within seconds: Int, clock: any StackClock) async -> Int32? {
        let deadline = clock.steadyNanoseconds + Int64(seconds) * 1_000_000_000
        while true {
            var status: Int32 = 0
            let found = waitpid(process, &status, WNOHANG)
            if found == process { return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f) }
            if found < 0 { return nil }
            if clock.steadyNanoseconds > deadline {
                kill(-process, SIGKILL)
                waitpid(process, &status, 0)
                return nil
            }
            try? await clock.sleep(milliseconds: 10)
        }
    }
}
