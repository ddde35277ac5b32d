public import MetricModel
public import Pushgateway
public import Scrape

/// Where one of the stack's servers is found.
public struct StackServerAddress: Sendable, Hashable {
    /// Where it listens.
    public var listening: ListenAddress
    /// The path of its pages: begins and ends with a slash.
    public var path: String
    /// The URL by which others reach it, where the flags say so; empty otherwise.
    public var externalURL: String
    /// The port by which targets name it, where that is another than it listens on.
    package var namedPort: Int?

    /// An address.
    /// - Parameter prefix: what its paths begin with, without a slash at the end; empty for none.
    public init(listening: ListenAddress, prefix: String = "", externalURL: String = "") {
        self.listening = listening
        path = prefix + "/"
        self.externalURL = externalURL
    }
}

/// What the servers of one stack know of each other, for their pages: where each is found, who scrapes whom, and whether the last
/// reload worked. Put together anew for each answer.
public struct StackSurvey: Sendable {
    /// What is so at a moment.
    public struct Surroundings: Sendable {
        /// The Prometheus server; `nil` until it listens.
        public var prometheus: StackServerAddress?
        /// The Pushgateway; `nil` where there is none.
        public var pushgateway: StackServerAddress?
        /// Where the Pushgateway shows its metrics: `/metrics`.
        public var telemetryPath = "/metrics"
        /// The demo server; `nil` where there is none.
        public var demo: StackServerAddress?
        /// The names of this machine, besides the loopback's.
        public var hostNames: [String] = []
        /// The configuration file; empty where there is none.
        public var configFile = ""
        /// When the last reload failed (nanoseconds since 1970) and why; `nil` where it did not.
        public var failedReload: (since: Int64, error: String)?

        /// Nothing known.
        public init() {}
    }

    /// What is so now.
    package let surroundings: @Sendable () -> Surroundings
    /// What scrapes now, and where groups are now.
    private let parts: @Sendable () -> (scraper: ScrapeManager?, gateway: GroupStore?)
    let clock: any StackClock

    var scraper: ScrapeManager? { parts().scraper }
    var gateway: GroupStore? { parts().gateway }

    /// A survey of a stack with these parts.
    public init(
        scraper: ScrapeManager?,
        gateway: GroupStore?,
        clock: any StackClock,
        surroundings: @escaping @Sendable () -> Surroundings
    ) {
        self.init(clock: clock, parts: { (scraper, gateway) }, surroundings: surroundings)
    }

    /// A survey of a stack whose parts are others after a restart.
    package init(
        clock: any StackClock,
        parts: @escaping @Sendable () -> (scraper: ScrapeManager?, gateway: GroupStore?),
        surroundings: @escaping @Sendable () -> Surroundings
    ) {
        self.surroundings = surroundings
        self.parts = parts
        self.clock = clock
    }

    /// A target that is one of the stack's own servers.
    struct Reader: Sendable {
        var target: ActiveTarget
        var honorsLabels: Bool
    }

    /// The targets that read the metrics of a server of this stack.
    func readers(of server: StackServerAddress?, path: String, hostNames: [String]) -> [Reader] {
        guard let server, let scraper else { return [] }
        let names: Set<String> = Set(
            ["localhost", "127.0.0.1", "::1", server.listening.host] + hostNames.map { $0.lowercased() }
        )
        var readers: [Reader] = []
        for pool in scraper.pools() {
            for target in pool.active {
                guard let place = TargetPlace(url: target.target.url),
                    place.port == server.namedPort ?? server.listening.port,
                    names.contains(place.host), place.path == path
                else { continue }
                readers.append(Reader(target: target, honorsLabels: pool.config.honorLabels))
            }
        }
        return readers
    }

    /// When a target is scraped next, in milliseconds since 1970; `nil` where nobody knows.
    func nextScrape(of target: ActiveTarget) -> Timestamp? {
        if let next = target.report.nextScrape { return next }
        return target.report.lastScrape.map { $0 + target.target.interval.milliseconds }
    }
}

/// Host, port and path of a target's URL.
package struct TargetPlace: Hashable, Sendable {
    /// In lower case, without brackets.
    package var host: String
    /// The scheme's own where none is named.
    package var port: Int
    /// `/` where none is named.
    package var path: String

    /// Reads `scheme://host:port/path?query`; `nil` where it is something else.
    package init?(url: String) {
        guard let mark = url.firstRange(of: "://") else { return nil }
        let rest = url[mark.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        var authority = rest[..<end]
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = Int(authority[authority.index(after: colon)...]) else { return nil }
            port = number
            authority = authority[..<colon]
        } else {
            port = url.hasPrefix("https://") ? 443 : 80
        }
        host = authority.lowercased().filter { $0 != "[" && $0 != "]" }
        path = String(rest[end...].prefix { $0 != "?" && $0 != "#" })
        if path.isEmpty { path = "/" }
    }
}
