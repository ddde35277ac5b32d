/// Writes a packed block piece by piece, for who knows without looking which bytes were there before.
///
/// Pieces that continue each other become one. Whoever writes sees to it that there is room, and owns it (hence unchecked).
struct SnappyPieces: @unchecked Sendable {
    private var output: UnsafeMutableRawPointer
    /// How much was written.
    private(set) var count = 0
    /// The literal at the end, whose tag is written when it is whole.
    private var literal = 0
    /// The copy at the end, which may become longer.
    private(set) var distance = 0
    private var length = 0

    /// A literal of so many bytes has a tag of one.
    private static let longestLiteral = 60
    /// What is further away than this cannot be copied.
    static let farthest = 0xffff

    init(_ output: UnsafeMutableRawPointer) { self.output = output }

    /// Goes on elsewhere; what was written has been moved there.
    mutating func move(to output: UnsafeMutableRawPointer) { self.output = output }

    /// How many bytes pieces can take at most that stand for so many, in so many pieces. Two literals that follow each other have more
    /// than the longest one has, since they are not one.
    static func room(for bytes: Int, pieces: Int) -> Int { bytes + bytes * 2 / longestLiteral + 4 * pieces + 8 }

    /// How many bytes the copy at the end takes at most, which is not among those written.
    var open: Int { length == 0 ? 0 : 3 * (length / Self.longestLiteral + 1) }

    /// Whether a copy from that far away continues the last piece.
    @inline(__always)
    func continues(_ distance: Int) -> Bool { length > 0 && distance == self.distance }

    /// Bytes that were there before.
    @inline(__always)
    mutating func copy(_ distance: Int, _ length: Int) {
        if continues(distance) {
            self.length += length
            return
        }
        settle()
        (self.distance, self.length) = (distance, length)
    }

    /// Bytes as they are.
    @inline(__always)
    mutating func bytes(_ source: UnsafeRawPointer, _ size: Int) {
        if size <= Self.longestLiteral { return fill(size) { $0.copyMemory(from: source, byteCount: size) } }
        for start in stride(from: 0, to: size, by: Self.longestLiteral) {
            let part = min(Self.longestLiteral, size - start)
            fill(part) { $0.copyMemory(from: source + start, byteCount: part) }
        }
    }

    /// Bytes as they are, few enough for one literal.
    @inline(__always)
    mutating func fill(_ size: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        if size == 0 { return }
        if length > 0 || literal + size > Self.longestLiteral { settle() }
        if literal == 0 { count += 1 }
        body(output + count)
        count += size
        literal += size
    }

    /// Writes what is still open.
    mutating func settle() {
        if literal > 0 {
            output.storeBytes(of: UInt8((literal - 1) << 2), toByteOffset: count - literal - 1, as: UInt8.self)
            literal = 0
        }
        if length > 0 {
            count += Self.copy(distance, length, to: output + count)
            length = 0
        }
    }

    /// Writes that bytes were there before.
    /// - Returns: How many bytes that took.
    @inline(__always)
    static func copy(_ distance: Int, _ length: Int, to output: UnsafeMutableRawPointer) -> Int {
        var count = 0
        func byte(_ value: Int) {
            output.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: count, as: UInt8.self)
            count += 1
        }
        func far(_ length: Int) {
            byte((length - 1) << 2 | 2)
            byte(distance)
            byte(distance >> 8)
        }
        var rest = length
        // No piece of fewer than four is left over.
        while rest > 64 {
            let piece = rest < 68 ? 60 : 64
            far(piece)
            rest -= piece
        }
        if rest >= 4, rest < 12, distance < 2048 {
            byte((distance >> 8) << 5 | (rest - 4) << 2 | 1)
            byte(distance)
        } else {
            far(rest)
        }
        return count
    }
}
