/// Why a body could not be read or written, in the words that Prometheus uses for it.
public struct ExpositionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The message.
    public var message: String

    /// An error with that message.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
