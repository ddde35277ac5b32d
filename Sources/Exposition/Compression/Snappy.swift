public import MetricModel

/// The snappy block format: remote write and remote read bodies.
public enum Snappy {
    static let corrupt = CompressionError(.corrupt, "snappy: corrupt input")
    static let unsupported = CompressionError(.unsupported, "snappy: unsupported input")
    static let tooLarge = CompressionError(.tooLarge, "snappy: decoded block is too large")

    /// Unpacks a block.
    /// - Parameters:
    ///   - limit: the size that the result may have.
    ///   - room: asked before anything is unpacked, whether it may have so many bytes: ``CompressionErrorCode/noRoom``.
    public static func decode(
        _ block: [UInt8],
        limit: Int = .max,
        room: (Int) -> Bool = { _ in true }
    ) throws(CompressionError) -> [UInt8] {
        try block.withUnsafeBufferPointer { bytes throws(CompressionError) in
            try decode(bytes, limit: limit, room: room)
        }
    }

    static func decode(
        _ block: UnsafeBufferPointer<UInt8>,
        limit: Int,
        room: (Int) -> Bool = { _ in true }
    ) throws(CompressionError) -> [UInt8] {
        let (size, start) = try decodedSize(block)
        if size > limit { throw tooLarge }
        // The longest copy makes 64 bytes of 2, so more cannot come out and nothing large has to be reserved on trust.
        if size > (block.count - start) * 64 { throw corrupt }
        guard room(size) else { throw .noRoom }
        var result: Result<Void, CompressionError> = .success(())
        let output = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            result = Result { () throws(CompressionError) in
                try expand(block, from: start, into: buffer, size: size)
            }
            // What was not written must not be seen; after a failure nothing is.
            if case .success = result { count = size }
        }
        try result.get()
        return output
    }

    /// The size in front of a block, and where the rest starts.
    private static func decodedSize(_ block: UnsafeBufferPointer<UInt8>) throws(CompressionError) -> (Int, Int) {
        var size: UInt64 = 0
        var shift: UInt64 = 0
        var position = 0
        while true {
            guard position < block.count, shift < 64 else { throw corrupt }
            let byte = block[position]
            position += 1
            size |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        if size > 0xffff_ffff { throw corrupt }
        return (Int(size), position)
    }

    /// Writes `length` bytes that begin `distance` before them, of which there may be fewer: then what is there already is repeated,
    /// each time twice as much of it.
    @inline(__always)
    private static func repeated(_ target: UnsafeMutableRawPointer, _ length: Int, _ distance: Int) {
        let source = target - distance
        var done = 0
        var there = distance
        while done < length {
            let count = min(there, length - done)
            (target + done).copyMemory(from: source, byteCount: count)
            done += count
            there += count
        }
    }

    /// Writes at least `length` bytes, sixteen at a time: what is behind them is overwritten later.
    @inline(__always)
    private static func copied(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ length: Int) {
        var done = 0
        while done < length {
            let piece = (source + done).loadUnaligned(as: SIMD16<UInt8>.self)
            (target + done).storeBytes(of: piece, as: SIMD16<UInt8>.self)
            done += 16
        }
    }

    private static func expand(
        _ block: UnsafeBufferPointer<UInt8>,
        from start: Int,
        into output: UnsafeMutableBufferPointer<UInt8>,
        size: Int
    ) throws(CompressionError) {
        var position = start
        var written = 0
        let count = block.count
        guard position < count, let first = block.baseAddress, let target = output.baseAddress else {
            if size > 0 || position < count { throw corrupt }
            return
        }
        let source = UnsafeRawPointer(first)
        let result = UnsafeMutableRawPointer(target)
        while position < count {
            let tag = Int(block[position])
            position += 1
            var length = tag >> 2 + 1
            var distance = 0
            switch tag & 3 {
            case 0:
                if length > 60 {
                    let width = length - 60
                    guard position + width <= count else { throw corrupt }
                    length = 1
                    for offset in 0..<width { length += Int(block[position + offset]) << (8 * offset) }
                    position += width
                }
                guard length <= size - written, length <= count - position else { throw corrupt }
                if length <= 64, length + 16 <= size - written, length + 16 <= count - position {
                    copied(result + written, source + position, length)
                } else {
                    (result + written).copyMemory(from: source + position, byteCount: length)
                }
                written += length
                position += length
                continue
            case 1:
                guard position < count else { throw corrupt }
                length = tag >> 2 & 7 + 4
                distance = (tag >> 5) << 8 | Int(block[position])
                position += 1
            case 2:
                guard position + 2 <= count else { throw corrupt }
                distance = Int(block[position]) | Int(block[position + 1]) << 8
                position += 2
            default:
                guard position + 4 <= count else { throw corrupt }
                distance = Int(UInt32(littleEndian: (source + position).loadUnaligned(as: UInt32.self)))
                position += 4
            }
            guard distance > 0, distance <= written, length <= size - written else { throw corrupt }
            if distance >= 16, length + 16 <= size - written {
                copied(result + written, result + (written - distance), length)
            } else {
                repeated(result + written, length, distance)
            }
            written += length
        }
        if written != size { throw corrupt }
    }

    /// Packs a block.
    public static func encode(_ body: [UInt8]) -> [UInt8] {
        // What cannot be packed grows by no more than this.
        [UInt8](unsafeUninitializedCapacity: body.count + body.count / 6 + 32) { output, count in
            guard let target = output.baseAddress else { return }
            var writer = SnappyWriter(UnsafeMutableRawPointer(target))
            writer.size(body.count)
            body.withUnsafeBytes { bytes in
                guard let first = bytes.baseAddress else { return }
                for start in stride(from: 0, to: bytes.count, by: SnappyWriter.blockSize) {
                    writer.block(first + start, min(SnappyWriter.blockSize, bytes.count - start))
                }
            }
            count = writer.count
        }
    }
}
