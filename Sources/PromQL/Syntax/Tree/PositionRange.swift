/// Where a piece of an expression stands in the query: UTF-8 byte offsets, the end exclusive. Negative means unknown.
public struct PositionRange: Hashable, Sendable {
    /// The first byte.
    public var start: Int
    /// The byte after the last one.
    public var end: Int

    /// The start as `line:column`, both counted from 1 and the column in bytes, as messages carry it.
    public func lineAndColumn(in query: String, lineOffset: Int = 0) -> String {
        var query = query
        return query.withUTF8 { bytes in
            if bytes.isEmpty { return "unknown position" }
            if start < 0 || start > bytes.count { return "invalid position" }
            var line = lineOffset + 1
            var lastBreak = -1
            for index in 0..<start where bytes[index] == UInt8(ascii: "\n") {
                lastBreak = index
                line += 1
            }
            return "\(line):\(start - lastBreak)"
        }
    }
}

extension PositionRange {
    /// From the start of one range to the end of another.
    init(from first: PositionRange, to last: PositionRange) { self.init(start: first.start, end: last.end) }
}
