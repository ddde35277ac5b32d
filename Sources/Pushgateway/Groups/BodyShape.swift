import Exposition
import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A body of text taken apart into what stays the same from push to push and the values, which change.
///
/// A batch job pushes the same names, labels and comments again and again. A body whose shape is that of the last one to its group
/// needs no parsing: only its values are new. See ``PushTemplate``.
struct BodyShape: Sendable {
    /// Hash of everything but the values.
    let hash: UInt64
    /// Where the values stand, in order.
    let values: [Range<Int>]

    /// Takes a body apart; `nil` where that is not plainly possible.
    init?(_ body: [UInt8]) {
        guard body.last == 0x0a else { return nil }
        var values: [Range<Int>] = []
        values.reserveCapacity(16)
        var hash: UInt64 = 0
        let isPlain = body.withUnsafeBytes { bytes in
            BodyShape.scan(bytes, &values, &hash)
        }
        guard isPlain, !values.isEmpty else { return nil }
        self.hash = hash
        self.values = values
    }

    private static func scan(
        _ bytes: UnsafeRawBufferPointer,
        _ values: inout [Range<Int>],
        _ hash: inout UInt64
    ) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        var lineStart = 0
        var pieceStart = 0
        while lineStart < bytes.count {
            guard let found = memchr(base + lineStart, 0x0a, bytes.count - lineStart) else { return false }
            let lineEnd = UnsafeRawPointer(found) - base
            var first = lineStart
            while first < lineEnd, bytes[first] == 0x20 || bytes[first] == 0x09 { first += 1 }
            if first < lineEnd, bytes[first] != UInt8(ascii: "#") {
                var valueStart = lineEnd
                while valueStart > first, bytes[valueStart - 1] != 0x20, bytes[valueStart - 1] != 0x09 {
                    valueStart -= 1
                }
                guard valueStart > first, valueStart < lineEnd else { return false }
                hash = Fingerprint.combine(hash, UnsafeRawBufferPointer(rebasing: bytes[pieceStart..<valueStart]))
                values.append(valueStart..<lineEnd)
                pieceStart = lineEnd
            }
            lineStart = lineEnd + 1
        }
        hash = Fingerprint.combine(hash, UnsafeRawBufferPointer(rebasing: bytes[pieceStart...]))
        return true
    }
}

/// The values of a body as the exposition shows them.
struct BodyValues: Sendable {
    /// The texts of all values, one after the other.
    private(set) var text: [UInt8] = []
    /// Where each ends.
    private(set) var ends: [Int] = []

    /// Reads the values; `nil` where one is not a number.
    init?(_ body: [UInt8], at ranges: [Range<Int>]) {
        text.reserveCapacity(ranges.count * 12)
        ends.reserveCapacity(ranges.count)
        for range in ranges {
            if BodyValues.isCanonical(body, range) {
                text.append(contentsOf: body[range])
            } else {
                // The text format knows neither hexadecimal exponents nor underscores in numbers.
                let digits = Array(body[range])
                guard !digits.contains(where: { "pP_".utf8.contains($0) }), let number = try? GoFloat.parse(digits)
                else {
                    return nil
                }
                // Of a negative zero more is kept than the exposition shows.
                if number == 0, number.sign == .minus { return nil }
                GoNumber.append(number, .shortest, to: &text)
            }
            ends.append(text.count)
        }
    }

    /// Where the text of a value stands.
    @inline(__always)
    func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// Whether reading the number and writing it would give the same text: at most six digits before the point, at most fifteen
    /// in all, no idle zeros, and not so small that it is written with an exponent.
    static func isCanonical(_ body: [UInt8], _ range: Range<Int>) -> Bool {
        body.withUnsafeBufferPointer { bytes in
            var index = range.lowerBound
            let end = range.upperBound
            if bytes[index] == UInt8(ascii: "-") { index += 1 }
            let wholeStart = index
            while index < end, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
            let whole = index - wholeStart
            guard whole >= 1, whole <= 6, whole == 1 || bytes[wholeStart] != 0x30 else { return false }
            let isZero = bytes[wholeStart] == 0x30
            if index == end { return !isZero || range.count == 1 }
            guard bytes[index] == UInt8(ascii: "."), end - index >= 2, end - index - 1 + whole <= 15,
                bytes[end - 1] != 0x30
            else { return false }
            index += 1
            let fractionStart = index
            while index < end, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
            guard index == end else { return false }
            guard isZero else { return true }
            return bytes[fractionStart..<min(end, fractionStart + 4)].contains { $0 != 0x30 }
        }
    }
}

/// Where the values of a body went in its group, so that the next body of the same shape can put its own there.
struct PushTemplate {
    let hash: UInt64
    let mode: PushRequest.Mode
    /// The families that the body brought.
    private let families: [PushedFamily]
    /// For each metric of these families in turn, which value of the body is its.
    private let places: [Int32]
    /// How many values the body has.
    private let count: Int

    /// What became of a body; `nil` where not every value is found plainly in the group.
    init?(
        _ shape: BodyShape,
        _ body: [UInt8],
        mode: PushRequest.Mode,
        group: Group,
        families sanitized: [SanitizedFamily]
    ) {
        guard let values = BodyValues(body, at: shape.values) else { return nil }
        var families: [PushedFamily] = []
        var total = 0
        for family in sanitized {
            guard !Group.isTimestamp(family.name), family.isPlain, let pushed = group.family(named: family.name) else {
                return nil
            }
            families.append(pushed)
            total += pushed.series.count
        }
        guard total == shape.values.count else { return nil }
        var seen = [[Int32]](repeating: [], count: families.count)
        for (index, range) in shape.values.enumerated() {
            let name = String(decoding: PushTemplate.name(body, before: range.lowerBound), as: UTF8.self)
            let family = families.place(of: name) { $0.entry.name }
            guard family < families.count, families[family].entry.name.hasSameBytes(as: name) else { return nil }
            // What the parser made of it has to be the same.
            let line = seen[family].count
            guard line < families[family].series.count,
                families[family].value(line).elementsEqual(values.text[values.range(index)])
            else { return nil }
            seen[family].append(Int32(index))
        }
        guard zip(seen, families).allSatisfy({ $0.count == $1.series.count }) else { return nil }
        hash = shape.hash
        self.mode = mode
        self.families = families
        places = seen.flatMap { $0 }
        count = shape.values.count
    }

    /// The metric's name in the line of a value.
    private static func name(_ body: [UInt8], before end: Int) -> ArraySlice<UInt8> {
        var start = body[..<end].lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        while start < end, body[start] == 0x20 || body[start] == 0x09 { start += 1 }
        return body[start..<end].prefix { $0 != UInt8(ascii: "{") && $0 != 0x20 && $0 != 0x09 }
    }

    /// Whether a body is of this shape.
    func fits(_ shape: BodyShape, _ mode: PushRequest.Mode) -> Bool {
        hash == shape.hash && self.mode == mode && count == shape.values.count
    }

    /// Puts the values of a body of this shape into the group.
    func apply(_ values: BodyValues, now: Int64) {
        var place = 0
        for family in families {
            let count = family.series.count
            if count == 1 {
                family.setSingleValue(values.text[values.range(Int(places[place]))], pushedAt: now)
            } else {
                family.setValues(values, places[place..<place + count], pushedAt: now)
            }
            place += count
        }
    }
}
