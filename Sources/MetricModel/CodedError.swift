/// An error that says by its code what kind it is, for programs, and by its message what happened, where and what would be right, for
/// people. Each room names its own, with the codes that it throws: `StorageError`, `PromQLError`.
public struct CodedError<ErrorCode>: Error, Hashable, Sendable, CustomStringConvertible
where ErrorCode: RawRepresentable<String> & Hashable & Sendable {
    /// The kinds of failure.
    public typealias Code = ErrorCode

    /// The kind.
    public let code: Code
    /// The message.
    public let message: String

    /// A failure.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
