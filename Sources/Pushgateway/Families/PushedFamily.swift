import MetricModel

/// A family as a group keeps it: the lines of the text format, and what is needed to find their place among the other groups'.
final class PushedFamily {
    // In this order they take the least room; there is one of these per group and family.

    /// The family of that name over all groups.
    unowned let entry: FamilyEntry
    /// The help of this push.
    var help: String?
    /// When it was pushed, in nanoseconds since 1970.
    var pushedAt: Int64
    /// The lines of all metrics.
    var text: [UInt8]
    /// The family in protobuf where the text does not hold all of it.
    var protobuf: [UInt8]?
    /// What the metrics are sorted by in an exposition.
    let keys: SortKeys
    /// The metrics.
    var series: SeriesList
    /// The type of this push.
    var type: MetricType

    init(_ family: SanitizedFamily, entry: FamilyEntry, pushedAt: Int64) {
        self.entry = entry
        self.pushedAt = pushedAt
        // Most groups tell the same; one copy does for all of them.
        let shownHelp = entry.shownHelp
        help = Self.same(family.help, shownHelp) ? shownHelp : family.help
        type = family.type
        // A copy has no idle room at its end.
        text = family.text.withUnsafeBufferPointer { Array($0) }
        series = SeriesList(family.series)
        protobuf = family.protobuf
        keys = SortKeys(labelBlocks: family.labelBlocks)
    }

    /// Whether two helps are the same to the byte.
    private static func same(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return left.hasSameBytes(as: right)
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
        if !Self.same(help, family.help) { help = family.help }
        text = family.text.withUnsafeBufferPointer { Array($0) }
        series = SeriesList(family.series)
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
        let count = start + value.count + 1
        if count > text.capacity {
            // By itself the array would double.
            var roomier: [UInt8] = []
            roomier.reserveCapacity(count + 4)
            roomier.append(contentsOf: text[..<start])
            roomier.append(contentsOf: value)
            roomier.append(0x0a)
            text = roomier
        } else {
            text.replaceSubrange(start..<(text.count - 1), with: value)
        }
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
