import MetricModel

/// What the engine needs of the place where things are kept: nothing in memory, a file with SQLite.
protocol Backend: PageSource {
    /// Returns once the row of the journal that `judge` gives is committed, if it gives one.
    ///
    /// Rows are judged one after the other, each when all those before are committed or stand in the same transaction. Where that
    /// fails, what was judged for it is taken back, and `judge` is called again if it is tried again.
    /// - Parameter isHere: whether it may be written on the thread that calls.
    func journal(
        isHere: Bool,
        _ judge: @escaping @Sendable () throws(StorageError) -> JournalRow?
    ) async throws(StorageError)
    /// Returns once metadata is stored, that of other families is removed, and `apply` has made it visible.
    func record(
        _ metadata: [(family: String, metadata: MetricMetadata)],
        without gone: [String],
        then apply: @escaping @Sendable () -> Void
    ) async throws(StorageError)
    /// Removes series; `choose` says which, and the next number to give, while nothing is judged and not committed yet.
    func forget(
        _ choose: @escaping @Sendable () -> (series: [UInt32], next: UInt32),
        then apply: @escaping @Sendable ([UInt32]) -> Void
    ) async throws(StorageError)
    /// Runs `body` while nothing is judged and not committed yet.
    func between(_ body: @escaping @Sendable () -> Void) async throws(StorageError)
    /// Stores rows of a block that is not finished yet.
    func store(_ rows: [(row: Int64, bytes: [UInt8])]) async throws(StorageError)
    /// In one transaction: a finished block replaces others, the journal is cut off up to a row, tombstones change.
    func commit(_ change: BlockChange) async throws(StorageError)
    /// Deletes the rows of blocks that nobody reads any more.
    func deleteRows(ofBlocks ids: [Int64]) async throws(StorageError)
    /// Bytes that the store takes.
    func size() -> Int64
    /// Gives free space back to the file system, not all at once.
    func shrink(fully: Bool) async throws(StorageError)
}

/// A row of the journal.
struct JournalRow: Sendable {
    var number: Int64
    var bytes: [UInt8]
}

/// A change of what blocks there are.
struct BlockChange: Sendable {
    /// The new block and its rows that are not stored yet.
    var added: Block?
    var rows: [(row: Int64, bytes: [UInt8])] = []
    /// Blocks that go.
    var removed: [Int64] = []
    /// The last journal row that is not needed any more.
    var journalUpTo: Int64?
    /// The last row that no follower needs; `nil` where nobody follows.
    var feedFloor: Int64?
    /// So many bytes are kept for followers.
    var outboxLimit = Int64.max
    /// All tombstones, where they changed.
    var tombstones: [Tombstone]?
    /// The coded exemplars, where they have to be saved.
    var exemplars: [UInt8]?
    /// The next number to give to a series, where it has to be saved.
    var nextSeries: UInt32?
}
