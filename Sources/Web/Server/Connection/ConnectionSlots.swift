import Exposition
public import MetricModel
import NIOCore
import Synchronization

/// The connections that a process has room for, whichever of its servers they are made to.
///
/// A process may have so many files open. Where that many connections are there, the one that has been idle longest gives its place
/// to the new one; where all are busy, new ones wait.
public final class ConnectionSlots: Sendable {
    /// What is open.
    private struct OpenConnections {
        var slots: [ObjectIdentifier: ConnectionSlot] = [:]
        /// Those that gave their place away and are not closed yet.
        var leaving: [ObjectIdentifier: ConnectionSlot] = [:]
        /// How many of the slots each door has.
        var counts: [ObjectIdentifier: Int] = [:]
        var waiting: [@Sendable () -> Void] = []

        mutating func leave(_ slot: ConnectionSlot) {
            guard slots.removeValue(forKey: ObjectIdentifier(slot.channel)) != nil, let door = slot.door else { return }
            counts[ObjectIdentifier(door), default: 1] -= 1
        }

        func isFull(_ door: Door) -> Bool {
            door.limit.map { counts[ObjectIdentifier(door), default: 0] >= $0 } ?? false
        }
    }

    /// Where the connections of one server come in.
    final class Door: Sendable {
        /// So many of them there are at most; `nil` for as many as there is room for.
        let limit: Int?

        init(limit: Int?) { self.limit = limit }
    }

    /// So many there are at most.
    public let capacity: Int
    /// The files that they take; `nil` where only their number counts.
    private let files: ConnectionFiles?
    /// What is open, and who waits for room.
    private let open = Mutex(OpenConnections())
    private let clock: any StackClock
    /// The memory for what they send.
    let bodies: BodyBudget

    /// Room for so many; `nil` for as many as the system leaves to a process that opens files and connections of its own, too.
    public convenience init(capacity: Int? = nil, clock: any StackClock) {
        self.init(capacity: capacity, bodyBytes: BodyBudget.standard, clock: clock)
    }

    /// Room for so many connections, and for so many bytes of long bodies.
    package init(capacity: Int? = nil, bodyBytes: Int, clock: any StackClock) {
        self.capacity = max(1, capacity ?? Self.room(forFiles: ConnectionFiles.limit))
        files = capacity == nil ? .shared : nil
        self.clock = clock
        bodies = BodyBudget(limit: bodyBytes)
    }

    /// How many connections go with a limit of open files: half of a small limit stays for the database, the scrapes and the rest,
    /// 256 of a large one.
    static func room(forFiles limit: Int) -> Int { max(limit / 2, limit - 256) }

    /// How many there may be now, where others go out that take files as well.
    private var room: Int { files.map { min(capacity, $0.incomingRoom) } ?? capacity }

    /// Takes in a connection that was accepted; answers with the place that it has where it is in already.
    ///
    /// Asked first by whoever accepts, one connection after the other: when each one's own thread gets to it says nothing about
    /// which of them came first.
    @discardableResult
    func add(_ channel: any Channel, by door: Door? = nil) -> ConnectionSlot {
        let key = ObjectIdentifier(channel)
        let room = room
        let (slot, isNew, isFull) = open.withLock { open in
            if let known = open.slots[key] ?? open.leaving[key] { return (known, false, false) }
            let isDoorFull = door.map { open.isFull($0) } ?? false
            let slot = ConnectionSlot(channel, self, door, accepted: clock.steadyNanoseconds)
            open.slots[key] = slot
            if let door { open.counts[ObjectIdentifier(door), default: 0] += 1 }
            return (slot, true, isDoorFull || open.slots.count > room)
        }
        if isNew {
            files?.addIncoming()
            channel.closeFuture.whenComplete { _ in slot.isClosed() }
        }
        if isFull { makeRoom(but: slot, behind: door) }
        return slot
    }

    /// Whether one more may come in by that door: there is room for it, or somebody there whose place it gets.
    func admits(_ door: Door) -> Bool {
        let room = room
        return open.withLock { open in
            let isDoorFull = open.isFull(door)
            if !isDoorFull, open.slots.count < room { return true }
            return open.slots.values.contains { (!isDoorFull || $0.door === door) && $0.idleSince != nil }
        }
    }

    /// Whether so many more may come in by that door without anybody giving a place away, and as many by each other door at the same
    /// time: a process has four at most.
    func hasRoom(for count: Int, behind door: Door) -> Bool {
        let room = room
        return open.withLock { open in
            let own = open.counts[ObjectIdentifier(door), default: 0]
            return open.slots.count + 4 * count <= room && own + count <= door.limit ?? .max
        }
    }

    /// Closes the connection that has been idle longest: of those that came in by the door, where that has as many as it may.
    /// - Returns: whether there was one.
    @discardableResult
    func makeRoom(but kept: ConnectionSlot? = nil, behind door: Door? = nil) -> Bool {
        let victim = open.withLock { open in
            let full = door.flatMap { open.isFull($0) ? $0 : nil }
            let idle = open.slots.values.filter {
                $0 !== kept && $0.idleSince != nil && (full == nil || $0.door === full)
            }
            let victim = idle.min { ($0.idleSince ?? .max) < ($1.idleSince ?? .max) }
            if let victim {
                open.leave(victim)
                open.leaving[ObjectIdentifier(victim.channel)] = victim
            }
            return victim
        }
        victim?.channel.close(promise: nil)
        return victim != nil
    }

    /// Calls when there may be room again.
    func whenRoom(_ action: @escaping @Sendable () -> Void) { open.withLock { $0.waiting.append(action) } }

    /// One is closed.
    fileprivate func remove(_ slot: ConnectionSlot) {
        files?.leaveIncoming()
        callWaiting { open in
            open.leave(slot)
            open.leaving[ObjectIdentifier(slot.channel)] = nil
        }
    }

    /// Notes a change, after which there may be room.
    private func callWaiting(after change: (inout OpenConnections) -> Void) {
        let waiting = open.withLock { open -> [@Sendable () -> Void] in
            change(&open)
            defer { open.waiting = [] }
            return open.waiting
        }
        for action in waiting { action() }
    }

    /// One may give its place away now.
    fileprivate func mayHaveRoom() { callWaiting { _ in } }

    fileprivate var now: Int64 { clock.steadyNanoseconds }
}

/// One connection among those of the process.
final class ConnectionSlot: Sendable {
    fileprivate let channel: any Channel
    fileprivate let door: ConnectionSlots.Door?
    private let slots: ConnectionSlots
    /// When it became idle by the steady clock; 0 while it is busy, and until its own thread has got to it.
    private let since = Atomic<Int64>(0)
    /// When it was accepted.
    private let accepted: Int64
    private let ended = Atomic(false)

    fileprivate init(
        _ channel: any Channel,
        _ slots: ConnectionSlots,
        _ door: ConnectionSlots.Door?,
        accepted: Int64
    ) {
        self.channel = channel
        self.door = door
        self.slots = slots
        self.accepted = max(1, accepted)
    }

    fileprivate var idleSince: Int64? {
        let since = since.load(ordering: .relaxed)
        return since == 0 ? nil : since
    }

    /// Its thread has got to it: it counts as idle since it was accepted, and may give its place away from now on.
    /// - Parameter clientHasLeft: whether the client has closed its half already; then it is the first to do so.
    func takeIn(clientHasLeft: Bool) {
        since.store(clientHasLeft ? 1 : accepted, ordering: .relaxed)
        slots.mayHaveRoom()
    }

    /// A request has come.
    func isBusy() { since.store(0, ordering: .relaxed) }

    /// All requests are answered.
    func isIdle() { since.store(max(1, slots.now), ordering: .relaxed) }

    /// The connection is closed.
    fileprivate func isClosed() {
        ended.store(true, ordering: .relaxed)
        slots.remove(self)
    }

    /// Whether the connection is closed.
    var hasEnded: Bool { ended.load(ordering: .relaxed) }
}
