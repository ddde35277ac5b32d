/// Lossless compression of columns of doubles, bit for bit (NaN payloads, negative zero and infinities included).
///
/// Three forms, whichever fits: one repeated value; decimals as integers scaled by a power of ten (with the few values that
/// are none stored apart); and the bit patterns themselves as integers, less the zero bits that all of them end in. The
/// integers go through ``IntegerCodec``. Differences of bit patterns need about four bits a value less than XOR codes on sums
/// with full mantissas, and as many on the rest.
package enum ValueCodec {
    /// The forms, as `tsdb info` counts them.
    package enum Form: UInt8, Sendable, CaseIterable {
        case constant = 0
        case decimal = 1
        case bits = 2
        case constantInteger = 3
    }

    /// The largest decimal exponent that is tried.
    static let exponentLimit = 12
    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12]
    private static let integerLimit = 9_007_199_254_740_992.0

    /// The form of a coded column; `nil` for nonsense.
    package static func form(_ bytes: UnsafeBufferPointer<UInt8>) -> Form? {
        bytes.first.flatMap { Form(rawValue: $0 & 3) }
    }

    /// Whether the first byte of a coded column is that of integers.
    static func isOfIntegers(_ header: UInt8) -> Bool {
        switch Form(rawValue: header & 3) {
        case .constantInteger: true
        case .decimal: header >> 3 == 0
        case .constant, .bits, nil: false
        }
    }

    /// Appends the coded column to `writer`. The number of values is not stored.
    package static func encode(_ column: UnsafeBufferPointer<Double>, into writer: inout ByteWriter) {
        guard let first = column.first else { return }
        let firstBits = first.bitPattern
        if column.allSatisfy({ $0.bitPattern == firstBits }) {
            if let integer = scaled(first, 1), abs(integer) < 1 << 40 {
                writer.byte(Form.constantInteger.rawValue)
                writer.zigzag(integer)
            } else {
                writer.byte(Form.constant.rawValue)
                writer.fixed64(firstBits)
            }
            return
        }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: column.count) { integers in
            if !encodeDecimals(column, integers, into: &writer) { encodeBits(column, integers, into: &writer) }
        }
    }

    /// The integer that gives exactly `value` when divided by the power of ten; negative zero has none.
    @inline(__always)
    private static func scaled(_ value: Double, _ power: Double) -> Int64? {
        let product = (value * power).rounded(.toNearestOrEven)
        guard abs(product) < integerLimit, (product / power + 0.0).bitPattern == value.bitPattern else { return nil }
        return Int64(product)
    }

    private static func exponent(_ column: UnsafeBufferPointer<Double>) -> Int? {
        // The smallest exponent that suits the most values of a sample; then the column has to agree.
        let stride = max(1, column.count / 64)
        var exponent = 0
        var odd = 0
        var seen = 0
        var index = 0
        while index < column.count {
            let value = column[index]
            index += stride
            seen += 1
            if scaled(value, powers[exponent]) != nil { continue }
            if let fitting = (exponent...exponentLimit).first(where: { scaled(value, powers[$0]) != nil }) {
                exponent = fitting
            } else {
                odd += 1
            }
        }
        return odd * 8 > seen ? nil : exponent
    }

    private static func encodeDecimals(
        _ column: UnsafeBufferPointer<Double>,
        _ integers: UnsafeMutableBufferPointer<Int64>,
        into writer: inout ByteWriter
    ) -> Bool {
        guard let exponent = exponent(column) else { return false }
        let power = powers[exponent]
        var exceptions: [Int] = []
        var last: Int64 = 0
        for index in 0..<column.count {
            if let integer = scaled(column[index], power) {
                last = integer
            } else {
                exceptions.append(index)
                if exceptions.count > column.count / 8 + 2 { return false }
            }
            integers[index] = last
        }
        if let first = exceptions.first, first == 0,
            let usual = (0..<column.count).first(where: { scaled(column[$0], power) != nil })
        {
            for index in 0..<usual { integers[index] = integers[usual] }
        }
        writer.byte(Form.decimal.rawValue | (exceptions.isEmpty ? 0 : 4) | UInt8(exponent) << 3)
        if !exceptions.isEmpty {
            writer.count(exceptions.count)
            var previous = 0
            for index in exceptions {
                writer.count(index - previous)
                writer.fixed64(column[index].bitPattern)
                previous = index
            }
        }
        IntegerCodec.encode(UnsafeBufferPointer(integers), into: &writer)
        return true
    }

    private static func encodeBits(
        _ column: UnsafeBufferPointer<Double>,
        _ integers: UnsafeMutableBufferPointer<Int64>,
        into writer: inout ByteWriter
    ) {
        var union: UInt64 = 0
        for value in column { union |= value.bitPattern }
        let shift = UInt64(min(63, union.trailingZeroBitCount))
        for index in 0..<column.count { integers[index] = Int64(bitPattern: column[index].bitPattern >> shift) }
        writer.byte(Form.bits.rawValue)
        writer.byte(UInt8(shift))
        IntegerCodec.encode(UnsafeBufferPointer(integers), into: &writer)
    }

    /// Decodes the first `count` values of a column that holds `total`.
    ///
    /// - Returns: whether the bytes made sense. At least 16 readable bytes have to follow `bytes` in memory.
    package static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>,
        total: Int,
        count: Int,
        into column: UnsafeMutablePointer<Double>
    ) -> Bool {
        guard count > 0 else { return true }
        var reader = ByteReader(bytes)
        let header = reader.byte()
        switch Form(rawValue: header & 3) {
        case .constant:
            column.update(repeating: Double(bitPattern: reader.fixed64()), count: count)
            return !reader.isTruncated
        case .constantInteger:
            column.update(repeating: Double(reader.zigzag()), count: count)
            return !reader.isTruncated
        case .decimal:
            let exponent = Int(header >> 3)
            guard exponent <= exponentLimit else { return false }
            var exceptions = reader
            var exceptionCount = 0
            if header & 4 != 0 {
                exceptionCount = reader.count(limit: total)
                exceptions = reader
                for _ in 0..<exceptionCount {
                    _ = reader.varint()
                    _ = reader.fixed64()
                }
            }
            guard decodeIntegers(&reader, total, count, column) else { return false }
            convert(column, count, power: powers[exponent])
            var position = 0
            for _ in 0..<exceptionCount {
                position += exceptions.count(limit: total)
                let value = Double(bitPattern: exceptions.fixed64())
                if position < count { column[position] = value }
            }
            return !exceptions.isTruncated
        case .bits:
            let shift = UInt64(reader.byte())
            guard shift < 64, decodeIntegers(&reader, total, count, column) else { return false }
            let patterns = UnsafeMutableRawPointer(column).assumingMemoryBound(to: UInt64.self)
            if shift > 0 { for index in 0..<count { patterns[index] = patterns[index] &<< shift } }
            return true
        case nil: return false
        }
    }

    @inline(__always)
    private static func decodeIntegers(
        _ reader: inout ByteReader,
        _ total: Int,
        _ count: Int,
        _ column: UnsafeMutablePointer<Double>
    ) -> Bool {
        guard !reader.isTruncated else { return false }
        // The integers are as wide as the doubles and are turned into them in place.
        let integers = UnsafeMutableRawPointer(column).assumingMemoryBound(to: Int64.self)
        return IntegerCodec.decode(reader.slice(reader.remaining), total: total, count: count, into: integers)
    }

    private static func convert(_ column: UnsafeMutablePointer<Double>, _ count: Int, power: Double) {
        let raw = UnsafeMutableRawPointer(column)
        if power == 1 {
            for index in 0..<count {
                let integer = raw.load(fromByteOffset: index &* 8, as: Int64.self)
                raw.storeBytes(of: Double(integer), toByteOffset: index &* 8, as: Double.self)
            }
        } else {
            for index in 0..<count {
                let integer = raw.load(fromByteOffset: index &* 8, as: Int64.self)
                raw.storeBytes(of: Double(integer) / power, toByteOffset: index &* 8, as: Double.self)
            }
        }
    }
}
