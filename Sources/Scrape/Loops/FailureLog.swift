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
            ("time", Self.time(clock.wallNanoseconds)), ("level", "ERROR"), ("source", "FailureLog.swift:\(line)"),
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

    /// RFC 3339 with nanoseconds, without trailing zeros.
    static func time(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = [
            padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1, 2), padded(Int(parts.tm_mday), 2),
        ]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
        var fraction = padded(Int(nanoseconds % 1_000_000_000), 9)
        while fraction.last == "0" { fraction.removeLast() }
        return date.joined(separator: "-") + "T" + clock.joined(separator: ":")
            + (fraction.isEmpty ? "" : "." + fraction) + "Z"
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
