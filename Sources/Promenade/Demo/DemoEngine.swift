import Logging
import MetricModel
import NIOCore
import ServiceLifecycle
import Web

/// The demo server of a stack as a service that can be stopped and started again while the rest of the stack goes on.
actor DemoEngine: Service {
    private let demo: DemoServer
    private let makeServer: @Sendable (ListenAddress) throws(WebServerError) -> WebServer
    /// What listens; an old one where the demo server is stopped.
    private var server: WebServer
    /// Where it listens, once it did.
    private var address: ListenAddress?
    /// Servers that ``run()`` has to serve, one after the other.
    private let starts: AsyncStream<WebServer>
    private let start: AsyncStream<WebServer>.Continuation
    private let isTimeManual: Bool
    private let logger: Logger
    /// Whether a command is being carried out: one at a time, however they are asked for.
    private var isBusy = false

    init(
        _ demo: DemoServer,
        at address: ListenAddress,
        access: AccessPolicy,
        limits: ConnectionLimits,
        slots: ConnectionSlots,
        clock: any StackClock,
        group: any EventLoopGroup,
        logger: Logger
    ) throws(WebServerError) {
        self.demo = demo
        self.logger = logger
        isTimeManual = clock is ManualClock
        (starts, start) = AsyncStream.makeStream()
        makeServer = { address throws(WebServerError) in
            try WebServer(
                address: address,
                router: demo.makeRouter(),
                access: access,
                limits: limits,
                slots: slots,
                clock: clock,
                eventLoopGroup: group,
                logger: logger
            )
        }
        server = try makeServer(address)
    }

    /// Where it listens; waits until it does for the first time.
    func listening() async throws -> ListenAddress {
        let address = try await server.listening()
        self.address = address
        return address
    }

    /// Serves until the stack ends, however often it is stopped and started in between.
    nonisolated func run() async throws {
        try await first().run()
        for await server in starts.cancelOnGracefulShutdown() {
            do {
                try await server.run()
            } catch {
                // Whoever wanted the start is told by `listening()`.
                logger.warning("The demo server cannot be started again", metadata: ["err": "\(error)"])
            }
        }
    }

    private func first() -> WebServer { server }

    /// How it is; `nil` before it listens.
    func status() -> DemoControl.Status? {
        address.map { DemoControl.Status(mode: demo.mode, url: $0.localURL, isBusy: isBusy) }
    }

    /// Does what a class asks for.
    /// - Returns: why that cannot be.
    func apply(_ command: DemoControl.Command) async -> APIFailure? {
        guard let address else { return APIFailure(.unavailable, "the demo server is only starting") }
        guard !isBusy else { return DemoControl.busy }
        isBusy = true
        defer { isBusy = false }
        let failure = await carryOut(command, at: address)
        if failure == nil { logger.info("Demo server", metadata: ["do": "\(command.name)"]) }
        return failure
    }

    private func carryOut(_ command: DemoControl.Command, at address: ListenAddress) async -> APIFailure? {
        switch command {
        case .stop: return await stop()
        case .start:
            if demo.mode == .stopped { return await restart(at: address) }
            demo.mode = .serving
            return nil
        case .restart:
            if let failure = await stop() { return failure }
            return await restart(at: address)
        case .behave(let mode):
            if demo.mode == .stopped {
                return APIFailure(.badData, "the demo server is stopped; start it first: do=start")
            }
            if isTimeManual, case .slow = mode {
                return APIFailure(
                    .badData,
                    "time stands still here, so nothing can be late; let the scrapes be late: "
                        + #"PUT /api/v1/faults/targets/demo {"fault":"latency","latency":"2s"}"#
                )
            }
            demo.mode = mode
            return nil
        }
    }

    private func stop() async -> APIFailure? {
        if demo.mode == .stopped { return nil }
        demo.mode = .stopped
        do {
            try await server.stop()
            return nil
        } catch {
            return APIFailure(.internal, "the demo server cannot be stopped: \(error)")
        }
    }

    private func restart(at address: ListenAddress) async -> APIFailure? {
        do {
            try demo.reset()
            let next = try makeServer(address)
            server = next
            start.yield(next)
            _ = try await next.listening()
            demo.mode = .serving
            return nil
        } catch {
            return APIFailure(.unavailable, "the demo server cannot be started: \(error)")
        }
    }
}

extension DemoControl.Command {
    /// For the log.
    fileprivate var name: String {
        switch self {
        case .stop: "stop"
        case .start: "start"
        case .restart: "restart"
        case .behave(.slow): "slow"
        case .behave(.failing): "fail"
        case .behave(.erring): "err"
        case .behave(.serving), .behave(.stopped): "start"
        }
    }
}
