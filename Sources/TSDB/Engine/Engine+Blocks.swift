import Dispatch
import MetricModel
import Synchronization

/// Making blocks: from the head, and from other blocks.
extension Engine {
    /// A head that is being closed: its segments, the last row of the journal that they cover, and its block's number.
    private struct Closing {
        var segments: [HeadSegment]
        var mark: Int64
        var id: Int64
        var exemplars: [UInt8]?
    }

    /// Closes the open head into a block. Alone under ``maintenance``.
    /// - Parameter isLast: whether nothing else goes on that wants the processor.
    func closeHead(isLast: Bool = false) async throws(StorageError) {
        let closing = Mutex<Closing?>(nil)
        let freeze: @Sendable () -> Void = {
            let frozen = self.state.withLock { state -> Closing? in
                state.freeze()
                if state.frozen.isEmpty { return nil }
                state.nextBlock += 1
                let exemplars = state.exemplars.isEmpty ? nil : JournalCodec.encode(state.exemplars.all)
                return Closing(
                    segments: state.frozen,
                    mark: state.journalRow,
                    id: state.nextBlock - 1,
                    exemplars: exemplars
                )
            }
            closing.withLock { $0 = frozen }
        }
        if let backend { try await backend.between(freeze) } else { freeze() }
        guard let closed = closing.withLock({ $0 }) else { return }
        let (id, mark, exemplars) = (closed.id, closed.mark, closed.exemplars)
        var capture = Capture()
        capture.segments = closed.segments
        let (block, rows) = try encode(capture, id: id, parts: isLast && backend != nil ? Engine.partsAtTheEnd : 1)
        var change = BlockChange(added: block, rows: rows, journalUpTo: mark, exemplars: exemplars)
        change.feedFloor = followers.floor
        change.outboxLimit = options.outboxSize
        if backend == nil { change.added = block.map { Engine.inlined($0, rows) } }
        try await backend?.commit(change)
        state.withLock { state in
            state.frozen.removeFirst(capture.segments.count)
            if let block = change.added { state.blocks.append(block) }
        }
    }

    /// What is closed at the end is made in so many parts at once: the process is waited for.
    private static let partsAtTheEnd = 2

    /// Makes a block of segments.
    private func encode(
        _ capture: Capture,
        id: Int64,
        parts: Int
    ) throws(StorageError) -> (block: Block?, rows: [(row: Int64, bytes: [UInt8])]) {
        typealias Part = Result<(block: Block?, rows: [(row: Int64, bytes: [UInt8])]), StorageError>
        let series = SeriesTable.merged(capture.segments.map(\.allSeries))
        @Sendable func make(_ part: Int) throws(StorageError) -> (block: Block?, rows: [(row: Int64, bytes: [UInt8])]) {
            let sink = RowSink()
            var builder = BlockBuilder(id: id, level: 0, part: part, of: parts) { sink.add($0, $1) }
            let range = series.count * part / parts..<series.count * (part + 1) / parts
            try encode(Array(series[range]), capture, atOnce: 1 << 18, into: &builder)
            let block = try builder.finish()
            return (block, sink.take())
        }
        if parts == 1 { return try make(0) }
        let made = Mutex<[Int: Part]>([:])
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            let result: Part
            do throws(StorageError) { result = .success(try make(part)) } catch { result = .failure(error) }
            made.withLock { $0[part] = result }
        }
        var all: [(block: Block?, rows: [(row: Int64, bytes: [UInt8])])] = []
        for part in 0..<parts { if let result = made.withLock({ $0[part] }) { all.append(try result.get()) } }
        return Block.joined(all)
    }

    /// The state with all its samples in blocks.
    func closedState() async throws(StorageError) -> HeadState {
        try await enter()
        return try await maintenance.alone { () async throws(StorageError) -> HeadState in
            try await self.closeHead()
            return self.state.withLock { $0 }
        }
    }

    /// Collects the rows of a block.
    final class RowSink {
        private(set) var bytes = 0
        private var rows: [(row: Int64, bytes: [UInt8])] = []

        func add(_ row: Int64, _ data: [UInt8]) {
            rows.append((row, data))
            bytes += data.count
        }

        /// Hands over what was collected.
        func take() -> [(row: Int64, bytes: [UInt8])] {
            defer {
                rows = []
                bytes = 0
            }
            return rows
        }
    }

    static func inlined(_ block: Block, _ rows: [(row: Int64, bytes: [UInt8])]) -> Block {
        let opened = rows.map { entry in
            (entry.row, entry.bytes.withUnsafeBufferPointer(Page.open) ?? [])
        }
        let isPage = { (row: Int64) in row & 1 << 23 == 0 }
        return Block(
            id: block.id,
            level: block.level,
            minTime: block.minTime,
            maxTime: block.maxTime,
            samples: block.samples,
            bytes: block.bytes,
            runs: block.runs,
            pages: block.pages,
            timelineCount: block.timelineCount,
            inline: (opened.filter { isPage($0.0) }.map(\.1), opened.filter { !isPage($0.0) }.map(\.1))
        )
    }

    /// Reads series a few at a time and adds them to a block.
    /// - Parameter atOnce: about so many samples at a time.
    func encode(
        _ series: [UInt32],
        _ capture: Capture,
        atOnce: Int = 1_000_000,
        into builder: inout BlockBuilder
    ) throws(StorageError) {
        let samples = capture.blocks.reduce(Int64(capture.segments.reduce(0) { $0 + $1.samples })) { $0 + $1.samples }
        let per = max(1, Int(samples) / max(1, series.count))
        let step = max(16, atOnce / per)
        var position = 0
        while position < series.count {
            let some = Array(series[position..<min(position + step, series.count)])
            var assembler = Assembler(capture, source: source, start: .min, end: .max, isCancellable: false)
            for (number, columns) in zip(some, try assembler.run(some)) { try builder.add(number, columns) }
            position += step
        }
    }

    /// Replaces blocks by one with all their samples, less what was deleted. Alone under ``maintenance``.
    func merge(_ blocks: [Block], level: Int) async throws(StorageError) {
        let (tombstones, id) = state.withLock { state in
            state.nextBlock += 1
            return (state.tombstones, state.nextBlock - 1)
        }
        var capture = Capture()
        capture.blocks = blocks
        capture.tombstones = tombstones
        let sink = RowSink()
        var builder = BlockBuilder(id: id, level: level) { sink.add($0, $1) }
        let series = SeriesTable.merged(blocks.map(\.allSeries))
        let samples = blocks.reduce(0) { $0 + $1.samples }
        let step = max(16, 1_000_000 / max(1, Int(samples) / max(1, series.count)))
        var position = 0
        while position < series.count {
            if isClosed.withLock({ $0 }) { throw StorageError(.cancelled, "the store is being closed") }
            let some = Array(series[position..<min(position + step, series.count)])
            try encode(some, capture, into: &builder)
            position += step
            if let backend, sink.bytes > 4 << 20 { try await backend.store(sink.take()) }
        }
        let block = try builder.finish()
        let all = sink.take()
        var change = BlockChange(added: block, rows: all, removed: blocks.map(\.id))
        if backend == nil { change.added = block.map { Engine.inlined($0, all) } }
        // Tombstones that only these blocks needed are done with.
        let gone = Set(blocks.map(\.id))
        let (rest, isChanged) = state.withLock { state -> ([UInt32: [Tombstone]], Bool) in
            if state.tombstones.isEmpty { return ([:], false) }
            let staying = state.blocks.filter { !gone.contains($0.id) }
            let rest = state.tombstones.mapValues { list in
                list.filter { tombstone in
                    staying.contains { $0.id < tombstone.before && !$0.members(of: [tombstone.series]).isEmpty }
                }
            }.filter { !$0.value.isEmpty }
            return (rest, rest != state.tombstones)
        }
        if isChanged { change.tombstones = rest.values.flatMap { $0 } }
        try await backend?.commit(change)
        state.withLock { state in
            state.blocks.removeAll { gone.contains($0.id) }
            if let block = change.added { state.blocks.append(block) }
            if isChanged { state.tombstones = rest }
        }
        graveyard.withLock { $0.blocks.append(contentsOf: blocks) }
    }
}
