import Logging

/// Passes on what the HTTP server logs, but not that it was cancelled: whoever cancels it knows.
struct ServerLog: LogHandler {
    private var base: Logger

    /// A logger that passes errors on to another.
    static func errors(of logger: Logger) -> Logger {
        var base = logger
        base.logLevel = .error
        return Logger(label: base.label) { [base] _ in ServerLog(base: base) }
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.handler.metadata }
        set { base.handler.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if !event.message.description.hasSuffix("CancellationError()") { base.handler.log(event: event) }
    }
}
