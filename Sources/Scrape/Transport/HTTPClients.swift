import AsyncHTTPClient
import HTTPCalling
import MetricModel
import NIOCore
import NIOHTTP2
import Synchronization

/// The HTTP clients of a job: one for each way that its requests take, made when the way is first taken.
///
/// Files with certificates and keys are looked at before each request; where one changed, new connections use what it holds.
final class HTTPClients: Sendable {
    /// How a request gets to its server.
    struct Route {
        var client: HTTPClient
        /// The URL for the client.
        var url: String
        /// Headers that the way needs.
        var headers: [(name: String, value: String)]
        /// The address that is connected to, for messages.
        var address: String
        var isProxied: Bool
    }

    private struct Way: Hashable {
        var proxy: ProxyAddress?
        /// Whether the proxy fetches (and is asked for the whole URL) instead of opening a tunnel.
        var isForwarded = false
        /// The host to connect to, where the name in the URL is another one: one that the certificate has to bear, or one in the
        /// place of an address that URLs cannot hold.
        var host = ""
        /// That other name.
        var name = ""
        /// The name that the certificate has to bear; empty for none.
        var certificateName = ""
        /// A name that was looked up; empty for none.
        var soughtName = ""
        /// The address that it stands for.
        var address = ""
    }

    private struct State {
        var stamps: [FileStamp?]
        var plain: HTTPClient.Configuration
        var clients: [Way: HTTPClient] = [:]
        /// Clients with old certificates or for old addresses, which may still be at work: those of each change together, the oldest first.
        var retired: [[HTTPClient]] = []
        /// Where names lead, by name.
        var hosts: [String: KnownHost] = [:]

        /// Those of changes that are too long ago, which are to be closed.
        mutating func takeSurplus() -> [HTTPClient] {
            let surplus = retired.prefix(max(0, retired.count - HTTPClients.mostRetired))
            retired.removeFirst(surplus.count)
            return surplus.flatMap(\.self)
        }
    }

    /// The addresses of a name, the one that was connected to first.
    private struct KnownHost {
        var addresses: [String]
        var since: Int64
    }

    /// So many names of a job are remembered.
    private static let mostHosts = 10_000
    /// So long nobody looks whether a name leads elsewhere by now, in nanoseconds.
    private static let hostTime: Int64 = 60_000_000_000

    /// Of how many changes of files and addresses the clients are kept for what is under way. A request is given up where they change more
    /// often while it waits.
    private static let mostRetired = 64

    private let tls: HTTPClientConfig.TLS
    private let enableHTTP2: Bool
    private let connectHeader: [String: [Secret]]
    private let rules: ProxyRules
    private let proxies: [String: ProxyAddress]
    /// The loops of connections, asked for with the first of them.
    private let loops: @Sendable () -> any EventLoopGroup
    /// The clients and what they are made from.
    private let state: Mutex<State>

    init(
        tls: HTTPClientConfig.TLS,
        proxy: HTTPClientConfig.Proxy,
        enableHTTP2: Bool,
        environment: [String: String],
        loops: @escaping @Sendable () -> any EventLoopGroup
    ) throws(TransportError) {
        self.tls = tls
        self.loops = loops
        self.enableHTTP2 = enableHTTP2
        connectHeader = proxy.connectHeader
        rules = ProxyRules(proxy, environment: environment)
        var proxies: [String: ProxyAddress] = [:]
        for url in rules.proxies { proxies[url] = try ProxyAddress(url) }
        self.proxies = proxies
        let stamps = Self.stamps(tls)
        let plain = try HTTPClientSetup.configuration(tls: tls, enableHTTP2: enableHTTP2)
        state = Mutex(State(stamps: stamps, plain: plain))
    }

    private static func stamps(_ tls: HTTPClientConfig.TLS) -> [FileStamp?] {
        [tls.caFile, tls.certFile, tls.keyFile].filter { !$0.isEmpty }.map(FileSystem.stamp)
    }

    /// Whether a URL is fetched through a proxy.
    func isProxied(_ url: URLParts) -> Bool { proxies[rules.proxy(for: url.text)] != nil }

    /// The name to look up before anybody can connect for a URL; `nil` where there is none.
    func name(on url: URLParts) -> String? {
        let host = proxies[rules.proxy(for: url.text)]?.host ?? url.dialledHost
        let isName = !host.contains("%") && !host.contains(":") && HostPort.address(host[...]) == nil
        return isName && !host.isEmpty ? host : nil
    }

    /// The addresses of a name, in the order in which they are to be tried. As with a connection that is kept, what was found stays
    /// where the name cannot be looked up again.
    func addresses(of name: String, until deadline: NIODeadline) async throws(TransportError) -> [String] {
        let now = SystemClock().steadyNanoseconds
        let known = state.withLock { $0.hosts[name] }
        if let known, now < known.since + Self.hostTime { return known.addresses }
        let found: [String]
        do throws(TransportError) {
            found = try await HostNames.shared.addresses(of: name, until: deadline).compactMap(\.ipAddress)
        } catch {
            guard let known, error.code != .cancelled else { throw error }
            return known.addresses
        }
        var surplus: [HTTPClient] = []
        let addresses = state.withLock { state in
            let preferred = state.hosts[name]?.addresses.first { found.contains($0) }
            let addresses = (preferred.map { [$0] } ?? []) + found.filter { $0 != preferred }
            if state.hosts.count >= Self.mostHosts { state.hosts = [:] }
            state.hosts[name] = KnownHost(addresses: addresses, since: now)
            let gone = state.clients.filter { $0.key.soughtName == name && !found.contains($0.key.address) }
            for way in gone.keys { state.clients[way] = nil }
            if !gone.isEmpty { state.retired.append(Array(gone.values)) }
            surplus = state.takeSurplus()
            return addresses
        }
        for client in surplus { client.shutdown { _ in } }
        return addresses
    }

    /// Of a name's addresses, this one is tried first.
    func prefer(_ address: String, of name: String) {
        state.withLock { state in
            guard let known = state.hosts[name], let index = known.addresses.firstIndex(of: address) else { return }
            state.hosts[name]?.addresses.remove(at: index)
            state.hosts[name]?.addresses.insert(address, at: 0)
        }
    }

    /// A name is looked up anew, and its other addresses are tried first: nobody answered at this one.
    func distrust(_ address: String, of name: String) {
        state.withLock { state in
            state.hosts[name]?.since = .min / 2
            guard let index = state.hosts[name]?.addresses.firstIndex(of: address) else { return }
            state.hosts[name]?.addresses.remove(at: index)
            state.hosts[name]?.addresses.append(address)
        }
    }

    /// The name in the place of an address with a zone.
    private static let zoned = "zoned.invalid"

    /// The way to a URL, or to a socket of this machine.
    /// - Parameter address: one that was found for ``name(on:)``.
    func route(to url: URLParts, socket: String, at address: String?) throws(TransportError) -> Route {
        var way = Way()
        if let address, let name = name(on: url) { (way.soughtName, way.address) = (name, address) }
        var target = "\(url.scheme)://\(url.address)\(url.target)"
        if url.dialledHost.contains("%") {
            way.host = url.dialledHost
            way.name = Self.zoned
            target = "\(url.scheme)://\(Self.zoned)\(url.port.isEmpty ? "" : ":" + url.port)\(url.target)"
        }
        var headers: [(name: String, value: String)] = []
        if !socket.isEmpty {
            target = "\(url.isSecure ? "https+unix" : "http+unix")://\(URLText.host(socket))\(url.target)"
        } else if !proxies.isEmpty {
            way.proxy = proxies[rules.proxy(for: url.text)]
        }
        if url.isSecure, socket.isEmpty {
            if way.proxy?.kind == .https {
                throw TransportError(
                    "a proxy that is reached over TLS is not supported for targets over TLS",
                    code: .setup
                )
            }
            if !tls.insecureSkipVerify {
                let host = tls.serverName.isEmpty ? url.dialledHost : tls.serverName
                way.certificateName = HostPort.address(host.prefix { $0 != "%" }) == nil ? host : ""
            }
            if !tls.serverName.isEmpty, tls.serverName != url.host {
                way.host = url.dialledHost
                way.name = tls.serverName
                var named = url
                named.authority = tls.serverName + (url.port.isEmpty ? "" : ":" + url.port)
                target = named.text
            }
        } else if let proxy = way.proxy, proxy.kind != .socks {
            way.isForwarded = true
            target = "\(proxy.kind == .https ? "https" : "http")://\(proxy.address)\(url.target)"
            if let authorization = proxy.authorization { headers.append(("Proxy-Authorization", authorization)) }
        }
        var dialled = way.proxy?.address ?? url.address
        if let address, let port = dialled.lastIndex(of: ":") {
            dialled = (address.contains(":") ? "[\(address)]" : address) + dialled[port...]
        }
        return Route(
            client: try client(way),
            url: target,
            headers: headers,
            address: dialled,
            isProxied: way.proxy != nil
        )
    }

    /// The client keeps connections, and each is a file.
    private static func count(_ channel: any Channel) {
        let room = ConnectionFiles.shared.addOutgoing()
        channel.closeFuture.whenComplete { _ in room.giveBack() }
    }

    private func client(_ way: Way) throws(TransportError) -> HTTPClient {
        let stamps = Self.stamps(tls)
        var surplus: [HTTPClient] = []
        defer {
            for client in surplus { client.shutdown { _ in } }
        }
        let result = state.withLock { state -> Result<HTTPClient, TransportError> in
            if stamps != state.stamps {
                do throws(TransportError) {
                    state.plain = try HTTPClientSetup.configuration(tls: tls, enableHTTP2: enableHTTP2)
                } catch {
                    return .failure(error)
                }
                state.stamps = stamps
                state.retired.append(Array(state.clients.values))
                state.clients = [:]
                surplus = state.takeSurplus()
            }
            if let known = state.clients[way] { return .success(known) }
            var configuration = state.plain
            let (asksForWholeURL, name) = (way.isForwarded, way.certificateName)
            configuration.http1_1ConnectionDebugInitializer = { channel in
                Self.count(channel)
                return CertificateName.check(channel, name).flatMap {
                    ConnectionHandlers.install(on: channel, asksForWholeURL: asksForWholeURL)
                }
            }
            configuration.http2ConnectionDebugInitializer = { channel in
                Self.count(channel)
                return CertificateName.check(channel, name).flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(ErrorEnding())
                }
            }
            configuration.http2StreamChannelDebugInitializer = { channel in
                let connection = try? channel.parent?.pipeline.syncOperations.handler(type: ErrorEnding.self)
                connection?.requestBegins()
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    let codec = try pipeline.handler(type: HTTP2FramePayloadToHTTP1ClientCodec.self)
                    try pipeline.addHandler(StreamStatusGuard(), position: .before(codec))
                    try pipeline.addHandler(StatusGuard(), position: .after(codec))
                }
            }
            if let proxy = way.proxy, !way.isForwarded {
                do throws(TransportError) {
                    configuration.proxy = try proxy.tunnel(connectHeader: connectHeader, at: way.address)
                } catch {
                    return .failure(error)
                }
            }
            if way.isForwarded { configuration.httpVersion = .http1Only }
            if !way.host.isEmpty { configuration.dnsOverride = [way.name: way.host] }
            if !way.address.isEmpty, way.proxy == nil || way.isForwarded {
                // Looked up already: the client's own lookups wait for one another.
                let name = way.name.isEmpty ? way.soughtName : way.name
                configuration.dnsOverride = [name: way.address]
            }
            let client = HTTPClient(
                eventLoopGroup: loops(),
                configuration: configuration
            )
            state.clients[way] = client
            return .success(client)
        }
        return try result.get()
    }

    /// Closes all connections.
    func close() async {
        let all = state.withLock { state in
            let all = Array(state.clients.values) + state.retired.flatMap(\.self)
            state.clients = [:]
            state.retired = []
            return all
        }
        await withTaskGroup(of: Void.self) { group in
            for client in all { group.addTask { await Self.shutDown(client) } }
        }
    }

    /// So many milliseconds are waited for the end of a client's connections.
    private static let closingTime: Int64 = 200

    /// Ends a client. One that is still about to connect, or to agree on TLS or on a tunnel, cannot be ended before it has come to
    /// that or to its timeout of half a minute: it ends by itself, and nobody waits for it.
    private static func shutDown(_ client: HTTPClient) async {
        let end = OneAnswer<Void>()
        client.shutdown { _ in end.give(()) }
        let timer = Task {
            if (try? await SystemClock().sleep(milliseconds: closingTime)) != nil { end.give(()) }
        }
        await end.wait(or: ())
        timer.cancel()
    }
}
