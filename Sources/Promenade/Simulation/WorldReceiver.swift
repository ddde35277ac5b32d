import Logging
import MetricModel
import NIOCore
import PromQL
import RemoteStorage
import Scrape
import Simulation
import Synchronization
import TSDB
import Web

/// To whom a world's stack sends on what it stores (`remote_write`): another Prometheus, without a socket between. What it has got can
/// be asked for.
final class WorldReceiver: Sendable {
    private struct State {
        /// What went wrong with the last request; empty where nothing did.
        var problem = ""
        /// How many requests failed since one was taken.
        var failures = 0
    }

    let store: any MetricStore
    private let router: WebRouter
    private let faults: FaultBoard
    private let state = Mutex(State())

    init(_ options: StackOptions, clock: ManualClock, engine: PromQLEngine, faults: FaultBoard, logger: Logger) {
        store = TimeSeriesDatabase.inMemory(options: options.store, clock: clock)
        self.faults = faults
        var settings = PrometheusSettings()
        settings.isRemoteWriteEnabled = true
        let environment = PrometheusEnvironment(
            phase: { .ready },
            configuration: { "" },
            externalLabels: { [] },
            runtime: { PrometheusEnvironment.RuntimeInfo() },
            reload: { nil },
            quit: {},
            metrics: { [] },
            createFolder: { _ in nil }
        )
        router = PrometheusServer(
            settings: settings,
            environment: environment,
            store: store,
            engine: engine,
            clock: clock,
            logger: logger
        ).makeRouter()
    }

    /// What went wrong with the last request, and how many failed since one was taken.
    var trouble: (problem: String, failures: Int) { state.withLock { ($0.problem, $0.failures) } }

    /// Takes a request, unless something goes wrong.
    func post(_ request: TargetRequest, _ body: [UInt8]) async throws(TransportError) -> TargetResponse {
        do throws(TransportError) {
            let answer = try await answer(request, body)
            let isTaken = (200..<300).contains(answer.status)
            state.withLock { state in
                let isLost = (400..<500).contains(answer.status) && answer.status != 429
                let words = "server returned HTTP status \(answer.statusText)"
                state.problem = isTaken ? "" : words + (isLost ? ", and what it refuses so is not sent again" : "")
                state.failures = isTaken ? 0 : state.failures + 1
            }
            return answer
        } catch {
            state.withLock { state in
                state.problem = error.message
                state.failures += 1
            }
            throw error
        }
    }

    private func answer(_ request: TargetRequest, _ body: [UInt8]) async throws(TransportError) -> TargetResponse {
        let context = "Post \(GoText.quoted(request.url)): "
        let host = URLParts(request.url)?.authority ?? ""
        switch faults.takeRemoteWrite() {
        case .latency(let milliseconds):
            // Sending does not hold up the clock: what is late is either in time or not.
            if milliseconds >= request.timeoutMilliseconds {
                throw TransportError("context deadline exceeded", code: .timeout, context: context)
            }
        case .status(let code):
            return TargetResponse(status: code, reason: HTTPStatus.reason(code))
        case .refused, .flapping:
            throw TransportError("dial tcp \(host): connect: connection refused", code: .refused, context: context)
        case .closed, .truncated: throw TransportError("EOF", code: .closed, context: context)
        case .body, .contentType, .resetCounters, nil: break
        }
        let web = WebRequest(
            method: .post,
            target: "/api/v1/write",
            headers: WebHeaders(request.headers),
            body: body
        )
        let response = await router.respond(to: web)
        var answer = TargetResponse(status: response.status, reason: HTTPStatus.reason(response.status))
        answer.headers = response.headers
        if case .bytes(let bytes) = response.body { answer.body = ByteBuffer(bytes: bytes) }
        return answer
    }
}

/// Sending on what is stored.
extension World {
    /// Sends what is due, and tells where sending begins to fail and where it works again.
    func driveRemote() async {
        guard let remote = stack.remote, let receiver = stack.receiver else { return }
        let before = receiver.trouble
        await remote.drive()
        let after = receiver.trouble
        if before.problem.isEmpty, !after.problem.isEmpty {
            tell(.stack, "remote_write", "fails: \(after.problem)")
        } else if !before.problem.isEmpty, after.problem.isEmpty {
            tell(.stack, "remote_write", "is taken again, after \(before.failures) that failed")
        }
    }
}
