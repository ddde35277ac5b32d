import Exposition
package import MetricModel

/// What is known about the series of a target from its earlier scrapes: a state machine that decides and does no I/O.
///
/// An iteration is one append. A body is read (``readAsBefore()`` and the calls of ``ScrapePass``), what the store has not named yet is
/// named (``unnamed(in:)``, ``name(_:_:)``), the batch is ended (``complete(_:)`` or ``fail()``), markers are chosen
/// (``markers(besides:)``), and ``close(_:)`` says what follows from how it went with the store. A step that is left out is
/// as one that has failed: the cache never takes for stored what nobody said was.
///
/// The same series come in the same order each time, so the cache first guesses by position: ``order`` holds, for each sample of
/// the last complete scrape, the bytes that led to its value, and ``orderedSeries`` its series. Both change together. Where a guess
/// fails, the series' text is looked up in a table. A series that was tracked in the iteration before and is not in this one
/// gets a stale marker. Belongs to one scrape loop at a time and is handed from one to the next.
// One loop at a time has it: `LoopControl` lets the next begin when the last has ended.
package final class ScrapeCache: @unchecked Sendable {
    /// One series by its exposed text.
    private struct Slot {
        /// The store's name; ``noReference`` where the series was never stored.
        var reference = ScrapeCache.noReference
        /// The last iteration in which it was exposed.
        var lastIteration: UInt32 = 0
        /// The last iteration in which it was stored without a timestamp of its own.
        var trackedIteration: UInt32 = 0
        var state = State.dead
    }

    private enum State: UInt8 {
        /// Stored.
        case live
        /// Dropped by relabelling.
        case dropped
        /// Not exposed any more: counts as new when it comes back.
        case dead
    }

    /// How far the iteration has come.
    private enum Phase {
        /// Nothing complete was read.
        case begun
        /// All was as in the scrape before.
        case readAsBefore
        /// Something was different; this is the order from now on.
        case readAnew(ScrapeOrder)
        /// It is read, and everything has a name.
        case complete(isAsBefore: Bool)
    }

    /// What a sample's series is to the cache.
    package enum Standing: Sendable, Hashable {
        /// Its text was never met, or is forgotten.
        case unknown
        /// Relabelling drops it.
        case dropped
        /// It was not in the scrape before, but its labels are known.
        case returning
        /// It was in the scrape before, and not yet in this one.
        case live
        /// It was in this scrape already.
        case repeated
    }

    /// How it went with the store.
    package enum Fate {
        /// Nothing of the batch was stored.
        case lost
        /// The batch was stored, except for what the report names.
        case stored(AppendReport)
    }

    /// The slots of what was read into a batch, in its order.
    package struct ReadSlots: Sendable {
        /// Of float samples; the scraper's own come behind them in the batch.
        package var samples: [Int] = []
        /// Of native histograms.
        package var histograms: [Int] = []
        /// Of exemplars.
        package var exemplars: [Int] = []

        /// None.
        package init() {}
    }

    /// What follows from an iteration.
    package struct Closing: Sendable {
        /// References that are not needed any more.
        package var released: [SeriesRef] = []
        /// Whether series were forgotten because there were too many, not because a scrape was complete.
        package var wasForced = false

        /// Nothing follows.
        package init() {}
    }

    private static let noReference = SeriesRef(rawValue: .max)

    private var table = ByteTable()
    private var slots: [Slot] = []
    /// The labels of slots that the store has not named yet.
    private var unresolved: [Int: Labels] = [:]
    private var phase = Phase.begun
    /// The samples of the last complete scrape.
    package private(set) var order = ScrapeOrder()
    /// The series of the last complete scrape, in the order of its batch, with the scraper's own series at the end.
    package private(set) var orderedSeries: [SeriesRef] = []
    /// The iteration in which everything in ``order`` was seen and tracked, without the slots knowing it.
    private var orderIteration: UInt32 = 0
    /// Begins where no slot can look as if it had been tracked in the iteration before.
    private var iteration: UInt32 = 2
    /// Series whose stale markers could not be stored.
    private var owedMarkers: [SeriesRef] = []
    /// The markers that were chosen in this iteration.
    private var chosenMarkers: [SeriesRef] = []
    /// Whether slots outside ``order`` may be live.
    private var hasStrays = false
    /// The last exemplars of slots, where they had no time of their own.
    private var timelessExemplars: [Int: Exemplar] = [:]
    /// The series that the scraper itself writes; empty until they are asked for.
    package private(set) var reportSeries: [SeriesRef] = []
    /// What the expositions said about metric families.
    let metadata = MetadataMemory()
    /// How many slots there were after the last scrape that was not empty.
    private var successfulCount = 0
    /// The last Content-Type and what it means: most targets have one all their life.
    private var lastFormat: (contentType: String, fallback: ScrapeFormat?, choice: ScrapeFormat.Choice)?

    /// Nothing known yet.
    package init() {}

    /// All references held, the scraper's own series included.
    package var references: [SeriesRef] {
        slots.compactMap { $0.reference == Self.noReference ? nil : $0.reference } + reportSeries
    }

    /// How many texts are known.
    package var count: Int { slots.count }

    // MARK: Reading

    /// The format of a body by its Content-Type.
    func format(_ contentType: String, fallback: ScrapeFormat?) -> ScrapeFormat.Choice {
        if let last = lastFormat, last.contentType == contentType, last.fallback == fallback { return last.choice }
        let choice = ScrapeFormat.choose(contentType: contentType, fallback: fallback)
        lastFormat = (contentType, fallback, choice)
        return choice
    }

    /// Whether the samples may be guessed by their positions.
    package var isGuessable: Bool {
        !order.entries.isEmpty && !order.isIrregular && orderedSeries.count >= order.floatCount
    }

    /// The slot of a text, if any.
    package func slot(of key: UnsafeRawBufferPointer) -> Int? { table.find(key) }

    /// Whether a slot is that of a text.
    func isSlot(_ slot: Int, of key: UnsafeRawBufferPointer) -> Bool { table.isKey(slot, equalTo: key) }

    /// The store's name of a slot's series; without meaning until it is named.
    package func reference(of slot: Int) -> SeriesRef { slots[slot].reference }

    /// What the series of a slot is, now that it is met in the body.
    package func meet(_ slot: Int?) -> Standing {
        guard let slot else { return .unknown }
        let before = slots[slot]
        switch before.state {
        case .dropped:
            slots[slot].lastIteration = iteration
            return .dropped
        case .live:
            slots[slot].lastIteration = iteration
            return before.lastIteration == iteration ? .repeated : .live
        case .dead:
            return before.reference != Self.noReference || unresolved[slot] != nil ? .returning : .unknown
        }
    }

    private func findOrAdd(_ key: UnsafeRawBufferPointer, _ known: Int?) -> Int {
        if let known { return known }
        slots.append(Slot())
        return table.add(key)
    }

    /// The slot of a series that relabelling drops.
    package func drop(_ key: UnsafeRawBufferPointer, known: Int?) -> Int {
        let slot = findOrAdd(key, known)
        slots[slot].state = .dropped
        slots[slot].lastIteration = iteration
        return slot
    }

    /// The slot of a series that is taken and was not live.
    /// - Parameter labels: its labels, unless it is returning.
    package func take(_ key: UnsafeRawBufferPointer, known: Int?, labels: Labels?) -> Int {
        let slot = findOrAdd(key, known)
        slots[slot].state = .live
        slots[slot].lastIteration = iteration
        if let labels { unresolved[slot] = labels }
        return slot
    }

    /// The series gets a stale marker when it is not tracked in the next iteration.
    package func track(_ slot: Int) { slots[slot].trackedIteration = iteration }

    /// Whether an exemplar is another one than the last of its series. Without a time of its own it is the same as long as it
    /// says the same.
    func isNew(_ exemplar: Exemplar, hasTime: Bool, slot: Int) -> Bool {
        if hasTime {
            if !timelessExemplars.isEmpty { timelessExemplars[slot] = nil }
            return true
        }
        let last = timelessExemplars.updateValue(exemplar, forKey: slot)
        return last?.labels != exemplar.labels || last?.value != exemplar.value
    }

    /// Notes a line of metadata; gives the family's number.
    func note(_ family: String, _ change: (inout MetricMetadata) -> Void) -> UInt32 {
        metadata.note(family, iteration: iteration, change)
    }

    /// The body was, sample by sample, as the one before.
    package func readAsBefore() {
        orderIteration = iteration
        phase = .readAsBefore
    }

    /// The body begins as the one before and goes on otherwise: what was met so far is met in this iteration.
    package func leaveOrder(after prefix: ScrapeOrder) {
        settleOrder()
        for entry in prefix.entries {
            slots[Int(entry.slot)].lastIteration = iteration
            if entry.isTracked { slots[Int(entry.slot)].trackedIteration = iteration }
        }
    }

    /// Where each slot stood in the order before, -1 for nowhere.
    func positions() -> [Int32] {
        var positions = [Int32](repeating: -1, count: slots.count)
        for (index, entry) in order.entries.enumerated() { positions[Int(entry.slot)] = Int32(index) }
        return positions
    }

    /// The body was read whole, in another order than the one before.
    package func readAnew(_ order: ScrapeOrder) { phase = .readAnew(order) }

    // MARK: Ending the batch

    /// Slots whose series the store has to name, with their labels.
    package func unnamed(in slots: [Int]) -> [(slot: Int, labels: Labels)] {
        slots.compactMap { slot in
            self.slots[slot].reference == Self.noReference ? (slot, unresolved[slot] ?? Labels()) : nil
        }
    }

    /// The store has named series.
    package func name(_ slots: some Sequence<Int>, _ references: [SeriesRef]) {
        for (slot, reference) in zip(slots, references) {
            self.slots[slot].reference = reference
            unresolved[slot] = nil
        }
    }

    /// The store has named the series that the scraper itself writes.
    package func nameReport(_ references: [SeriesRef]) { reportSeries = references }

    /// Nothing of the scrape is to be stored; what it exposed does not go stale.
    package func fail() { phase = .begun }

    /// The batch holds the whole scrape, with these series in the order of its values.
    package func complete(_ series: [SeriesRef]) {
        switch phase {
        case .begun, .complete: break
        case .readAsBefore: phase = .complete(isAsBefore: true)
        case .readAnew(let order):
            metadata.touch(order.families, iteration: iteration)
            self.order = order
            orderedSeries = series
            phase = .complete(isAsBefore: false)
        }
    }

    /// Series that are to get a stale marker, besides those that the batch holds: those that are gone, and those that are owed one.
    package func markers(besides batch: SampleBatch) -> [SeriesRef] {
        var markers: [SeriesRef] = []
        if orderIteration != iteration || hasStrays {
            settleOrder()
            markers = gone
        }
        if !owedMarkers.isEmpty {
            let exposed = Set(batch.series).union(batch.histograms.map(\.series)).union(markers)
            markers += owedMarkers.filter { !exposed.contains($0) }
        }
        chosenMarkers = markers
        return markers
    }

    /// Series that are to get a stale marker when the target goes: all that were tracked, and the scraper's own.
    package func lastMarkers() -> [SeriesRef] {
        settleOrder()
        return gone + owedMarkers + reportSeries
    }

    /// Those that were tracked in the iteration before and are not in this one.
    private var gone: [SeriesRef] {
        let previous = iteration &- 1
        return slots.compactMap { slot in
            slot.trackedIteration == previous && slot.reference != Self.noReference ? slot.reference : nil
        }
    }

    /// Writes to the slots what ``orderIteration`` stands for.
    private func settleOrder() {
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

    // MARK: The end of an iteration

    /// Ends the iteration.
    /// - Parameters:
    ///   - fate: how it went with the batch.
    ///   - read: the slots of what was read into it, unless that was as before.
    package func close(_ fate: Fate, read: ReadSlots = ReadSlots()) -> Closing {
        switch fate {
        case .lost:
            forgetOrder()
            // They are new the next time.
            for slot in read.exemplars { timelessExemplars[slot] = nil }
            // What went away while nothing could be stored is marked once that is possible again.
            owedMarkers = chosenMarkers
        case .stored(let report):
            owedMarkers = []
            let isWhole =
                report.rejected.isEmpty && report.rejectedHistograms.isEmpty && report.rejectedExemplars == 0
            if !isWhole { reject(report, read) }
        }
        chosenMarkers = []
        let closing = forget(isComplete: isComplete)
        phase = .begun
        iteration &+= 1
        return closing
    }

    /// Whether what was not exposed in this iteration is gone.
    private var isComplete: Bool {
        switch phase {
        case .complete: true
        case .begun, .readAsBefore, .readAnew: false
        }
    }

    /// The next scrape cannot be guessed.
    private func forgetOrder() {
        settleOrder()
        order = ScrapeOrder()
    }

    private func reject(_ report: AppendReport, _ read: ReadSlots) {
        var read = read
        switch phase {
        case .complete(isAsBefore: true):
            let stored = order.entries.filter { !$0.isDropped }
            read.samples = stored.filter { !$0.isHistogram }.map { Int($0.slot) }
            read.histograms = stored.filter(\.isHistogram).map { Int($0.slot) }
        case .complete(isAsBefore: false): break
        // Only markers and the scraper's own series were in the batch.
        case .begun, .readAsBefore, .readAnew: read = ReadSlots()
        }
        forgetOrder()
        for (index, reason) in report.rejected where index < read.samples.count {
            reject(read.samples[index], reason)
        }
        for (index, reason) in report.rejectedHistograms where index < read.histograms.count {
            reject(read.histograms[index], reason)
        }
    }

    private func reject(_ slot: Int, _ reason: AppendReport.Rejection) {
        slots[slot].trackedIteration = 0
        switch reason {
        case .unknownSeries:
            // The store has forgotten it: it is asked for again, as a new one.
            slots[slot].reference = Self.noReference
            slots[slot].state = .dead
        case .outOfOrder, .duplicate, .tooOld, .outOfBounds, .invalidHistogram: break
        }
    }

    private func forget(isComplete: Bool) -> Closing {
        var closing = Closing()
        if isComplete { metadata.expire(iteration: iteration) }
        closing.wasForced = !isComplete && slots.count > successfulCount * 2 + 1000
        guard isComplete || closing.wasForced else {
            hasStrays = true
            return closing
        }
        // If everything was as before, there is nothing to forget.
        if orderIteration != iteration {
            var dead = 0
            for index in slots.indices where slots[index].lastIteration != iteration {
                slots[index].state = .dead
                dead += 1
            }
            hasStrays = false
            if dead > (slots.count - dead) + 1000 { closing.released = compact() }
        }
        successfulCount = slots.count
        return closing
    }

    /// Forgets dead slots. Their numbers change, so the order goes too.
    private func compact() -> [SeriesRef] {
        let isKept = slots.map { $0.state != .dead }
        let released = zip(slots, isKept).compactMap { slot, isKept in
            isKept || slot.reference == Self.noReference ? nil : slot.reference
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
}
