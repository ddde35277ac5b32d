import MetricModel

/// What the engine needs of the place where things are kept: nothing in memory, a file with SQLite.
protocol Backend: PageSource {
    /// Takes a row of the journal, in order. Returns a ticket to wait for.
    /// Rows of one chain build on each other: where one fails, those after it do too.
    func enqueueJournal(_ row: Int64, _ bytes: [UInt8], chain: Int) -> UInt64
    /// Returns once what the ticket stands for is committed.
    func committed(_ ticket: UInt64) async throws(StorageError)
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

/// A change of what blocks there are.
struct BlockChange: Sendable {
    /// The new block and its rows that are not stored yet.
    var added: Block?
    var rows: [(row: Int64, bytes: [UInt8])] = []
    /// Blocks that go.
    var removed: [Int64] = []
    /// The last journal row that is not needed any more.
    var journalUpTo: Int64?
    /// All tombstones, where they changed.
    var tombstones: [Tombstone]?
    /// The coded exemplars, where they have to be saved.
    var exemplars: [UInt8]?
    /// Series that are forgotten, and the next number to give.
    var forgotten: [UInt32] = []
    var nextSeries: UInt32?
}
