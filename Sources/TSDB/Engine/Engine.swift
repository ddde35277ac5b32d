import MetricModel
import Synchronization

/// What stands behind ``TimeSeriesDatabase``: one state under one lock, blocks, and an optional backend.
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
    let graveyard = Mutex(Graveyard())
    /// Whether a head that got too large is being closed in the background.
    private let isClosingEarly = Mutex(false)
    let lastForgetting = Mutex<(time: Timestamp, candidates: Set<UInt32>)>((.min, []))
    /// What retention takes for the time.
    let settledTime = Mutex<SettledTime?>(nil)
    let isClosed = Mutex(false)
    /// Who follows what is stored.
    let followers = FeedFollowers()

    /// Blocks that were replaced.
    struct Graveyard {
        /// Those that somebody may read.
        var blocks: [Block] = []
        /// The numbers of those whose rows are to be deleted.
        var unread: [Int64] = []
    }

    init(options: StoreOptions, clock: any StackClock, backend: (any Backend)?) {
        self.options = options
        self.clock = clock
        self.backend = backend
        state = Mutex(HeadState(options: options))
        if backend == nil {
            settleTime(clock.now)
            loaded.open()
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
        guard let backend else { return try appendInMemory(batch) }
        let report = Mutex(AppendReport())
        try await backend.journal(isHere: batch.isStoredHere) { () throws(StorageError) in
            let judged = try self.judge(batch)
            report.withLock { $0 = judged.report }
            return judged.journal.isEmpty ? nil : JournalRow(number: judged.row, bytes: judged.journal)
        }
        return report.withLock { $0 }
    }

    private func appendInMemory(_ batch: SampleBatch) throws(StorageError) -> AppendReport {
        let followers = followers
        let judged = try judge(batch) { state, judged in
            state.commitStaged(for: followers)
            if judged.journal.isEmpty { return }
            let isWhole = followers.keep(JournalRow(number: judged.row, bytes: judged.journal))
            if !isWhole { state.journalMemory = [:] }
        }
        followers.tell()
        if state.withLock({ $0.open.samples > headLimit($0) * 2 }) { closeEarly() }
        return judged.report
    }

    /// Stages a batch. What has to be looked up for that is read outside of the lock.
    private func judge(
        _ batch: SampleBatch,
        then finish: (inout HeadState, HeadState.Judged) -> Void = { _, _ in }
    ) throws(StorageError) -> HeadState.Judged {
        while true {
            let (judged, unsettled, capture) = state.withLock {
                state -> (HeadState.Judged?, [(series: UInt32, bound: Timestamp)], Capture) in
                let unsettled = state.unsettled(in: batch)
                if !unsettled.isEmpty { return (nil, unsettled, state.capture(.min, .max)) }
                let judged = state.judge(batch)
                finish(&state, judged)
                return (judged, [], Capture())
            }
            if let judged { return judged }
            let found = try newest(unsettled, capture)
            state.withLock { $0.settle(unsettled, found) }
        }
    }

    /// What was staged is in the journal.
    func commitStaged() {
        let isTooLarge = state.withLock { state in
            state.commitStaged(for: followers)
            return state.open.samples > headLimit(state) * 2
        }
        if isTooLarge { closeEarly() }
        followers.tell()
    }

    /// What was staged was not written.
    func takeBackStaged() { state.withLock { $0.takeBackStaged() } }

    /// How many samples the open head may hold.
    func headLimit(_ state: borrowing HeadState) -> Int {
        max(options.headSamples, state.open.seriesCount * 16)
    }

    /// Closes what a start has read back, if that is worth a block, so that the next start need not read it again.
    func closeAfterReplay() {
        let samples = state.withLock { state in state.frozen.reduce(0) { $0 + $1.samples } }
        if backend != nil, samples > min(500_000, options.headSamples) { closeEarly() }
    }

    private func closeEarly() {
        let isMine = isClosingEarly.withLock { isClosing in
            defer { isClosing = true }
            return !isClosing
        }
        guard isMine else { return }
        Task {
            try? await maintenance.alone { () async throws(StorageError) in try await self.closeHead() }
            options.memoryFreed()
            isClosingEarly.withLock { $0 = false }
        }
    }

    // MARK: - Metadata

    /// Remembers metadata.
    func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {
        try await enter()
        let new = FamilyTable.some(
            state.withLock { state in metadata.filter { state.metadata[$0.family] != $0.metadata } }
        )
        if new.isEmpty { return }
        let full = state.withLock { $0.metadata.hasRoom(for: new) ? nil : $0.metadata }
        // Asked one by one: they may be many, and others wait.
        let gone = full?.surplus(besides: new) { family in state.withLock { $0.table.hasSeries(ofFamily: family) } }
        let apply: @Sendable () -> Void = {
            self.state.withLock { state in
                for family in gone ?? [] { state.metadata[family] = nil }
                for entry in new { state.metadata[entry.family] = entry.metadata }
            }
        }
        if let backend { try await backend.record(new, without: gone ?? [], then: apply) } else { apply() }
    }

    func metadata() async throws(StorageError) -> [String: MetricMetadata] {
        try await enter()
        return state.withLock { $0.metadata.all }
    }
}
