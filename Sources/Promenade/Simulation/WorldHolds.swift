import Scrape
import Simulation

/// What events hold down or let go wrong, until they are undone: an event that ends does not take away what another one did.
struct WorldHolds {
    /// What can be held.
    enum Place: Hashable {
        /// An instance of a service: it is killed.
        case instance(String)
        /// A part of the stack: it is down.
        case part(EventSpec.Part)
        /// Scrapes of a target: they go wrong.
        case target(String)
        /// Pushes.
        case pushes
        /// What is sent to a remote storage.
        case remoteWrite
        /// A batch: it does not run.
        case batch(String)
        /// The clock of a service, which instances that come later have.
        case clock(String)
        /// The clock of an instance.
        case instanceClock(String)
        /// What is set of a metric of a service.
        case metric(service: String, metric: String, MetricChange.Field)
    }

    /// What is done to a place.
    enum Effect {
        /// It is down, or does not run.
        case down
        /// It goes wrong.
        case fault(RunningFault)
        /// Its clock is ahead by so many milliseconds.
        case skew(Int64)
        /// It is so much, from a moment on.
        case value(Double, since: Int64)
    }

    /// What an event does to a place.
    private struct Hold {
        var event: Int
        var effect: Effect
        var isForGood: Bool
    }

    private var holds: [Place: [Hold]] = [:]
    /// How many places each event holds.
    private var counts: [Int: Int] = [:]

    /// What is done to a place now: what was done last.
    func effect(on place: Place) -> Effect? { holds[place]?.last?.effect }

    /// Whether nobody holds anything.
    var isEmpty: Bool { holds.isEmpty }

    /// Whether somebody holds a place.
    func isHeld(_ place: Place) -> Bool { holds[place] != nil }

    /// Whether what is done to a place ends by itself.
    func passes(_ place: Place) -> Bool { holds[place]?.contains { !$0.isForGood } ?? false }

    /// Whether an event still holds something.
    func holds(_ event: Int) -> Bool { counts[event] != nil }

    /// An event does something to a place.
    /// - Parameter isForGood: whether it has no end; what was there before is then not seen again.
    mutating func add(_ event: Int, _ effect: Effect, on place: Place, isForGood: Bool) {
        if isForGood { clear(place) }
        holds[place, default: []].append(Hold(event: event, effect: effect, isForGood: isForGood))
        counts[event, default: 0] += 1
    }

    /// An event ends.
    /// - Returns: whether another effect is to be seen now, or none.
    mutating func end(_ event: Int, on place: Place) -> Bool {
        guard let index = holds[place]?.firstIndex(where: { $0.event == event }) else { return false }
        let isLast = index + 1 == holds[place]?.count
        holds[place]?.remove(at: index)
        if holds[place]?.isEmpty ?? true { holds[place] = nil }
        release(event)
        return isLast
    }

    /// Somebody makes a place well again, whatever was done to it.
    mutating func clear(_ place: Place) {
        for hold in holds.removeValue(forKey: place) ?? [] { release(hold.event) }
    }

    private mutating func release(_ event: Int) {
        guard let count = counts[event] else { return }
        counts[event] = count > 1 ? count - 1 : nil
    }
}
