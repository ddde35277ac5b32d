import ConfigTree
public import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What reading a configuration needs to know about the world around it.
public struct ConfigContext: Sendable {
    /// The folder that relative paths start from; empty for the one that the process is in.
    public var directory: String
    /// Environment variables, for `${NAME}` in external labels.
    public var environment: [String: String]
    /// Whether native histograms are scraped where nothing is said.
    public var scrapeNativeHistograms = false
    /// Whether extra series about scrapes are written where nothing is said.
    public var extraScrapeMetrics = false
    /// Which names relabelling may write where the section `global` says it for a section that does not say so itself.
    public var nameValidation = NameValidation.utf8

    /// A context.
    public init(directory: String = "", environment: [String: String] = [:]) {
        self.directory = directory
        self.environment = environment
    }

    /// The path, seen from ``directory`` and cleaned where it is relative.
    public func path(_ path: String) -> String {
        path.isEmpty || path.hasPrefix("/") ? path : FilePath.joined(directory, path)
    }

    /// Replaces `$NAME` and `${NAME}` by the environment's values; `$$` is a dollar sign.
    func expand(_ text: String, in section: ConfigSection) -> String {
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            let name: Substring
            if rest.hasPrefix("{") {
                guard let end = rest.firstIndex(of: "}") else {
                    // As Go: a brace without its partner eats the dollar and itself.
                    rest = rest.dropFirst()
                    continue
                }
                name = rest[rest.index(after: rest.startIndex)..<end]
                rest = rest[rest.index(after: end)...]
            } else if let first = rest.first, "*#$@!?-0123456789".contains(first) {
                name = rest.prefix(1)
                rest = rest.dropFirst()
            } else {
                name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                rest = rest[name.endIndex...]
                if name.isEmpty {
                    result += "$"
                    continue
                }
            }
            if name == "$" {
                result += "$"
                continue
            }
            let value = environment[String(name)] ?? ""
            if value.isEmpty { section.warn("Empty environment variable \(name)", at: "external_labels") }
            result += value
        }
        return result + rest
    }
}

/// Files by name.
enum FileSystem {
    /// The paths that match a pattern, sorted; none for a malformed one.
    static func matches(of pattern: String) throws(PathPattern.Failure) -> [String] {
        try PathPattern(pattern)?.matches() ?? []
    }

    /// The contents of a file, or the system's message about why they cannot be read.
    static func read(_ path: String) -> Result<[UInt8], FileError> {
        FileReading.bytes(of: path).map(Result.success) ?? .failure(FileError(reading: path))
    }

    /// The most bytes of a file with a secret: it is read again for each request, and sent in a header.
    private static let secretLimit = 64 << 10

    /// The contents of a small text file without white space around them, as secrets are kept.
    static func text(_ path: String) throws(FileError) -> String {
        guard let bytes = FileReading.bytes(of: path, limit: secretLimit) else {
            throw FileError(reading: path, limit: secretLimit)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        var trimmed = text.unicodeScalars[...]
        while let last = trimmed.last, last.properties.isWhitespace { trimmed.removeLast() }
        return String(trimmed.drop { $0.properties.isWhitespace })
    }

    /// When a file was last changed (nanoseconds since 1970) and its size; `nil` where there is none.
    static func stamp(_ path: String) -> FileStamp? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        #if canImport(Darwin)
            let time = info.st_mtimespec
        #else
            let time = info.st_mtim
        #endif
        return FileStamp(
            modified: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec),
            size: Int64(info.st_size),
            inode: UInt64(info.st_ino)
        )
    }
}

/// By which a changed file is recognised.
struct FileStamp: Sendable, Hashable {
    var modified: Int64
    var size: Int64
    var inode: UInt64
}
