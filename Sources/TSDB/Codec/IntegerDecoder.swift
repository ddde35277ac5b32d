extension IntegerCodec {
    /// Decodes the first `count` integers of a column that holds `total`.
    ///
    /// - Returns: whether the bytes made sense. At least 16 readable bytes have to follow `bytes` in memory.
    package static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>,
        total: Int,
        count: Int,
        into column: UnsafeMutablePointer<Int64>
    ) -> Bool {
        guard count > 0 else { return true }
        var reader = ByteReader(bytes)
        let header = reader.byte()
        let prediction = Prediction(rawValue: header & 3) ?? .none
        let skipped = min(total, prediction == .none ? 0 : prediction == .step ? 2 : 1)
        for index in 0..<skipped {
            let value = reader.zigzag()
            if index < count { column[index] = value }
        }
        let slope = prediction == .line ? reader.zigzag() : 0
        let rest = count - skipped
        if rest > 0 {
            guard decodeResiduals(&reader, header: header, total: total - skipped, count: rest, into: column + skipped)
            else { return false }
        }
        guard !reader.isTruncated else { return false }
        integrate(column, count, prediction, slope)
        return true
    }

    private static func integrate(
        _ column: UnsafeMutablePointer<Int64>,
        _ count: Int,
        _ prediction: Prediction,
        _ slope: Int64
    ) {
        switch prediction {
        case .none: break
        case .previous:
            var sum: Int64 = 0
            for index in 0..<count {
                sum = sum &+ column[index]
                column[index] = sum
            }
        case .step:
            var step: Int64 = 0
            var sum = column[0]
            for index in 1..<max(1, count) {
                step = step &+ column[index]
                sum = sum &+ step
                column[index] = sum
            }
        case .line:
            var guess = column[0]
            for index in 1..<max(1, count) {
                guess = guess &+ slope
                column[index] = guess &+ column[index]
            }
        }
    }

    private static func decodeResiduals(
        _ reader: inout ByteReader,
        header: UInt8,
        total: Int,
        count: Int,
        into column: UnsafeMutablePointer<Int64>
    ) -> Bool {
        if header & sparseFlag != 0 { return Sparse.decode(&reader, total: total, count: count, into: column) }
        let base = reader.zigzag()
        let width = Int(reader.byte())
        guard width <= 64 else { return false }
        var outliers = ByteReader(UnsafeBufferPointer(start: nil, count: 0))
        var outlierCount = 0
        if header & 8 != 0 {
            outlierCount = reader.count(limit: total)
            outliers = reader
            for _ in 0..<outlierCount {
                _ = reader.varint()
                _ = reader.varint()
            }
        }
        if header & 4 != 0 {
            guard decodeEntropy(&reader, base: base, lowBits: UInt64(width), count: count, into: column) else {
                return false
            }
        } else {
            guard reader.remaining >= (count * width + 7) / 8 else { return false }
            unpack(reader.base + reader.position, base: base, width: UInt64(width), count: count, into: column)
        }
        var position = 0
        for _ in 0..<outlierCount {
            position += outliers.count(limit: total)
            let value = outliers.zigzag()
            if position < count { column[position] = value }
        }
        return !reader.isTruncated
    }

    @inline(__always)
    static func load(_ bytes: UnsafePointer<UInt8>, bit: Int) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(bytes + bit &>> 3).loadUnaligned(as: UInt64.self)) &>> UInt64(bit & 7)
    }

    private static func unpack(
        _ bytes: UnsafePointer<UInt8>,
        base: Int64,
        width: UInt64,
        count: Int,
        into column: UnsafeMutablePointer<Int64>
    ) {
        let step = Int(width)
        if width == 0 {
            for index in 0..<count { column[index] = base }
        } else if width <= 56 {
            let mask = (UInt64(1) &<< width) &- 1
            var bit = 0
            for index in 0..<count {
                column[index] = base &+ Int64(bitPattern: load(bytes, bit: bit) & mask)
                bit &+= step
            }
        } else {
            let upper = width &- 32
            var bit = 0
            for index in 0..<count {
                let low = load(bytes, bit: bit) & 0xffff_ffff
                let high = load(bytes, bit: bit &+ 32) & ((UInt64(1) &<< upper) &- 1)
                column[index] = base &+ Int64(bitPattern: low | high &<< 32)
                bit &+= step
            }
        }
    }

    private static func decodeEntropy(
        _ reader: inout ByteReader,
        base: Int64,
        lowBits: UInt64,
        count: Int,
        into column: UnsafeMutablePointer<Int64>
    ) -> Bool {
        let log = Int(reader.byte())
        let symbolCount = reader.count(limit: EntropyTable.symbolLimit)
        var frequencies = [UInt16](repeating: 0, count: symbolCount)
        for symbol in 0..<symbolCount { frequencies[symbol] = UInt16(truncatingIfNeeded: reader.varint()) }
        var even = Int(truncatingIfNeeded: reader.varint())
        var odd = Int(truncatingIfNeeded: reader.varint())
        guard !reader.isTruncated, let entropy = EntropyTable(frequencies: frequencies, log: log),
            even < 1 << log, odd < 1 << log, even >= 0, odd >= 0, lowBits < 64
        else { return false }
        let bytes = reader.base + reader.position
        let lastBit = reader.remaining * 8
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1 << log) { buffer in
            guard let table = buffer.baseAddress else { return false }
            entropy.fillDecoder(table)
            let lowMask = (UInt64(1) &<< lowBits) &- 1
            let low = Int(lowBits)
            var bit = 0
            var index = 0
            if lowBits <= 18 {
                while index &+ 1 < count {
                    let word = load(bytes, bit: bit)
                    let first = table[even]
                    let firstBits = UInt64(first &>> 16 & 0xff)
                    column[index] = base &+ Int64(bitPattern: UInt64(first &>> 24) &<< lowBits | word & lowMask)
                    var rest = word &>> lowBits
                    even = Int(first & 0xffff) &+ Int(rest & ((1 &<< firstBits) &- 1))
                    rest = rest &>> firstBits
                    let second = table[odd]
                    let secondBits = UInt64(second &>> 16 & 0xff)
                    column[index &+ 1] = base &+ Int64(bitPattern: UInt64(second &>> 24) &<< lowBits | rest & lowMask)
                    rest = rest &>> lowBits
                    odd = Int(second & 0xffff) &+ Int(rest & ((1 &<< secondBits) &- 1))
                    bit &+= low &+ low &+ Int(firstBits) &+ Int(secondBits)
                    index &+= 2
                    if bit > lastBit { return false }
                }
            }
            while index < count {
                let state = index & 1 == 0 ? even : odd
                let entry = table[state]
                var value = UInt64(entry &>> 24) &<< lowBits
                if lowBits <= 56 {
                    value |= load(bytes, bit: bit) & lowMask
                } else {
                    value |= load(bytes, bit: bit) & 0xffff_ffff
                    value |= (load(bytes, bit: bit &+ 32) & (lowMask &>> 32)) &<< 32
                }
                bit &+= low
                if bit > lastBit { return false }
                column[index] = base &+ Int64(bitPattern: value)
                let width = UInt64(entry &>> 16 & 0xff)
                let next = Int(entry & 0xffff) &+ Int(load(bytes, bit: bit) & ((1 &<< width) &- 1))
                bit &+= Int(width)
                if index & 1 == 0 { even = next } else { odd = next }
                index &+= 1
            }
            return bit <= lastBit
        }
    }
}
