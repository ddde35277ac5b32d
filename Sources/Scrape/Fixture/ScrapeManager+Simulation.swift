import MetricModel
import Synchronization

/// When the targets of a manager are scraped whose clock is simulated.
struct ScrapeTimetable {
    /// A target.
    struct Entry {
        /// Its slot (steady), which a recorded scrape need not have met to the millisecond.
        var slot: Int64
        /// What the pool said about that when the entry was made.
        var given: Int64
        var interval: Int64
        var pool: String
        var id: ScrapeTarget.ID
        var url: String
        var loop: DrivenLoop?
    }

    /// A target's loop, kept in one place: it is large, and to copy it for each scrape costs more than some scrapes.
    final class DrivenLoop: Sendable {
        private let loop: ScrapeLoop
        private let time: ScrapeTimeline

        init(_ given: ScrapeLoop, _ clock: any StackClock) {
            var loop = given
            time = ScrapeTimeline(clock)
            loop.clock = time
            self.loop = loop
        }

        func scrape() async {
            time.begin()
            await loop.scrapeDriven()
        }
    }

    /// Stale markers of a target that is gone.
    struct Farewell {
        /// When they are written (steady), and which time they bear.
        var due: Int64
        var mark: Int64
        var pool: String
        var loop: ScrapeLoop
    }

    /// In the order of the configuration.
    var entries: [Entry] = []
    /// When each of them is scraped next (steady); apart, as they are looked through before each scrape.
    var dues: [Int64] = []
    var farewells: [Farewell] = []
    /// Whether targets have changed since the entries were made.
    var isOld = true

    /// The first multiple of an interval (by the wall's clock) that is not past, as the steady clock counts.
    /// - Parameter first: a moment from which the multiples count, in milliseconds since 1970.
    static func slot(_ interval: Int64, _ clock: any StackClock, like first: Timestamp? = nil) -> Int64 {
        let phase = (first ?? 0) * 1_000_000 % max(1, interval)
        let late = (clock.wallNanoseconds - phase) % max(1, interval)
        return clock.steadyNanoseconds + (late == 0 ? 0 : interval - late)
    }
}

/// Scraping by an engine of simulated time, which asks what is due next and lets it be done.
extension ScrapeManager {
    /// When the next target is scraped or marked stale, as the steady clock counts; `nil` where nothing is due any more.
    package func nextDue() -> Int64? {
        state.withLock { state in
            if state.timetable.isOld { renew(&state) }
            var next = Int64.max
            for due in state.timetable.dues where due < next { next = due }
            for index in state.timetable.farewells.indices { next = min(next, state.timetable.farewells[index].due) }
            return next == .max ? nil : next
        }
    }

    /// When a target is scraped next, as the steady clock counts; `nil` for one that is not there.
    package func nextDue(of url: String, in pool: String) -> Int64? {
        state.withLock { state in
            if state.timetable.isOld { renew(&state) }
            let index = state.timetable.entries.firstIndex { $0.url == url && $0.pool == pool }
            return index.map { state.timetable.dues[$0] }
        }
    }

    /// Scrapes the first target (in the order of the configuration) that is due at a moment, or marks one stale.
    /// - Returns: whether there was one.
    package func scrape(dueAt moment: Int64) async -> Bool {
        let found = state.withLock { state -> (index: Int, loop: ScrapeTimetable.DrivenLoop?)? in
            if state.timetable.isOld { renew(&state) }
            guard let index = state.timetable.dues.firstIndex(where: { $0 <= moment }) else { return nil }
            let slot = state.timetable.entries[index].slot + state.timetable.entries[index].interval
            state.timetable.entries[index].slot = slot
            state.timetable.dues[index] = due(slot, state.timetable.entries[index])
            return (index, state.timetable.entries[index].loop)
        }
        guard let found else { return await markStale(dueAt: moment) }
        if let loop = found.loop {
            await loop.scrape()
            return true
        }
        let (pool, id) = state.withLock { state in
            (state.timetable.entries[found.index].pool, state.timetable.entries[found.index].id)
        }
        guard let made = await makeLoop(pool, id) else { return true }
        let loop = ScrapeTimetable.DrivenLoop(made, clock)
        state.withLock { state in
            if !state.timetable.isOld { state.timetable.entries[found.index].loop = loop }
        }
        await loop.scrape()
        return true
    }

    /// When the scrape of a slot is: as it was recorded, where it was.
    private func due(_ slot: Int64, _ entry: ScrapeTimetable.Entry) -> Int64 {
        guard let recordedScrape = options.recordedScrape else { return slot }
        let offset = clock.wallNanoseconds - clock.steadyNanoseconds
        guard let time = recordedScrape(entry.pool, entry.url, (slot + offset) / 1_000_000) else { return slot }
        return time * 1_000_000 - offset
    }

    private func markStale(dueAt moment: Int64) async -> Bool {
        let farewell = state.withLock { state -> ScrapeTimetable.Farewell? in
            guard let index = state.timetable.farewells.firstIndex(where: { $0.due <= moment }) else { return nil }
            return state.timetable.farewells.remove(at: index)
        }
        guard let farewell else { return false }
        let time = clock.now + (farewell.mark - clock.steadyNanoseconds) / 1_000_000
        await farewell.loop.markEverythingStale(at: time)
        return true
    }

    /// Makes the entries anew; what the old ones know of the next scrapes stays, unless the pool was told otherwise since.
    private func renew(_ state: inout State) {
        for entry in state.timetable.entries {
            guard state.pools[entry.pool]?.active[entry.id]?.due == entry.given else { continue }
            state.pools[entry.pool]?.active[entry.id]?.due = entry.slot
        }
        state.timetable.entries = []
        state.timetable.dues = []
        for name in state.jobs {
            for id in state.pools[name]?.order ?? [] {
                guard let active = state.pools[name]?.active[id], let slot = active.due else { continue }
                let interval = max(1_000_000, active.target.interval.nanoseconds)
                let entry = ScrapeTimetable.Entry(
                    slot: slot,
                    given: slot,
                    interval: interval,
                    pool: name,
                    id: id,
                    url: active.target.url,
                    loop: nil
                )
                state.timetable.entries.append(entry)
                state.timetable.dues.append(due(slot, entry))
            }
        }
        state.timetable.isOld = false
    }
}
