import MetricModel
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The files of `scrape_failure_log_file`: one line of JSON for each failed scrape.
final class FailureLogs: Sendable {
    private let clock: any StackClock
    /// Open files by path.
    private let files = Mutex<[String: Int32]>([:])

    init(clock: any StackClock) { self.clock = clock }

    deinit { _ = open([]) }

    /// Opens files at these paths and closes all others. Answers what could not be opened, and why.
    func open(_ paths: Set<String>) -> [String] {
        var opened: [String: Int32] = [:]
        var problems: [String] = []
        for path in paths.sorted() where !path.isEmpty {
            let descriptor = Self.open(path)
            if descriptor < 0 {
                problems.append("can't create json log file: \(FileError("open", path).description)")
            } else {
                opened[path] = descriptor
            }
        }
        files.withLock { files in
            for descriptor in files.values { close(descriptor) }
            files = opened
        }
        return problems
    }

    private static func open(_ path: String) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        #else
            Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        #endif
    }

    /// Notes a failed scrape.
    func note(_ failure: String, job: String, target: String, in path: String, line: Int = #line) {
        let fields = [
            ("time", CivilTime.rfc3339(nanoseconds: clock.wallNanoseconds)), ("level", "ERROR"),
            ("source", "FailureLog.swift:\(line)"),
            ("msg", failure), ("job_name", job), ("target", target),
        ]
        let text = "{" + fields.map { "\(Self.quoted($0.0)):\(Self.quoted($0.1))" }.joined(separator: ",") + "}\n"
        var bytes = Array(text.utf8)
        files.withLock { files in
            guard let descriptor = files[path] else { return }
            // One write for the whole line, so that lines of others who append cannot come between.
            _ = bytes.withUnsafeMutableBytes { write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// A JSON string as Go's structured log writes it.
    static func quoted(_ text: String) -> String { escaping.quoted(text) }

    private static let escaping = Escaping(
        [
            "\"": "\\\"", "\\": "\\\\", "\u{08}": "\\b", "\u{0C}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
        ]
    ) { scalar in
        switch scalar {
        case "\u{2028}", "\u{2029}": "\\u" + Escaping.hexadecimal(scalar, width: 4)
        default: Escaping.unicodeControl(scalar)
        }
    }
}
