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
    let lastForgetting = Mutex<(time: Timestamp, candidates: Set<UInt32>)>((.min, []))
    let isClosed = Mutex(false)

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
            var assembler = Assembler(capture, source: source, start: .min, end: .max, isCancellable: false)
            guard let columns = try? assembler.run([series]).first else { return nil }
            let float = columns.timestamps.last.map { ($0, columns.values[columns.values.count - 1].bitPattern) }
            let histogram = columns.histogramTimestamps.last.map { ($0, UInt64(0)) }
            return [float, histogram].compactMap { $0 }.max { $0.0 < $1.0 }.map { (time: $0.0, bits: $0.1) }
        }
    }

    var source: any PageSource { backend ?? InlinePages() }

    /// Fails once the store is closed.
    func enter() async throws(StorageError) {
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
        guard batch.values.count == batch.series.count,
            batch.timestamps.isEmpty || batch.timestamps.count == batch.series.count,
            batch.startTimestamps.isEmpty || batch.startTimestamps.count == batch.series.count
        else { throw StorageError(.unsupported, "the columns of a batch have different lengths") }
        let (report, ticket, chain, isTooLarge) = state.withLock { state -> (AppendReport, UInt64?, Int, Bool) in
            let appended = state.append(batch)
            var ticket: UInt64?
            if let backend, !appended.journal.isEmpty {
                state.journalRow += 1
                ticket = backend.enqueueJournal(state.journalRow, appended.journal, chain: state.journalChain)
            }
            return (appended.report, ticket, state.journalChain, state.open.samples > headLimit(state) * 2)
        }
        if isTooLarge { closeEarly() }
        if let ticket, let backend {
            do {
                try await backend.committed(ticket)
            } catch {
                state.withLock { $0.restartJournal(after: chain) }
                throw error
            }
        }
        return report
    }

    /// How many samples the open head may hold.
    func headLimit(_ state: borrowing HeadState) -> Int {
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
}
