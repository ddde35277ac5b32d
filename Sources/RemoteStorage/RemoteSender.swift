import Exposition
import HTTPCalling
import Logging
import MetricModel
import NIOCore
import Scrape
import Synchronization

/// Sends what a store gets to one receiver, in the order in which it came, from where it was left off.
final class RemoteSender: Sendable {
    /// What all queues have in common.
    struct Surroundings: Sendable {
        var source: any FeedSource
        var metadata: @Sendable () async -> [String: MetricMetadata]
        var clock: any StackClock
        var logger: Logger
        /// The version that is told to receivers.
        var version: String
        var environment: [String: String]
        /// How long what waits is sent on at the end, in milliseconds.
        var flushDeadline: Int64
        /// The way to receivers; `nil` for that over the network.
        var post: RemoteWriter.Post?
    }

    struct State: ~Copyable {
        var queue: RemoteQueue
        var figures = RemoteFigures()
        var plan = RemoteShardPlan()
        var series: RemoteSeriesTable
        var metadata: [String: MetricMetadata] = [:]
        var isEnding = false
        /// The cursor that was saved last.
        var saved: FeedCursor?
        var end: Int64 = 0
        /// How far it is, where somebody drives it.
        var driven: Driven?
    }

    let config: RemoteWriteConfig
    let externalLabels: [Label]
    let around: Surroundings
    let transport: HTTPTransport
    /// The end comes by the machine's time, whatever time the stack lives by.
    private let network = SystemClock()
    let state: Mutex<State>
    private let readerSignal = RemoteSignal()
    private let shardSignals: [RemoteSignal]
    var clock: any StackClock { around.clock }
    /// So many entries are read at a time.
    static let readLimit = 64

    init(_ config: RemoteWriteConfig, externalLabels: [Label], _ around: Surroundings) throws(TransportError) {
        self.config = config
        self.externalLabels = externalLabels
        self.around = around
        transport = try HTTPTransport(
            config.client,
            clock: around.clock,
            environment: around.environment,
            loops: LoopExecutor.sending.loop
        )
        state = Mutex(
            State(
                queue: RemoteQueue(config: config.queue, after: 0),
                series: RemoteSeriesTable(isVersion2: config.isVersion2)
            )
        )
        shardSignals = (0..<RemoteQueue.room(config.queue)).map { _ in RemoteSignal() }
    }

    /// Sends until ``end()`` is called, then what waits for at most the deadline.
    func run() async {
        do throws(StorageError) {
            try await withTaskExecutorPreference(LoopExecutor.sending) { () async throws(StorageError) in
                try await sendAll()
            }
        } catch {
            around.logger.error(
                "Remote write ended",
                metadata: ["remote": "\(config.name)", "err": "\(error.message)"]
            )
        }
        around.source.feedNotify(config.name, nil)
        await transport.close()
    }

    /// Lets it end.
    func end() {
        state.withLock { state in
            state.isEnding = true
            state.queue.isFlushing = true
        }
        wakeAll()
    }

    private func wakeAll() {
        readerSignal.wake()
        for signal in shardSignals { signal.wake() }
    }

    /// Goes on where it was left off, or begins with what comes.
    func prepare() async throws(StorageError) -> (reader: any FeedReader, start: Int64) {
        let source = around.source
        let end = try await source.feedEnd()
        if let known = try await source.feedCursors()[config.name], known.row <= end {
            state.withLock { $0.queue = RemoteQueue(config: config.queue, cursor: known) }
        } else {
            state.withLock { $0.queue = RemoteQueue(config: config.queue, after: end) }
            do throws(StorageError) {
                try await save()
            } catch {
                // What has no room now is remembered once it has.
                guard error.code == .diskFull else { throw error }
            }
        }
        let start = state.withLock { $0.queue.cursor.row }
        return (try await source.feed(after: start), start)
    }

    private func sendAll() async throws(StorageError) {
        let source = around.source
        let (reader, start) = try await prepare()
        let signal = readerSignal
        source.feedNotify(config.name) { signal.wake() }
        await withTaskGroup(of: Part.self) { group in
            func add(_ part: Part, _ work: @escaping @Sendable () async -> Void) {
                group.addTask {
                    await work()
                    return part
                }
            }
            add(.way) { await self.read(reader, from: start) }
            add(.chore) { await self.adjust() }
            add(.chore) { await self.tellMetadata() }
            for number in shardSignals.indices { add(.way) { await self.send(number) } }
            add(.end) { await self.limitEnd() }
            // Reading and all shards end by themselves, the others with them. Who waits for an answer at the end is not waited for.
            var ways = shardSignals.count + 1
            while ways > 0, let part = await group.next() {
                switch part {
                case .way: ways -= 1
                case .chore: break
                case .end: group.cancelAll()
                }
            }
            group.cancelAll()
        }
        try? await save()
    }

    /// What goes on while it sends: what samples go through, what is done besides, and what limits the end.
    private enum Part { case way, chore, end }

    /// Gives up what cannot be sent in time at the end: it is sent after the next start.
    private func limitEnd() async {
        while !state.withLock({ $0.isEnding }) {
            if (try? await network.sleep(milliseconds: 200)) == nil { return }
        }
        if (try? await network.sleep(milliseconds: around.flushDeadline)) == nil { return }
        isGivenUp.store(true, ordering: .sequentiallyConsistent)
        wakeAll()
    }

    private let isGivenUp = Atomic(false)

    /// Remembers how far it is. The cursor is made when it is its turn to be written.
    func save() async throws(StorageError) {
        try await around.source.feedSave(config.name) {
            self.state.withLock { state in
                state.saved = state.queue.cursor
                return state.saved
            }
        }
    }

    // MARK: Reading

    private func read(_ reader: any FeedReader, from start: Int64) async {
        var last = start
        var iterator = readerSignal.stream.makeAsyncIterator()
        while !state.withLock({ $0.isEnding }) {
            guard state.withLock({ $0.queue.hasRoom }) else {
                state.withLock { $0.figures.enqueueRetries += 1 }
                _ = await iterator.next()
                continue
            }
            do throws(StorageError) {
                let entries = try await reader.next(limit: Self.readLimit)
                if entries.isEmpty {
                    if state.withLock({ $0.queue.isEmpty && $0.saved != $0.queue.cursor }) { try await save() }
                    _ = await iterator.next()
                    continue
                }
                await take(entries, after: &last)
                for signal in shardSignals.prefix(state.withLock { $0.queue.shardCount }) { signal.wake() }
            } catch {
                note(error.message)
                if (try? await clock.sleep(milliseconds: 1000)) == nil { break }
            }
        }
        for signal in shardSignals { signal.wake() }
    }

    // MARK: Sending

    private func send(_ number: Int) async {
        var iterator = shardSignals[number].stream.makeAsyncIterator()
        var timer = RemoteTimer(shardSignals[number], clock)
        defer { timer.cancel() }
        while true {
            let now = clock.steadyNanoseconds
            let (step, isDone) = state.withLock { state in
                let step = state.queue.step(number, now: now)
                if case .send = step { return (step, false) }
                let isOver =
                    state.isEnding && (state.queue.isEmpty || isGivenUp.load(ordering: .sequentiallyConsistent))
                return (step, isOver)
            }
            if isDone { return wakeAll() }
            switch step {
            case .idle: _ = await iterator.next()
            case .wait(let until):
                timer.set(until, now: now)
                _ = await iterator.next()
            case .send: await transmit(number)
            }
        }
    }

    /// Sends what a shard has to send now.
    func transmit(_ number: Int) async {
        // Under the lock: a copy of what is known of series would be a whole one as soon as there is a new one.
        let (body, counts, newest, attempt) = state.withLock { state in
            let items = state.queue.sending(number)
            let body =
                config.isVersion2
                ? RemoteMessage.version2(items, state.queue.extras, &state.series, state.metadata)
                : RemoteMessage.version1(items, state.queue.extras, &state.series)
            let newest = items.reduce(Timestamp.min) { max($0, $1.timestamp) }
            return (body, RemoteCounts(items), newest, state.queue.attempt(number))
        }
        let started = clock.steadyNanoseconds
        let verdict = await post(body, counts, isVersion2: config.isVersion2, attempt: attempt)
        let now = clock.steadyNanoseconds
        let wall = clock.wallNanoseconds
        state.withLock { state in
            let seconds = Double(now - started) / 1e9
            state.figures.observe(seconds)
            state.figures.tickBusy += seconds
            switch verdict.result {
            case .taken:
                state.figures.sent += counts
                state.figures.tickSent += counts.all
                state.figures.bytes += body.count
                state.figures.lastSuccess = wall
                state.figures.newestSent = max(state.figures.newestSent, Double(newest) / 1000)
                if let written = verdict.written { state.figures.failed += counts.without(written) }
            case .refused: state.figures.failed += counts.without(verdict.written ?? RemoteCounts())
            case .later: state.figures.retried += counts
            }
            state.queue.finish(number, verdict.result, now: now)
            if case .later = verdict.result, config.queue.sampleAgeLimit > 0 {
                let oldest = wall / 1_000_000 - config.queue.sampleAgeLimit
                state.figures.tooOld += state.queue.dropOld(number, before: oldest)
            }
        }
        if !verdict.problem.isEmpty { note(verdict.problem) }
        switch verdict.result {
        case .taken, .refused:
            // At once: what is acknowledged must not be sent again after whatever happens now.
            do throws(StorageError) { try await save() } catch { note(error.message) }
            readerSignal.wake()
            let isResized = state.withLock { $0.queue.resizeIfEmpty() }
            if isResized || state.withLock({ $0.isEnding }) { wakeAll() }
        case .later: break
        }
    }

    private func post(
        _ body: [UInt8],
        _ counts: RemoteCounts,
        isVersion2: Bool,
        attempt: Int
    ) async -> RemoteMessage.Verdict {
        let request = RemoteMessage.request(config, isVersion2: isVersion2, attempt: attempt, version: around.version)
        do throws(TransportError) {
            let answer =
                if let post = around.post {
                    try await post(request, body)
                } else {
                    try await transport.post(request, bytes: body)
                }
            return RemoteMessage.verdict(answer, config, counts: counts, now: clock.wallNanoseconds)
        } catch {
            return RemoteMessage.Verdict(result: .later(retryAfter: nil), problem: error.message)
        }
    }

    func note(_ problem: String) {
        let now = clock.wallNanoseconds
        let isNew = state.withLock { state in
            let isNew = state.figures.lastError != problem || now - state.figures.lastErrorTime > 60_000_000_000
            state.figures.lastError = problem
            if isNew { state.figures.lastErrorTime = now }
            return isNew
        }
        guard isNew else { return }
        around.logger.warning(
            "Sending to a remote storage failed",
            metadata: ["remote": "\(config.name)", "url": "\(identity.url)", "err": "\(problem)"]
        )
    }

    // MARK: Chores

    /// How often it is looked at how many shards are needed, in milliseconds.
    static let adjustInterval: Int64 = 10_000

    private func adjust() async {
        var last = clock.steadyNanoseconds
        while (try? await clock.sleep(milliseconds: Self.adjustInterval)) != nil {
            let now = clock.steadyNanoseconds
            adjust(since: last, now: now)
            last = now
            wakeAll()
        }
    }

    /// Looks how many shards are needed.
    func adjust(since last: Int64, now: Int64) {
        state.withLock { state in
            let tick = RemoteShardPlan.Tick(
                seconds: max(0.001, Double(now - last) / 1e9),
                read: state.figures.tickRead,
                dropped: state.figures.tickDropped,
                sent: state.figures.tickSent,
                busy: state.figures.tickBusy,
                delay: state.figures.newestSent > 0 ? clock.seconds - state.figures.newestSent : 0
            )
            let isSending = state.figures.tickSent > 0 && state.queue.attempts == 0
            let count = state.plan.count(tick, now: state.queue.shardCount)
            state.figures.desired = state.plan.desired
            (state.figures.tickRead, state.figures.tickDropped, state.figures.tickSent) = (0, 0, 0)
            state.figures.tickBusy = 0
            if isSending { state.queue.resize(to: count) }
            _ = state.queue.resizeIfEmpty()
        }
    }

    /// How often families are told of, in milliseconds.
    var metadataInterval: Int64 { max(1000, config.metadataInterval) }

    private func tellMetadata() async {
        repeat { await tellMetadataOnce() } while (try? await clock.sleep(milliseconds: metadataInterval)) != nil
    }

    /// Tells what is known of families: by itself in version 1, with each series in version 2.
    func tellMetadataOnce() async {
        let known = await around.metadata()
        state.withLock { state in
            if state.metadata == known { return }
            state.metadata = known
            state.series.forgetFamilies()
        }
        guard !config.isVersion2, config.sendsMetadata, !known.isEmpty else { return }
        let families = known.sorted { $0.key < $1.key }.map { (family: $0.key, metadata: $0.value) }
        for start in stride(from: 0, to: families.count, by: config.metadataPerSend) {
            let part = Array(families[start..<min(families.count, start + config.metadataPerSend)])
            let body = Snappy.encode(RemoteMessage.metadata(part))
            let verdict = await post(body, RemoteCounts(), isVersion2: false, attempt: 0)
            state.withLock { state in
                if verdict.result == .taken {
                    state.figures.metadata += part.count
                    state.figures.metadataBytes += body.count
                } else {
                    state.figures.failedMetadata += part.count
                }
            }
        }
    }
}

/// Wakes a task that waits; several times while it is awake are one time.
final class RemoteSignal: Sendable {
    let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func wake() { continuation.yield() }

    /// Whether something has happened.
    final class Flag: Sendable {
        private let value = Atomic(false)
        var isUp: Bool { value.load(ordering: .acquiring) }
        func raise() { value.store(true, ordering: .releasing) }
    }
}

/// Gives a signal at a moment, or somewhat earlier: where it was set for an earlier one it stays so, since whoever is woken looks anew.
/// What comes in many small pieces needs no new one for each.
private struct RemoteTimer {
    private let signal: RemoteSignal
    private let clock: any StackClock
    private var set: (moment: Int64, task: Task<Void, Never>, fired: RemoteSignal.Flag)?

    init(_ signal: RemoteSignal, _ clock: any StackClock) {
        self.signal = signal
        self.clock = clock
    }

    mutating func set(_ moment: Int64, now: Int64) {
        // One that has given its signal, be it early, gives none any more.
        if let set, set.moment > now, set.moment <= moment, !set.fired.isUp { return }
        cancel()
        let (clock, signal, fired) = (clock, signal, RemoteSignal.Flag())
        let task = Task {
            guard (try? await clock.sleep(untilSteady: moment)) != nil else { return }
            fired.raise()
            signal.wake()
        }
        set = (moment, task, fired)
    }

    mutating func cancel() {
        set?.task.cancel()
        set = nil
    }
}
