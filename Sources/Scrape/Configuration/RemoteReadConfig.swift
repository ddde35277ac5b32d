public import ConfigTree
import MetricModel

/// An entry of the section `remote_read`: who else is asked for samples, and when.
public struct RemoteReadConfig: Sendable, Hashable {
    /// Who is asked.
    public var url = ""
    /// What it is called; derived from what it says where it says no name.
    public var name = ""
    /// The longest wait for an answer, in milliseconds.
    public var timeout: Int64 = 60_000
    /// Further headers.
    public var headers: [(name: String, value: String)] = []
    /// It is asked only where a query names all of these.
    public var requiredMatchers: [(name: String, value: String)] = []
    /// Whether it is asked for times that are stored here, too.
    public var readsRecent = false
    /// Whether external labels are asked for, and taken off what comes.
    public var filtersExternalLabels = true
    /// The most bytes of one message of an answer that comes in chunks.
    public var chunkedReadLimit = 50_000_000
    /// How it is talked to.
    public var client = HTTPClientConfig()
    /// What the entry says.
    public var content: ConfigNode

    /// Two entries are equal where they say the same.
    public static func == (left: Self, right: Self) -> Bool { left.name == right.name && left.content == right.content }
    /// Hashes what it says.
    public func hash(into hasher: inout Hasher) { hasher.combine(content) }

    /// A server that is asked for everything, whatever is stored here.
    init(url: String, headers: [(name: String, value: String)], timeout: Int64, client: HTTPClientConfig) {
        self.url = url
        self.headers = headers
        self.timeout = timeout
        self.client = client
        name = url
        readsRecent = true
        filtersExternalLabels = false
        content = ConfigNode(.scalar(.init(url)))
    }

    init(_ section: ConfigSection, _ node: ConfigNode, _ context: ConfigContext) {
        content = node.withoutPlaces
        client = HTTPClientConfig(reading: section, context: context)
        timeout = section.duration("remote_timeout")?.milliseconds ?? timeout
        RemoteWriteConfig.checkHeaders(section)
        headers = (section.stringMap("headers", type: "map[string]string") ?? []).map { ($0.0, $0.1) }
        url = Self.address(section)
        if let limit = section.uint("chunked_read_limit", type: "uint64"), limit > 0 {
            chunkedReadLimit = Int(clamping: limit)
        }
        readsRecent = section.bool("read_recent") ?? false
        filtersExternalLabels = section.bool("filter_external_labels") ?? true
        requiredMatchers = section.labelSet("required_matchers").map { ($0.key, $0.value) }
        name = entryName(section)
    }
}
