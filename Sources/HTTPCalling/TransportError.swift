package import MetricModel

/// Why a target could not be fetched.
public struct TransportError: Error, Hashable, CustomStringConvertible {
    /// The kinds of failures.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The time was up.
        case timeout
        /// Whoever asked does not want the answer any more.
        case cancelled
        /// The body was larger than allowed.
        case bodyTooLarge = "body_too_large"
        /// There is no memory for one more long body.
        case noRoom = "no_room"
        /// This process may have no more connections.
        case noConnection = "no_connection"
        /// Nobody listens there, or there is no way to there.
        case refused
        /// There is no such name.
        case unknownHost = "unknown_host"
        /// The URL is none, or of a kind that is not fetched.
        case url
        /// The two sides did not agree on TLS.
        case tls
        /// The connection ended before the answer did.
        case closed
        /// The answer is not HTTP, or not what it says.
        case malformed
        /// The server answered something else than 200.
        case status
        /// Credentials, certificates or proxies are not as the configuration says.
        case setup
        /// Anything else.
        case other
    }

    /// What kind of failure it is.
    public var code: Code
    /// What was being done, with a colon at its end: `Get "http://a:1/metrics": `; may be empty.
    public var context: String
    /// What went wrong, as Prometheus says it.
    public var reason: String

    /// An error with that message.
    public init(_ reason: String, code: Code = .other, context: String = "") {
        self.reason = reason
        self.code = code
        self.context = context
    }

    /// The most bytes of a context and of a reason that are told: addresses and answers of others stand in them.
    private static let textLimit = 4096

    /// The message.
    public var message: String { context.shortened(to: Self.textLimit) + reason.shortened(to: Self.textLimit) }

    /// This process may have no more connections.
    package init(_ full: ConnectionFiles.Full) { self.init(full.message, code: .noConnection) }

    /// The message.
    public var description: String { message }

    /// The body was larger than allowed.
    public static let bodyTooLarge = TransportError("body size limit exceeded", code: .bodyTooLarge)

    /// The time was up.
    package static func late(context: String = "") -> TransportError {
        TransportError("context deadline exceeded", code: .timeout, context: context)
    }

    /// Whoever asked does not want the answer any more.
    package static func cancelled(context: String = "") -> TransportError {
        TransportError("context canceled", code: .cancelled, context: context)
    }

    /// The same failure, while this was being done.
    package func during(_ context: String) -> TransportError {
        TransportError(reason, code: code, context: context + self.context)
    }
}
