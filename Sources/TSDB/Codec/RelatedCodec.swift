/// Columns of integers given as differences from another column: the cumulative buckets of a histogram rise nearly together.
enum RelatedCodec {
    private static let limit = 4_503_599_627_370_496.0

    /// Whether all values are integers that differences of can be taken of without loss.
    static func isInteger(_ values: [Double]) -> Bool {
        values.withUnsafeBufferPointer { values in
            for value in values {
                guard abs(value) < limit, (value.rounded(.towardZero) + 0.0).bitPattern == value.bitPattern else {
                    return false
                }
            }
            return !values.isEmpty
        }
    }

    /// Whether the steps of the differences are clearly shorter than those of the column itself, judged by a sample.
    static func isLike(_ column: [Double], _ other: [Double]) -> Bool {
        let count = column.count
        if count < 4 { return false }
        let stride = max(1, count / 256)
        var own = 0
        var different = 0
        var index = 1
        while index < count {
            let step = Int64(column[index] - column[index - 1])
            let otherStep = Int64(other[index] - other[index - 1])
            own += 64 - ZigZag.encode(step).leadingZeroBitCount
            different += 64 - ZigZag.encode(step &- otherStep).leadingZeroBitCount
            index += stride
        }
        return different * 10 < own * 9
    }

    /// Appends the coded differences to `writer`. Both slices have the same indices.
    static func encode(_ column: ArraySlice<Double>, after other: ArraySlice<Double>, into writer: inout ByteWriter) {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: column.count) { differences in
            for index in column.indices {
                differences[index - column.startIndex] = Int64(column[index]) - Int64(other[index])
            }
            IntegerCodec.encode(UnsafeBufferPointer(differences), into: &writer)
        }
    }

    /// Turns decoded differences and the other column into the column, in place of the other.
    static func add(
        _ differences: UnsafePointer<Int64>,
        to column: UnsafeMutablePointer<Double>,
        count: Int
    ) {
        for index in 0..<count { column[index] += Double(differences[index]) }
    }
}
