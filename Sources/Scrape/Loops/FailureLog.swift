package import MetricModel
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The files of `scrape_failure_log_file`: one line of JSON for each failed scrape. One that is a pipe whose reader has stopped holds nobody
/// up: lines are left out, and the next one that gets through says how many.
package final class FailureLogs: Sendable {
    private let clock: any StackClock
    /// Open files by path.
    private let files = Mutex<[String: LogOutput]>([:])

    package init(clock: any StackClock) { self.clock = clock }

    /// Opens files at these paths and closes all others. Answers what could not be opened, and why.
    package func open(_ paths: Set<String>) -> [String] {
        var opened: [String: LogOutput] = [:]
        var problems: [String] = []
        for path in paths.sorted() where !path.isEmpty {
            let descriptor = Self.open(path)
            if descriptor < 0 {
                problems.append("can't create json log file: \(FileError("open", path).description)")
            } else {
                opened[path] = LogOutput(owning: descriptor)
            }
        }
        files.withLock { $0 = opened }
        return problems
    }

    private static func open(_ path: String) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o600)
        #else
            Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o600)
        #endif
    }

    /// Notes a failed scrape.
    package func note(_ failure: String, job: String, target: String, in path: String, line: Int = #line) {
        let source = "FailureLog.swift:\(line)"
        let time = CivilTime.rfc3339(nanoseconds: clock.wallNanoseconds)
        func text(_ level: String, _ message: String, _ fields: [(String, String)]) -> String {
            let all = [("time", time), ("level", level), ("source", source), ("msg", message)] + fields
            return "{" + all.map { "\(Self.quoted($0)):\(Self.quoted($1))" }.joined(separator: ",") + "}\n"
        }
        let file = files.withLock { $0[path] }
        file?.write(text("ERROR", failure, [("job_name", job), ("target", target)])) { count in
            text("WARN", "failures were left out, since nobody read them", [("count", "\(count)")])
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
