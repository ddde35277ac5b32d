internal import MetricModel

/// Why a query has no answer.
public struct PromQLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure, as the HTTP API tells them apart.
    public enum Code: String, Sendable, Hashable {
        /// The expression or its parameters are not valid.
        case badData = "bad_data"
        /// The evaluation failed.
        case execution
        /// The caller went away.
        case canceled
        /// It took too long.
        case timeout
        /// The store failed.
        case storage = "internal"
    }

    /// The kind.
    public let code: Code
    /// The message, in Prometheus's words.
    public let message: String

    /// A failure.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    static let duplicateLabels = PromQLError(.execution, "vector cannot contain metrics with the same labelset")
    static let tooManySamples = PromQLError(
        .execution,
        "query processing would load too many samples into memory in query execution"
    )
    static func canceled(in place: String) -> PromQLError { PromQLError(.canceled, "query was canceled in \(place)") }
    static func ending(in place: String) -> PromQLError {
        PromQLError(.canceled, "query was canceled in \(place): the server is shutting down")
    }
    static func timedOut(in place: String) -> PromQLError { PromQLError(.timeout, "query timed out in \(place)") }

    static func from(_ error: StorageError) -> PromQLError {
        switch error.code {
        case .cancelled: canceled(in: "query execution")
        case .tooManySamples: tooManySamples
        case .corrupt, .diskFull, .readOnly, .locked, .newerVersion, .unsupported, .inputOutput:
            PromQLError(.storage, "expanding series: " + error.message)
        }
    }
}
