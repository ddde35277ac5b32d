/// SHA-256, for the names of pages.
enum SHA256 {
    private static let constants: [UInt32] = {
        // The fractions of the cube roots of the first 64 primes.
        var primes: [Int] = []
        var candidate = 2
        while primes.count < 64 {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map { fraction(of: $0, root: 3) }
    }()

    private static let start: [UInt32] = [2, 3, 5, 7, 11, 13, 17, 19].map { fraction(of: $0, root: 2) }

    /// The first 32 bits behind the point of a square or cube root, in whole numbers.
    private static func fraction(of number: Int, root: Int) -> UInt32 {
        // The greatest r with r^root ≤ number · 2^(32·root).
        var (low, high) = (UInt64(0), UInt64(1) << 36)
        while high - low > 1 {
            let middle = (low + high) / 2
            if isPower(middle, root, atMost: UInt64(number)) { low = middle } else { high = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }

    private static func isPower(_ base: UInt64, _ root: Int, atMost number: UInt64) -> Bool {
        let square = UInt128(base) * UInt128(base)
        if root == 2 { return square <= UInt128(number) << 64 }
        return square * UInt128(base) <= UInt128(number) << 96
    }

    private static func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 { value >> count | value << (32 - count) }

    /// The sum as 64 hexadecimal digits.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        var message = bytes + [0x80]
        while message.count % 64 != 56 { message.append(0) }
        let bits = UInt64(bytes.count) * 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            message.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
        var state = start
        for block in stride(from: 0, to: message.count, by: 64) {
            var words = (0..<16).map { index in
                (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(message[block + index * 4 + $1]) }
            }
            for index in 16..<64 {
                let (a, b) = (words[index - 15], words[index - 2])
                let first = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
                let second = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
                words.append(words[index - 16] &+ first &+ words[index - 7] &+ second)
            }
            var round = state
            for index in 0..<64 {
                let (a, e) = (round[0], round[4])
                let first = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
                let choice = e & round[5] ^ ~e & round[6]
                let sum = round[7] &+ first &+ choice &+ constants[index] &+ words[index]
                let second = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
                let majority = a & round[1] ^ a & round[2] ^ round[1] & round[2]
                let head = sum &+ second &+ majority
                let middle = round[3] &+ sum
                round = [head, round[0], round[1], round[2], middle, round[4], round[5], round[6]]
            }
            for index in 0..<8 { state[index] = state[index] &+ round[index] }
        }
        return state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }
}
