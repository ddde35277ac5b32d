/// What the digests have in common: messages are filled up to blocks of 64 bytes, the last eight of which tell the length in bits.
enum DigestBlocks {
    /// - Parameter length: the shifts that bring each byte of the length to the lowest place, in the order of the bytes.
    static func padded(_ message: [UInt8], length: [Int]) -> [UInt8] {
        var padded = message + [0x80]
        padded.append(contentsOf: repeatElement(0, count: (120 - padded.count % 64) % 64))
        let bits = UInt64(message.count) &* 8
        return padded + length.map { UInt8(truncatingIfNeeded: bits >> UInt64($0)) }
    }
}
