public import MetricModel
import Synchronization

/// What has happened in the stack of late: told to those who listen while it happens, and kept for those who ask later.
///
/// The last ``capacity`` events are kept once for all listeners; a listener is a place in them. One that is slower than that misses
/// events and is told how many.
public final class StackEvents: Sendable {
    /// How many events are kept.
    public static let capacity = 1024
    /// How many may listen at a time.
    public static let listenerLimit = 64

    private struct State {
        /// The newest event is at `(count - 1) % capacity`.
        var ring: [StackEvent] = []
        var count: UInt64 = 0
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextListener: UInt64 = 0
        var isEnded = false
    }

    /// Events since a place.
    package struct Slice: Sendable {
        /// The events, oldest first.
        package var events: [StackEvent]
        /// How many that came before these are not kept any more.
        package var missed: UInt64
        /// The place after them.
        package var end: UInt64
    }

    /// What was told, and who listens.
    private let state = Mutex(State())
    private let clock: any StackClock
    /// Tells the events of this run from those of another: the time of its start in milliseconds.
    private let epoch: Int64

    /// Nothing has happened yet.
    public convenience init(clock: any StackClock) { self.init(clock: clock, run: clock.now) }

    /// Nothing has happened yet.
    /// - Parameter run: tells the events of this run from those of another, where the clock begins at the same time in each.
    package init(clock: any StackClock, run: Int64) {
        self.clock = clock
        epoch = run
    }

    /// Tells that something happened.
    public func tell(_ kind: StackEvent.Kind) {
        let time = clock.wallNanoseconds
        let listeners = state.withLock { state -> [AsyncStream<Void>.Continuation] in
            state.count += 1
            let event = StackEvent(number: state.count, time: time, kind: kind)
            if state.ring.count < Self.capacity {
                state.ring.append(event)
            } else {
                state.ring[Int((state.count - 1) % UInt64(Self.capacity))] = event
            }
            return state.listeners.isEmpty ? [] : Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    /// Sends everybody away who listens, for good.
    public func end() {
        let listeners = state.withLock { state in
            state.isEnded = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }

    /// Sends everybody away who listens now; they may come back.
    package func sendAway() {
        let listeners = state.withLock { state in
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }

    // MARK: Reading

    /// The place after the newest event.
    package var newest: UInt64 { state.withLock { $0.count } }

    /// The events after a place.
    package func since(_ place: UInt64, kinds: Set<String> = []) -> Slice {
        state.withLock { state in
            let oldest = state.count - UInt64(state.ring.count)
            let start = min(max(place, oldest), state.count)
            var events: [StackEvent] = []
            var number = start
            while number < state.count {
                let event = state.ring[Int(number % UInt64(Self.capacity))]
                if kinds.isEmpty || kinds.contains(event.kindName) { events.append(event) }
                number += 1
            }
            return Slice(events: events, missed: start - min(place, start), end: state.count)
        }
    }

    /// How others name a place: so that a place of an earlier run is not taken for one of this.
    package func id(of place: UInt64) -> String { "\(epoch)-\(place)" }

    /// The place of that name; the beginning where it is of another run, `nil` where it is no name.
    package func place(of id: String) -> UInt64? {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let run = Int64(parts[0]), let place = UInt64(parts[1]) else { return nil }
        return run == epoch ? place : 0
    }

    /// Somebody who listens.
    package struct Listener: Sendable {
        /// An element comes when something has happened since the last one; the end comes with that of the stack.
        package let changes: AsyncStream<Void>
        fileprivate let continuation: AsyncStream<Void>.Continuation

        /// Makes an element come, though nothing happened.
        package func wake() { continuation.yield() }
    }

    /// Listens.
    /// - Returns: `nil` where too many listen already, or nothing more will happen.
    package func listen() -> Listener? {
        // One that was not taken yet says it all.
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> UInt64? in
            guard !state.isEnded, state.listeners.count < Self.listenerLimit else { return nil }
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
        }
        return Listener(changes: stream, continuation: continuation)
    }

    /// How many listen.
    package var listenerCount: Int { state.withLock { $0.listeners.count } }
}
