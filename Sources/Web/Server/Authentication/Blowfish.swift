/// The Blowfish cipher as bcrypt needs it (Schneier, "Description of a New Variable-Length Key, 64-Bit Block Cipher", 1994).
struct Blowfish {
    private var subkeys: [UInt32]
    private var boxes: [UInt32]

    /// The cipher's first state: the fraction of pi, 18 words of subkeys and four boxes of 256 words.
    init() {
        subkeys = Array(Self.piWords[..<18])
        boxes = Array(Self.piWords[18...])
    }

    /// Mixes a key and a salt (16 bytes, or none) into the state.
    mutating func expand(key: [UInt8], salt: [UInt8] = []) {
        var position = 0
        for index in subkeys.indices { subkeys[index] ^= Self.word(key, &position) }
        var left: UInt32 = 0
        var right: UInt32 = 0
        var saltPosition = 0
        func mix(_ cipher: borrowing Blowfish) {
            if !salt.isEmpty {
                left ^= Self.word(salt, &saltPosition)
                right ^= Self.word(salt, &saltPosition)
            }
            cipher.encrypt(&left, &right)
        }
        for index in stride(from: 0, to: 18, by: 2) {
            mix(self)
            subkeys[index] = left
            subkeys[index + 1] = right
        }
        for index in stride(from: 0, to: 1024, by: 2) {
            mix(self)
            boxes[index] = left
            boxes[index + 1] = right
        }
    }

    /// Encrypts one block.
    borrowing func encrypt(_ left: inout UInt32, _ right: inout UInt32) {
        subkeys.withUnsafeBufferPointer { subkeys in
            boxes.withUnsafeBufferPointer { boxes in
                for round in stride(from: 0, to: 16, by: 2) {
                    left ^= subkeys[round]
                    right ^= Self.mixed(left, boxes)
                    right ^= subkeys[round + 1]
                    left ^= Self.mixed(right, boxes)
                }
                left ^= subkeys[16]
                right ^= subkeys[17]
            }
        }
        swap(&left, &right)
    }

    @inline(__always)
    private static func mixed(_ word: UInt32, _ boxes: UnsafeBufferPointer<UInt32>) -> UInt32 {
        let first = boxes[Int(word >> 24)] &+ boxes[256 + Int(word >> 16 & 0xff)]
        return (first ^ boxes[512 + Int(word >> 8 & 0xff)]) &+ boxes[768 + Int(word & 0xff)]
    }

    /// The next four bytes, beginning anew at the end.
    private static func word(_ bytes: [UInt8], _ position: inout Int) -> UInt32 {
        var word: UInt32 = 0
        for _ in 0..<4 {
            word = word << 8 | UInt32(bytes[position])
            position = (position + 1) % bytes.count
        }
        return word
    }

    /// The first 1042 words of pi's fraction, by Machin's formula 16 arctan(1/5) − 4 arctan(1/239) in fixed point.
    private static let piWords: [UInt32] = {
        // Whole part first, two words more than needed against the error of the cut.
        let count = 1 + 1042 + 2
        func divide(_ number: inout [UInt32], by divisor: UInt64) -> Bool {
            var rest: UInt64 = 0
            var isZero = true
            for index in number.indices {
                let part = rest << 32 | UInt64(number[index])
                number[index] = UInt32(part / divisor)
                rest = part % divisor
                if number[index] != 0 { isZero = false }
            }
            return !isZero
        }
        func add(_ number: [UInt32], to sum: inout [UInt32], negative: Bool) {
            var carry: Int64 = 0
            for index in sum.indices.reversed() {
                let part = Int64(sum[index]) + (negative ? -Int64(number[index]) : Int64(number[index])) + carry
                sum[index] = UInt32(truncatingIfNeeded: part)
                carry = part >> 32
            }
        }
        func arctangent(ofInverse inverse: UInt64, times factor: UInt32, into sum: inout [UInt32], negative: Bool) {
            var power = [UInt32](repeating: 0, count: count)
            power[0] = factor
            guard divide(&power, by: inverse) else { return }
            var odd: UInt64 = 1
            var isNegative = negative
            repeat {
                var term = power
                _ = divide(&term, by: odd)
                add(term, to: &sum, negative: isNegative)
                odd += 2
                isNegative.toggle()
            } while divide(&power, by: inverse * inverse)
        }
        var pi = [UInt32](repeating: 0, count: count)
        arctangent(ofInverse: 5, times: 16, into: &pi, negative: false)
        arctangent(ofInverse: 239, times: 4, into: &pi, negative: true)
        return Array(pi[1...1042])
    }()
}
