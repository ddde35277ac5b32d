public import MetricModel

/// The kinds of `CompressionError`.
public enum CompressionErrorCode: String, Sendable, Hashable {
    /// The bytes are not of the format or were changed on the way.
    case corrupt
    /// The bytes end too early.
    case truncated
    /// Unpacked it would be larger than the caller allows.
    case tooLarge
    /// There is no memory for what it unpacks to.
    case noRoom
    /// Of a kind that is not supported.
    case unsupported
    /// It was given up.
    case cancelled
}

/// Why compressed bytes could not be unpacked, in the words of the Go libraries that Prometheus uses.
public typealias CompressionError = CodedError<CompressionErrorCode>

extension CompressionError {
    /// What all say who have no memory for what a body unpacks to.
    public static var noRoom: CompressionError { CompressionError(.noRoom, "too many long bodies at a time") }
}
