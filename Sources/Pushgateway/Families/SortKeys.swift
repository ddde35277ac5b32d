import MetricModel

/// What the metrics of a family are sorted by: first the number of labels, then the values in the order of the names.
struct SortKeys {
    private let bytes: [UInt8]
    /// Where the key of each metric ends; empty where there is one at most.
    private let ends: [UInt32]

    /// Keys from label parts as ``SanitizedFamily/labelBlocks`` holds them.
    init(labelBlocks: [UInt8]) {
        var bytes: [UInt8] = []
        var ends: [UInt32] = []
        bytes.reserveCapacity(labelBlocks.count)
        labelBlocks.withUnsafeBufferPointer { blocks in
            var index = 0
            var start = 0
            bytes.append(0)
            while index < blocks.count {
                switch blocks[index] {
                case 0x0a:
                    ends.append(UInt32(bytes.count))
                    start = bytes.count
                    if index + 1 < blocks.count { bytes.append(0) }
                    index += 1
                case UInt8(ascii: "="):
                    index += 2
                    if bytes[start] < 255 { bytes[start] += 1 }
                    SortKeys.appendValue(blocks, &index, to: &bytes)
                case 0x22:
                    var ignored: [UInt8] = []
                    index += 1
                    SortKeys.appendValue(blocks, &index, to: &ignored)
                default: index += 1
                }
            }
        }
        // Copies have no idle room at their ends.
        self.bytes = bytes.withUnsafeBufferPointer { Array($0) }
        self.ends = ends.count > 1 ? ends.withUnsafeBufferPointer { Array($0) } : []
    }

    /// Reads up to the closing quote, and past it.
    private static func appendValue(_ blocks: UnsafeBufferPointer<UInt8>, _ index: inout Int, to bytes: inout [UInt8]) {
        while index < blocks.count, blocks[index] != 0x22 {
            if blocks[index] == 0x5c, index + 1 < blocks.count {
                index += 1
                bytes.append(blocks[index] == UInt8(ascii: "n") ? 0x0a : blocks[index])
            } else if blocks[index] <= 1 {
                // A zero ends a value, so that those inside are written otherwise, in the same order.
                bytes.append(1)
                bytes.append(blocks[index] + 1)
            } else {
                bytes.append(blocks[index])
            }
            index += 1
        }
        index += 1
        bytes.append(0)
    }

    /// The order of two metrics: negative, zero or positive.
    static func compare(_ left: borrowing SortKeys, _ leftIndex: Int, _ right: borrowing SortKeys, _ rightIndex: Int)
        -> Int
    {
        let leftRange = left.range(leftIndex)
        let rightRange = right.range(rightIndex)
        return left.bytes.withUnsafeBufferPointer { a in
            right.bytes.withUnsafeBufferPointer { b in
                ByteOrder.compare(
                    UnsafeBufferPointer(rebasing: a[leftRange]),
                    UnsafeBufferPointer(rebasing: b[rightRange])
                )
            }
        }
    }

    private func range(_ index: Int) -> Range<Int> {
        ends.isEmpty ? 0..<bytes.count : (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }
}
