import NIOCore
import NIOPosix

/// How soon a client that sends a request in small pieces is read again.
///
/// To take a byte off a connection costs as much as to take a whole request. Two thousand clients that send byte by byte would keep the
/// loops busy with nothing else, and begin their requests all at the same moment; a new connection, which is handed from loop to loop a
/// few times, would wait for that each time. What such a client sends meanwhile waits in the system, and is taken at once.
struct ReadPace {
    /// Fewer bytes are a small piece.
    private static let smallPiece = 512
    /// So many small pieces of a request are read as they come; then it is their loop that says when.
    private static let mostPieces = 16

    /// How many small pieces of a request have come in a row.
    private var pieces = 0
    /// Whether it is its turn soon.
    private var isWaiting = false

    /// So many bytes have come.
    mutating func take(_ count: Int) { pieces = count < Self.smallPiece ? pieces + 1 : 0 }

    /// All of a request is there.
    mutating func end() { pieces = 0 }

    /// It is its turn.
    mutating func begin() { isWaiting = false }

    /// Whether it is to be read at once; to be called on the connection's loop.
    /// - Parameter read: called when it is its turn, where that is later.
    mutating func isDue(on loop: any EventLoop, _ read: @escaping () -> Void) -> Bool {
        if pieces < Self.mostPieces { return true }
        if !isWaiting { ReadQueue.current(loop).add(read) }
        isWaiting = true
        return false
    }
}

/// The connections of a loop that wait until they are read again, a few at a time. Unchecked: only the loop's thread has it.
private final class ReadQueue: NIOScheduledCallbackHandler, @unchecked Sendable {
    /// So many are read …
    private static let mostAtOnce = 32
    /// … and then no more for so long.
    private static let pause = TimeAmount.milliseconds(5)

    private static let ofThread = ThreadSpecificVariable<ReadQueue>()

    private let loop: any EventLoop
    private var waiting = CircularBuffer<() -> Void>()

    private init(_ loop: any EventLoop) { self.loop = loop }

    /// That of the loop on whose thread this is called.
    static func current(_ loop: any EventLoop) -> ReadQueue {
        if let known = ofThread.currentValue { return known }
        let new = ReadQueue(loop)
        ofThread.currentValue = new
        return new
    }

    func add(_ read: @escaping () -> Void) {
        waiting.append(read)
        if waiting.count == 1 { wait() }
    }

    private func wait() {
        // A loop takes none when it has ended, and with it the process.
        _ = try? loop.scheduleCallback(in: Self.pause, handler: self)
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        // Whoever is read and sends the next byte stands behind all others again.
        let some = waiting.prefix(Self.mostAtOnce)
        waiting.removeFirst(some.count)
        if !waiting.isEmpty { wait() }
        for read in some { read() }
    }
}
