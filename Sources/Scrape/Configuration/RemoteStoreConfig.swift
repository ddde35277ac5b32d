public import ConfigTree
import MetricModel

/// The section `storage.remote`: an engine elsewhere that keeps the samples, while what is here is a buffer only.
public struct RemoteStoreConfig: Sendable, Hashable {
    /// Where its API is, without `/api/v1/…` and the slash before it: several where each has a part of the samples.
    public var bases: [String] = []
    /// To where samples are sent.
    public var writes: [RemoteWriteConfig] = []
    /// How it is read where queries are evaluated here; `nil` for: by queries.
    public var read: RemoteReadConfig?
    /// Whether expressions are evaluated here, over samples read from it.
    public var isExact = false
    /// Further headers, `X-Scope-OrgID` for example, for queries, reads and writes.
    public var headers: [(name: String, value: String)] = []
    /// The longest wait for an answer, in milliseconds.
    public var timeout: Int64 = 120_000
    /// How it is talked to.
    public var client = HTTPClientConfig()
    /// What the section says.
    public var content: ConfigNode

    /// Two are equal where they say the same.
    public static func == (left: Self, right: Self) -> Bool { left.content == right.content }
    /// Hashes what it says.
    public func hash(into hasher: inout Hasher) { hasher.combine(content) }

    /// Reads the section.
    public init(reading section: ConfigSection, node: ConfigNode, context: ConfigContext) {
        content = node.withoutPlaces
        client = HTTPClientConfig(reading: section, context: context)
        RemoteWriteConfig.checkHeaders(section)
        headers = (section.stringMap("headers", type: "map[string]string") ?? []).map { ($0.0, $0.1) }
        timeout = section.duration("remote_timeout")?.milliseconds ?? timeout
        isExact = section.bool("exact") ?? false
        if let node = section.node("query"), case .sequence = node.content {
            bases = section.strings("query") ?? []
        } else {
            bases = [section.string("query") ?? ""]
        }
        if bases.isEmpty { bases = [""] }
        bases = bases.map { Self.address($0, section) }
        writes = RemoteWriteConfig.readAll(section, field: "write", context: context)
        if writes.isEmpty {
            section.fail("write has to name at least one URL: nothing would be stored", at: "write")
        }
        for index in writes.indices { writes[index].headers += headers }
        if let url = section.string("read"), !url.isEmpty {
            if bases.count > 1 {
                section.fail("read is for one engine; several in query are read by queries", at: "read")
            }
            read = RemoteReadConfig(url: url, headers: headers, timeout: timeout, client: client)
        }
        section.finish()
    }

    /// The address of an API, without what every API has behind it.
    private static func address(_ text: String, _ section: ConfigSection) -> String {
        var base = text
        while base.hasSuffix("/") { base.removeLast() }
        for suffix in ["/api/v1/query", "/api/v1"] where base.hasSuffix(suffix) {
            base.removeLast(suffix.utf8.count)
        }
        if !base.hasPrefix("http://"), !base.hasPrefix("https://") {
            section.fail(
                base.isEmpty
                    ? "query has to say where the engine's API is, as in query: http://localhost:8428"
                    : "query has to be a URL that begins with http:// or https://, not \(GoText.quoted(base))",
                at: "query"
            )
        }
        return base
    }
}
