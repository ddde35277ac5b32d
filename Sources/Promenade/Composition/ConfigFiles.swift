import ConfigTree
import Scrape

/// The files that a configuration is made of, by which a change is noticed.
enum ConfigFiles {
    /// The patterns of further files that a configuration names, of those that are read with it; `nil` where it cannot be read so
    /// far. A configuration with mistakes counts too: when one of its files is repaired, it is read again.
    static func patterns(in file: String, context: ConfigContext) -> [String]? {
        guard let text = FileAccess.read(file), let root = try? YAMLReader.parse(text, file: file) else { return nil }
        return ["scrape_config_files", "rule_files"].flatMap { section in
            (root[section]?.items ?? []).compactMap(\.text).map(context.path)
        }
    }

    /// The file itself, what it names, and whatever matches the patterns now, each with that by which changes are noticed.
    static func stamps(of main: String, patterns: [String]) -> [String: [Int64]?] {
        var stamps: [String: [Int64]?] = [:]
        for file in ConfigSources.files(of: main) + patterns.flatMap({ PathPattern($0)?.matches ?? [] }) {
            stamps.updateValue(FileAccess.stamp(file), forKey: file)
        }
        return stamps
    }
}

extension StackConfig {
    /// Sections that are read only at the start and say something else than the ones in use.
    func sectionsDiffering(from used: StackConfig) -> [String] {
        var names: [String] = []
        if demo != used.demo { names.append("demo_server") }
        if gateway != used.gateway { names.append("pushgateway") }
        if storage != used.storage { names.append("storage") }
        return names
    }
}
