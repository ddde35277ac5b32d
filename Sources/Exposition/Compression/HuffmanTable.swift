/// The codes of one alphabet of deflate, as a table that is asked with the next bits of the input.
///
/// Codes longer than the table's own width lead to a second table behind it.
final class HuffmanTable {
    /// What some bits mean.
    struct Entry {
        /// Bits 0–4: how many bits the code has; 5–8: how many follow it; 9–12: what it is; 16–31: its value.
        var raw: UInt32

        static let valid: UInt32 = 1 << 9
        static let literal: UInt32 = 1 << 10
        static let end: UInt32 = 1 << 11
        static let link: UInt32 = 1 << 12
        static let invalid = Entry(raw: 0)

        private init(raw: UInt32) { self.raw = raw }

        init(value: UInt32, extra: UInt32 = 0, flag: UInt32 = 0) {
            raw = value << 16 | extra << 5 | Self.valid | flag
        }

        @inline(__always) var isValid: Bool { raw & Self.valid != 0 }
        @inline(__always) var isLiteral: Bool { raw & Self.literal != 0 }
        @inline(__always) var isEnd: Bool { raw & Self.end != 0 }
        @inline(__always) var isLink: Bool { raw & Self.link != 0 }
        @inline(__always) var length: UInt64 { UInt64(raw & 31) }
        @inline(__always) var extra: UInt64 { UInt64(raw >> 5 & 15) }
        @inline(__always) var value: UInt32 { raw >> 16 }

        func withLength(_ length: Int) -> Entry { raw == 0 ? self : Entry(raw: raw | UInt32(length)) }
    }

    /// The longest code of deflate.
    private static let longest = 15

    /// How many bits the table is asked with.
    let bits: UInt64
    /// The entries, second tables behind the first.
    let table: UnsafeMutablePointer<Entry>
    private let width: Int
    private let capacity: Int

    /// A table without codes.
    init(symbols: Int, bits: Int) {
        self.bits = UInt64(bits)
        width = bits
        // Each second table serves two codes at least.
        capacity = 1 << bits + symbols / 2 * (1 << max(Self.longest - bits, 0))
        table = .allocate(capacity: capacity)
        table.initialize(repeating: .invalid, count: capacity)
    }

    deinit { table.deallocate() }

    /// Makes the table of codes with these lengths, 0 for a symbol without one.
    /// - Returns: whether they are the lengths of a whole code, or there is one code only.
    func build(_ lengths: UnsafePointer<UInt8>, count: Int, entry: (Int) -> Entry) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.longest + 2) { next in
            next.initialize(repeating: 0)
            var longest = 0
            var used = 0
            for symbol in 0..<count where lengths[symbol] > 0 {
                let length = Int(lengths[symbol])
                next[length + 1] += 1
                longest = max(longest, length)
                used += 1
            }
            var room = 1 << Self.longest
            for length in 1...Self.longest { room -= Int(next[length + 1]) << (Self.longest - length) }
            guard room == 0 || (used <= 1 && longest <= 1) else { return false }
            // The first code of each length, from how many there are of the shorter ones.
            var code: UInt32 = 0
            var shorter: UInt32 = 0
            for length in 1...Self.longest {
                code = (code + shorter) << 1
                shorter = next[length + 1]
                next[length] = code
            }
            table.update(repeating: .invalid, count: 1 << width)
            return fill(lengths, count, longest: longest, codes: next, entry)
        }
    }

    private func fill(
        _ lengths: UnsafePointer<UInt8>,
        _ count: Int,
        longest: Int,
        codes next: UnsafeMutableBufferPointer<UInt32>,
        _ entry: (Int) -> Entry
    ) -> Bool {
        let secondWidth = max(longest - width, 0)
        var end = 1 << width
        for symbol in 0..<count where lengths[symbol] > 0 {
            let length = Int(lengths[symbol])
            let code = Self.reversed(next[length], length)
            next[length] += 1
            if length <= width {
                let entry = entry(symbol).withLength(length)
                var index = code
                while index < 1 << width {
                    table[index] = entry
                    index += 1 << length
                }
                continue
            }
            let prefix = code & (1 << width - 1)
            if !table[prefix].isLink {
                guard end + 1 << secondWidth <= capacity else { return false }
                table[prefix] = Entry(value: UInt32(end), extra: UInt32(secondWidth), flag: Entry.link)
                (table + end).update(repeating: .invalid, count: 1 << secondWidth)
                end += 1 << secondWidth
            }
            let second = table + Int(table[prefix].value)
            let entry = entry(symbol).withLength(length - width)
            var index = code >> width
            while index < 1 << secondWidth {
                second[index] = entry
                index += 1 << (length - width)
            }
        }
        return true
    }

    /// A code with its first bit last, as it comes from the input.
    private static func reversed(_ code: UInt32, _ length: Int) -> Int {
        var (code, result) = (code, 0)
        for _ in 0..<length {
            result = result << 1 | Int(code & 1)
            code >>= 1
        }
        return result
    }
}
