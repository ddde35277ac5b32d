import MetricModel

/// A family as a group keeps it: the lines of the text format, and what is needed to find their place among the other groups'.
final class PushedFamily {
    /// The family of that name over all groups.
    unowned let entry: FamilyEntry
    /// The help of this push.
    var help: String?
    /// The type of this push.
    var type: MetricType
    /// When it was pushed, in nanoseconds since 1970.
    var pushedAt: Int64
    /// The lines of all metrics.
    var text: [UInt8]
    /// The metrics.
    var series: [SanitizedFamily.Series]
    /// The family in protobuf where the text does not hold all of it.
    var protobuf: [UInt8]?
    /// What the metrics are sorted by in an exposition; see ``SortKeys``.
    private(set) var keys: SortKeys

    init(_ family: SanitizedFamily, entry: FamilyEntry, pushedAt: Int64) {
        self.entry = entry
        self.pushedAt = pushedAt
        help = family.help
        type = family.type
        text = family.text
        series = family.series
        protobuf = family.protobuf
        keys = SortKeys(labelBlocks: family.labelBlocks)
    }

    /// Whether a push brings the same series with the same type, so that only values and help may differ.
    func hasSameSeries(as family: SanitizedFamily) -> Bool {
        guard type == family.type, series.count == family.series.count else { return false }
        for index in series.indices where series[index].fingerprint != family.series[index].fingerprint { return false }
        return true
    }

    /// Takes over the values of a push with the same series.
    func takeValues(of family: SanitizedFamily, pushedAt: Int64) {
        self.pushedAt = pushedAt
        if help != family.help { help = family.help }
        text = family.text
        series = family.series
        if protobuf != nil || family.protobuf != nil { protobuf = family.protobuf }
    }

    /// Whether it is one gauge and nothing else.
    var isPlainGauge: Bool { type == .gauge && series.count == 1 && protobuf == nil }

    /// Sets the value of a family of one metric with one line, which is what follows the last blank.
    func setSingleValue(_ value: Double, pushedAt: Int64) {
        var digits: [UInt8] = []
        GoNumber.append(value == 0 ? 0 : value, .shortest, to: &digits)
        setSingleValue(digits[...], pushedAt: pushedAt)
    }

    /// Sets the value of a family of one metric with one line.
    func setSingleValue(_ value: ArraySlice<UInt8>, pushedAt: Int64) {
        self.pushedAt = pushedAt
        var start = text.count - 1
        while start > 0, text[start - 1] != 0x20 { start -= 1 }
        text.replaceSubrange(start..<(text.count - 1), with: value)
        series[0].textEnd = UInt32(text.count)
        entry.invalidate()
    }

    /// Sets the values of a family whose metrics have one line each.
    func setValues(_ values: BodyValues, _ places: ArraySlice<Int32>, pushedAt: Int64) {
        self.pushedAt = pushedAt
        var rewritten: [UInt8] = []
        rewritten.reserveCapacity(text.count + 8 * places.count)
        var start = 0
        for (index, place) in places.enumerated() {
            let end = Int(series[index].textEnd)
            rewritten.append(contentsOf: text[start..<(valueStart(before: end))])
            rewritten.append(contentsOf: values.text[values.range(Int(place))])
            rewritten.append(0x0a)
            series[index].textEnd = UInt32(rewritten.count)
            start = end
        }
        text = rewritten
        entry.invalidate()
    }

    /// The text of the value in the line that ends there.
    private func valueStart(before end: Int) -> Int {
        var start = end - 1
        while start > 0, text[start - 1] != 0x20 { start -= 1 }
        return start
    }

    /// The text of a metric's value, for families whose metrics have one line each.
    func value(_ index: Int) -> ArraySlice<UInt8> {
        let end = Int(series[index].textEnd)
        return text[valueStart(before: end)..<(end - 1)]
    }

    /// Where the lines of a metric stand in ``text``.
    @inline(__always)
    func textRange(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(series[index - 1].textEnd))..<Int(series[index].textEnd)
    }

    /// The whole family, read back from what is kept.
    func decoded() -> MetricFamily? {
        if let protobuf { return FamilyCodec.decode(protobuf) }
        return FamilyCodec.parse(name: entry.name, help: help, type: type, lines: text)
    }
}

/// What the metrics of a family are sorted by: first the number of labels, then the values in the order of the names.
struct SortKeys {
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    /// Keys from label parts as ``SanitizedFamily/labelBlocks`` holds them.
    init(labelBlocks: [UInt8]) {
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
    }

    /// Reads up to the closing quote, and past it.
    private static func appendValue(_ blocks: UnsafeBufferPointer<UInt8>, _ index: inout Int, to bytes: inout [UInt8]) {
        while index < blocks.count, blocks[index] != 0x22 {
            if blocks[index] == 0x5c, index + 1 < blocks.count {
                index += 1
                bytes.append(blocks[index] == UInt8(ascii: "n") ? 0x0a : blocks[index])
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
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }
}
