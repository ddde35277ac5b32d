/// The values of a chunk as they are kept: in half of the bytes where all of them are a number and integers of 32 bits, as those of
/// counters mostly are.
package enum KeptColumn: Sendable {
    case integers([Int32], above: Double)
    case doubles([Double])

    /// Keeps values, bit for bit.
    package init(_ values: [Double]) {
        self = KeptColumn.integers(values, above: values.first ?? 0) ?? .doubles(values)
    }

    private static func integers(_ values: [Double], above base: Double) -> KeptColumn? {
        var isExact = true
        let integers = [Int32](unsafeUninitializedCapacity: values.count) { buffer, count in
            for index in values.indices {
                let distance = values[index] - base
                // Neither NaN nor negative zero is one.
                guard abs(distance) <= Double(Int32.max),
                    (Double(Int32(distance)) + base).bitPattern == values[index].bitPattern
                else {
                    isExact = false
                    return
                }
                buffer.initializeElement(at: index, to: Int32(distance))
                count = index + 1
            }
        }
        return isExact ? .integers(integers, above: base) : nil
    }

    /// How many bytes the values take.
    var size: Int {
        switch self {
        case .integers(let values, _): values.count * MemoryLayout<Int32>.stride
        case .doubles(let values): values.count * MemoryLayout<Double>.stride
        }
    }

    /// All of the values.
    package var values: [Double] {
        switch self {
        case .doubles(let values): return values
        case .integers(let integers, _):
            return [Double](unsafeUninitializedCapacity: integers.count) { buffer, count in
                if let base = buffer.baseAddress { fill(base, 0..<integers.count) }
                count = integers.count
            }
        }
    }

    /// Writes a stretch of the values to `target`.
    func fill(_ target: UnsafeMutablePointer<Double>, _ range: Range<Int>) {
        switch self {
        case .doubles(let values):
            values[range].withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { target.initialize(from: base, count: buffer.count) }
            }
        case .integers(let integers, let base):
            integers[range].withUnsafeBufferPointer { buffer in
                for index in 0..<buffer.count { target[index] = Double(buffer[index]) + base }
            }
        }
    }
}
