import MetricModel

/// Why a body could not be read or written, in the words that Prometheus uses for it.
public struct ExpositionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The message.
    public var message: String

    /// An error with that message.
    public init(_ message: String) { self.message = message }

    /// There is no memory for one more message among those that are being read.
    package static let noRoom = ExpositionError(CompressionError.noRoom.message)

    /// The message.
    public var description: String { message }
}
