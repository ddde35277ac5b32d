import ConfigTree
import MetricModel
public import PromQL
public import Rules

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Finds and reads rule files.
public enum RuleFiles {
    /// The files of a pattern, sorted; a pattern that matches nothing is none.
    public static func matching(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, GLOB_NOSORT, nil, &found) == 0 else { return [] }
        let paths = (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
        return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// A path of a configuration, seen from the folder of the file in which it stands.
    public static func joined(_ path: String, below folder: String) -> String {
        if path.isEmpty || path.hasPrefix("/") || folder.isEmpty { return path }
        var parts: [Substring] = []
        for part in (folder + "/" + path).split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        return (folder.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }

    /// Reads a file.
    /// - Throws: `RuleFile.Failure` with everything that is wrong.
    public static func read(
        _ file: String,
        ignoresUnknownFields: Bool = false,
        parser: PromQLParser = PromQLParser()
    ) throws(RuleFile.Failure) -> RuleFile {
        guard let bytes = FileAccess.read(file) else {
            let reason = String(cString: strerror(errno)).lowercased()
            throw RuleFile.Failure(messages: ["\(file): open \(file): \(reason)"])
        }
        return try read(text: bytes, file: file, ignoresUnknownFields: ignoresUnknownFields, parser: parser)
    }

    /// Reads a text.
    /// - Throws: `RuleFile.Failure` with everything that is wrong.
    public static func read(
        text: [UInt8],
        file: String,
        ignoresUnknownFields: Bool = false,
        parser: PromQLParser = PromQLParser()
    ) throws(RuleFile.Failure) -> RuleFile {
        let node: ConfigNode
        do throws(ConfigError) {
            node = try YAMLReader.parse(text, file: file, dialect: .rules)
        } catch {
            let problem = error.problems.first
            let message = "\(file): \(problem?.original ?? problem?.message ?? "")"
            throw RuleFile.Failure(messages: [message, message])
        }
        return try RuleFile(reading: node, file: file, ignoresUnknownFields: ignoresUnknownFields, parser: parser)
    }
}
