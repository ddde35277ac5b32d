import ConfigTree
import MetricModel
import Scrape

/// The files that a configuration is made of, found by looking at its text alone: also where something in it is wrong, so that a
/// mistake that is mended in any of them is noticed.
package enum ConfigSources {
    /// The main file and all that it names: files with jobs (and what these name), files with rules, and files with secrets,
    /// certificates and keys. Files with targets are not among them; discovery watches them itself.
    package static func files(of main: String) -> [String] {
        var known = Known()
        return files(of: main, &known)
    }

    /// What files name, by their stamps: those that have not changed are not read again.
    package struct Known {
        fileprivate var files: [String: (stamp: [Int64], names: Names)] = [:]

        /// Nothing.
        package init() {}
    }

    /// What a file names, in its own words.
    fileprivate struct Names {
        var rulePatterns: [String] = []
        var jobPatterns: [String] = []
        var others: [String] = []

        init?(_ file: String) {
            guard let bytes = FileAccess.read(file), let root = try? YAMLReader.parse(bytes, file: file) else {
                return nil
            }
            rulePatterns = (root["rule_files"]?.items ?? []).map { $0.text ?? "" }
            jobPatterns = (root["scrape_config_files"]?.items ?? []).map { $0.text ?? "" }
            others = ConfigSources.named(in: root)
        }
    }

    /// The same, with what is known of files that were looked at before.
    package static func files(of main: String, _ known: inout Known) -> [String] {
        let before = known.files
        known = Known()
        var found: [String] = [main]
        var seen: Set<String> = [main]
        func add(_ path: String) -> Bool {
            guard !path.isEmpty, seen.insert(path).inserted else { return false }
            found.append(path)
            return true
        }
        func read(_ file: String) {
            guard let stamp = FileAccess.stamp(file) else { return }
            let names: Names
            if let old = before[file], old.stamp == stamp {
                names = old.names
            } else {
                guard let new = Names(file) else { return }
                names = new
            }
            known.files[file] = (stamp, names)
            let context = ConfigContext(directory: FilePath.folder(of: file))
            for pattern in names.rulePatterns {
                for path in matches(context.path(pattern)) { _ = add(path) }
            }
            for pattern in names.jobPatterns {
                for path in matches(context.path(pattern)) where add(path) { read(path) }
            }
            for path in names.others { _ = add(context.path(path)) }
        }
        read(main)
        return found
    }

    /// The paths that match a pattern; none where it is malformed or leads past too much, which is told where files are read.
    private static func matches(_ pattern: String) -> [String] { (try? PathPattern(pattern)?.matches()) ?? [] }

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
