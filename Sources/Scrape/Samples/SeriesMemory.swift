import Exposition
import MetricModel

/// What is known about the series of a target from its earlier scrapes.
///
/// The same series come in the same order each time, so the memory first guesses by position: ``order`` holds, for each sample of
/// the last complete scrape, the bytes that led to its value. Where a guess fails, the series' text is looked up in a table.
/// Iterations count appends (as Prometheus counts them): a series that was tracked in the previous one and is not in this one
/// gets a stale marker. Belongs to one scrape loop at a time and is handed from one to the next.
final class SeriesMemory: @unchecked Sendable {
    /// The last Content-Type and what it means: most targets have one all their life.
    private var lastFormat: (contentType: String, fallback: ScrapeFormat?, choice: ScrapeFormat.Choice)?

    /// The format of a body by its Content-Type.
    func format(_ contentType: String, fallback: ScrapeFormat?) -> ScrapeFormat.Choice {
        if let last = lastFormat, last.contentType == contentType, last.fallback == fallback { return last.choice }
        let choice = ScrapeFormat.choose(contentType: contentType, fallback: fallback)
        lastFormat = (contentType, fallback, choice)
        return choice
    }

    /// One series by its exposed text.
    struct Slot {
        /// The store's name; `none` where the series was never stored.
        var ref = SeriesMemory.noRef
        /// The last iteration in which it was exposed.
        var lastIteration: UInt32 = 0
        /// The last iteration in which it was stored without a timestamp of its own.
        var trackedIteration: UInt32 = 0
        var state = State.dead
    }

    enum State: UInt8 {
        /// Stored.
        case live
        /// Dropped by relabelling.
        case dropped
        /// Not exposed any more: counts as new when it comes back.
        case dead
    }

    static let noRef = SeriesRef(rawValue: .max)

    var table = ByteTable()
    var slots: [Slot] = []
    /// The labels of slots whose reference has not been asked for yet.
    var unresolved: [Int: Labels] = [:]
    var order = ScrapeOrder()
    /// The series of the last complete scrape, in the order of its batch, with the scraper's own series at the end.
    var orderedSeries: [SeriesRef] = []
    /// The iteration in which everything in ``order`` was seen and tracked, without the slots knowing it.
    var orderIteration: UInt32 = 0
    /// Begins where no slot can look as if it had been tracked in the iteration before.
    var iteration: UInt32 = 2
    /// Series whose stale markers could not be stored.
    var owedMarkers: [SeriesRef] = []
    /// Whether slots outside ``order`` may be live.
    var hasStrays = false
    /// The last exemplars of slots, where they had no time of their own.
    private var timelessExemplars: [Int: Exemplar] = [:]
    /// The series that the scraper itself writes; empty until they are asked for.
    var reportSeries: [SeriesRef] = []
    /// What the expositions said about metric families.
    let metadata = MetadataMemory()
    /// How many slots there were after the last scrape that was not empty.
    private var successfulCount = 0

    init() {}

    /// The slot of a text, if any.
    func slot(of key: UnsafeRawBufferPointer) -> Int? { table.find(key) }

    /// The slot of a text, added where there is none.
    func addSlot(_ key: UnsafeRawBufferPointer, known: Int?) -> Int {
        if let known { return known }
        slots.append(Slot())
        return table.add(key)
    }

    /// Whether an exemplar is another one than the last of its series. Without a time of its own it is the same as long as it
    /// says the same.
    func isNews(_ exemplar: Exemplar, hasTime: Bool, slot: Int) -> Bool {
        if hasTime {
            if !timelessExemplars.isEmpty { timelessExemplars[slot] = nil }
            return true
        }
        let last = timelessExemplars.updateValue(exemplar, forKey: slot)
        return last?.labels != exemplar.labels || last?.value != exemplar.value
    }

    /// Forgets the last exemplars of slots: they could not be stored, so they are news the next time.
    func forgetExemplars(_ slots: [Int]) { for slot in slots { timelessExemplars[slot] = nil } }

    /// Writes to the slots what ``orderIteration`` stands for.
    func materialize() {
        guard orderIteration != 0 else { return }
        for entry in order.entries {
            let slot = Int(entry.slot)
            slots[slot].lastIteration = max(slots[slot].lastIteration, orderIteration)
            if entry.isTracked {
                slots[slot].trackedIteration = max(slots[slot].trackedIteration, orderIteration)
            }
        }
        orderIteration = 0
    }

    /// Series that were tracked in the previous iteration and are not in this one. Call after ``materialize()``.
    func stale() -> [SeriesRef] {
        let previous = iteration &- 1
        return slots.compactMap { slot in
            slot.trackedIteration == previous && slot.ref != Self.noRef ? slot.ref : nil
        }
    }

    /// Ends the iteration.
    /// - Parameter isFlush: whether the scrape was complete, so that what it did not expose is forgotten.
    /// - Returns: references that are not needed any more, and whether the flush was forced by growth.
    func finish(isFlush: Bool) -> (released: [SeriesRef], wasForced: Bool) {
        if isFlush { metadata.expire(iteration: iteration) }
        var isFlush = isFlush
        var wasForced = false
        let alive = slots.count
        if !isFlush, alive > successfulCount * 2 + 1000 {
            isFlush = true
            wasForced = true
        }
        var released: [SeriesRef] = []
        if isFlush, orderIteration == iteration {
            // Everything was as before, so there is nothing to forget.
            successfulCount = slots.count
        } else if isFlush {
            var dead = 0
            for index in slots.indices where slots[index].lastIteration != iteration {
                slots[index].state = .dead
                dead += 1
            }
            hasStrays = false
            if dead > (slots.count - dead) + 1000 { released = compact() }
            successfulCount = slots.count
        } else {
            hasStrays = true
        }
        iteration &+= 1
        return (released, wasForced)
    }

    /// Forgets dead slots. Their numbers change, so the order goes too.
    private func compact() -> [SeriesRef] {
        let isKept = slots.map { $0.state != .dead }
        let released = zip(slots, isKept).compactMap { slot, isKept in
            isKept || slot.ref == Self.noRef ? nil : slot.ref
        }
        var renumbered: [Int: Labels] = [:]
        var next = 0
        for index in slots.indices where isKept[index] {
            if let labels = unresolved[index] { renumbered[next] = labels }
            next += 1
        }
        unresolved = renumbered
        table = table.compacted { isKept[$0] }
        slots = zip(slots, isKept).compactMap { $1 ? $0 : nil }
        order = ScrapeOrder()
        orderedSeries = []
        orderIteration = 0
        timelessExemplars = [:]
        return released
    }

    /// All references held.
    var references: [SeriesRef] { slots.compactMap { $0.ref == Self.noRef ? nil : $0.ref } }
}

/// The samples of a scrape in the order of the exposition.
struct ScrapeOrder {
    /// One sample.
    struct Entry {
        /// Where its lead lies in ``leads``; an empty one cannot be guessed.
        var leadStart: UInt32
        var leadEnd: UInt32
        var slot: UInt32
        /// End of its metadata families in ``families``.
        var familiesEnd: UInt32
        var flags: UInt8

        var isDropped: Bool { flags & 1 != 0 }
        /// Whether it brought a timestamp that counted.
        var hasTime: Bool { flags & 2 != 0 }
        var isTracked: Bool { flags & 4 != 0 }
        var isHistogram: Bool { flags & 8 != 0 }
    }

    static let dropped: UInt8 = 1
    static let hasTime: UInt8 = 2
    static let tracked: UInt8 = 4
    static let histogram: UInt8 = 8

    /// What stood before each value, one after the other.
    var leads: [UInt8] = []
    var entries: [Entry] = []
    var families: [UInt32] = []
    /// How many entries are float samples to store.
    var floatCount = 0
    /// Whether the scrape had something that has to be looked at anew each time (a repeated or refused sample).
    var isIrregular = false

    mutating func add(lead: UnsafeRawBufferPointer, slot: Int, flags: UInt8) {
        let start = UInt32(leads.count)
        leads.append(contentsOf: lead)
        entries.append(
            Entry(
                leadStart: start,
                leadEnd: UInt32(leads.count),
                slot: UInt32(slot),
                familiesEnd: UInt32(families.count),
                flags: flags
            )
        )
        if flags & (Self.dropped | Self.histogram) == 0 { floatCount += 1 }
    }

    /// The first entries of another order.
    init(prefix count: Int, of other: ScrapeOrder) {
        entries = Array(other.entries.prefix(count))
        if let last = entries.last {
            leads = Array(other.leads[..<Int(last.leadEnd)])
            families = Array(other.families[..<Int(last.familiesEnd)])
        }
        floatCount = entries.reduce(0) { $0 + ($1.isDropped || $1.isHistogram ? 0 : 1) }
        leads.reserveCapacity(other.leads.count + 1024)
        entries.reserveCapacity(other.entries.count + 16)
    }

    init() {}
}
