/// The memory that all messages share which are being read at a time: each alone may take as much as ``MessageRoom`` has.
package enum SharedRoom {
    /// Asked while a message is read whether it may take so many bytes in all; `nil` where only its own limit counts.
    @TaskLocal package static var asked: (@Sendable (_ bytes: Int) -> Bool)?

    /// Reads something, asking for what it takes.
    /// - Throws: what `read` throws; ``ExpositionError/noRoom`` where others have the room.
    package static func asking<Value, Failure: Error>(
        _ asked: (@Sendable (_ bytes: Int) -> Bool)?,
        _ read: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        guard let asked else { return try read() }
        return try $asked.withValue(asked) { Result { () throws(Failure) in try read() } }.get()
    }
}
