import ConfigTree

/// The stack of a scenario, or one that it loads later: as it stands in the scenario, or in the file that it names.
struct StackSource {
    var node: ConfigNode
    /// The file in which it stands.
    var file: String
    /// Where it stands there; empty for the whole file.
    var path: String

    /// Reads the field `stack`; what is wrong with it is told.
    init?(reading section: ConfigSection, of scenario: Scenario, _ read: (String) -> [UInt8]?) {
        guard let node = section.node("stack") else { return nil }
        guard case .mapping(let entries) = node.content else {
            let hint = node.text.map { "stack: {file: \($0)}" } ?? "stack: {scrape_configs: […]}, or {file: stack.yml}"
            section.fail("\(node.kindInWords) is not a mapping of fields", at: "stack", hint: hint)
            return nil
        }
        guard let named = node["file"] else {
            (self.node, file, path) = (node, scenario.file, section.path("stack"))
            return
        }
        guard let name = named.string, !name.isEmpty else {
            let words = named.isNull || named.text != nil ? "the field is empty" : "\(named.kindInWords) is not a text"
            section.fail(words, at: "stack", entry: "file", hint: "file: stack.yml")
            return nil
        }
        if entries.count > 1 {
            section.fail(
                "a stack stands in the scenario or in a file, not in both",
                at: "stack",
                hint: "with `file: \(name)` nothing else can stand here"
            )
        }
        let place = name.hasPrefix("/") || scenario.folder.isEmpty ? name : scenario.folder + "/" + name
        guard let bytes = read(place) else {
            let hint = "it is looked for beside the scenario"
            section.fail("the file \(place) cannot be read", at: "stack", entry: "file", hint: hint)
            return nil
        }
        do throws(ConfigError) {
            (self.node, file, path) = (try YAMLReader.parse(bytes, file: place), place, "")
        } catch {
            section.problems.add(error)
            return nil
        }
    }
}
