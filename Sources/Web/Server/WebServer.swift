import HummingbirdCore
public import Logging
public import MetricModel
public import NIOCore
import NIOSSL
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One listening server: Hummingbird's life cycle around the house's own connections.
public final class WebServer<Responder: WebResponder>: Sendable {
    private enum Progress {
        case starting([CheckedContinuation<ListenAddress, any Error>])
        case listening(ListenAddress)
        case failed(WebServerError)
    }

    private let address: ListenAddress
    private let server: Server<ConnectionSetup<ProtectedResponder<Responder>>>
    /// Whether the server listens yet.
    private let progress: Progressing

    private final class Progressing: Sendable {
        let state = Mutex(Progress.starting([]))

        func settle(_ new: Progress) {
            let waiting = state.withLock { state -> [CheckedContinuation<ListenAddress, any Error>] in
                guard case .starting(let waiting) = state else { return [] }
                state = new
                return waiting
            }
            for continuation in waiting {
                switch new {
                case .listening(let address): continuation.resume(returning: address)
                case .failed(let error): continuation.resume(throwing: error)
                case .starting: break
                }
            }
        }
    }

    /// A server that listens once ``run()`` is called.
    /// - Throws: ``WebServerError`` where a file for TLS cannot be used.
    public init(
        address: ListenAddress,
        responder: Responder,
        config: WebConfig = WebConfig(),
        limits: ConnectionLimits = ConnectionLimits(),
        counts: ConnectionCounts = ConnectionCounts(),
        clock: any StackClock,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) throws(WebServerError) {
        self.address = address
        let progress = Progressing()
        self.progress = progress
        let quiet = ServerLog.errors(of: logger)
        let tls = try config.tls?.context(address)
        server = Server(
            childChannelSetup: ConnectionSetup(
                responder: ProtectedResponder(responder, config),
                clock: clock,
                tls: tls,
                idleLimit: limits.idleMilliseconds,
                counts: counts
            ),
            configuration: ServerConfiguration(
                address: .hostname(address.host.isEmpty ? Self.everyInterface : address.host, port: address.port),
                backlog: 1024,
                availableConnectionsDelegate: limits.connections.map { MaximumAvailableConnections($0, logger: quiet) }
            ),
            onServerRunning: { channel in
                // One at a time, so that no more are accepted than there is room for.
                if limits.connections != nil { try? await channel.setOption(.maxMessagesPerRead, value: 1).get() }
                let port = channel.localAddress?.port ?? address.port
                progress.settle(
                    .listening(ListenAddress(host: address.host, port: port, scheme: tls == nil ? "http" : "https"))
                )
            },
            eventLoopGroup: eventLoopGroup,
            logger: quiet
        )
    }

    /// The address for every interface: IPv6 takes IPv4 in too, where the system has it.
    private static var everyInterface: String {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM_VALUE), 0)
        guard descriptor >= 0 else { return "0.0.0.0" }
        close(descriptor)
        return "::"
    }

    /// Listens and serves until the task is cancelled or the service group shuts down gracefully.
    /// - Throws: ``WebServerError`` where the address cannot be listened on.
    public func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            let failure = WebServerError(address: address, errorNumber: error.errnoCode)
            progress.settle(.failed(failure))
            throw failure
        } catch {
            let failure = WebServerError(address: address, message: "\(error)")
            progress.settle(.failed(failure))
            throw failure
        }
    }

    /// The address it listens on, with the port that the system has given; waits until it does.
    /// - Throws: ``WebServerError`` where the address cannot be listened on.
    public func listening() async throws -> ListenAddress {
        try await withCheckedThrowingContinuation { continuation in
            let settled = progress.state.withLock { state -> Progress? in
                guard case .starting(let waiting) = state else { return state }
                state = .starting(waiting + [continuation])
                return nil
            }
            switch settled {
            case .listening(let address): continuation.resume(returning: address)
            case .failed(let error): continuation.resume(throwing: error)
            case .starting, nil: break
            }
        }
    }

    /// Stops listening, lets requests in flight finish, and closes.
    public func stop() async throws { try await server.shutdownGracefully() }
}

#if canImport(Darwin)
    private let SOCK_STREAM_VALUE = SOCK_STREAM
#else
    private let SOCK_STREAM_VALUE = SOCK_STREAM.rawValue
#endif

/// How much a server puts up with.
public struct ConnectionLimits: Sendable, Hashable {
    /// The most connections at a time; others wait until one is closed. `nil` for any number.
    public var connections: Int?
    /// How long a connection may be silent while a request is awaited, in milliseconds; `nil` for as long as it likes.
    public var idleMilliseconds: Int64?

    /// No limits.
    public init() {}
}

/// Why a server cannot listen, in one line.
public struct WebServerError: Error, Hashable, CustomStringConvertible {
    /// What happened, in Go's words: `listen tcp :9090: bind: address already in use`.
    public let description: String

    init(address: ListenAddress, message: String) {
        description = "listen tcp \(address): \(message)"
    }

    init(address: ListenAddress, errorNumber: CInt) {
        let reason =
            switch errorNumber {
            case EADDRINUSE: "address already in use"
            case EACCES: "permission denied"
            case EADDRNOTAVAIL: "cannot assign requested address"
            default: String(cString: strerror(errorNumber)).lowercased()
            }
        self.init(address: address, message: "bind: \(reason)")
    }
}

/// Puts a ``HTTPConnection`` on each accepted channel.
struct ConnectionSetup<Responder: WebResponder>: ServerChildChannel {
    /// An accepted channel.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
    }

    let responder: Responder
    let clock: any StackClock
    let tls: NIOSSLContext?
    let idleLimit: Int64?
    let counts: ConnectionCounts

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        counts.accepted.wrappingAdd(1, ordering: .relaxed)
        channel.closeFuture.whenComplete { [counts] _ in counts.closed.wrappingAdd(1, ordering: .relaxed) }
        return channel.eventLoop.makeCompletedFuture {
            if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
            if let idleLimit {
                try channel.pipeline.syncOperations.addHandler(IdleStateHandler(readTimeout: .milliseconds(idleLimit)))
            }
            try channel.pipeline.syncOperations.addHandler(HTTPConnection(responder: responder, clock: clock))
            return Value(channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskCancellationHandler {
            try? await value.channel.closeFuture.get()
        } onCancel: {
            value.channel.close(promise: nil)
        }
    }
}
