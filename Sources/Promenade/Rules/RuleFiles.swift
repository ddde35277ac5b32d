import ConfigTree
public import MetricModel
public import PromQL
public import Rules
package import Scrape

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Finds and reads rule files.
public enum RuleFiles {
    /// The files of a pattern, sorted; a pattern that matches nothing is none.
    /// - Throws: why they cannot be found.
    package static func matching(_ pattern: String) throws(PathPattern.Failure) -> [String] {
        try PathPattern(pattern)?.matches().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } ?? []
    }

    /// Whether a pattern can be read.
    public static func isPattern(_ pattern: String) -> Bool { PathPattern(pattern) != nil }

    /// Reads a file.
    /// - Throws: `RuleFile.Failure` with everything that is wrong.
    public static func read(
        _ file: String,
        ignoresUnknownFields: Bool = false,
        scheme: NameValidation = .utf8,
        parser: PromQLParser = PromQLParser()
    ) throws(RuleFile.Failure) -> RuleFile {
        guard let bytes = FileAccess.read(file) else {
            throw RuleFile.Failure(messages: ["\(file): \(FileAccess.failure(reading: file))"])
        }
        return try read(
            text: bytes,
            file: file,
            ignoresUnknownFields: ignoresUnknownFields,
            scheme: scheme,
            parser: parser
        )
    }

    /// Reads a text.
    /// - Throws: `RuleFile.Failure` with everything that is wrong.
    public static func read(
        text: [UInt8],
        file: String,
        ignoresUnknownFields: Bool = false,
        scheme: NameValidation = .utf8,
        parser: PromQLParser = PromQLParser()
    ) throws(RuleFile.Failure) -> RuleFile {
        let node: ConfigNode
        do throws(ConfigError) {
            node = try YAMLReader.parse(text, file: file, dialect: .rules)
        } catch {
            let problem = error.problems.first
            let message = problem?.original ?? problem?.message ?? ""
            var failure = RuleFile.Failure([message, message], in: file)
            failure.problems = error.problems
            throw failure
        }
        return try RuleFile(
            reading: node,
            file: file,
            ignoresUnknownFields: ignoresUnknownFields,
            scheme: scheme,
            parser: parser
        )
    }
}
