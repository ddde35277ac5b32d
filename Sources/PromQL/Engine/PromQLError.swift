public import MetricModel

/// The kinds of `PromQLError`, as the HTTP API tells them apart.
public enum PromQLErrorCode: String, Sendable, Hashable {
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

/// Why a query has no answer.
public typealias PromQLError = CodedError<PromQLErrorCode>

extension PromQLError {
    static var duplicateLabels: PromQLError {
        PromQLError(.execution, "vector cannot contain metrics with the same labelset")
    }
    static var tooManySamples: PromQLError {
        PromQLError(.execution, "query processing would load too many samples into memory in query execution")
    }
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
