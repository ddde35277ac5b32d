import MetricModel

/// What a stack is made of, and what an operator should know of it.
public struct StackStatus: Sendable {
    /// The configuration file.
    public struct Configuration: Sendable, Hashable {
        /// Its absolute path; empty where the configuration is built in.
        public var file = ""
        /// Whether it is read again when it changes.
        public var isWatched = false
        /// When the one in use was read, in nanoseconds since 1970; 0 where nobody knows.
        public var loaded: Int64 = 0
        /// Why the last reload failed, in Prometheus's words; empty where it did not.
        public var error = ""
        /// The same with file, line and field, one mistake a line.
        public var place = ""
        /// None.
        public init() {}
    }

    /// The configuration.
    public var configuration = Configuration()
    /// The absolute path of the store's file; empty in memory.
    public var database = ""
    /// Whether this is a test fixture.
    public var isFixture = false
    /// The base URLs of the servers that there are, by their names: `prometheus`, `pushgateway`, `demo`.
    public var servers: [(name: String, url: String)] = []
    /// Who answers in place of the demo server, and where; `nil` where the demo server did not give way.
    public var gaveWay: (to: String, url: String)?
    /// Flags and features that were given and change nothing, each with what is to be said of it.
    public var remarks: [(flag: String, text: String)] = []
    /// Targets of the configuration that have followed the servers: their jobs, and their addresses before and now.
    public var moves: [(job: String, from: String, to: String)] = []

    /// Nothing known.
    public init() {}
}

extension PrometheusServer {
    /// `/api/v1/status/stack`
    func stackStatus(_ parameters: APIParameters) -> APIAnswer {
        let status = environment.stack?() ?? StackStatus()
        let configuration = status.configuration
        let data: JSONObject = [
            "configuration": [
                "file": configuration.file,
                "builtIn": configuration.file.isEmpty,
                "watched": configuration.isWatched,
                "loaded": configuration.loaded == 0 ? nil : CivilTime.rfc3339(nanoseconds: configuration.loaded),
                "lastReloadSuccessful": configuration.error.isEmpty,
                "error": configuration.error,
                "where": configuration.place,
            ] as JSONObject,
            "database": status.database,
            "fixture": status.isFixture,
            "servers": JSONObject(status.servers.map { ($0.name, $0.url) }),
            "demoGaveWay": status.gaveWay.map { ["to": $0.to, "url": $0.url] as JSONObject },
            "withoutEffect": status.remarks.map { ["flag": $0.flag, "text": $0.text] as JSONObject },
            "followedTargets": status.moves.map { ["job": $0.job, "from": $0.from, "to": $0.to] as JSONObject },
        ]
        return .json(data)
    }
}
