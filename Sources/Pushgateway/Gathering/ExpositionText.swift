/// An exposition in the text format, in pieces: long runs of lines are shared with what the gateway keeps, not copied.
public struct ExpositionText: Sendable {
    /// Runs of lines from this length on stand for themselves.
    private static let sharedLength = 1 << 14

    /// What was put together, in order.
    public private(set) var pieces: [[UInt8]] = []
    /// The length of all pieces in bytes.
    public private(set) var count = 0
    private var open: [UInt8] = []

    /// Nothing.
    public init() {}

    /// One piece.
    public init(_ bytes: [UInt8]) {
        pieces = [bytes]
        count = bytes.count
    }

    /// All of it.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for piece in pieces { bytes.append(contentsOf: piece) }
        return bytes
    }

    /// Appends lines.
    mutating func append(_ lines: [UInt8]) {
        if lines.count < Self.sharedLength { return append { $0.append(contentsOf: lines) } }
        close()
        pieces.append(lines)
        count += lines.count
    }

    /// Appends whatever the closure appends to a buffer.
    mutating func append(_ write: (inout [UInt8]) -> Void) {
        let before = open.count
        write(&open)
        count += open.count - before
        if open.count >= 4 * Self.sharedLength { close() }
    }

    /// Ends the piece that is being written.
    mutating func close() {
        guard !open.isEmpty else { return }
        pieces.append(open)
        open = []
    }
}
