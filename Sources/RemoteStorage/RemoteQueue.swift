import MetricModel
import Scrape

/// What waits to be sent to one receiver, in shards: a series is always in the same one, so that its samples stay in order.
///
/// A state machine without I/O: it is told what was read, what became of a request and how late it is, and says what to do.
/// What is acknowledged is known exactly, for each shard the place up to which all of it is, so that sending goes on from there
/// after the end of the process, however it ended.
struct RemoteQueue: Sendable {
    /// What a shard has to do.
    enum Step: Sendable {
        /// Send what ``sending(_:)`` says.
        case send
        /// Nothing before this moment (steady nanoseconds), unless something comes.
        case wait(until: Int64)
        /// Nothing, until something comes.
        case idle
    }

    /// What became of a request.
    enum Result: Sendable, Hashable {
        /// It was taken.
        case taken
        /// It may be taken later; not before so many nanoseconds where the receiver says so.
        case later(retryAfter: Int64?)
        /// It will never be taken.
        case refused
    }

    private struct Shard: Sendable {
        /// What waits: requests that are full, and what comes behind them.
        private var full: [[RemoteItem]] = []
        /// How many of ``full`` are gone already.
        private var first = 0
        private var open: [RemoteItem] = []
        /// How many wait.
        private(set) var count = 0
        private(set) var sending: [RemoteItem] = []
        /// Room that was made before.
        private var spare: [RemoteItem] = []
        /// Whether ``sending`` is under way.
        var isSending = false
        /// All up to here is acknowledged or given up.
        var done: FeedPlace
        /// When the oldest that waits came, in steady nanoseconds.
        var since: Int64 = 0
        /// When it may be tried again.
        var retryAt: Int64 = 0
        var backoff: Int64 = 0
        var attempts = 0

        init(done: FeedPlace) { self.done = done }

        var isEmpty: Bool { count == 0 && sending.isEmpty }
        var pending: RemoteCounts {
            full[first...].reduce(RemoteCounts(open) + RemoteCounts(sending)) { $0 + RemoteCounts($1) }
        }

        /// Adds what waits, in requests of at most so many. An exemplar stays with its sample.
        @inline(__always)
        mutating func append(_ item: RemoteItem, most: Int) {
            if open.count >= most, let last = open.last, !item.isExemplar(of: last) {
                full.append(open)
                open = []
                swap(&open, &spare)
            }
            open.append(item)
            count += 1
        }

        /// Takes what is sent next.
        mutating func take() {
            if first == full.count {
                swap(&sending, &open)
            } else {
                swap(&sending, &full[first])
                first += 1
                if first == full.count {
                    full.removeAll(keepingCapacity: true)
                    first = 0
                } else if first > full.count / 2 {
                    full.removeFirst(first)
                    first = 0
                }
            }
            count -= sending.count
        }

        /// Lets go what was sent.
        mutating func settle() {
            if let last = sending.last { done = last.place }
            sending.removeAll(keepingCapacity: true)
            if spare.capacity < sending.capacity { swap(&sending, &spare) }
            attempts = 0
            backoff = 0
        }

        /// Leaves out of what is sent what is older than it may be.
        mutating func dropOld(before oldest: Timestamp) {
            let last = sending.last?.place
            sending.removeAll { $0.timestamp < oldest }
            if sending.isEmpty, let last { done = last }
        }
    }

    let config: RemoteWriteConfig.Queue
    private var shards: [Shard]
    /// What those that wait have besides numbers.
    private(set) var extras = RemoteExtras()
    /// All up to here was read and handed out.
    private(set) var frontier: FeedPlace
    /// How many shards there are to be.
    private(set) var wanted: Int
    /// Whether what waits is sent without waiting for more.
    var isFlushing = false

    init(config: RemoteWriteConfig.Queue, places: [FeedPlace]) {
        self.config = config
        let places = places.isEmpty ? [FeedPlace(row: 0)] : places
        shards = places.map { Shard(done: $0) }
        frontier = places.min() ?? FeedPlace(row: 0)
        wanted = min(config.maxShards, max(config.minShards, places.count))
    }

    /// How many shards there may be at a time: a cursor may name more than are wanted now.
    static func room(_ config: RemoteWriteConfig.Queue) -> Int { max(config.maxShards, 200) }

    /// A queue that begins behind an entry.
    init(config: RemoteWriteConfig.Queue, after row: Int64) {
        self.init(config: config, places: Array(repeating: FeedPlace(row: row), count: config.minShards))
    }

    var shardCount: Int { shards.count }
    var pending: RemoteCounts { shards.reduce(RemoteCounts()) { $0 + $1.pending } }
    /// Whether nothing waits.
    var isEmpty: Bool { shards.allSatisfy(\.isEmpty) }
    /// The most attempts that something which waits has had.
    var attempts: Int { shards.map(\.attempts).max() ?? 0 }

    // MARK: Handing out

    /// Whether more may be read.
    var hasRoom: Bool {
        (wanted == shards.count || isReadingAgain) && shards.allSatisfy { $0.count < config.capacity }
    }

    /// Whether what is read was dealt with by some shards before the process ended: then their number has to stay.
    private var isReadingAgain: Bool { shards.contains { $0.done > frontier } }

    @inline(__always)
    private func shard(of series: UInt32) -> Int {
        shards.count == 1 ? 0 : Int(series % UInt32(truncatingIfNeeded: shards.count))
    }

    /// Hands out a sample of a series. What is acknowledged already is left out.
    @inline(__always)
    mutating func add(_ item: RemoteItem, of series: UInt32, now: Int64) {
        let number = shard(of: series)
        if item.place <= shards[number].done { return }
        if shards[number].count == 0 { shards[number].since = now }
        shards[number].append(item, most: config.maxSamplesPerSend)
    }

    /// Hands out what is more than a number.
    mutating func add(_ item: RemoteItem, _ extra: RemoteExtras.Extra, of series: UInt32, now: Int64) {
        if item.place <= shards[shard(of: series)].done { return }
        var item = item
        item.kind = extra.kind
        item.bits = extras.add(extra)
        add(item, of: series, now: now)
    }

    /// All up to here was handed out.
    mutating func reach(_ place: FeedPlace) { frontier = max(frontier, place) }

    // MARK: Sending

    /// When a shard has something to send, in steady nanoseconds; `nil` where nothing waits or something is under way.
    func due(_ number: Int) -> Int64? {
        guard number < shards.count, !shards[number].isSending else { return nil }
        if !shards[number].sending.isEmpty { return shards[number].retryAt }
        let count = shards[number].count
        if count == 0 { return nil }
        let isFull = count >= config.maxSamplesPerSend || isFlushing || wanted != shards.count
        let deadline = PrometheusDuration(milliseconds: config.batchSendDeadline).nanoseconds
        return shards[number].since + (isFull ? 0 : deadline)
    }

    /// What a shard has to do now.
    mutating func step(_ number: Int, now: Int64) -> Step {
        guard let due = due(number) else { return .idle }
        if now < due { return .wait(until: due) }
        shards[number].isSending = true
        if !shards[number].sending.isEmpty { return .send }
        shards[number].take()
        shards[number].since = now
        shards[number].attempts = 0
        shards[number].backoff = 0
        return .send
    }

    /// What a shard is sending.
    func sending(_ number: Int) -> [RemoteItem] { number < shards.count ? shards[number].sending : [] }

    /// Notes what became of what a shard sent.
    mutating func finish(_ number: Int, _ result: Result, now: Int64) {
        guard number < shards.count else { return }
        shards[number].isSending = false
        switch result {
        case .taken, .refused:
            extras.remove(shards[number].sending)
            shards[number].settle()
        case .later(let retryAfter):
            let last = shards[number].backoff
            let next = last == 0 ? config.minBackoff : min(config.maxBackoff, last * 2)
            shards[number].backoff = next
            shards[number].attempts += 1
            shards[number].retryAt = now.plus(retryAfter ?? PrometheusDuration(milliseconds: next).nanoseconds)
        }
    }

    /// How often what a shard is sending was tried before.
    func attempt(_ number: Int) -> Int { number < shards.count ? shards[number].attempts : 0 }

    /// Leaves out of what a shard is to send again what is older than it may be.
    mutating func dropOld(_ number: Int, before oldest: Timestamp) -> RemoteCounts {
        guard number < shards.count else { return RemoteCounts() }
        let old = shards[number].sending.filter { $0.timestamp < oldest }
        if old.isEmpty { return RemoteCounts() }
        extras.remove(old)
        shards[number].dropOld(before: oldest)
        return RemoteCounts(old)
    }

    // MARK: Shards

    /// Another number of shards is wanted: nothing more is handed out before all is sent, then there are so many.
    mutating func resize(to count: Int) { wanted = min(config.maxShards, max(config.minShards, count)) }

    /// Makes the shards that are wanted, once nothing waits.
    /// - Returns: Whether there are others now.
    mutating func resizeIfEmpty() -> Bool {
        guard wanted != shards.count, isEmpty, !isReadingAgain else { return false }
        let place = frontier
        shards = (0..<wanted).map { _ in Shard(done: place) }
        return true
    }

    // MARK: The place

    /// Up to where each shard is done: a shard for which nothing waits is done with all that was read.
    var places: [FeedPlace] { shards.map { $0.isEmpty ? max($0.done, frontier) : $0.done } }

    /// What has to be remembered, so that sending goes on from here.
    var cursor: FeedCursor {
        let places = places
        var state: [UInt8] = [1]
        func append(_ value: UInt64) {
            withUnsafeBytes(of: value.littleEndian) { state += Array($0) }
        }
        append(UInt64(places.count))
        for place in places {
            append(UInt64(bitPattern: place.row))
            append(UInt64(bitPattern: Int64(place.index)))
        }
        return FeedCursor(row: places.map(\.wholeRow).min() ?? 0, state: state)
    }

    /// A queue that goes on where another one was.
    init(config: RemoteWriteConfig.Queue, cursor: FeedCursor) {
        var values: [UInt64] = []
        if cursor.state.first == 1 {
            for start in stride(from: 1, to: cursor.state.count - 7, by: 8) {
                values.append(cursor.state[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
            }
        }
        var places: [FeedPlace] = []
        for index in stride(from: 1, to: values.count - 1, by: 2) {
            let place = Int32(truncatingIfNeeded: Int64(bitPattern: values[index + 1]))
            places.append(FeedPlace(row: Int64(bitPattern: values[index]), index: place))
        }
        // What cannot be read names no more than the entry.
        if places.isEmpty || UInt64(places.count) != values[0] || places.count > Self.room(config) {
            places = Array(repeating: FeedPlace(row: cursor.row), count: config.minShards)
        }
        self.init(config: config, places: places)
    }
}
