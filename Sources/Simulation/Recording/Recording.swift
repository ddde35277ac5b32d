public import ConfigTree
public import MetricModel

/// What a stack scraped and what was pushed to it in a span, so that it can happen again in a world.
public struct Recording: Sendable {
    /// One scrape.
    public struct Scrape: Sendable, Hashable {
        /// The time of its samples, in milliseconds since 1970.
        public var time: Timestamp
        /// The target, as `RecordedTraffic` shows it.
        public var url: String
        /// The job: others may scrape the same target, at other moments. Empty where that is not known.
        public var pool = ""
        /// The status code; 0 without an answer.
        public var status = 200
        /// The answer's content type.
        public var contentType = ""
        /// How long it took, in nanoseconds.
        public var duration: Int64 = 0
        /// Why it failed; empty where it did not.
        public var error = ""
        /// The body.
        public var body: [UInt8] = []

        /// A scrape.
        public init(time: Timestamp, url: String) {
            self.time = time
            self.url = url
        }
    }

    /// One push or deletion.
    public struct Push: Sendable, Hashable {
        /// When it came, in milliseconds since 1970.
        public var time: Timestamp
        /// `PUT`, `POST` or `DELETE`.
        public var method: String
        /// The path, from `/metrics/` on.
        public var path: String
        /// The body's content type.
        public var contentType = ""
        /// The body, unpacked.
        public var body: [UInt8] = []

        /// A push.
        public init(time: Timestamp, method: String, path: String) {
            self.time = time
            self.method = method
            self.path = path
        }
    }

    /// The scrapes, by rising time for each target.
    public var scrapes: [Scrape] = []
    /// The pushes, by rising time.
    public var pushes: [Push] = []

    /// The most scrapes and pushes that are recorded.
    public static let countLimit = 1_000_000
    /// The most bytes of different bodies that are recorded.
    public static let byteLimit = 1 << 30

    /// Nothing happened.
    public init() {}

    // MARK: As files

    /// The index, one object of JSON a line, and the bodies that it names, each once.
    public func files() -> (index: String, bodies: [(name: String, bytes: [UInt8])]) {
        var names: [[UInt8]: String] = [:]
        var bodies: [(name: String, bytes: [UInt8])] = []
        func name(_ body: [UInt8]) -> String {
            if body.isEmpty { return "" }
            if let known = names[body] { return known }
            let name = "bodies/\(bodies.count + 1)"
            names[body] = name
            bodies.append((name, body))
            return name
        }
        var lines: [(time: Timestamp, text: String)] = []
        for scrape in scrapes {
            lines.append(
                (
                    scrape.time,
                    "{\"scrape\":\(JSONString.quoted(scrape.url)),\"job\":\(JSONString.quoted(scrape.pool)),"
                        + "\"time\":\(scrape.time),\"status\":\(scrape.status),"
                        + "\"type\":\(JSONString.quoted(scrape.contentType)),\"took\":\(scrape.duration),"
                        + "\"error\":\(JSONString.quoted(scrape.error)),\"body\":\(JSONString.quoted(name(scrape.body)))}\n"
                )
            )
        }
        for push in pushes {
            lines.append(
                (
                    push.time,
                    "{\"push\":\(JSONString.quoted(push.path)),\"time\":\(push.time),\"method\":\"\(push.method)\","
                        + "\"type\":\(JSONString.quoted(push.contentType)),\"body\":\(JSONString.quoted(name(push.body)))}\n"
                )
            )
        }
        let sorted = lines.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
        return (sorted.map(\.element.text).joined(), bodies)
    }

    /// Reads an index and the bodies that it names.
    /// - Throws: `ConfigError` with the line that is wrong.
    public init(index: [UInt8], file: String, read: (String) -> [UInt8]?) throws(ConfigError) {
        var known: [String: [UInt8]] = [:]
        var number = 0
        for line in index.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if line.isEmpty { continue }
            func wrong(_ words: String) -> ConfigError {
                ConfigError(file: file, problems: [ConfigProblem(.meaning, words, line: number)])
            }
            let node = try JSONReader.parse(Array(line), file: file)
            guard let time = node["time"]?.text.flatMap({ Int64($0) }) else { throw wrong("time is missing") }
            guard Scenario.starts.contains(time) else { throw wrong("time is not between the years 1970 and 2200") }
            let name = node["body"]?.text ?? ""
            if !name.isEmpty, known[name] == nil {
                let parts = name.split(separator: "/")
                guard parts.count == 2, parts[0] == "bodies", parts[1] != "..", let bytes = read(name) else {
                    throw wrong("the body \(GoText.quoted(name)) cannot be read")
                }
                known[name] = bytes
            }
            let (type, body) = (node["type"]?.text ?? "", known[name] ?? [])
            if let url = node["scrape"]?.text {
                var scrape = Scrape(time: time, url: url)
                scrape.pool = node["job"]?.text ?? ""
                scrape.status = node["status"]?.text.flatMap { Int($0) } ?? 0
                scrape.contentType = type
                scrape.duration = node["took"]?.text.flatMap { Int64($0) } ?? 0
                guard scrape.status == 0 || (100...999).contains(scrape.status) else {
                    throw wrong("status is no status code")
                }
                guard (0...Scenario.longest).contains(scrape.duration) else {
                    throw wrong("took is no number of nanoseconds")
                }
                scrape.error = node["error"]?.text ?? ""
                scrape.body = body
                scrapes.append(scrape)
            } else if let path = node["push"]?.text {
                var push = Push(time: time, method: node["method"]?.text ?? "", path: path)
                guard ["PUT", "POST", "DELETE"].contains(push.method) else {
                    throw wrong("method is PUT, POST or DELETE")
                }
                push.contentType = type
                push.body = body
                pushes.append(push)
            } else {
                throw wrong("a line is a scrape or a push")
            }
        }
    }

    /// The scenario that lets it happen again.
    /// - Parameter stack: the name of the file with the stack's configuration, beside the scenario.
    public func scenario(name: String, start: Timestamp, end: Timestamp, stack: String, index: String) -> String {
        """
        # What a stack scraped and received, to happen again: promenade simulate scenario.yml, with --set or another stack.
        name: \(JSONString.quoted(name))
        start: \(WorldEvent.moment(start))
        duration: \(PrometheusDuration(milliseconds: max(1, end - start)))
        stack: {file: \(JSONString.quoted(stack))}
        recording: \(JSONString.quoted(index))

        """
    }
}
