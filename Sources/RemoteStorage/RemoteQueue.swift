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
        /// Send this.
        case send([RemoteItem])
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
        var waiting: [RemoteItem] = []
        /// What of ``waiting`` is gone already.
        var first = 0
        var sending: [RemoteItem] = []
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

        var count: Int { waiting.count - first }
        var isEmpty: Bool { count == 0 && sending.isEmpty }
    }

    let config: RemoteWriteConfig.Queue
    private var shards: [Shard]
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
    var pending: RemoteCounts {
        shards.reduce(into: RemoteCounts()) { $0 += RemoteCounts($1.waiting[$1.first...]) + RemoteCounts($1.sending) }
    }
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

    /// Hands out what an entry brought. What is acknowledged already is left out.
    mutating func add(_ items: [RemoteItem], upTo place: FeedPlace, now: Int64) {
        for item in items {
            let number = Int(item.series) % shards.count
            if item.place <= shards[number].done { continue }
            if shards[number].count == 0 { shards[number].since = now }
            shards[number].waiting.append(item)
        }
        frontier = max(frontier, place)
    }

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
        if !shards[number].sending.isEmpty {
            shards[number].isSending = true
            return .send(shards[number].sending)
        }
        let first = shards[number].first
        var end = min(first + config.maxSamplesPerSend, shards[number].waiting.count)
        // An exemplar stays with its sample.
        while end < shards[number].waiting.count,
            shards[number].waiting[end].isExemplar(of: shards[number].waiting[end - 1])
        {
            end += 1
        }
        shards[number].sending = Array(shards[number].waiting[first..<end])
        if end == shards[number].waiting.count {
            shards[number].waiting.removeAll(keepingCapacity: true)
            shards[number].first = 0
        } else {
            shards[number].first = end
            if end > config.capacity {
                shards[number].waiting.removeFirst(end)
                shards[number].first = 0
            }
        }
        shards[number].since = now
        shards[number].isSending = true
        shards[number].attempts = 0
        shards[number].backoff = 0
        return .send(shards[number].sending)
    }

    /// Notes what became of what a shard sent.
    mutating func finish(_ number: Int, _ result: Result, now: Int64) {
        guard number < shards.count else { return }
        shards[number].isSending = false
        switch result {
        case .taken, .refused:
            if let last = shards[number].sending.last { shards[number].done = last.place }
            shards[number].sending = []
            shards[number].attempts = 0
            shards[number].backoff = 0
        case .later(let retryAfter):
            let last = shards[number].backoff
            let next = last == 0 ? config.minBackoff : min(config.maxBackoff, last * 2)
            shards[number].backoff = next
            shards[number].attempts += 1
            shards[number].retryAt = now + (retryAfter ?? PrometheusDuration(milliseconds: next).nanoseconds)
        }
    }

    /// How often what a shard is sending was tried before.
    func attempt(_ number: Int) -> Int { number < shards.count ? shards[number].attempts : 0 }

    /// Leaves out of what a shard is to send again what is older than it may be.
    mutating func dropOld(_ number: Int, before oldest: Timestamp) -> RemoteCounts {
        guard number < shards.count else { return RemoteCounts() }
        let gone = RemoteCounts(shards[number].sending.lazy.filter { $0.timestamp < oldest })
        if gone.all == 0 { return gone }
        let last = shards[number].sending.last?.place
        shards[number].sending.removeAll { $0.timestamp < oldest }
        if shards[number].sending.isEmpty, let last { shards[number].done = last }
        return gone
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

extension RemoteCounts {
    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum += right
        return sum
    }
}
