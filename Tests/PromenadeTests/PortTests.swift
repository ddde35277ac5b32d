import MetricModel
import Promenade
import PromenadeTesting
import Scrape
import Testing
import Web

#if canImport(Darwin)
    import Darwin
    private let stream = SOCK_STREAM
#else
    import Glibc
    private let stream = Int32(SOCK_STREAM.rawValue)
#endif

/// Who gets which port, and where targets go.
@Suite(.timeLimit(.minutes(5))) struct PortTests {
    private func options(_ arguments: [String], _ text: String = "") throws -> StackOptions {
        let flags = try FlagSet(parsing: arguments)
        let config = try StackConfig(text: Array(text.utf8), file: "s.yml", context: Stack.context("", flags))
        return try StackOptions(flags: flags, config: config)
    }

    @Test func `the demo server gives way to whatever can be scraped`() async throws {
        try await withStack { other in
            let taken = try #require(other.addresses.demo)
            var given = try options(["--test", "--demo.listen-address=\(taken)"])
            try await given.claimPorts(clock: SystemClock())
            #expect(given.demoAddress == nil)
            #expect(given.demoGaveWay?.address == taken)
            #if os(Linux)
                #expect(given.demoGaveWay?.holder?.pid == getpid())
            #endif
        }
    }

    @Test func `a taken port is told with the server, the holder and the remedy`() async throws {
        try await withStack(config: "scrape_configs: []") { other in
            for (flag, address, words) in [
                ("web", other.addresses.prometheus, ["the Prometheus server cannot listen", "--web.listen-address="]),
                (
                    "pushgateway", other.addresses.prometheus,
                    ["the Pushgateway cannot listen", "--no-pushgateway.enabled", "pushgateway: {enabled: false}"]
                ),
            ] {
                var wanted = try options(["--test", "--\(flag).listen-address=\(address)"])
                await #expect {
                    try await wanted.claimPorts(clock: SystemClock())
                } throws: { error in
                    let text = "\(error)"
                    return (words + ["listen tcp \(address): bind: address already in use"]).allSatisfy(text.contains)
                }
            }
        }
    }

    @Test func `what answers something else keeps the demo server from starting`() async throws {
        let socket = socket(AF_INET, stream, 0)
        defer { close(socket) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                #expect(bind(socket, pointer, length) == 0 && listen(socket, 1) == 0)
                #expect(getsockname(socket, pointer, &length) == 0)
            }
        }
        var wanted = try options(["--test", "--demo.listen-address=127.0.0.1:\(UInt16(bigEndian: name.sin_port))"])
        await #expect {
            try await wanted.claimPorts(clock: SystemClock())
        } throws: { "\($0)".contains("demo_server: {enabled: false}") && "\($0)".contains("address already in use by") }
    }

    @Test func `two servers of one stack do not want the same`() async throws {
        let wanted = PortClaim(server: .pushgateway, address: ListenAddress(host: "127.0.0.1", port: 7))
        for (host, port, isSame) in [("127.0.0.1", 7, true), ("", 7, true), ("127.0.0.2", 7, false), ("", 8, false)] {
            let other = PortClaim(server: .prometheus, address: ListenAddress(host: host, port: port))
            #expect(wanted.collides(with: other) == isSame, "\(host):\(port)")
        }
    }

    private static let targets = """
        scrape_configs:
          - job_name: own
            static_configs: [{targets: ["localhost:9090", "127.0.0.1:9091", "localhost:8080", "localhost:9100", "a:9090"]}]
        """

    @Test func `own targets follow the servers, and others stay`() throws {
        let config = try options([], Self.targets).config.prometheus
        func addresses(_ config: PrometheusConfig) -> [String] {
            config.scrapeConfigs.flatMap(\.fixedTargets)
        }
        let elsewhere = StackAddresses(
            prometheus: ListenAddress(host: "127.0.0.1", port: 9190),
            pushgateway: ListenAddress(host: "", port: 9191),
            demo: nil
        )
        let (followed, moves) = OwnTargets(elsewhere, isFixture: false).applied(to: config)
        #expect(
            addresses(followed) == ["localhost:9190", "127.0.0.1:9191", "localhost:8080", "localhost:9100", "a:9090"]
        )
        #expect(
            moves.map { [$0.job, $0.from, $0.to] } == [
                ["own", "localhost:9090", "localhost:9190"], ["own", "127.0.0.1:9091", "127.0.0.1:9191"],
            ]
        )
        let usual = StackAddresses(
            prometheus: ListenAddress(host: "127.0.0.1", port: 9090),
            pushgateway: ListenAddress(host: "", port: 9091),
            demo: ListenAddress(host: "", port: 8080)
        )
        #expect(OwnTargets(usual, isFixture: false).applied(to: config).moves.isEmpty)
        #expect(try options(["--no-targets.follow"]).followsPorts == false)
        #expect(try options([]).followsPorts)
    }

    @Test func `who listens is read from the system's table`() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0
               1: 0100007F:1F90 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0
               2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0
            """
        #expect(PortHolder.listeners(on: 8080, in: table) == ["4711"])
        #expect(PortHolder.listeners(on: 80, in: table) == ["4713"])
        #expect(PortHolder.listeners(on: 81, in: table) == [])
    }
}
