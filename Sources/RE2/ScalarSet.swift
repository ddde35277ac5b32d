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
        if ranges.reduce(0, { $0 + $1.count }) <= 64 {
            for range in ranges {
                for scalar in range.lazy.compactMap(Unicode.Scalar.init) {
                    for other in CaseFolding.orbit(of: scalar) { result.append(other.value...other.value) }
                }
            }
            return ScalarSet(result)
        }
        let pairs = CaseFolding.pairs
        for range in ranges {
            var index = CaseFolding.firstPair(from: range.lowerBound)
            while index < pairs.count, pairs[index].scalar <= range.upperBound {
                result.append(pairs[index].other...pairs[index].other)
                index += 1
            }
        }
        return ScalarSet(result)
    }
}

/// A set that grows: however often the same scalars are added, it holds about as many ranges as it ends up with.
struct ScalarUnion {
    /// Sorted and separate.
    private var ranges: [ClosedRange<UInt32>] = []
    /// Those that came since.
    private var more: [ClosedRange<UInt32>] = []

    mutating func add(_ set: ScalarSet) {
        if contains(set) { return }
        more += set.ranges
        guard more.count > max(1 << 10, ranges.count) else { return }
        ranges = self.set.ranges
        more.removeAll(keepingCapacity: true)
    }

    /// What was added.
    var set: ScalarSet { ScalarSet(ranges + more) }

    /// Whether all of it was there when the ranges were sorted last.
    private func contains(_ set: ScalarSet) -> Bool {
        guard let first = set.ranges.first else { return true }
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < first.lowerBound { low = middle + 1 } else { high = middle }
        }
        for range in set.ranges {
            while low < ranges.count, ranges[low].upperBound < range.lowerBound { low += 1 }
            guard low < ranges.count, ranges[low].lowerBound <= range.lowerBound,
                range.upperBound <= ranges[low].upperBound
            else { return false }
        }
        return true
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

    /// All scalars that have another case, ascending, with each of the others: to find those of a large set, looking at every one of
    /// its scalars takes milliseconds.
    static let pairs: [(scalar: UInt32, other: UInt32)] = {
        let special = Set(extras.joined())
        var pairs: [(scalar: UInt32, other: UInt32)] = []
        // No script beyond has cases.
        for scalar in (UInt32(0)...0x1FFFF).lazy.compactMap(Unicode.Scalar.init)
        where scalar.properties.changesWhenCaseMapped || special.contains(scalar.value) {
            for other in orbit(of: scalar) where other != scalar { pairs.append((scalar.value, other.value)) }
        }
        return pairs
    }()

    /// The first of the pairs whose scalar is not below a value.
    static func firstPair(from value: UInt32) -> Int {
        var (low, high) = (0, pairs.count)
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].scalar < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

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
