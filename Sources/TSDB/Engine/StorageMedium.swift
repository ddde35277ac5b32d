import MetricModel

/// Where a database is at home: what differs between memory and a file, beside blocks and journal (``Backend``).
protocol StorageMedium: RecordStore {
    /// Why nothing can be written until the program is started anew, or there is room; `nil` where it can.
    var refusal: StorageError? { get }
    /// Why the last change could not be stored; `nil` where it was.
    var writeFailure: StorageError? { get }
    /// What could not be read when it was opened, in words.
    var problems: [String] { get }
    /// How many transactions failed.
    var failedWrites: UInt64 { get }
    /// Fails where nothing can be written.
    func checkWritable() throws(StorageError)
    /// Tries to write where it was opened for reading because there was no room.
    func takeUpWriting() async throws(StorageError)
    /// Writes out what is pending and closes.
    func close() async throws(StorageError)
    /// Writes a consistent copy as one file.
    func snapshot(toFile path: String) async throws(StorageError)
    /// The number of the last entry that is committed.
    func feedEnd() async throws(StorageError) -> Int64
    /// Reads what was committed from behind an entry on.
    func feed(after row: Int64) async throws(StorageError) -> any FeedReader
    /// Remembers up to where a follower has dealt with it; `current` is called when it is its turn to be written.
    func feedSave(_ name: String, _ current: @escaping @Sendable () -> FeedCursor?) async throws(StorageError)
    /// Lets the place grow to so many pages of 4 KiB only, where it has pages.
    func limitPages(_ count: Int) async throws(StorageError)
}
