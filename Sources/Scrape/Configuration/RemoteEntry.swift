import ConfigTree
import HTTPCalling
import MetricModel

/// An entry of `remote_write` or `remote_read`: what both have, and how a list of them is read.
protocol RemoteEntry: Hashable {
    /// The section, as it is called at the top of a configuration.
    static var sectionName: String { get }
    /// Prometheus's name of the type, in messages.
    static var typeName: String { get }
    /// Who is talked to.
    var url: String { get }
    /// What the entry says.
    var content: ConfigNode { get }

    init(_ section: ConfigSection, _ node: ConfigNode, _ context: ConfigContext)
}

extension RemoteEntry {
    /// Reads all entries of a list.
    /// - Parameter field: where they stand; `nil` for the section.
    static func readAll(_ root: ConfigSection, field: String? = nil, context: ConfigContext) -> [Self] {
        let field = field ?? sectionName
        let words = sectionName.replacing("_", with: " ")
        let nodes = root.node(field)?.items ?? []
        var names: Set<String> = []
        var found: [Self] = []
        let sections = root.sections(field, type: typeName, sectionType: "config.plain")
        for (index, section) in sections.enumerated() {
            guard let section else {
                root.fail("empty or null \(words) config section", at: field)
                continue
            }
            let node = nodes.indices.contains(index) ? nodes[index] : ConfigNode(.mapping([]))
            let config = Self(section, node, context)
            section.finish()
            if let own = section.string("name"), !own.isEmpty, !names.insert(own).inserted {
                section.fail("found multiple \(words) configs with job name \(GoText.quoted(own))", at: "name")
            }
            if found.contains(config) {
                section.fail(
                    "duplicate \(words) configs are not allowed, found duplicate for URL: "
                        + HTTPClientConfig.Proxy.redacted(config.url)
                )
            }
            found.append(config)
        }
        return found
    }

    /// The field `url`; empty where it is none, which is told.
    static func address(_ section: ConfigSection) -> String {
        _ = section.string("name")
        let url = section.url("url") ?? ""
        if section.node("url")?.string ?? "" == "" { section.fail("url for \(sectionName) is empty") }
        return url
    }

    /// What an entry is called: as it says, or by what it says.
    func entryName(_ section: ConfigSection) -> String {
        if let own = section.string("name"), !own.isEmpty { return own }
        return GoText.hexadecimal(MD5.digest(Array("\(content)".utf8)).prefix(3))
    }
}

extension RemoteWriteConfig: RemoteEntry {
    static var sectionName: String { "remote_write" }
    static var typeName: String { "config.RemoteWriteConfig" }
}

extension RemoteReadConfig: RemoteEntry {
    static var sectionName: String { "remote_read" }
    static var typeName: String { "config.RemoteReadConfig" }
}
