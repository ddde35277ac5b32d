import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
public import MetricModel
public import NIOCore
import NIOPosix
import Scrape
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One listening server: Hummingbird's, with the routes of a surface of the house.
public final class WebServer: Sendable {
    private enum Progress {
        case starting([CheckedContinuation<ListenAddress, any Error>])
        case listening(ListenAddress)
        case failed(WebServerError)
    }

    private let address: ListenAddress
    private let server: Listener
    private let routes: ServedRoutes
    /// Who takes new connections in.
    private let door: LoopExecutor
    /// Whether the server listens yet.
    private let progress: Progressing

    private enum Listener: Sendable {
        case plain(Server<WebChannel>)
        case encrypted(Server<TLSChannel<WebChannel>>)
    }

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
        router: WebRouter,
        config: WebConfig = WebConfig(),
        access: AccessPolicy = AccessPolicy(),
        limits: ConnectionLimits = ConnectionLimits(),
        counts: ConnectionCounts = ConnectionCounts(),
        slots: ConnectionSlots? = nil,
        clock: any StackClock,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) throws(WebServerError) {
        self.address = address
        let progress = Progressing()
        self.progress = progress
        let quiet = ServerLog.errors(of: logger)
        let slots = slots ?? ConnectionSlots(clock: clock)
        door = LoopExecutor(eventLoopGroup.next())
        let scheme = config.tls == nil ? "http" : "https"
        let passwords = config.users.isEmpty ? nil : PasswordCheck(keeper: PasswordKeeper(users: config.users))
        let routes = ServedRoutes(router) { router in
            FrontDoor.Guards(
                safety: BrowserSafety(config.headers),
                access: AccessCheck(access, at: address, scheme: scheme, harmless: router.harmless),
                passwords: passwords
            )
        }
        self.routes = routes
        let channel = WebChannel(
            routes: routes,
            isEncrypted: config.tls != nil,
            clock: clock,
            date: HTTPDate(clock: clock),
            idleLimit: limits.idleMilliseconds,
            counts: counts,
            slots: slots
        )
        let tls = try config.tls?.configuration(address)
        let configuration = ServerConfiguration(
            address: .hostname(
                ["", "::"].contains(address.host) ? Self.everyInterface : address.host,
                port: address.port
            ),
            // As many as the system allows, as Go has it: it takes its own limit where that is lower.
            backlog: 65_535
        )
        let onServerRunning = { @Sendable (channel: any Channel) async in
            let gate = AcceptGate(slots: slots, limit: limits.connections, clock: clock)
            try? await channel.pipeline.addHandler(gate, position: .first).get()
            let port = channel.localAddress?.port ?? address.port
            progress.settle(
                .listening(ListenAddress(host: address.host, port: port, scheme: scheme))
            )
        }
        guard let tls else {
            server = .plain(
                Server(
                    childChannelSetup: channel,
                    configuration: configuration,
                    onServerRunning: onServerRunning,
                    eventLoopGroup: eventLoopGroup,
                    logger: quiet
                )
            )
            return
        }
        do {
            server = .encrypted(
                Server(
                    childChannelSetup: try TLSChannel(channel, tlsConfiguration: tls),
                    configuration: configuration,
                    onServerRunning: onServerRunning,
                    eventLoopGroup: eventLoopGroup,
                    logger: quiet
                )
            )
        } catch {
            throw WebServerError(address: address, message: "cannot load the certificate or the key for TLS: \(error)")
        }
    }

    /// The address for every interface: IPv6 takes IPv4 in too, where the system has it. The resolver takes no IPv6 address where
    /// only the loopback interface has one, as in a container's network.
    private static var everyInterface: String {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM_VALUE), 0)
        guard descriptor >= 0 else { return "0.0.0.0" }
        close(descriptor)
        return (try? SocketAddress.makeAddressResolvingHost("::", port: 0)) == nil ? "0.0.0.0" : "::"
    }

    /// Listens and serves until the task is cancelled or the service group shuts down gracefully.
    /// - Throws: ``WebServerError`` where the address cannot be listened on.
    public func run() async throws {
        do {
            // On a loop's own thread: whatever computes on those that everything runs on must not keep new connections waiting.
            try await withTaskExecutorPreference(door) {
                switch server {
                case .plain(let server): try await server.run()
                case .encrypted(let server): try await server.run()
                }
            }
        } catch {
            let failure =
                switch error {
                case let error as IOError: WebServerError(address: address, errorNumber: error.errnoCode)
                case let error as SocketAddressError.UnknownHost:
                    WebServerError(address: address, message: "lookup \(error.host): no such host")
                default: WebServerError(address: address, message: "\(error)")
                }
            progress.settle(.failed(failure))
            throw failure
        }
    }

    /// Answers by other routes from now on; connections stay.
    package func answer(by router: WebRouter) { routes.exchange(for: router) }

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
    public func stop() async throws {
        switch server {
        case .plain(let server): try await server.shutdownGracefully()
        case .encrypted(let server): try await server.shutdownGracefully()
        }
    }
}

#if canImport(Darwin)
    private let SOCK_STREAM_VALUE = SOCK_STREAM
#else
    private let SOCK_STREAM_VALUE = SOCK_STREAM.rawValue
#endif

/// How much a server puts up with.
public struct ConnectionLimits: Sendable, Hashable {
    /// The most connections at a time; the one that has been idle longest makes room for each new one, and where all are busy,
    /// new ones wait. `nil` for any number.
    public var connections: Int?
    /// How long a connection may be silent while a request is awaited, in milliseconds; `nil` for as long as it likes.
    public var idleMilliseconds: Int64? = 300_000

    /// Any number of connections; five minutes of silence.
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
