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
        var fields: [(key: String, value: String)] = [
            ("time", CivilTime.rfc3339(milliseconds: clock.wallNanoseconds / 1_000_000)),
            ("level", Self.name(event.level)),
            ("msg", event.message.description),
        ]
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { fields.append((key, value.description)) }
        let line =
            switch format {
            case .logfmt: fields.map { "\($0.key)=\(Self.logfmt($0.value))" }.joined(separator: " ")
            case .json: "{" + fields.map { "\"\($0.key)\":\(JSONString.quoted($0.value))" }.joined(separator: ",") + "}"
            }
        LogOutput.standardError.write(line + "\n")
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
