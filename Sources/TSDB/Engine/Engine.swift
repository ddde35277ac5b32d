import MetricModel
import Synchronization

/// The store behind both ``MemoryStore`` and ``SQLiteStore``: one state under one lock, blocks, and an optional backend.
final class Engine: Sendable {
    let options: StoreOptions
    let clock: any StackClock
    /// The state; what takes long happens outside of the lock, on captured values.
    let state: Mutex<HeadState>
    /// Where things are kept; `nil` in memory.
    let backend: (any Backend)?
    /// Opens when everything is read back.
    let loaded = Gate()
    /// Closing, merging, deleting: one at a time.
    let maintenance = Turnstile()
    /// Blocks that were replaced; their rows go when nobody reads them any more.
    let graveyard = Mutex<[Block]>([])
    /// Whether a head that got too large is being closed in the background.
    private let isClosingEarly = Mutex(false)
    private let lastForgetting = Mutex<(time: Timestamp, candidates: Set<UInt32>)>((.min, []))
    private let isClosed = Mutex(false)

    init(options: StoreOptions, clock: any StackClock, backend: (any Backend)?) {
        self.options = options
        self.clock = clock
        self.backend = backend
        state = Mutex(HeadState(options: options))
        if backend == nil {
            state.withLock { $0.lookUpLast = Engine.lookUpLast(in: InlinePages()) }
            loaded.open()
        }
    }

    /// Finds the newest sample of a series, for when it is not known.
    static func lookUpLast(in source: any PageSource) -> @Sendable (UInt32, Capture) -> (time: Timestamp, bits: UInt64)?
    {
        { series, capture in
            var assembler = Assembler(capture, source: source, start: .min, end: .max)
            guard let columns = try? assembler.run([series]).first else { return nil }
            let float = columns.timestamps.last.map { ($0, columns.values[columns.values.count - 1].bitPattern) }
            let histogram = columns.histogramTimestamps.last.map { ($0, UInt64(0)) }
            return [float, histogram].compactMap { $0 }.max { $0.0 < $1.0 }.map { (time: $0.0, bits: $0.1) }
        }
    }

    private var source: any PageSource { backend ?? InlinePages() }

    /// Fails once the store is closed.
    private func enter() async throws(StorageError) {
        try await loaded.pass()
        if isClosed.withLock({ $0 }) { throw StorageError(.inputOutput, "the store is closed") }
    }

    // MARK: - Writing

    func openStream() async throws(StorageError) -> StreamRef {
        try await enter()
        return state.withLock { state in
            state.nextStream += 1
            return StreamRef(rawValue: state.nextStream - 1)
        }
    }

    func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] {
        try await enter()
        return state.withLock { state in
            let references = labels.map { SeriesRef(rawValue: state.table.findOrAdd($0).series) }
            state.coverSeries()
            return references
        }
    }

    func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport {
        try await enter()
        let (report, ticket, isTooLarge) = state.withLock { state -> (AppendReport, UInt64?, Bool) in
            let appended = state.append(batch)
            var ticket: UInt64?
            if let backend, !appended.journal.isEmpty {
                state.journalRow += 1
                ticket = backend.enqueueJournal(state.journalRow, appended.journal)
            }
            return (appended.report, ticket, state.open.samples > headLimit(state) * 2)
        }
        if isTooLarge { closeEarly() }
        if let ticket, let backend {
            do {
                try await backend.committed(ticket)
            } catch {
                state.withLock { $0.restartJournal() }
                throw error
            }
        }
        return report
    }

    /// How many samples the open head may hold.
    private func headLimit(_ state: borrowing HeadState) -> Int {
        max(options.headSamples, state.open.seriesCount * 16)
    }

    private func closeEarly() {
        let isMine = isClosingEarly.withLock { isClosing in
            defer { isClosing = true }
            return !isClosing
        }
        guard isMine else { return }
        Task {
            try? await maintenance.alone { () async throws(StorageError) in try await self.closeHead() }
            isClosingEarly.withLock { $0 = false }
        }
    }

    // MARK: - Reading

    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        try await enter()
        let (series, labels, capture) = state.withLock { state in
            let capture = state.capture(request.start, request.end)
            var series = state.table.matching(request.matchers)
            if !series.isEmpty, capture.segments.isEmpty {
                series = SeriesTable.merged(capture.blocks.map { $0.members(of: series) })
            }
            return (series, series.map(state.table.labels), capture)
        }
        if series.isEmpty { return [] }
        var assembler = Assembler(capture, source: source, start: request.start, end: request.end)
        let columns = try assembler.run(series, sampleLimit: request.sampleLimit)
        var result: [SeriesColumns] = []
        result.reserveCapacity(columns.count)
        for (index, var column) in columns.enumerated()
        where !column.timestamps.isEmpty || !column.histogramTimestamps.isEmpty {
            column.labels = labels[index]
            result.append(column)
        }
        if request.isSorted { result.sort { $0.labels < $1.labels } }
        return result
    }

    /// The series that satisfy the matchers and have samples in the span.
    private func present(
        _ sets: [[LabelMatcher]],
        _ start: Timestamp,
        _ end: Timestamp
    ) throws(StorageError) -> [UInt32] {
        let (candidates, capture) = state.withLock { state in
            (state.table.matching(anyOf: sets), state.capture(start, end))
        }
        var found: [UInt32] = []
        var partial: [Block] = []
        for block in capture.blocks {
            if block.minTime >= start, block.maxTime <= end, capture.tombstones.isEmpty {
                found.append(contentsOf: block.members(of: candidates))
            } else {
                partial.append(block)
            }
        }
        for segment in capture.segments {
            if segment.minTime >= start, segment.maxTime <= end {
                found.append(contentsOf: SeriesTable.intersection(candidates, segment.allSeries))
            } else {
                found.append(contentsOf: candidates.filter { segment.hasSample($0, start, end) })
            }
        }
        found = SeriesTable.merged([found])
        let open = SeriesTable.difference(candidates, found)
        if !partial.isEmpty, !open.isEmpty {
            var rest = Capture()
            rest.blocks = partial
            rest.tombstones = capture.tombstones
            var assembler = Assembler(rest, source: source, start: start, end: end)
            let columns = try assembler.run(open)
            let more = zip(open, columns).filter { !$1.timestamps.isEmpty || !$1.histogramTimestamps.isEmpty }.map(\.0)
            found = SeriesTable.merged([found, more])
        }
        return found
    }

    func series(
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [Labels] {
        try await enter()
        let found = try present(sets, start, end)
        return state.withLock { state in found.filter(state.table.contains).map(state.table.labels) }.sorted()
    }

    func labelNames(
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await enter()
        let found = try present(sets, start, end)
        return state.withLock { state in
            var isSeen = [Bool](repeating: false, count: state.table.pairs.names.count)
            for series in found where state.table.contains(series) {
                for pair in state.table.pairNumbers(series) { isSeen[Int(state.table.pairs.nameOf[Int(pair)])] = true }
            }
            return state.table.pairs.names.indices.filter { isSeen[$0] }.map { state.table.pairs.names[$0] }
        }.sorted(by: Engine.precedes)
    }

    func labelValues(
        _ name: String,
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await enter()
        let found = try present(sets, start, end)
        return state.withLock { state -> [String] in
            guard let number = state.table.pairs.number(ofName: name) else { return [] }
            var seen = Set<UInt32>()
            for series in found where state.table.contains(series) {
                for pair in state.table.pairNumbers(series) where state.table.pairs.nameOf[Int(pair)] == number {
                    seen.insert(pair)
                }
            }
            return seen.map(state.table.pairs.value)
        }.sorted(by: Engine.precedes)
    }

    /// Byte order, as Go's.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    func exemplars(
        _ sets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [SeriesExemplars] {
        try await enter()
        return state.withLock { state -> [SeriesExemplars] in
            if state.exemplars.isEmpty { return [] }
            let wanted = Set(state.table.matching(anyOf: sets))
            return state.exemplars.select({ wanted.contains($0) }, start: start, end: end)
                .map { SeriesExemplars(labels: state.table.labels($0), exemplars: $1) }
        }.sorted { $0.labels < $1.labels }
    }

    // MARK: - Metadata

    /// Remembers metadata; gives what is new.
    func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) -> [(
        family: String, metadata: MetricMetadata
    )] {
        try await enter()
        return state.withLock { state in
            metadata.filter { entry in
                if state.metadata[entry.family] == entry.metadata { return false }
                state.metadata[entry.family] = entry.metadata
                return true
            }
        }
    }

    func metadata() async throws(StorageError) -> [String: MetricMetadata] {
        try await enter()
        return state.withLock { $0.metadata }
    }

    // MARK: - Closing blocks

    /// Closes the open head into a block. Alone under ``maintenance``.
    func closeHead() async throws(StorageError) {
        let (capture, mark, id, exemplars) = state.withLock { state in
            state.freeze()
            var capture = Capture()
            capture.segments = state.frozen
            state.nextBlock += 1
            let exemplars = state.exemplars.isEmpty ? nil : JournalCodec.encode(state.exemplars.all)
            return (capture, state.journalRow, state.nextBlock - 1, exemplars)
        }
        if capture.segments.isEmpty { return }
        let sink = RowSink()
        var builder = BlockBuilder(id: id, level: 0) { sink.add($0, $1) }
        try encode(SeriesTable.merged(capture.segments.map(\.allSeries)), capture, into: &builder)
        let block = try builder.finish()
        let rows = sink.take()
        var change = BlockChange(added: block, rows: rows, journalUpTo: mark, exemplars: exemplars)
        if backend == nil { change.added = block.map { Engine.inlined($0, rows) } }
        try await backend?.commit(change)
        state.withLock { state in
            state.frozen.removeFirst(capture.segments.count)
            if let block = change.added { state.blocks.append(block) }
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
    private func encode(_ series: [UInt32], _ capture: Capture, into builder: inout BlockBuilder) throws(StorageError) {
        let samples = capture.blocks.reduce(Int64(capture.segments.reduce(0) { $0 + $1.samples })) { $0 + $1.samples }
        let per = max(1, Int(samples) / max(1, series.count))
        let step = max(16, 1_000_000 / per)
        var position = 0
        while position < series.count {
            let some = Array(series[position..<min(position + step, series.count)])
            var assembler = Assembler(capture, source: source, start: .min, end: .max)
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
        graveyard.withLock { $0.append(contentsOf: blocks) }
    }

    // MARK: - Deleting

    func delete(_ sets: [[LabelMatcher]], start: Timestamp, end: Timestamp) async throws(StorageError) {
        try await enter()
        try await maintenance.alone { () async throws(StorageError) in
            try await self.closeHead()
            let tombstones = self.state.withLock { state -> [UInt32: [Tombstone]]? in
                var all = state.tombstones
                var isChanged = false
                let affected = state.blocks.filter { $0.minTime <= end && $0.maxTime >= start }
                for series in state.table.matching(anyOf: sets)
                where affected.contains(where: { !$0.members(of: [series]).isEmpty }) {
                    let tombstone = Tombstone(series: series, start: start, end: end, before: state.nextBlock)
                    all[series, default: []].append(tombstone)
                    isChanged = true
                }
                return isChanged ? all : nil
            }
            guard let tombstones else { return }
            try await self.backend?.commit(BlockChange(tombstones: tombstones.values.flatMap { $0 }))
            self.state.withLock { $0.tombstones = tombstones }
        }
    }

    func cleanTombstones() async throws(StorageError) {
        try await enter()
        try await maintenance.alone { () async throws(StorageError) in
            while true {
                let next = self.state.withLock { state -> Block? in
                    state.blocks.first { block in
                        state.tombstones.contains { series, list in
                            list.contains { block.id < $0.before } && !block.members(of: [series]).isEmpty
                        }
                    }
                }
                guard let next else { break }
                try await self.merge([next], level: next.level)
            }
            try await self.bury()
            try await self.backend?.shrink(fully: true)
            try await self.forget(self.state.withLock { $0.seriesWithoutSamples() })
        }
    }

    // MARK: - Maintenance

    func maintain(now: Timestamp) async throws(StorageError) {
        try await enter()
        try await maintenance.alone { () async throws(StorageError) in
            let isDue = self.state.withLock { state in
                !state.open.isEmpty
                    && (state.open.samples > self.headLimit(state)
                        || now - state.open.minTime > self.options.headAge
                            && (state.open.maxTime - state.open.minTime > self.options.headAge
                                || now - state.open.maxTime > self.options.headAge))
                    || !state.frozen.isEmpty
            }
            if isDue { try await self.closeHead() }
            try await self.applyRetention(now)
            while let due = self.dueMerge(now) { try await self.merge(due.blocks, level: due.level) }
            try await self.bury()
            try await self.forgetUnused(now)
            try await self.backend?.shrink(fully: false)
        }
    }

    private static let day: Int64 = 86_400_000

    /// Blocks that should become one.
    private func dueMerge(_ now: Timestamp) -> (blocks: [Block], level: Int)? {
        let blocks = state.withLock { $0.blocks }
        // A day that is over.
        let days = Dictionary(grouping: blocks.filter { $0.level < 2 }) { Engine.dayNumber($0.maxTime) }
        for (day, list) in days.sorted(by: { $0.key < $1.key }) where (day + 1) * Engine.day + 3_600_000 < now {
            let whole = blocks.filter { $0.level == 2 && Engine.dayNumber($0.maxTime) == day && $0.samples < 4 << 20 }
            return (list + whole, 2)
        }
        for level in 0...1 {
            let list = blocks.filter { $0.level == level }
            if list.count >= 8 { return (list, min(level + 1, 1)) }
        }
        return nil
    }

    private static func dayNumber(_ time: Timestamp) -> Int64 {
        time >= 0 ? time / day : (time - day + 1) / day
    }

    private func applyRetention(_ now: Timestamp) async throws(StorageError) {
        if let retention = options.retention {
            let old = state.withLock { $0.blocks.filter { $0.maxTime < now - retention } }
            try await drop(old)
        }
        if let limit = options.retentionSize, let backend {
            while backend.size() > limit {
                guard try await dropOldest() else { break }
                try await bury()
                try await backend.shrink(fully: true)
            }
        }
    }

    /// Drops the oldest block unless it is the only one. Whether there was one to drop.
    private func dropOldest() async throws(StorageError) -> Bool {
        let oldest = state.withLock { state in
            state.blocks.count > 1 ? state.blocks.min { $0.maxTime < $1.maxTime } : nil
        }
        guard let oldest else { return false }
        try await drop([oldest])
        return true
    }

    private func drop(_ blocks: [Block]) async throws(StorageError) {
        if blocks.isEmpty { return }
        let gone = Set(blocks.map(\.id))
        try await backend?.commit(BlockChange(removed: blocks.map(\.id)))
        state.withLock { $0.blocks.removeAll { gone.contains($0.id) } }
        graveyard.withLock { $0.append(contentsOf: blocks) }
        lastForgetting.withLock { $0.time = .min }
    }

    /// Deletes the rows of replaced blocks that no query reads any more.
    private func bury() async throws(StorageError) {
        let dead = graveyard.withLock { graveyard -> [Int64] in
            var dead: [Int64] = []
            var index = 0
            while index < graveyard.count {
                if isKnownUniquelyReferenced(&graveyard[index]) {
                    dead.append(graveyard[index].id)
                    graveyard.remove(at: index)
                } else {
                    index += 1
                }
            }
            return dead
        }
        if !dead.isEmpty { try await backend?.deleteRows(ofBlocks: dead) }
    }

    /// Forgets series that had no sample now and at the time before.
    private func forgetUnused(_ now: Timestamp) async throws(StorageError) {
        let isDue = lastForgetting.withLock { $0.time == .min || now - $0.time > 1_800_000 }
        guard isDue else { return }
        let unused = Set(state.withLock { $0.seriesWithoutSamples() })
        let gone = lastForgetting.withLock { last in
            defer { last = (now, unused) }
            return last.candidates.intersection(unused)
        }
        try await forget(gone.sorted())
    }

    private func forget(_ series: [UInt32]) async throws(StorageError) {
        if series.isEmpty { return }
        let next = state.withLock { state in
            state.forget(series)
            return state.table.next
        }
        try await backend?.commit(BlockChange(forgotten: series, nextSeries: next))
    }

    // MARK: - Figures and the end

    func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        try await enter()
        return state.withLock { state in
            var figures = StorageStatistics()
            figures.activeSeries = state.open.seriesCount
            figures.totalSeries = state.table.aliveCount
            figures.chunks = state.open.seriesCount + state.frozen.reduce(0) { $0 + $1.seriesCount }
            figures.samplesAppended = state.samplesAppended
            figures.outOfOrderSamples = state.outOfOrderSamples
            figures.tooOldSamples = state.tooOldSamples
            figures.duplicateSamples = state.duplicateSamples
            let segments = (state.frozen + [state.open]).filter { !$0.isEmpty }
            figures.minTime = (state.blocks.map(\.minTime) + segments.map(\.minTime)).min()
            figures.maxTime = (state.blocks.map(\.maxTime) + segments.map(\.maxTime)).max()
            figures.bytesOnDisk = backend?.size() ?? 0
            let pairs = state.table.pairs
            var values = [Int](repeating: 0, count: pairs.names.count)
            var bytes = values
            var names: [(UInt32, Int)] = []
            var all: [(UInt32, Int)] = []
            for pair in 0..<UInt32(pairs.count) {
                let count = state.table.seriesCount(ofPair: pair)
                if count == 0 { continue }
                figures.labelPairs += 1
                let name = Int(pairs.nameOf[Int(pair)])
                values[name] += 1
                bytes[name] += pairs.valueLength(pair)
                all.append((pair, count))
                if pairs.names[name] == Labels.metricName { names.append((pair, count)) }
            }
            func top(_ list: [(UInt32, Int)], _ title: (UInt32) -> String) -> [StorageStatistics.Count] {
                list.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(limit).map { .init(name: title($0.0), value: $0.1) }
            }
            let byName = values.indices.filter { values[$0] > 0 }.map { UInt32($0) }
            figures.seriesByMetricName = top(names, pairs.value)
            figures.valuesByLabelName = top(byName.map { ($0, values[Int($0)]) }) { pairs.names[Int($0)] }
            figures.bytesByLabelName = top(byName.map { ($0, bytes[Int($0)]) }) { pairs.names[Int($0)] }
            figures.seriesByLabelPair = top(all) { pairs.name($0) + "=" + pairs.value($0) }
            return figures
        }
    }

    /// Lets no call in any more and closes the head.
    func shutDown(closesHead: Bool) async throws(StorageError) {
        try await loaded.pass()
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        try await maintenance.alone { () async throws(StorageError) in
            if closesHead { try await self.closeHead() }
        }
    }
}

/// The rows of blocks that are held in memory.
struct InlinePages: PageSource {
    func read(_ block: Block, _ rows: [Int64], _ body: (Int, [UInt8]) throws(StorageError) -> Void) throws(StorageError)
    {
        guard let inline = block.inline else { return }
        for (index, row) in rows.enumerated() {
            let number = Int(row & 0x7f_ffff)
            try body(index, row & 1 << 23 == 0 ? inline.pages[number] : inline.timelines[number])
        }
    }
}
