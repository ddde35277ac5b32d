import Logging
import Pushgateway

/// What the log says of changes that were refused.
extension PushgatewayResponder {
    private static let inconsistent = "pushed metrics are invalid or inconsistent with existing metrics"

    /// Logs a change that was not done, as the original does: what contradicts its rules or other groups is an error, what cannot be
    /// read is told to those who debug.
    /// - Parameter message: what was done when it went wrong.
    func log(_ record: PushRecord, _ message: Logger.Message, _ level: Logger.Level) {
        guard let logger = settings.logger, let error = record.error else { return }
        var metadata: Logger.Metadata = ["source": "\(record.client)", "err": "\(error)"]
        guard error.hasPrefix(Self.inconsistent) else {
            if record.group == nil { metadata["url"] = "\(record.path)" }
            logger.log(level: level, message, metadata: metadata)
            return
        }
        metadata["method"] = "\(record.method)"
        metadata["err"] = "\(error.dropFirst(Self.inconsistent.count).drop { $0 == ":" || $0 == " " })"
        logger.error("\(Self.inconsistent)", metadata: metadata)
    }
}
