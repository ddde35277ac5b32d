public import ConfigTree
import MetricModel

/// An entry of the section `remote_write`: to where samples are sent on, and how.
public struct RemoteWriteConfig: Sendable, Hashable {
    /// How what has to be sent waits.
    public struct Queue: Sendable, Hashable {
        /// How many samples may wait in a shard.
        public var capacity = 10_000
        /// The most shards.
        public var maxShards = 50
        /// More shards than these do not run, whatever `max_shards` says.
        public static let mostShards = 1000
        /// More samples than these neither wait in a shard nor go into a request, whatever is written.
        public static let mostSamples = 1_000_000
        /// The least shards.
        public var minShards = 1
        /// The most samples of one request.
        public var maxSamplesPerSend = 2000
        /// How long a sample waits for others to fill a request, in milliseconds.
        public var batchSendDeadline: Int64 = 5000
        /// The first pause after a failure, in milliseconds; each further one is twice as long.
        public var minBackoff: Int64 = 30
        /// The longest pause, in milliseconds.
        public var maxBackoff: Int64 = 5000
        /// Whether 429 is a failure that passes.
        public var retriesTooMany = false
        /// Samples older than this are not sent, in milliseconds; 0 for any age.
        public var sampleAgeLimit: Int64 = 0
        /// Prometheus's defaults.
        public init() {}
    }

    /// Where to.
    public var url = ""
    /// What it is called; derived from what it says where it says no name.
    public var name = ""
    /// The longest wait for an answer, in milliseconds.
    public var timeout: Int64 = 30_000
    /// Further headers.
    public var headers: [(name: String, value: String)] = []
    /// What is done to labels before.
    public var relabelRules: [RelabelRule] = []
    /// Whether exemplars are sent.
    public var sendsExemplars = false
    /// Whether native histograms are sent.
    public var sendsNativeHistograms = false
    /// Whether the message is that of version 2.
    public var isVersion2 = false
    /// How what has to be sent waits.
    public var queue = Queue()
    /// Whether metadata are sent by themselves (version 1).
    public var sendsMetadata = true
    /// How often, in milliseconds.
    public var metadataInterval: Int64 = 60_000
    /// The most families of one request.
    public var metadataPerSend = 2000
    /// How the receiver is talked to.
    public var client = HTTPClientConfig()
    /// What the entry says.
    public var content: ConfigNode

    /// Two entries are equal where they say the same.
    public static func == (left: Self, right: Self) -> Bool { left.name == right.name && left.content == right.content }
    /// Hashes what it says.
    public func hash(into hasher: inout Hasher) { hasher.combine(content) }

    // MARK: Reading

    init(_ section: ConfigSection, _ node: ConfigNode, _ context: ConfigContext) {
        content = node.withoutPlaces
        // HTTP/2 is not tried where it is not asked for.
        client = HTTPClientConfig(reading: section, context: context)
        if section.node("enable_http2") == nil { client.enableHTTP2 = false }
        timeout = section.duration("remote_timeout")?.milliseconds ?? timeout
        Self.checkHeaders(section)
        headers = (section.stringMap("headers", type: "map[string]string") ?? []).map { ($0.0, $0.1) }
        url = Self.address(section)
        readMessage(section)
        relabelRules = RelabelRule.readAll(
            "write_relabel_configs",
            of: section,
            empty: "empty or null relabeling rule in remote write config",
            validation: context.nameValidation
        )
        sendsExemplars = section.bool("send_exemplars") ?? false
        sendsNativeHistograms = section.bool("send_native_histograms") ?? false
        _ = section.bool("round_robin_dns")
        if let part = section.section("queue_config", type: "config.QueueConfig") { readQueue(part) }
        if let part = section.section("metadata_config", type: "config.MetadataConfig") {
            sendsMetadata = part.bool("send") ?? true
            metadataInterval = part.duration("send_interval")?.milliseconds ?? metadataInterval
            let sent = (most: Queue.mostSamples, what: "families are sent in a request")
            metadataPerSend = Self.number(part, "max_samples_per_send", metadataPerSend, sent)
            part.finish()
        }
        refuseClouds(section)
        name = entryName(section)
    }

    private mutating func readMessage(_ section: ConfigSection) {
        let known = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"]
        let message = section.string("protobuf_message", type: "config.RemoteWriteProtoMsg") ?? known[0]
        isVersion2 = message == known[1]
        if !known.contains(message) {
            section.fail(
                "invalid protobuf_message value: unknown remote write protobuf message \(message), supported: "
                    + known.joined(separator: ", "),
                at: "protobuf_message"
            )
        }
    }

    /// A number of something of which there is one at least; what is beyond the most is told and left out.
    private static func number(
        _ part: ConfigSection,
        _ field: String,
        _ usual: Int,
        _ limit: (most: Int, what: String)
    ) -> Int {
        let number = max(1, part.int(field) ?? usual)
        if number > limit.most { part.warn("no more than \(limit.most) \(limit.what)", at: field) }
        return min(number, limit.most)
    }

    private mutating func readQueue(_ part: ConfigSection) {
        let samples = (most: Queue.mostSamples, what: "samples wait in a shard")
        queue.capacity = Self.number(part, "capacity", queue.capacity, samples)
        let shards = (most: Queue.mostShards, what: "shards run at a time")
        queue.maxShards = Self.number(part, "max_shards", queue.maxShards, shards)
        queue.minShards = min(queue.maxShards, Self.number(part, "min_shards", queue.minShards, shards))
        let sent = (most: Queue.mostSamples, what: "samples are sent in a request")
        queue.maxSamplesPerSend = Self.number(part, "max_samples_per_send", queue.maxSamplesPerSend, sent)
        queue.batchSendDeadline = part.duration("batch_send_deadline")?.milliseconds ?? queue.batchSendDeadline
        queue.minBackoff = max(1, part.duration("min_backoff")?.milliseconds ?? queue.minBackoff)
        queue.maxBackoff = max(queue.minBackoff, part.duration("max_backoff")?.milliseconds ?? queue.maxBackoff)
        queue.sampleAgeLimit = part.duration("sample_age_limit")?.milliseconds ?? 0
        queue.retriesTooMany = part.bool("retry_on_http_429") ?? false
        part.finish()
    }

    private func refuseClouds(_ section: ConfigSection) {
        Self.checkClouds(section)
        for (name, what) in [
            ("sigv4", "Amazon's signatures"), ("azuread", "Azure's tokens"), ("google_iam", "Google's tokens"),
        ] {
            section.refuse(
                name,
                because: "\(what) are not made here; use basic_auth, authorization or oauth2, or a proxy that signs"
            )
        }
    }

    /// Refuses headers that are not for the configuration.
    /// - Parameter authorization: what is said of credentials.
    static func checkHeaders(
        _ section: ConfigSection,
        authorization: String = "authorization header must be changed via the basic_auth, authorization, oauth2, or "
            + "sigv4 parameter"
    ) {
        for (name, _) in section.stringMap("headers", type: "map[string]string") ?? [] {
            if name.lowercased() == "authorization" {
                section.fail(authorization, at: "headers")
            } else if HTTPClientConfig.reservedHeaders.contains(name.lowercased()) {
                section.fail("\(name) is a reserved header. It must not be changed", at: "headers")
            }
        }
    }
}

extension ConfigNode {
    /// The node as if it stood at the beginning: where something stands does not matter to what it says.
    var withoutPlaces: ConfigNode {
        let inner: Content =
            switch content {
            case .scalar: content
            case .sequence(let items): .sequence(items.map(\.withoutPlaces))
            case .mapping(let entries):
                .mapping(
                    entries.map {
                        Entry(key: $0.key.withoutPlaces, value: $0.value.withoutPlaces, isMerged: $0.isMerged)
                    }
                )
            }
        return ConfigNode(inner, format: format)
    }
}
