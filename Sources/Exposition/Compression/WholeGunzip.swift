import CZlib

/// Unpacks a whole gzip body that lies in memory, about twice as fast as zlib does piece by piece (RFC 1951 and 1952).
///
/// It takes only what is beyond doubt: one member with a plain header that ends where the body ends and whose size and checksum are
/// right. Everything else it leaves to ``GzipDecoder``, which also knows the words for what is wrong. Reusable; not for several
/// threads at once.
package final class WholeGunzip {
    /// How many bytes behind the text are overwritten at most.
    package static let slack = 320

    private static let headerSize = 10
    private static let trailerSize = 8

    private let symbols = HuffmanTable(symbols: 288, bits: 11)
    private let distances = HuffmanTable(symbols: 32, bits: 8)
    private let lengthCodes = HuffmanTable(symbols: 19, bits: 7)
    private let lengths = UnsafeMutablePointer<UInt8>.allocate(capacity: 320)

    /// A decoder.
    package init() {}

    deinit { lengths.deallocate() }

    /// The size of the text as the trailer has it; `nil` for a body that is not for this decoder.
    package static func size(of body: UnsafeRawBufferPointer) -> Int? {
        guard body.count > headerSize + trailerSize, body[0] == 0x1f, body[1] == 0x8b, body[2] == 8, body[3] == 0 else {
            return nil
        }
        let size = Int(UInt32(littleEndian: body.loadUnaligned(fromByteOffset: body.count - 4, as: UInt32.self)))
        // Deflate makes at most 1,032 bytes of one.
        return size <= body.count * 1032 ? size : nil
    }

    /// Unpacks a body.
    /// - Parameters:
    ///   - size: what ``size(of:)`` said.
    ///   - output: a place for `size` bytes and ``slack`` more.
    /// - Returns: whether the text is there and right. If not, what is in `output` is of no use.
    package func unpack(_ body: UnsafeRawBufferPointer, size: Int, into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard let input = body.baseAddress, let start = output.baseAddress, output.count >= size + Self.slack else {
            return false
        }
        let data = UnsafeRawBufferPointer(start: input + Self.headerSize, count: body.count - Self.headerSize)
        var bits = BitReader(input + Self.headerSize, count: data.count)
        var written = 0
        // Tables are made for each block, so that many small ones are not for this decoder.
        var blocks = 64 + size / 1024
        while true {
            blocks -= 1
            if blocks < 0 { return false }
            bits.refill()
            let isLast = bits.take(1) == 1
            let isWhole: Bool
            switch bits.take(2) {
            case 0: isWhole = copyStored(&bits, start, &written, size)
            case 1:
                setFixedTables()
                isWhole = inflate(&bits, start, &written, size)
            case 2: isWhole = readTables(&bits) && inflate(&bits, start, &written, size)
            default: return false
            }
            if !isWhole { return false }
            if isLast { break }
        }
        guard written == size, bits.alignedPosition == data.count - Self.trailerSize else { return false }
        let wanted = UInt32(
            littleEndian: data.loadUnaligned(fromByteOffset: data.count - Self.trailerSize, as: UInt32.self)
        )
        return crc32_of(start.assumingMemoryBound(to: UInt8.self), size) == UInt(wanted)
    }

    private func copyStored(
        _ bits: inout BitReader,
        _ output: UnsafeMutableRawPointer,
        _ written: inout Int,
        _ size: Int
    ) -> Bool {
        guard let count = bits.takeStoredCount(), count <= size - written, let source = bits.takeBytes(count) else {
            return false
        }
        (output + written).copyMemory(from: source, byteCount: count)
        written += count
        return true
    }

    // MARK: Tables

    private func setFixedTables() {
        for symbol in 0..<288 {
            lengths[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
        }
        _ = symbols.build(lengths, count: 288) { Self.symbolEntry($0) }
        for symbol in 0..<32 { lengths[symbol] = 5 }
        _ = distances.build(lengths, count: 32) { Self.distanceEntry($0) }
    }

    private static let lengthCodeOrder: [UInt8] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ]

    /// Reads the code lengths at the head of a block and makes its tables.
    private func readTables(_ bits: inout BitReader) -> Bool {
        bits.refill()
        let symbolCount = Int(bits.take(5)) + 257
        let distanceCount = Int(bits.take(5)) + 1
        let codeCount = Int(bits.take(4)) + 4
        guard symbolCount <= 286, distanceCount <= 30 else { return false }
        lengths.update(repeating: 0, count: 19)
        for index in 0..<codeCount {
            bits.refill()
            lengths[Int(Self.lengthCodeOrder[index])] = UInt8(bits.take(3))
        }
        guard lengthCodes.build(lengths, count: 19, entry: { HuffmanTable.Entry(value: UInt32($0)) }) else {
            return false
        }
        let total = symbolCount + distanceCount
        var index = 0
        while index < total {
            bits.refill()
            let entry = lengthCodes.table[Int(bits.peek(lengthCodes.bits))]
            guard entry.isValid else { return false }
            bits.skip(entry.length)
            let (value, count): (UInt8, Int)
            switch entry.value {
            case 16:
                guard index > 0 else { return false }
                (value, count) = (lengths[index - 1], 3 + Int(bits.take(2)))
            case 17: (value, count) = (0, 3 + Int(bits.take(3)))
            case 18: (value, count) = (0, 11 + Int(bits.take(7)))
            default: (value, count) = (UInt8(entry.value), 1)
            }
            guard count <= total - index else { return false }
            (lengths + index).update(repeating: value, count: count)
            index += count
        }
        guard !bits.isExhausted, lengths[256] > 0 else { return false }
        // The distances first: the symbols' lengths stand before theirs.
        return distances.build(lengths + symbolCount, count: distanceCount) { Self.distanceEntry($0) }
            && symbols.build(lengths, count: symbolCount) { Self.symbolEntry($0) }
    }

    private static func symbolEntry(_ symbol: Int) -> HuffmanTable.Entry {
        switch symbol {
        case 0..<256: return HuffmanTable.Entry(value: UInt32(symbol), flag: HuffmanTable.Entry.literal)
        case 256: return HuffmanTable.Entry(value: 0, flag: HuffmanTable.Entry.end)
        case 257..<265: return HuffmanTable.Entry(value: UInt32(symbol - 254))
        case 265..<285:
            let extra = (symbol - 261) / 4
            return HuffmanTable.Entry(value: UInt32((4 + (symbol - 265) % 4) << extra + 3), extra: UInt32(extra))
        case 285: return HuffmanTable.Entry(value: 258)
        default: return HuffmanTable.Entry.invalid
        }
    }

    private static func distanceEntry(_ symbol: Int) -> HuffmanTable.Entry {
        guard symbol < 30 else { return HuffmanTable.Entry.invalid }
        if symbol < 4 { return HuffmanTable.Entry(value: UInt32(symbol + 1)) }
        let extra = symbol / 2 - 1
        return HuffmanTable.Entry(value: UInt32((2 + symbol % 2) << extra + 1), extra: UInt32(extra))
    }

    // MARK: The hot loop

    private func inflate(
        _ reader: inout BitReader,
        _ output: UnsafeMutableRawPointer,
        _ written: inout Int,
        _ size: Int
    ) -> Bool {
        var bits = reader
        defer { reader = bits }
        let symbols = self.symbols.table
        let distances = self.distances.table
        let start = output
        let end = output + size
        var out = output + written
        bits.refill()
        var entry = symbols[Int(bits.peek(11))]
        while out <= end {
            // Up to three literals fit into one refill.
            if entry.isLiteral {
                out.storeBytes(of: UInt8(truncatingIfNeeded: entry.value), as: UInt8.self)
                out += 1
                bits.skip(entry.length)
                entry = symbols[Int(bits.peek(11))]
                if entry.isLiteral {
                    out.storeBytes(of: UInt8(truncatingIfNeeded: entry.value), as: UInt8.self)
                    out += 1
                    bits.skip(entry.length)
                    entry = symbols[Int(bits.peek(11))]
                }
            }
            if entry.isLink {
                bits.skip(11)
                entry = symbols[Int(entry.value) + Int(bits.peek(entry.extra))]
            }
            bits.skip(entry.length)
            if entry.isLiteral {
                out.storeBytes(of: UInt8(truncatingIfNeeded: entry.value), as: UInt8.self)
                out += 1
                bits.refill()
                entry = symbols[Int(bits.peek(11))]
                continue
            }
            guard entry.isValid else { return false }
            if entry.isEnd {
                written = out - start
                return written <= size && !bits.isExhausted
            }
            let length = Int(entry.value) + Int(bits.peek(entry.extra))
            bits.skip(entry.extra)
            bits.refill()
            var distance = distances[Int(bits.peek(8))]
            if distance.isLink {
                bits.skip(8)
                distance = distances[Int(distance.value) + Int(bits.peek(distance.extra))]
            }
            guard distance.isValid else { return false }
            bits.skip(distance.length)
            let back = Int(distance.value) + Int(bits.peek(distance.extra))
            bits.skip(distance.extra)
            guard back <= out - start else { return false }
            bits.refill()
            entry = symbols[Int(bits.peek(11))]
            Self.copy(length, from: back, to: out)
            out += length
        }
        return false
    }

    /// Repeats bytes that were written before. Up to 15 bytes more than asked for are written.
    @inline(__always)
    private static func copy(_ length: Int, from back: Int, to out: UnsafeMutableRawPointer) {
        var source = UnsafeRawPointer(out) - back
        var target = out
        let end = out + length
        if back >= 16 {
            repeat {
                target.storeBytes(of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
                target += 16
                source += 16
            } while target < end
        } else if back >= 8 {
            repeat {
                target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
                target += 8
                source += 8
            } while target < end
        } else {
            while target < end {
                target.storeBytes(of: source.load(as: UInt8.self), as: UInt8.self)
                target += 1
                source += 1
            }
        }
    }
}
