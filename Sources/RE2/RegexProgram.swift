/// A regular expression as instructions over bytes (a Thompson automaton): scalars are spelled out in UTF-8.
struct RegexProgram: Sendable {
    enum Instruction: Sendable {
        /// Consumes one byte of the range, goes on at `next`.
        case bytes(low: UInt8, high: UInt8, next: Int32)
        /// Goes on at both, the first preferred.
        case split(Int32, Int32)
        /// Remembers the position in a slot.
        case save(slot: Int32, next: Int32)
        /// Goes on where the condition holds.
        case assert(RegexNode.Assertion, next: Int32)
        /// Goes on.
        case jump(Int32)
        case match
        case fail
    }

    /// More instructions than this is refused as too large.
    static let sizeLimit = 200_000

    private(set) var instructions: [Instruction] = []
    /// The bytes that it takes.
    var heldBytes: Int { instructions.count * MemoryLayout<Instruction>.stride }
    private(set) var start: Int32 = 0
    private(set) var hasAssertions = false

    init(_ node: RegexNode) throws(RegularExpressionError) {
        let match = emit(.match)
        start = try compile(node, next: match)
    }

    private mutating func emit(_ instruction: Instruction) -> Int32 {
        instructions.append(instruction)
        return Int32(instructions.count - 1)
    }

    /// Compiles back to front: returns where the node begins, given where it goes on.
    private mutating func compile(_ node: RegexNode, next: Int32) throws(RegularExpressionError) -> Int32 {
        guard instructions.count < Self.sizeLimit else { throw .tooLarge }
        switch node {
        case .never: return emit(.fail)
        case .empty: return next
        case .set(let set): return try compile(set, next: next)
        case .sequence(let nodes):
            var next = next
            for node in nodes.reversed() { next = try compile(node, next: next) }
            return next
        case .alternation(let nodes):
            var result: Int32?
            for node in nodes.reversed() {
                let branch = try compile(node, next: next)
                result = result.map { emit(.split(branch, $0)) } ?? branch
            }
            return result ?? next
        case .capture(let inner, let index):
            let end = emit(.save(slot: Int32(index * 2 + 1), next: next))
            let body = try compile(inner, next: end)
            return emit(.save(slot: Int32(index * 2), next: body))
        case .assertion(let assertion):
            hasAssertions = true
            return emit(.assert(assertion, next: next))
        case .repetition(let inner, let minimum, let maximum, let isGreedy):
            var next = next
            if let maximum {
                let end = next
                for _ in minimum..<max(minimum, maximum) {
                    let body = try compile(inner, next: next)
                    next = emit(isGreedy ? .split(body, end) : .split(end, body))
                }
            } else {
                let end = next
                let loop = emit(.fail)
                let body = try compile(inner, next: loop)
                instructions[Int(loop)] = isGreedy ? .split(body, end) : .split(end, body)
                if minimum > 0 {
                    next = body
                } else if inner.canBeEmpty {
                    // As RE2 does it: `(x+)?`, so that an empty first round counts as one.
                    next = emit(isGreedy ? .split(body, end) : .split(end, body))
                } else {
                    next = loop
                }
            }
            for _ in 0..<(maximum == nil ? max(0, minimum - 1) : minimum) { next = try compile(inner, next: next) }
            return next
        }
    }

    private mutating func compile(_ set: ScalarSet, next: Int32) throws(RegularExpressionError) -> Int32 {
        var branches: [Int32] = []
        for range in set.ranges {
            guard instructions.count < Self.sizeLimit else { throw .tooLarge }
            for sequence in UTF8Ranges.sequences(of: range) {
                var target = next
                for bytes in sequence.reversed() {
                    target = emit(.bytes(low: bytes.lowerBound, high: bytes.upperBound, next: target))
                }
                branches.append(target)
            }
        }
        guard var result = branches.popLast() else { return emit(.fail) }
        while let branch = branches.popLast() { result = emit(.split(branch, result)) }
        return result
    }
}

/// Ranges of scalars as sequences of byte ranges.
enum UTF8Ranges {
    static func sequences(of range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        // Scalars of one encoded length at a time, without the surrogates.
        for block: ClosedRange<UInt32> in [0...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF]
        {
            let low = max(range.lowerBound, block.lowerBound)
            let high = min(range.upperBound, block.upperBound)
            if low <= high { split(low, high, into: &result) }
        }
        return result
    }

    /// Splits until all bytes but the first differing one run over their full range.
    private static func split(_ low: UInt32, _ high: UInt32, into result: inout [[ClosedRange<UInt8>]]) {
        let lowBytes = encode(low)
        let highBytes = encode(high)
        for trailing in stride(from: lowBytes.count - 1, to: 0, by: -1) {
            let mask = (UInt32(1) << UInt32(6 * trailing)) - 1
            if low & ~mask != high & ~mask {
                if low & mask != 0 {
                    split(low, low | mask, into: &result)
                    split((low | mask) + 1, high, into: &result)
                    return
                }
                if high & mask != mask {
                    split(low, (high & ~mask) - 1, into: &result)
                    split(high & ~mask, high, into: &result)
                    return
                }
            }
        }
        result.append(zip(lowBytes, highBytes).map { $0...$1 })
    }

    private static func encode(_ value: UInt32) -> [UInt8] {
        Unicode.Scalar(value).map { Array(UTF8.encode($0) ?? .init()) } ?? []
    }
}
