import MetricModel
import Synchronization

/// Keeps pages and timelines that queries read lately, up to a number of bytes.
///
/// Rows of blocks never change and their numbers are not used again while the store is open, so nothing in here gets old.
final class PageCache: Sendable {
    private struct Held<Value> {
        var value: Value
        var bytes: Int
        var lastUse: UInt64
    }

    private struct State {
        var pages: [Int64: Held<LoadedPage>] = [:]
        var timelines: [Int64: Held<Timeline>] = [:]
        var bytes = 0
        var uses: UInt64 = 0

        mutating func evict(to limit: Int) {
            while bytes > limit {
                let page = pages.min { $0.value.lastUse < $1.value.lastUse }
                let timeline = timelines.min { $0.value.lastUse < $1.value.lastUse }
                if let page, page.value.lastUse < timeline?.value.lastUse ?? .max {
                    bytes -= page.value.bytes
                    pages[page.key] = nil
                } else if let timeline {
                    bytes -= timeline.value.bytes
                    timelines[timeline.key] = nil
                } else {
                    return
                }
            }
        }
    }

    private let limit: Int
    private let state = Mutex(State())
    /// Bytes of decoded columns that are kept.
    let columnLimit: Int
    private let columns: Mutex<ColumnRing>
    /// Chunks that a query decoded before; what is asked for once only does not push out what is asked for again.
    private let touched = Mutex(Set<ColumnRing.Key>())
    private static let touchedLimit = 1 << 16
    /// How much the cache had been used when it was last looked after, and since when it has not been used more.
    private let idle = Mutex<(uses: UInt64, since: Timestamp)>((0, .min))

    /// A cache.
    /// - Parameters:
    ///   - limit: bytes of pages and timelines.
    ///   - columnLimit: bytes of decoded chunks.
    init(limit: Int, columnLimit: Int) {
        self.limit = limit
        self.columnLimit = columnLimit
        columns = Mutex(ColumnRing(limit: columnLimit))
    }

    /// Whether decoded chunks are worth keeping: most of them were asked for before.
    func wants(_ keys: [ColumnRing.Key]) -> Bool {
        touched.withLock { touched in
            let known = keys.reduce(0) { touched.contains($1) ? $0 + 1 : $0 }
            if known * 2 >= keys.count { return true }
            if touched.count + keys.count > PageCache.touchedLimit { touched = [] }
            touched.formUnion(keys.prefix(PageCache.touchedLimit))
            return false
        }
    }

    /// Lets go of everything once nothing has been asked for in so many milliseconds. Called now and then.
    func expire(now: Timestamp, after idleTime: Int64) {
        let uses = state.withLock { $0.uses }
        let isIdle = idle.withLock { idle in
            if idle.uses != uses || idle.since == .min {
                idle = (uses, now)
                return false
            }
            return now - idle.since >= idleTime
        }
        if isIdle { clear() }
    }

    /// Whether the values of a chunk are here.
    func holds(_ key: ColumnRing.Key) -> Bool { columns.withLock { $0.holds(key) } }

    /// All the values of a chunk, if they are here.
    func column(_ row: Int64, _ entry: Int) -> KeptColumn? {
        columns.withLock { $0.find(ColumnRing.Key(row: row, entry: entry)) }
    }

    /// Keeps the values of a chunk.
    func add(_ values: [Double], _ row: Int64, _ entry: Int) {
        let kept = KeptColumn(values)
        columns.withLock { $0.add(kept, ColumnRing.Key(row: row, entry: entry)) }
    }

    /// A page, if it is here.
    func page(_ row: Int64) -> LoadedPage? {
        state.withLock { state in
            state.uses += 1
            state.pages[row]?.lastUse = state.uses
            return state.pages[row]?.value
        }
    }

    /// A timeline, if it is here.
    func timeline(_ row: Int64) -> Timeline? {
        state.withLock { state in
            state.uses += 1
            state.timelines[row]?.lastUse = state.uses
            return state.timelines[row]?.value
        }
    }

    /// Keeps a page.
    func add(_ page: LoadedPage, _ row: Int64) {
        state.withLock { state in
            guard state.pages[row] == nil else { return }
            state.uses += 1
            let bytes = page.bytes.count + page.entries.count * MemoryLayout<Page.Entry>.stride
            state.pages[row] = Held(value: page, bytes: bytes, lastUse: state.uses)
            state.bytes += bytes
            state.evict(to: limit)
        }
    }

    /// Keeps a timeline.
    func add(_ timeline: Timeline, _ row: Int64) {
        state.withLock { state in
            guard state.timelines[row] == nil else { return }
            state.uses += 1
            let bytes = timeline.times.count * 8
            state.timelines[row] = Held(value: timeline, bytes: bytes, lastUse: state.uses)
            state.bytes += bytes
            state.evict(to: limit)
        }
    }

    /// Lets go of everything.
    func clear() {
        state.withLock { state in
            let uses = state.uses
            state = State()
            state.uses = uses
        }
        touched.withLock { $0 = [] }
        columns.withLock { $0 = ColumnRing(limit: columnLimit) }
    }
}

/// Decoded chunks, up to a number of bytes. A hand goes round and throws out what was not used since it last came by, so that
/// neither finding nor throwing out looks at all of them.
package struct ColumnRing {
    /// Which chunk: the row of its page and its place there.
    package struct Key: Hashable {
        var row: Int64
        var entry: Int

        /// A chunk.
        package init(row: Int64, entry: Int) { (self.row, self.entry) = (row, entry) }
    }

    private struct Slot {
        var key: Key
        var values: KeptColumn
        var isUsed: Bool
    }

    private let limit: Int
    /// What a chunk takes beside its values.
    private static let overhead = 96
    /// Where the chunks of a page are in ``slots``.
    private struct Places {
        /// By the chunk's place in the page; -1 for those that are not here.
        var slots: [Int32] = []
        /// How many of them are here.
        var held = 0
    }

    /// By the row of a page, its place in ``places``.
    private var pages: [Int64: Int] = [:]
    private var places: [Places] = []
    /// Those of ``places`` whose pages have nothing here any more.
    private var free: [Int] = []
    /// The page that was looked for last: a query asks for one after the other of its chunks.
    private var last: (row: Int64, page: Int)?
    private var slots: [Slot] = []
    private var hand = 0
    /// What all of it takes.
    package private(set) var bytes = 0

    /// Nothing yet, and never more than so many bytes.
    package init(limit: Int) { self.limit = limit }

    /// Whether the values of a chunk are here.
    package mutating func holds(_ key: Key) -> Bool { place(key) != nil }

    private mutating func page(_ row: Int64) -> Int? {
        if let last, last.row == row { return last.page }
        guard let page = pages[row] else { return nil }
        last = (row, page)
        return page
    }

    private mutating func place(_ key: Key) -> Int? {
        guard let page = page(key.row), key.entry < places[page].slots.count else { return nil }
        let slot = places[page].slots[key.entry]
        return slot < 0 ? nil : Int(slot)
    }

    private mutating func newPage(_ row: Int64) -> Int {
        let page = free.popLast() ?? places.count
        if page == places.count { places.append(Places()) }
        pages[row] = page
        return page
    }

    private mutating func put(_ key: Key, at slot: Int) {
        let page = page(key.row) ?? newPage(key.row)
        let missing = key.entry + 1 - places[page].slots.count
        if missing > 0 {
            places[page].slots.append(contentsOf: repeatElement(-1, count: missing))
            bytes += missing * MemoryLayout<Int32>.stride
        }
        if places[page].slots[key.entry] < 0 { places[page].held += 1 }
        places[page].slots[key.entry] = Int32(slot)
    }

    private mutating func drop(_ key: Key) {
        guard let page = page(key.row) else { return }
        places[page].slots[key.entry] = -1
        places[page].held -= 1
        guard places[page].held == 0 else { return }
        pages[key.row] = nil
        bytes -= places[page].slots.count * MemoryLayout<Int32>.stride
        places[page].slots = []
        free.append(page)
        last = nil
    }

    /// The values of a chunk, if they are here.
    package mutating func find(_ key: Key) -> KeptColumn? {
        guard let place = place(key) else { return nil }
        slots[place].isUsed = true
        return slots[place].values
    }

    private static func size(_ values: KeptColumn) -> Int { values.size + overhead }

    /// Keeps the values of a chunk.
    package mutating func add(_ values: KeptColumn, _ key: Key) {
        let size = Self.size(values)
        guard size <= limit, place(key) == nil else { return }
        while bytes + size > limit, !slots.isEmpty { evictOne() }
        put(key, at: slots.count)
        slots.append(Slot(key: key, values: values, isUsed: false))
        bytes += size
        // A place for each chunk of its page that comes before it.
        while bytes > limit, !slots.isEmpty { evictOne() }
    }

    private mutating func evictOne() {
        while true {
            if hand >= slots.count { hand = 0 }
            if !slots[hand].isUsed { break }
            slots[hand].isUsed = false
            hand += 1
        }
        bytes -= Self.size(slots[hand].values)
        drop(slots[hand].key)
        // The last one takes the free place. That is the newest, as the next one will be that comes to the end: the hand leaves both
        // alone until it comes by again.
        let last = slots.removeLast()
        if hand < slots.count {
            slots[hand] = last
            put(last.key, at: hand)
        }
        hand = hand + 1 < slots.count ? hand + 1 : 0
    }
}
