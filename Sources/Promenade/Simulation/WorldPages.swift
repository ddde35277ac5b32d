package import MetricModel
import Pushgateway
import Scrape
import Synchronization
package import Web

/// What the pages of a served world are told: what happens while it happens, who scrapes whom, and its time.
package final class WorldPages: Sendable {
    /// The parts that there are now, and where the servers listen.
    private struct Parts: Sendable {
        var scraper: ScrapeManager?
        var gateway: GroupStore?
        var addresses: StackAddresses?
        var standing: Standing?
    }

    /// The configuration that is in use, when the server began and when it was loaded, in milliseconds since 1970.
    struct Standing: Sendable {
        var config: StackConfig
        var started: Timestamp
        var loaded: Timestamp
    }

    /// The parts that there are now.
    private let parts = Mutex(Parts())
    /// What happens, by the world's clock.
    let events: StackEvents
    /// The world's time.
    let clock: ClockControl
    /// The absolute paths of the file in which the stack stands, and of the database; empty where there is none.
    private let files: (configuration: String, database: String)

    /// - Parameters:
    ///   - files: the paths of the file in which the stack stands, and of the database; empty where there is none.
    ///   - run: what tells this run of the program from another, whose world began at the same moment.
    ///   - clock: what is done with the world's time.
    package init(
        _ world: ManualClock,
        run: Int64,
        clock: ClockControl,
        files: (configuration: String, database: String) = ("", "")
    ) {
        func absolute(_ path: String) -> String { path.isEmpty ? "" : StackPlaces.absolute(path) }
        self.files = (absolute(files.configuration), absolute(files.database))
        events = StackEvents(clock: world, run: run)
        self.clock = clock
    }

    /// What the servers of the world know of each other.
    func survey(_ world: ManualClock) -> StackSurvey {
        StackSurvey(
            clock: world,
            parts: { [self] in parts.withLock { ($0.scraper, $0.gateway) } },
            surroundings: { [self] in surroundings }
        )
    }

    private var surroundings: StackSurvey.Surroundings {
        var surroundings = StackSurvey.Surroundings()
        guard let addresses = parts.withLock({ $0.addresses }) else { return surroundings }
        surroundings.prometheus = Self.server(addresses.prometheus, WorldTargets.prometheusPort)
        surroundings.pushgateway = addresses.pushgateway.map { Self.server($0, WorldTargets.gatewayPort) }
        surroundings.demo = addresses.demo.map { Self.server($0, WorldTargets.demoPort) }
        return surroundings
    }

    /// A server, which the world's targets call by the port that it always has there.
    private static func server(_ address: ListenAddress, _ port: Int) -> StackServerAddress {
        var server = StackServerAddress(listening: address)
        server.namedPort = port
        return server
    }

    func scrapes(with scraper: ScrapeManager?) { parts.withLock { $0.scraper = scraper } }

    func keepsGroups(in gateway: GroupStore?) { parts.withLock { $0.gateway = gateway } }

    func listen(at addresses: StackAddresses) { parts.withLock { $0.addresses = addresses } }

    func goes(by config: StackConfig, started: Timestamp, since moment: Timestamp) {
        parts.withLock { $0.standing = Standing(config: config, started: started, loaded: moment) }
    }

    /// What the world's stack is made of.
    var status: StackStatus {
        var status = StackStatus()
        status.configuration.file = files.configuration
        status.configuration.loaded = (standing?.loaded ?? 0) * 1_000_000
        status.database = files.database
        guard let addresses = parts.withLock({ $0.addresses }) else { return status }
        let servers: [(String, ListenAddress?)] = [
            ("prometheus", addresses.prometheus), ("pushgateway", addresses.pushgateway), ("demo", addresses.demo),
        ]
        status.servers = servers.compactMap { name, address in address.map { (name, $0.localURL) } }
        return status
    }

    /// What the Prometheus server goes by; `nil` before its first start.
    var standing: Standing? { parts.withLock { $0.standing } }
}
