import MetricModel

/// Password hashes of the form `$2y$10$…`, as Prometheus's web configuration holds them.
/// (Provos and Mazières, "A Future-Adaptable Password Scheme", USENIX 1999.)
public struct Bcrypt: Sendable, Hashable {
    /// Rounds above this would keep a request busy for minutes.
    public static let costLimit = 18

    private let cost: Int
    private let salt: [UInt8]
    private let digest: [UInt8]

    /// Reads a hash.
    /// - Returns: `nil` where the text is not of the form `$2a$`, `$2b$` or `$2y$`, two digits, `$`, 53 characters.
    public init?(_ hash: String) {
        let parts = hash.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].isEmpty, ["2a", "2b", "2y"].contains(parts[1]), parts[2].utf8.count == 2,
            let cost = Int(parts[2]), (4...Self.costLimit).contains(cost), parts[3].utf8.count == 53,
            let salt = Self.decode(parts[3].utf8.prefix(22)), let digest = Self.decode(parts[3].utf8.dropFirst(22))
        else { return nil }
        self.cost = cost
        self.salt = Array(salt.prefix(16))
        self.digest = Array(digest.prefix(23))
    }

    /// Whether the password is the one that was hashed. Takes as long for a wrong one.
    public func verify(_ password: String) -> Bool {
        // As every implementation: the terminating zero is part of the key, and no more than 72 bytes count.
        let key = Array((Array(password.utf8) + [0]).prefix(72))
        var cipher = Blowfish()
        cipher.expand(key: key, salt: salt)
        for _ in 0..<(1 << cost) {
            cipher.expand(key: key)
            cipher.expand(key: salt)
        }
        var result: [UInt8] = []
        let text = Array("OrpheanBeholderScryDoubt".utf8)
        for block in stride(from: 0, to: 24, by: 8) {
            func word(_ start: Int) -> UInt32 { text[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) } }
            var left = word(block)
            var right = word(block + 4)
            for _ in 0..<64 { cipher.encrypt(&left, &right) }
            for value in [left, right] {
                result += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
            }
        }
        // The last byte was never stored; all others are compared whatever the first ones say.
        return zip(result, digest).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Bcrypt's own base64: another alphabet, no padding.
    private static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        Base64.bytes(of: text, Array("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8))
    }
}
