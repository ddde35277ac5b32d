/// The memory that all messages share which are being read at a time: each alone may take as much as ``MessageRoom`` has.
package enum SharedRoom {
    /// Asked while a message is read whether it may take so many bytes in all; `nil` where only its own limit counts.
    @TaskLocal package static var asked: (@Sendable (_ bytes: Int) -> Bool)?

    /// A message of so few bytes is read without asking: little becomes of it.
    private static let shortMessage = 8192

    /// Reads something, asking for what it takes.
    /// - Parameters:
    ///   - asked: whether there is room for so many bytes.
    ///   - count: how long the message is.
    /// - Throws: what `read` throws; ``ExpositionError/noRoom`` where others have the room.
    package static func asking<Value, Failure: Error>(
        _ asked: (@Sendable (_ bytes: Int) -> Bool)?,
        for count: Int,
        _ read: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        guard let asked, count > shortMessage else { return try read() }
        return try $asked.withValue(asked) { Result { () throws(Failure) in try read() } }.get()
    }
}
