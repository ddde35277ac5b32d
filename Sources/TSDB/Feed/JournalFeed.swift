public import MetricModel
import Synchronization

/// Reads rows of the journal as entries, remembering what each stream had before.
final class JournalFeed: FeedReader {
    private struct State {
        var memory: [UInt32: JournalCodec.StreamMemory] = [:]
        /// The last row that was read.
        var read: Int64
    }

    private let state: Mutex<State>
    /// Entries up to this one are read only because others build on them.
    private let after: Int64
    private let followers: FeedFollowers
    private let rows: @Sendable (_ after: Int64, _ limit: Int) throws(StorageError) -> [JournalRow]

    init(
        start: Int64,
        after: Int64,
        _ followers: FeedFollowers,
        rows: @escaping @Sendable (_ after: Int64, _ limit: Int) throws(StorageError) -> [JournalRow]
    ) {
        state = Mutex(State(read: start))
        self.after = after
        self.followers = followers
        self.rows = rows
    }

    @concurrent
    func next(limit: Int) async throws(StorageError) -> [FeedEntry] {
        while true {
            let start = state.withLock { $0.read }
            // Who keeps up gets what was committed as it was, and the journal need not be read.
            if let recent = followers.recent(after: start, limit: limit) {
                if recent.isEmpty { return [] }
                let entries = state.withLock { state in recent.map { Self.entry($0, &state) } }.filter {
                    $0.row > after
                }
                if !entries.isEmpty { return entries }
                continue
            }
            let found = try rows(start, limit)
            if found.isEmpty { return [] }
            let entries = state.withLock { state in found.compactMap { Self.entry($0, &state) } }
                .filter { $0.row > after }
            if !entries.isEmpty { return entries }
        }
    }

    /// What was committed; rows behind it that are read from the journal may build on it.
    private static func entry(_ batch: StagedBatch, _ state: inout State) -> FeedEntry {
        state.read = batch.journalRow
        if let stream = batch.stream, !batch.row.series.isEmpty { state.memory[stream.rawValue] = batch.row }
        return FeedEntry(row: batch.journalRow, batches: batch.journalParts.map(\.batch))
    }

    private static func entry(_ row: JournalRow, _ state: inout State) -> FeedEntry? {
        // Behind a gap nothing builds on what is known.
        if row.number != state.read + 1 { state.memory = [:] }
        state.read = row.number
        let parts = row.bytes.withUnsafeBufferPointer { JournalCodec.read($0, &state.memory) }
        guard let parts else {
            state.memory = [:]
            return nil
        }
        return FeedEntry(row: row.number, batches: parts.map(\.batch))
    }
}

/// Who follows a store, and up to where.
final class FeedFollowers: Sendable {
    /// The table of records in which cursors are kept.
    static let table = "feed_cursor"

    private struct State {
        var cursors: [String: FeedCursor] = [:]
        var listeners: [String: @Sendable () -> Void] = [:]
        /// In memory: the rows that somebody needs.
        var rows: [JournalRow] = []
        var bytes = 0
        /// What was committed last, without a gap, and about how many bytes it takes.
        var recent: [StagedBatch] = []
        var recentBytes = 0
        /// The last row that was committed; the least number where that is not known.
        var last = Int64.min
    }

    private let state = Mutex(State())
    /// What is kept in memory for followers; the oldest goes first.
    private static let memoryLimit = 64 << 20

    /// The last row that nobody needs any more; `nil` where nobody follows.
    var floor: Int64? { state.withLock { $0.cursors.values.map(\.row).min() } }

    var cursors: [String: FeedCursor] { state.withLock { $0.cursors } }

    /// - Returns: whether rows that are kept in memory were dropped: what comes must not build on them.
    @discardableResult
    func set(_ name: String, _ cursor: FeedCursor?) -> Bool {
        state.withLock { state in
            state.cursors[name] = cursor
            let floor = state.cursors.values.map(\.row).min() ?? .max
            // A row that stays may build on those before it, so that only all can go; seldom, as what comes next is longer then.
            let isWorthIt = state.cursors.isEmpty || state.bytes > Self.droppedAtOnce
            guard isWorthIt, let last = state.rows.last, last.number <= floor else { return false }
            state.rows = []
            state.bytes = 0
            return true
        }
    }

    /// So many bytes are dropped at a time.
    private static let droppedAtOnce = 1 << 20

    func listen(_ name: String, _ body: (@Sendable () -> Void)?) { state.withLock { $0.listeners[name] = body } }

    /// Something was committed.
    func tell() {
        let listeners = state.withLock { state in
            state.listeners.isEmpty ? [] : Array(state.listeners.values)
        }
        for listener in listeners { listener() }
    }

    // MARK: What came last

    /// The most bytes of what was committed last that are kept for who keeps up.
    private static let recentLimit = 8 << 20

    /// Keeps what is committed for who keeps up.
    func note(_ batch: StagedBatch) {
        if batch.journalRow == 0 { return }
        state.withLock { state in
            if state.listeners.isEmpty || batch.journalRow != state.last + 1 {
                (state.recent, state.recentBytes) = ([], 0)
            }
            state.last = batch.journalRow
            if state.listeners.isEmpty { return }
            let floor = state.cursors.values.map(\.row).min() ?? 0
            var gone = state.recent.prefix { $0.journalRow <= floor }.count
            state.recent.append(batch)
            state.recentBytes += batch.bytes - state.recent.prefix(gone).reduce(0) { $0 + $1.bytes }
            while state.recentBytes > Self.recentLimit, gone < state.recent.count {
                state.recentBytes -= state.recent[gone].bytes
                gone += 1
            }
            state.recent.removeFirst(gone)
        }
    }

    /// What was committed behind a row; `nil` where that has to be read from the journal.
    func recent(after row: Int64, limit: Int) -> [StagedBatch]? {
        state.withLock { state in
            if row == state.last { return [] }
            guard let first = state.recent.first, row + 1 >= first.journalRow, row < state.last else { return nil }
            return Array(state.recent.dropFirst(Int(row + 1 - first.journalRow)).prefix(limit))
        }
    }

    // MARK: In memory

    /// Whether nothing had to be dropped for it: what comes may build on what was.
    func keep(_ row: JournalRow) -> Bool {
        state.withLock { state in
            guard !state.cursors.isEmpty else { return true }
            var isWhole = true
            state.rows.append(row)
            state.bytes += row.bytes.count
            while state.bytes > Self.memoryLimit, !state.rows.isEmpty {
                let half = state.rows.count / 2 + 1
                state.bytes -= state.rows.prefix(half).reduce(0) { $0 + $1.bytes.count }
                state.rows.removeFirst(half)
                isWhole = false
            }
            return isWhole
        }
    }

    func rows(after row: Int64, limit: Int) -> [JournalRow] {
        state.withLock { state in
            let start = state.rows.firstIndex { $0.number > row } ?? state.rows.endIndex
            return Array(state.rows[start...].prefix(limit))
        }
    }
}

/// The coded form of a cursor.
extension FeedCursor {
    var record: [UInt8] {
        withUnsafeBytes(of: row.littleEndian) { Array($0) } + state
    }

    init?(record: [UInt8]) {
        guard record.count >= 8 else { return nil }
        var bits: UInt64 = 0
        for byte in record[..<8].reversed() { bits = bits << 8 | UInt64(byte) }
        self.init(row: Int64(bitPattern: bits), state: Array(record[8...]))
    }
}

extension TimeSeriesDatabase: FeedSource {
    /// The number of the last entry that is committed.
    public func feedEnd() async throws(StorageError) -> Int64 { try await medium.feedEnd() }

    /// Reads from behind an entry on.
    public func feed(after row: Int64) async throws(StorageError) -> any FeedReader {
        try await medium.feed(after: row)
    }

    /// The labels of series.
    public func feedLabels(of series: [UInt32]) async -> [Labels?] { engine.feedLabels(of: series) }

    /// Calls something after each commit.
    public func feedNotify(_ name: String, _ body: (@Sendable () -> Void)?) { engine.followers.listen(name, body) }

    /// The cursors of all followers.
    public func feedCursors() async throws(StorageError) -> [String: FeedCursor] {
        try await engine.enter()
        return engine.followers.cursors
    }

    /// Remembers a follower's cursor.
    public func feedSave(
        _ name: String,
        _ current: @escaping @Sendable () -> FeedCursor?
    ) async throws(StorageError) {
        try await medium.feedSave(name, current)
    }
}

extension MemoryMedium {
    func feedEnd() async throws(StorageError) -> Int64 { engine.state.withLock { $0.journalRow } }

    func feed(after row: Int64) async throws(StorageError) -> any FeedReader {
        let followers = engine.followers
        return JournalFeed(start: 0, after: row, followers) { followers.rows(after: $0, limit: $1) }
    }

    func feedSave(_ name: String, _ current: @escaping @Sendable () -> FeedCursor?) async throws(StorageError) {
        // The next row of each stream stands for itself, so that who begins to follow now can read it.
        let followers = engine.followers
        engine.state.withLock { state in
            let isNew = followers.cursors[name] == nil
            if followers.set(name, current()) || isNew { state.journalMemory = [:] }
        }
    }
}

extension FileMedium {
    func feedEnd() async throws(StorageError) -> Int64 {
        try await engine.enter()
        // Where nobody writes nothing is on its way.
        if backend.writer == nil { return engine.state.withLock { $0.journalRow } }
        let end = Mutex(Int64(0))
        try await backend.between { end.withLock { $0 = self.engine.state.withLock { $0.journalRow } } }
        return end.withLock { $0 }
    }

    func feed(after row: Int64) async throws(StorageError) -> any FeedReader {
        try await engine.enter()
        let backend = backend
        let start = try backend.epochEnd(before: row)
        return JournalFeed(start: start, after: row, engine.followers) { (after, limit) throws(StorageError) in
            try backend.feedRows(after: after, limit: limit)
        }
    }

    func feedSave(_ name: String, _ current: @escaping @Sendable () -> FeedCursor?) async throws(StorageError) {
        try await engine.loaded.pass()
        let saved = Mutex<FeedCursor?>(nil)
        let followers = engine.followers
        try await writable().run(
            { (connection) throws(StorageError) in
                let cursor = current()
                saved.withLock { $0 = cursor }
                try SQLiteBackend.insert([(FeedFollowers.table, Array(name.utf8), cursor?.record)], connection)
            },
            then: { followers.set(name, saved.withLock { $0 }) }
        )
    }
}

extension Engine {
    /// The labels of series; `nil` for those that are forgotten.
    func feedLabels(of series: [UInt32]) -> [Labels?] {
        state.withLock { state in
            series.map { state.table.contains($0) ? state.table.labels($0) : nil }
        }
    }
}

extension SQLiteBackend {
    /// The last row of the last epoch that is whole up to a row: rows behind it build on none before.
    func epochEnd(before row: Int64) throws(StorageError) -> Int64 {
        try read { (connection) throws(StorageError) in
            try connection.integer("SELECT max(epoch) FROM outbox WHERE epoch <= ?", row) ?? 0
        }
    }

    /// Rows behind one, in their order, whether their samples stand in blocks already or not.
    func feedRows(after row: Int64, limit: Int) throws(StorageError) -> [JournalRow] {
        try read { (connection) throws(StorageError) in
            let statement = try connection.statement(
                "SELECT id, data FROM outbox WHERE id > ?1 UNION ALL SELECT id, data FROM journal WHERE id > ?1 "
                    + "ORDER BY 1 LIMIT ?2"
            )
            defer { statement.reset() }
            statement.bind(1, row)
            statement.bind(2, Int64(limit))
            var rows: [JournalRow] = []
            while try statement.step() {
                // A damaged row stays out, and its number tells that it is missing.
                guard let bytes = Page.open(statement.blob(1)) else { continue }
                rows.append(JournalRow(number: statement.integer(0), bytes: Array(bytes.dropLast(Page.padding))))
            }
            return rows
        }
    }

    /// What the journal's rows are kept for when their samples stand in a block: for followers, as far as they need them.
    func moveJournal(
        upTo last: Int64,
        floor: Int64?,
        limit: Int64,
        _ connection: Connection
    ) throws(StorageError) {
        if let floor {
            if floor < last {
                try connection.run(
                    "INSERT OR REPLACE INTO outbox SELECT id, ?1, data FROM journal WHERE id <= ?1",
                    last
                )
            }
            try connection.run("DELETE FROM outbox WHERE epoch <= ?", floor)
            while let bytes = try connection.integer("SELECT sum(length(data)) FROM outbox"), bytes > limit,
                let oldest = try connection.integer("SELECT min(epoch) FROM outbox")
            {
                try connection.run("DELETE FROM outbox WHERE epoch = ?", oldest)
            }
        } else {
            try connection.run("DELETE FROM outbox")
        }
        try connection.run("DELETE FROM journal WHERE id <= ?", last)
        // Numbers go on where the journal is empty at the next start.
        try connection.run(
            "INSERT OR REPLACE INTO meta VALUES ('journal_row', ?1, row_checksum('journal_row', ?1))",
            last
        )
    }
}
