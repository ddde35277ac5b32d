package import NIOCore
import NIOPosix

/// The connections of a loop that can wait, a few at a time, so that all others need not. Unchecked: only the loop's thread has it.
package final class WaitingRoom: NIOScheduledCallbackHandler, @unchecked Sendable {
    /// Whoever waits.
    private struct Waiting {
        let take: () -> Bool
        let leave: () -> Void
    }

    /// The rooms of a loop.
    final class OfLoop: Sendable {
        /// Of those that send little by little: each is read in its turn.
        let slow: WaitingRoom
        /// Of those that have come and gone before they were taken in: each is taken in in its turn.
        let gone: WaitingRoom

        fileprivate init(_ loop: any EventLoop) {
            slow = WaitingRoom(loop, atOnce: slowAtOnce)
            gone = WaitingRoom(loop, atOnce: goneAtOnce, capacity: mostGone)
        }
    }

    /// Of those that send little by little, so many have their turn …
    private static let slowAtOnce = 32
    /// … of those that are gone already, which costs more, so many …
    private static let goneAtOnce = 8
    /// … and then no more for so long.
    private static let pause = TimeAmount.milliseconds(5)
    /// Of those that are gone, so many wait; for one more, the one that has waited longest is closed.
    private static let mostGone = 128

    private static let ofThread = ThreadSpecificVariable<OfLoop>()

    private let loop: any EventLoop
    private let atOnce: Int
    private let capacity: Int
    private var waiting = CircularBuffer<Waiting>()
    private var isTakingTurns = false

    /// Nobody waits there yet.
    package init(_ loop: any EventLoop, atOnce: Int, capacity: Int = .max) {
        self.loop = loop
        self.atOnce = atOnce
        self.capacity = capacity
    }

    /// Those of the loop on whose thread this is called.
    static func of(_ loop: any EventLoop) -> OfLoop {
        if let known = ofThread.currentValue { return known }
        let new = OfLoop(loop)
        ofThread.currentValue = new
        return new
    }

    /// Lets somebody wait.
    /// - Parameters:
    ///   - take: called when it is its turn; says whether it has taken it, and not so where its connection is gone.
    ///   - leave: called instead where there is no room.
    package func add(_ take: @escaping () -> Bool, leave: @escaping () -> Void = {}) {
        if waiting.count >= capacity { waiting.popFirst()?.leave() }
        waiting.append(Waiting(take: take, leave: leave))
        if waiting.count == 1, !isTakingTurns { wait() }
    }

    private func wait() {
        // A loop takes none when it has ended, and with it the process.
        _ = try? loop.scheduleCallback(in: Self.pause, handler: self)
    }

    package func handleScheduledCallback(eventLoop: some EventLoop) {
        // Whoever has more to do stands behind all others again, and has no second turn.
        var (left, known) = (atOnce, waiting.count)
        isTakingTurns = true
        while left > 0, known > 0, let next = waiting.popFirst() {
            known -= 1
            if next.take() { left -= 1 }
        }
        isTakingTurns = false
        if !waiting.isEmpty { wait() }
    }
}
