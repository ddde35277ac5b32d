public import MetricModel
import Scrape
public import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One of a stack's servers and the address that it wants.
package struct PortClaim: Sendable {
    /// The servers.
    package enum Server: Sendable {
        case prometheus, pushgateway, demo, otlp

        var name: String {
            switch self {
            case .prometheus: "the Prometheus server"
            case .pushgateway: "the Pushgateway"
            case .demo: "the demo server"
            case .otlp: "the OTLP receiver"
            }
        }

        /// What to do where it cannot have its address.
        var remedy: String {
            switch self {
            case .prometheus:
                "--web.listen-address=127.0.0.1:9190 lets it listen elsewhere, and its targets follow"
            case .pushgateway:
                "--pushgateway.listen-address=127.0.0.1:9191 lets it listen elsewhere, and its targets follow; "
                    + "--no-pushgateway.enabled, or pushgateway: {enabled: false} in the configuration, does without"
            case .demo:
                "--demo.listen-address=127.0.0.1:8081 lets it listen elsewhere, and its targets follow; "
                    + "--no-demo.enabled, or demo_server: {enabled: false} in the configuration, does without"
            case .otlp:
                "otlp: {listen: \"127.0.0.1:4319\"} in the configuration lets it listen elsewhere; without the field it does not"
            }
        }
    }

    let server: Server
    let address: ListenAddress

    package init(server: Server, address: ListenAddress) {
        self.server = server
        self.address = address
    }

    /// Why the address cannot be listened on, as the system says it: the number of an error; `nil` where it can.
    var obstacle: Int32? {
        if address.port == 0 { return nil }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        #if canImport(Darwin)
            hints.ai_socktype = SOCK_STREAM
        #else
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        // A name that cannot be looked up is told by the server itself.
        let host = address.host.isEmpty ? nil : address.host
        guard getaddrinfo(host, String(address.port), &hints, &list) == 0, let first = list else { return nil }
        defer { freeaddrinfo(list) }
        let info = first.pointee
        let descriptor = socket(info.ai_family, info.ai_socktype, info.ai_protocol)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var isOn: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<Int32>.size))
        return bind(descriptor, info.ai_addr, info.ai_addrlen) == 0 ? nil : errno
    }

    /// Whether both want the same.
    package func collides(with other: PortClaim) -> Bool {
        guard address.port == other.address.port, address.port != 0 else { return false }
        let everywhere: Set<String> = ["", "0.0.0.0", "::"]
        return address.host == other.address.host || everywhere.contains(address.host)
            || everywhere.contains(other.address.host)
    }

    /// Why the stack cannot start, with who is in the way and what would be right.
    func refusal(_ code: Int32, _ holder: PortHolder?) -> StackError {
        let by = code == EADDRINUSE ? holder.map { " by \($0)" } ?? "" : ""
        return StackError(
            "\(server.name) cannot listen: listen tcp \(address): bind: \(StackError.system(code))\(by). \(server.remedy)"
        )
    }
}

extension StackOptions {
    /// The demo server's address, and who has it, where the demo server has given way.
    public struct GivenWay: Sendable, Hashable {
        /// The address.
        public var address: ListenAddress
        /// Who answers there: `python3 (pid 4711)`; `nil` where the system does not tell.
        public var holder: PortHolder?
    }

    /// Looks whether the servers can have their addresses, before anything listens. Where something else that answers
    /// `/metrics` has the demo server's, as in a class whose first program is already running, there is no demo server.
    /// - Throws: ``StackError`` that names the server, who is in the way, and what would be right.
    public mutating func claimPorts(clock: any StackClock) async throws(StackError) {
        var claims = [PortClaim(server: .prometheus, address: webAddress)]
        if let gatewayAddress { claims.append(PortClaim(server: .pushgateway, address: gatewayAddress)) }
        if let demoAddress { claims.append(PortClaim(server: .demo, address: demoAddress)) }
        // A fixture looks for another port where its own is taken.
        if let otlpAddress, config.prometheus.otlp.listenAddress != nil {
            claims.append(PortClaim(server: .otlp, address: otlpAddress))
        }
        for (index, claim) in claims.enumerated() {
            if let other = claims[..<index].first(where: { $0.collides(with: claim) }) {
                throw StackError(
                    "\(claim.server.name) and \(other.server.name) both want \(claim.address). \(claim.server.remedy)"
                )
            }
            guard let code = claim.obstacle else { continue }
            let holder = code == EADDRINUSE ? PortHolder.find(port: claim.address.port) : nil
            guard code == EADDRINUSE, case .demo = claim.server, await Self.isScraped(claim.address, clock) else {
                throw claim.refusal(code, holder)
            }
            demoAddress = nil
            demoGaveWay = GivenWay(address: claim.address, holder: holder)
        }
    }

    /// Whether somebody answers `/metrics` at an address within a second, in a form that can be scraped.
    private static func isScraped(_ address: ListenAddress, _ clock: any StackClock) async -> Bool {
        var config = ScrapeConfig(jobName: "demo")
        config.scrapeTimeout = PrometheusDuration(milliseconds: 1000)
        guard let transport = try? HTTPTransport(config.client, clock: clock) else {
            return false
        }
        let scrape = await SingleScrape.run(
            url: "\(address.localURL)/metrics",
            config: config,
            accept: nil,
            transport: transport,
            clock: clock,
            userAgent: ScrapeManagerOptions().userAgent
        )
        await transport.close()
        return scrape.error.isEmpty
    }
}
