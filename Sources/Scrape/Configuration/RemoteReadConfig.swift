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
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(content)
    }

    static func readAll(_ root: ConfigSection, context: ConfigContext) -> [RemoteReadConfig] {
        let nodes: [ConfigNode] =
            if case .sequence(let items)? = root.node("remote_read")?.content { items } else { [] }
        var names: Set<String> = []
        var found: [RemoteReadConfig] = []
        let sections = root.sections("remote_read", type: "config.RemoteReadConfig", sectionType: "config.plain")
        for (index, section) in sections.enumerated() {
            guard let section else {
                root.fail("empty or null remote read config section", at: "remote_read")
                continue
            }
            let config = RemoteReadConfig(section, nodes.indices.contains(index) ? nodes[index] : nil, context)
            section.finish()
            if let own = section.string("name"), !own.isEmpty, !names.insert(own).inserted {
                section.fail("found multiple remote read configs with job name \(GoText.quoted(own))", at: "name")
            }
            if found.contains(config) {
                section.fail(
                    "duplicate remote read configs are not allowed, found duplicate for URL: "
                        + HTTPClientConfig.Proxy.redacted(config.url)
                )
            }
            found.append(config)
        }
        return found
    }

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

    private init(_ section: ConfigSection, _ node: ConfigNode?, _ context: ConfigContext) {
        content = (node ?? ConfigNode(.mapping([]))).withoutPlaces
        client = HTTPClientConfig(reading: section, context: context)
        timeout = section.duration("remote_timeout")?.milliseconds ?? timeout
        RemoteWriteConfig.checkHeaders(section)
        headers = (section.stringMap("headers", type: "map[string]string") ?? []).map { ($0.0, $0.1) }
        RemoteWriteConfig.address(section, "remote_read")
        url = section.string("url") ?? ""
        if let limit = section.uint("chunked_read_limit", type: "uint64"), limit > 0 {
            chunkedReadLimit = Int(clamping: limit)
        }
        readsRecent = section.bool("read_recent") ?? false
        filtersExternalLabels = section.bool("filter_external_labels") ?? true
        requiredMatchers =
            (section.stringMap("required_matchers", type: "model.LabelSet", valueType: "model.LabelValue") ?? [])
            .map { ($0.0, $0.1) }
        name = RemoteWriteConfig.name(section, content)
    }
}
