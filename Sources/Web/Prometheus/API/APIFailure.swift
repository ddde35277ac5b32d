/// Why a request to the API failed, as the envelope tells it.
public struct APIFailure: Error, Hashable, Sendable {
    /// The kinds, with the names and status codes of Prometheus.
    public enum Kind: String, Sendable {
        /// The request is wrong.
        case badData = "bad_data"
        /// The query could not be evaluated.
        case execution
        /// The client has gone away.
        case canceled
        /// It took too long.
        case timeout
        /// Something is wrong here.
        case `internal`
        /// There is no such thing.
        case notFound = "not_found"
        /// Not here.
        case forbidden
        /// Not in the form that the client asks for.
        case notAcceptable = "not_acceptable"
        /// Not (yet) possible.
        case unavailable

        /// The status code.
        var status: Int {
            switch self {
            case .badData: 400
            case .execution: 422
            case .canceled: 499
            case .timeout: 503
            case .internal, .unavailable: 500
            case .forbidden: 403
            case .notFound: 404
            case .notAcceptable: 406
            }
        }
    }

    /// The kind.
    public var kind: Kind
    /// The message.
    public var message: String

    /// A failure.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// A parameter that cannot be used.
    static func invalid(_ parameter: String, _ message: String) -> APIFailure {
        APIFailure(.badData, "invalid parameter \"\(parameter)\": \(message)")
    }

    /// A message on its way into a failure.
    struct Text: Error {
        var message: String
        init(_ message: String) { self.message = message }
    }
}
