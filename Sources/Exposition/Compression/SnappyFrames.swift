public import MetricModel

/// The snappy framing format, in which a Pushgateway takes compressed bodies.
public enum SnappyFrames {
    private static let largestBlock = 65536
    private static let identifier = Array("sNaPpY".utf8)

    /// Unpacks a framed body.
    /// - Parameters:
    ///   - limit: the size that the result may have.
    ///   - room: asked before the result is made larger, whether it may have so many bytes: ``CompressionErrorCode/noRoom``.
    public static func decode(
        _ body: [UInt8],
        limit: Int = .max,
        room: (Int) -> Bool = { _ in true }
    ) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        var position = 0
        var hasIdentifier = false
        while position < body.count {
            guard body.count - position >= 4 else { throw Snappy.corrupt }
            let kind = body[position]
            if !hasIdentifier, kind != 0xff { throw Snappy.corrupt }
            let length = Int(body[position + 1]) | Int(body[position + 2]) << 8 | Int(body[position + 3]) << 16
            position += 4
            // The library's own buffer: a whole block as snappy packs it at worst, and its checksum.
            if kind < 0x80, length > 76_490 + 4 { throw Snappy.unsupported }
            guard length <= body.count - position else { throw Snappy.corrupt }
            let chunk = body[position..<position + length]
            position += length
            switch kind {
            case 0xff:
                guard chunk.elementsEqual(identifier) else { throw Snappy.corrupt }
                hasIdentifier = true
            case 0x00, 0x01: try append(chunk, isPacked: kind == 0, limit, room, to: &output)
            case 0x02...0x7f: throw Snappy.unsupported
            default: break
            }
        }
        return output
    }

    private static func append(
        _ chunk: ArraySlice<UInt8>,
        isPacked: Bool,
        _ limit: Int,
        _ room: (Int) -> Bool,
        to output: inout [UInt8]
    ) throws(CompressionError) {
        guard chunk.count >= 4 else { throw Snappy.corrupt }
        let data = Array(chunk.dropFirst(4))
        let plain: [UInt8]
        if isPacked {
            do {
                plain = try Snappy.decode(data, limit: largestBlock)
            } catch {
                throw Snappy.corrupt
            }
        } else {
            plain = data
        }
        if plain.count > largestBlock { throw Snappy.corrupt }
        var checksum: UInt32 = 0
        for byte in chunk.prefix(4).reversed() { checksum = checksum << 8 | UInt32(byte) }
        guard checksum == masked(plain) else { throw Snappy.corrupt }
        if plain.count > limit - output.count { throw Snappy.tooLarge }
        try output.reserve(output.count + plain.count, limit: limit, room: room)
        output += plain
    }

    /// Packs a body in frames.
    public static func encode(_ body: [UInt8]) -> [UInt8] {
        var output: [UInt8] = [0xff, 6, 0, 0] + identifier
        var position = 0
        while position < body.count {
            let end = min(position + largestBlock, body.count)
            let plain = Array(body[position..<end])
            let packed = Snappy.encode(plain)
            let isSmaller = packed.count < plain.count
            let data = isSmaller ? packed : plain
            let length = data.count + 4
            output += [isSmaller ? 0 : 1, UInt8(length & 0xff), UInt8(length >> 8 & 0xff), UInt8(length >> 16)]
            let checksum = masked(plain)
            for shift in stride(from: UInt32(0), to: 32, by: 8) { output.append(UInt8(checksum >> shift & 0xff)) }
            output += data
            position = end
        }
        return output
    }

    /// The checksum as it stands in a frame.
    private static func masked(_ bytes: [UInt8]) -> UInt32 {
        let sum = CastagnoliChecksum.of(bytes)
        return (sum >> 15 | sum << 17) &+ 0xa282_ead8
    }
}

/// CRC-32C.
enum CastagnoliChecksum {
    private static let table: [UInt32] = (0..<256).map { byte in
        var value = UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
        return value
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        let table = table
        var sum: UInt32 = ~0
        for byte in bytes { sum = sum >> 8 ^ table[Int((sum ^ UInt32(byte)) & 0xff)] }
        return ~sum
    }
}
