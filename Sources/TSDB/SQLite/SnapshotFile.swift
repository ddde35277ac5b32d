import CSQLite
import MetricModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes what a store in memory holds to a new file.
enum SnapshotFile {
    /// Writes the blocks and all else of a state whose head is closed. What is there at the path already is left alone.
    static func write(
        _ state: HeadState,
        _ records: [(table: String, key: [UInt8], value: [UInt8]?)],
        to path: String
    ) async throws(StorageError) {
        guard access(path, F_OK) != 0 else {
            throw StorageError(.inputOutput, "\(path) is there already: a snapshot needs a new file")
        }
        // A reader of the folder sees the whole file or none.
        let part = path + ".part"
        discard(part)
        do throws(StorageError) {
            StoreFiles.close(part)
            let connection = try Connection(path: part, isWriter: true)
            try Schema.migrate(connection, from: 0)
            let writer = Writer(connection, path: part, isDurable: false)
            try await fill(SQLiteBackend(path: part, writer: writer), writer, state, records)
            try await writer.outside { connection in
                connection.close()
                return .success(())
            }
            try keep(part, as: path)
        } catch {
            discard(part)
            throw error
        }
    }

    /// Takes away what is not complete.
    static func discard(_ part: String) { unlink(part) }

    /// Gives a file that is complete its name.
    static func keep(_ part: String, as path: String) throws(StorageError) {
        guard rename(part, path) == 0 else {
            throw StorageError(.inputOutput, "cannot rename \(part) to \(path): \(String(cString: strerror(errno)))")
        }
    }

    private static func fill(
        _ backend: SQLiteBackend,
        _ writer: Writer,
        _ state: HeadState,
        _ records: [(table: String, key: [UInt8], value: [UInt8]?)]
    ) async throws(StorageError) {
        let table = state.table
        let metadata = state.metadata.all.map { (family: $0.key, metadata: $0.value) }
        try await writer.run { (connection) throws(StorageError) in
            try NewSeriesRows(table, after: NewSeriesRows.Mark())?.store(connection)
            try SQLiteBackend.insert(metadata, connection)
            try SQLiteBackend.insert(records, connection)
        }
        for block in state.blocks {
            guard let inline = block.inline else { continue }
            var rows: [(row: Int64, bytes: [UInt8])] = []
            for (number, page) in inline.pages.enumerated() {
                rows.append((block.pageRow(number), Page.seal(Array(page.dropLast(Page.padding)))))
            }
            for (number, timeline) in inline.timelines.enumerated() {
                rows.append((block.timelineRow(number), Page.seal(Array(timeline.dropLast(Page.padding)))))
            }
            try await backend.commit(BlockChange(added: block, rows: rows))
        }
        var rest = BlockChange(tombstones: state.tombstones.values.flatMap { $0 }, nextSeries: table.next)
        if !state.exemplars.isEmpty { rest.exemplars = JournalCodec.encode(state.exemplars.all) }
        try await backend.commit(rest)
    }
}
