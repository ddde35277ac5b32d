public import Logging
public import MetricModel

/// Writes log lines to the standard error as Prometheus does, in logfmt or JSON.
public struct StackLogHandler: LogHandler {
    /// The form of a line.
    public enum Format: String, Sendable {
        /// `time=… level=INFO msg="…" key=value`
        case logfmt
        /// One JSON object per line.
        case json
    }

    /// What is always added.
    public var metadata: Logger.Metadata = [:]
    /// What is not logged any more.
    public var logLevel: Logger.Level
    private let format: Format
    private let clock: any StackClock

    /// A handler.
    public init(format: Format, level: Logger.Level, clock: any StackClock) {
        self.format = format
        logLevel = level
        self.clock = clock
    }

    /// A logger that writes so.
    public static func logger(format: Format, level: Logger.Level, clock: any StackClock) -> Logger {
        Logger(label: "promenade") { _ in StackLogHandler(format: format, level: level, clock: clock) }
    }

    /// One value that is always added.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line.
    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let line = line(event.level, event.message.description, all.map { ($0.key, $0.value.description) })
        LogOutput.standardError.write(line) { gap($0) }
    }

    /// The line that tells how many lines were left out.
    package func gap(_ count: Int) -> String {
        line(.warning, "log lines were left out, since nobody read them", [("count", "\(count)")])
    }

    private func line(_ level: Logger.Level, _ message: String, _ more: [(key: String, value: String)]) -> String {
        let time = CivilTime.rfc3339(milliseconds: clock.wallNanoseconds / 1_000_000)
        let fields = [("time", time), ("level", Self.name(level)), ("msg", message)] + more
        return switch format {
        case .logfmt: fields.map { "\($0.0)=\(Self.logfmt($0.1))" }.joined(separator: " ") + "\n"
        case .json: "{" + fields.map { "\"\($0.0)\":\(JSONString.quoted($0.1))" }.joined(separator: ",") + "}\n"
        }
    }

    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARN"
        case .error, .critical: "ERROR"
        }
    }

    /// Quoted where a reader could not tell the end otherwise.
    static func logfmt(_ value: String) -> String {
        let needsQuotes =
            value.isEmpty
            || value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\"") || $0 == 0x7f }
        return needsQuotes ? GoText.quoted(value) : value
    }
}
