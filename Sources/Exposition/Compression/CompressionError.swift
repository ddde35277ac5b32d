/// Why compressed bytes could not be unpacked, in the words of the Go libraries that Prometheus uses.
public struct CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Sendable, Hashable {
        /// The bytes are not of the format or were changed on the way.
        case corrupt
        /// The bytes end too early.
        case truncated
        /// Unpacked it would be larger than the caller allows.
        case tooLarge
        /// Of a kind that is not supported.
        case unsupported
    }

    /// The kind.
    public var code: Code
    /// The message.
    public var message: String

    /// A failure.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
