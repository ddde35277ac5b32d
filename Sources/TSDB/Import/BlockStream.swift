import MetricModel
import Synchronization

/// A block in the making that is written while it grows. Its rows count once it is finished.
struct BlockStream {
    var builder: BlockBuilder
    let sink: Engine.RowSink
    /// The series added last; those after it are larger.
    var lastSeries: UInt32 = 0

    /// Bytes that may wait to be written.
    static let pendingLimit = 4 << 20
    /// A block larger than this is finished, and so is one whose timelines take so many timestamps.
    private static let blockLimit: Int64 = 64 << 20
    private static let timelineLimit = 4 << 20

    init(engine: Engine, level: Int) {
        let id = engine.state.withLock { state in
            state.nextBlock += 1
            return state.nextBlock - 1
        }
        let sink = Engine.RowSink()
        self.sink = sink
        builder = BlockBuilder(id: id, level: level) { sink.add($0, $1) }
    }

    /// Whether the block should be finished now.
    var isLarge: Bool {
        builder.bytes > BlockStream.blockLimit || builder.timelineSamples > BlockStream.timelineLimit
    }

    /// Writes the rows so far.
    func write(_ engine: Engine) async throws(StorageError) {
        if let backend = engine.backend, sink.bytes > 0 { try await backend.store(sink.take()) }
    }

    /// Finishes the block and makes it known; `nil` where nothing was added.
    mutating func finish(_ engine: Engine) async throws(StorageError) -> Block? {
        guard let block = try builder.finish() else { return nil }
        let rows = sink.take()
        return try await engine.maintenance.alone { () async throws(StorageError) -> Block? in
            var change = BlockChange(added: block, rows: rows)
            if engine.backend == nil { change.added = Engine.inlined(block, rows) }
            try await engine.backend?.commit(change)
            engine.state.withLock { $0.adopt(change.added ?? block) }
            return block
        }
    }
}

/// Long columns that come by rising series go straight into blocks.
extension Importer {
    /// Whether there are rows to be written.
    var hasFullStream: Bool {
        if engine.backend == nil { return streams.values.contains { $0.isLarge } }
        return streams.values.contains { $0.sink.bytes > BlockStream.pendingLimit || $0.isLarge }
    }

    /// Adds a stretch of a column to the block of its day (or span).
    mutating func stream(
        _ series: UInt32,
        _ key: Int64,
        _ times: [Timestamp],
        _ values: [Double],
        _ range: Range<Int>
    ) {
        let isWhole = range.count == times.count
        let columns = SeriesColumns(
            labels: Labels(),
            timestamps: isWhole ? times : Array(times[range]),
            values: isWhole ? values : Array(values[range])
        )
        var stream = streams.removeValue(forKey: key) ?? BlockStream(engine: engine, level: Block.dayLevel)
        do { try stream.builder.add(series, columns) } catch { failure = error }
        stream.lastSeries = series
        streams[key] = stream
    }

    /// Writes what waits; finishes the blocks that are large, or all.
    mutating func writeStreams(isEnd: Bool) async throws(StorageError) {
        if let failure { throw failure }
        for key in streams.keys.sorted() {
            guard var stream = streams[key] else { continue }
            if isEnd || stream.isLarge {
                streams[key] = nil
                count(try await stream.finish(engine))
            } else {
                try await stream.write(engine)
            }
        }
    }
}
