public import MetricModel

/// The snappy block format: remote write and remote read bodies.
public enum Snappy {
    static let corrupt = CompressionError(.corrupt, "snappy: corrupt input")
    static let unsupported = CompressionError(.unsupported, "snappy: unsupported input")
    static let tooLarge = CompressionError(.tooLarge, "snappy: decoded block is too large")

    /// Unpacks a block.
    /// - Parameter limit: the size that the result may have.
    public static func decode(_ block: [UInt8], limit: Int = .max) throws(CompressionError) -> [UInt8] {
        try block.withUnsafeBufferPointer { bytes throws(CompressionError) in
            try decode(bytes, limit: limit)
        }
    }

    static func decode(_ block: UnsafeBufferPointer<UInt8>, limit: Int) throws(CompressionError) -> [UInt8] {
        let (size, start) = try decodedSize(block)
        if size > limit { throw tooLarge }
        // The longest copy makes 64 bytes of 2, so more cannot come out and nothing large has to be reserved on trust.
        if size > (block.count - start) * 64 { throw corrupt }
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

    /// Writes `length` bytes that begin `distance` before them. They may overlap: then what is there already is repeated, each time
    /// twice as much of it.
    @inline(__always)
    private static func repeated(_ target: UnsafeMutablePointer<UInt8>, _ length: Int, _ distance: Int) {
        let source = target - distance
        var done = 0
        var there = distance
        while done < length {
            let count = min(there, length - done)
            (target + done).update(from: source, count: count)
            done += count
            there += count
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
        func number(_ width: Int, at index: Int) throws(CompressionError) -> Int {
            guard index + width <= block.count else { throw corrupt }
            var value = 0
            var offset = width - 1
            while offset >= 0 {
                value = value << 8 | Int(block[index + offset])
                offset -= 1
            }
            return value
        }
        while position < block.count {
            let tag = Int(block[position])
            position += 1
            var length = tag >> 2 + 1
            var distance = 0
            switch tag & 3 {
            case 0:
                if length > 60 {
                    let width = length - 60
                    length = try number(width, at: position) + 1
                    position += width
                }
                guard length <= size - written, length <= block.count - position else { throw corrupt }
                if length > 0, let target = output.baseAddress, let source = block.baseAddress {
                    (target + written).update(from: source + position, count: length)
                }
                written += length
                position += length
                continue
            case 1:
                length = tag >> 2 & 7 + 4
                distance = (tag >> 5) << 8 | (try number(1, at: position))
                position += 1
            case 2:
                distance = try number(2, at: position)
                position += 2
            default:
                distance = try number(4, at: position)
                position += 4
            }
            guard distance > 0, distance <= written, length <= size - written else { throw corrupt }
            guard let base = output.baseAddress else { throw corrupt }
            repeated(base + written, length, distance)
            written += length
        }
        if written != size { throw corrupt }
    }

    /// Packs a block.
    public static func encode(_ body: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(body.count / 2 + 16)
        WireWriter.varint(UInt64(body.count), to: &output)
        var table = [Int32](repeating: -1, count: 1 << 14)
        body.withUnsafeBufferPointer { bytes in
            var position = 0
            var literalStart = 0
            while position + 4 <= bytes.count {
                let word = load(bytes, position)
                let slot = Int((word &* 0x1e35_a7bd) >> 18)
                let candidate = Int(table[slot])
                table[slot] = Int32(truncatingIfNeeded: position)
                guard candidate >= 0, position - candidate < 1 << 16, load(bytes, candidate) == word else {
                    position += 1
                    continue
                }
                var length = 4
                while position + length < bytes.count, bytes[candidate + length] == bytes[position + length] {
                    length += 1
                }
                appendLiteral(bytes, literalStart..<position, to: &output)
                appendCopy(position - candidate, length, to: &output)
                position += length
                literalStart = position
            }
            appendLiteral(bytes, literalStart..<bytes.count, to: &output)
        }
        return output
    }

    private static func load(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt32 {
        UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
            | UInt32(bytes[index + 3]) << 24
    }

    private static func appendLiteral(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        to output: inout [UInt8]
    ) {
        if range.isEmpty { return }
        let length = range.count - 1
        if length < 60 {
            output.append(UInt8(length << 2))
        } else {
            let width = length < 1 << 8 ? 1 : length < 1 << 16 ? 2 : length < 1 << 24 ? 3 : 4
            output.append(UInt8((59 + width) << 2))
            for index in 0..<width { output.append(UInt8(truncatingIfNeeded: length >> (8 * index))) }
        }
        output.append(contentsOf: bytes[range])
    }

    private static func appendCopy(_ distance: Int, _ length: Int, to output: inout [UInt8]) {
        var rest = length
        while rest > 0 {
            let piece = min(rest, 64)
            output.append(UInt8((piece - 1) << 2 | 2))
            output.append(UInt8(truncatingIfNeeded: distance))
            output.append(UInt8(truncatingIfNeeded: distance >> 8))
            rest -= piece
        }
    }
}
