import ConfigTree
import Scrape

/// The files that a configuration is made of, found by looking at its text alone: also where something in it is wrong, so that a
/// mistake that is mended in any of them is noticed.
package enum ConfigSources {
    /// The main file and all that it names: files with jobs (and what these name), files with rules, and files with secrets,
    /// certificates and keys. Files with targets are not among them; discovery watches them itself.
    package static func files(of main: String) -> [String] {
        var found: [String] = [main]
        var seen: Set<String> = [main]
        func add(_ path: String) -> Bool {
            guard !path.isEmpty, seen.insert(path).inserted else { return false }
            found.append(path)
            return true
        }
        func read(_ file: String) {
            guard let bytes = FileAccess.read(file), let root = try? YAMLReader.parse(bytes, file: file) else { return }
            let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
            let context = ConfigContext(directory: folder)
            for pattern in root["rule_files"]?.items ?? [] {
                for path in PathPattern(context.path(pattern.text ?? ""))?.matches ?? [] { _ = add(path) }
            }
            for pattern in root["scrape_config_files"]?.items ?? [] {
                for path in PathPattern(context.path(pattern.text ?? ""))?.matches ?? [] where add(path) { read(path) }
            }
            for path in named(in: root) { _ = add(context.path(path)) }
        }
        read(main)
        return found
    }

    /// Files that are written and not read.
    private static let written: Set<String> = ["scrape_failure_log_file", "query_log_file"]

    private static func named(in root: ConfigNode) -> [String] {
        var result: [String] = []
        var rest = [root]
        // An alias may stand for the same large part many times.
        var steps = 0
        while let node = rest.popLast(), steps < 100_000 {
            steps += 1
            switch node.content {
            case .scalar: break
            case .sequence(let items): rest += items
            case .mapping(let entries):
                for entry in entries {
                    let name = entry.key.text ?? ""
                    if name.hasSuffix("_file"), !written.contains(name), let path = entry.value.string {
                        result.append(path)
                    } else if name == "http_headers", case .mapping(let headers) = entry.value.content {
                        for header in headers { result += (header.value["files"]?.items ?? []).compactMap(\.string) }
                    } else {
                        rest.append(entry.value)
                    }
                }
            }
        }
        return result.sorted()
    }
}
