/// One append as it was committed: what came, in the order in which it came to be stored.
public struct FeedEntry: Sendable {
    /// Its number: one more than that of the entry before.
    public var row: Int64
    /// What it brought. References are those of the store's series.
    public var batches: [SampleBatch]
    /// An entry.
    public init(row: Int64, batches: [SampleBatch]) {
        self.row = row
        self.batches = batches
    }
}

/// Up to where a follower has dealt with what was stored.
public struct FeedCursor: Sendable, Hashable {
    /// The last entry of which nothing is needed any more, nor of any before.
    public var row: Int64
    /// What else the follower wants to find again.
    public var state: [UInt8]
    /// A cursor.
    public init(row: Int64, state: [UInt8] = []) {
        self.row = row
        self.state = state
    }
}

/// What was stored, from a place on, in the order of its commits.
public protocol FeedReader: Sendable {
    /// The next entries, at most about so many; none where there are no more yet. Entries that are not there any more are left out:
    /// the numbers tell. Not to be called twice at the same time.
    func next(limit: Int) async throws(StorageError) -> [FeedEntry]
}

/// A store whose appends can be followed, also over the end of the process: what a follower has not dealt with is kept.
public protocol FeedSource: Sendable {
    /// The number of the last entry that is committed.
    func feedEnd() async throws(StorageError) -> Int64
    /// Reads from behind an entry on.
    func feed(after row: Int64) async throws(StorageError) -> any FeedReader
    /// The labels of series; `nil` for those that are forgotten.
    func feedLabels(of series: [UInt32]) async -> [Labels?]
    /// Calls something after each commit; to be given up by `nil`.
    func feedNotify(_ name: String, _ body: (@Sendable () -> Void)?)
    /// The cursors of all followers.
    func feedCursors() async throws(StorageError) -> [String: FeedCursor]
    /// Remembers a follower's cursor, or forgets the follower. `current` is called in the order in which cursors are written, so that
    /// no older one overtakes; durable when this returns.
    func feedSave(_ name: String, _ current: @escaping @Sendable () -> FeedCursor?) async throws(StorageError)
}
