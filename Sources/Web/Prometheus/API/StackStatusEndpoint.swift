import MetricModel

/// What a stack is made of, and what an operator should know of it.
public struct StackStatus: Sendable {
    /// The configuration file.
    public struct Configuration: Sendable, Hashable {
        /// Its absolute path; empty where the configuration is built in.
        public var file = ""
        /// Whether it is read again when it changes.
        public var isWatched = false
        /// When the one in use was read, in nanoseconds since 1970.
        public var loaded: Int64 = 0
        /// Why the last reload failed, in Prometheus's words; empty where it did not.
        public var error = ""
        /// The same with file, line and field, one mistake a line.
        public var place = ""
        /// None.
        public init() {}
    }

    /// A flag or feature that was given and changes nothing.
    public struct Remark: Sendable, Hashable {
        /// The flag as it was given.
        public var flag: String
        /// What is to be said of it.
        public var text: String
        /// A remark.
        public init(flag: String, text: String) {
            self.flag = flag
            self.text = text
        }
    }

    /// A target of the configuration that has followed one of the stack's own servers.
    public struct Move: Sendable, Hashable {
        /// Its job.
        public var job: String
        /// Its address in the configuration.
        public var from: String
        /// Its address.
        public var to: String
        /// A move.
        public init(job: String, from: String, to: String) {
            self.job = job
            self.from = from
            self.to = to
        }
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
    public var gaveWay: Move?
    /// Flags and features without effect.
    public var remarks: [Remark] = []
    /// Targets that have followed the servers.
    public var moves: [Move] = []

    /// Nothing known.
    public init() {}
}

extension PrometheusServer {
    /// `/api/v1/status/stack`
    func stackStatus(_ parameters: APIParameters) -> APIAnswer {
        let status = environment.stack?() ?? StackStatus()
        return .json { text in
            let configuration = status.configuration
            text.raw("{\"configuration\":{\"file\":")
            text.string(configuration.file)
            text.field("builtIn")
            text.bool(configuration.file.isEmpty)
            text.field("watched")
            text.bool(configuration.isWatched)
            text.field("loaded")
            text.string(CivilTime.rfc3339(nanoseconds: configuration.loaded))
            text.field("lastReloadSuccessful")
            text.bool(configuration.error.isEmpty)
            text.field("error")
            text.string(configuration.error)
            text.field("where")
            text.string(configuration.place)
            text.raw("},\"database\":")
            text.string(status.database)
            text.field("fixture")
            text.bool(status.isFixture)
            text.raw(",\"servers\":{")
            for (index, server) in status.servers.enumerated() {
                if index > 0 { text.raw(",") }
                text.string(server.name)
                text.raw(":")
                text.string(server.url)
            }
            text.raw("},\"demoGaveWay\":")
            if let way = status.gaveWay {
                text.raw("{\"to\":")
                text.string(way.to)
                text.field("url")
                text.string(way.from)
                text.raw("}")
            } else {
                text.raw("null")
            }
            text.raw(",\"withoutEffect\":[")
            for (index, remark) in status.remarks.enumerated() {
                text.raw(index > 0 ? ",{\"flag\":" : "{\"flag\":")
                text.string(remark.flag)
                text.field("text")
                text.string(remark.text)
                text.raw("}")
            }
            text.raw("],\"followedTargets\":[")
            for (index, move) in status.moves.enumerated() {
                text.raw(index > 0 ? ",{\"job\":" : "{\"job\":")
                text.string(move.job)
                text.field("from")
                text.string(move.from)
                text.field("to")
                text.string(move.to)
                text.raw("}")
            }
            text.raw("]}")
        }
    }
}
