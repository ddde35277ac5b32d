/// A parsed regular expression.
indirect enum RegexNode {
    /// Matches nothing at all (an empty class).
    case never
    /// Matches the empty text.
    case empty
    /// One scalar out of a set.
    case set(ScalarSet)
    /// One after the other.
    case sequence([RegexNode])
    /// One of several, the earlier preferred.
    case alternation([RegexNode])
    /// Repeated; `nil` for no upper limit.
    case repetition(RegexNode, minimum: Int, maximum: Int?, isGreedy: Bool)
    /// A capturing group.
    case capture(RegexNode, index: Int)
    /// A condition on the position.
    case assertion(Assertion)

    /// Whether the node matches the empty text.
    var canBeEmpty: Bool {
        switch self {
        case .never, .set: false
        case .empty, .assertion: true
        case .sequence(let nodes): nodes.allSatisfy(\.canBeEmpty)
        case .alternation(let nodes): nodes.contains(where: \.canBeEmpty)
        case .repetition(let inner, let minimum, _, _): minimum == 0 || inner.canBeEmpty
        case .capture(let inner, _): inner.canBeEmpty
        }
    }

    /// Conditions on a position that consume nothing.
    enum Assertion {
        case textStart
        case textEnd
        case lineStart
        case lineEnd
        case wordBoundary
        case notWordBoundary
    }
}

/// A set of Unicode scalars as sorted, separate, closed ranges of code points.
struct ScalarSet: Equatable {
    private(set) var ranges: [ClosedRange<UInt32>]

    static let all = ScalarSet([0...0x10FFFF])
    static let allButNewline = ScalarSet([0...9, 11...0x10FFFF])

    init(_ unsorted: [ClosedRange<UInt32>] = []) {
        var merged: [ClosedRange<UInt32>] = []
        for range in unsorted.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound &+ 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        ranges = merged
    }

    init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

    var inverted: ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return ScalarSet(result)
    }

    /// The only scalar of the set; `nil` where there are more, or none.
    var single: Unicode.Scalar? {
        guard ranges.count == 1, ranges[0].count == 1 else { return nil }
        return Unicode.Scalar(ranges[0].lowerBound)
    }

    /// The set with the other cases of its scalars.
    var caseFolded: ScalarSet {
        var result = ranges
        for range in ranges {
            // A set that spans most of Unicode is closed under case already, up to its edges.
            if range.count > 0x4000 {
                result.append(
                    contentsOf: ScalarSet([range.lowerBound...min(range.lowerBound + 0x400, range.upperBound)])
                        .caseFolded.ranges
                )
                continue
            }
            for value in range {
                guard let scalar = Unicode.Scalar(value) else { continue }
                for other in CaseFolding.orbit(of: scalar) { result.append(other.value...other.value) }
            }
        }
        return ScalarSet(result)
    }
}

/// Simple case folding as RE2 uses it: the scalars that differ only in case.
enum CaseFolding {
    private static let extras: [[UInt32]] = [
        [0x4B, 0x6B, 0x212A], [0x53, 0x73, 0x17F], [0xC5, 0xE5, 0x212B], [0xB5, 0x39C, 0x3BC], [0x3A9, 0x3C9, 0x2126],
        [0x398, 0x3B8, 0x3D1, 0x3F4], [0x3A3, 0x3C2, 0x3C3], [0x392, 0x3B2, 0x3D0], [0x395, 0x3B5, 0x3F5],
        [0x39A, 0x3BA, 0x3F0], [0x3A0, 0x3C0, 0x3D6], [0x3A1, 0x3C1, 0x3F1], [0x3A6, 0x3C6, 0x3D5], [0xDF, 0x1E9E],
        [0x345, 0x399, 0x3B9, 0x1FBE], [0x1E60, 0x1E61, 0x1E9B],
    ]

    static func orbit(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if scalar.isASCII, !scalar.properties.isAlphabetic { return [scalar] }
        var found: [Unicode.Scalar] = [scalar]
        if let extra = extras.first(where: { $0.contains(scalar.value) }) {
            return extra.compactMap(Unicode.Scalar.init)
        }
        for mapping in [
            scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping, scalar.properties.titlecaseMapping,
        ] {
            let scalars = mapping.unicodeScalars
            if scalars.count == 1, let other = scalars.first, !found.contains(other) { found.append(other) }
        }
        return found
    }
}
