/// Names with other letters than ASCII's as the domain name system knows them (RFC 3492): `münchen.de` as `xn--mnchen-3ya.de`.
package enum Punycode {
    /// The longest name that there can be, in letters (RFC 1035, 2.3.4).
    private static let letterLimit = 253

    /// The name in ASCII; one that is in ASCII stays to the letter, and so does one that is too long to be a name: the work grows with
    /// the square of its length.
    package static func ascii(_ host: String) -> String {
        if host.utf8.allSatisfy({ $0 < 0x80 }) || host.unicodeScalars.count > letterLimit { return host }
        let mapped = String(String.UnicodeScalarView(host.unicodeScalars.compactMap(mapped)))
        return mapped.split(separator: ".", omittingEmptySubsequences: false).map { part in
            let scalars = part.lowercased().unicodeScalars
            return scalars.allSatisfy(\.isASCII) ? String(part) : "xn--" + encoded(Array(scalars))
        }.joined(separator: ".")
    }

    /// What the standard (UTS 46) makes of a character before names are compared: some are not there, some are full stops.
    private static func mapped(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0xad, 0x200b, 0x2060, 0x2064, 0xfe00...0xfe0f, 0xfeff: nil
        case 0x3002, 0xff0e, 0xff61: "."
        default: scalar
        }
    }

    private static let digits = Array("abcdefghijklmnopqrstuvwxyz0123456789".unicodeScalars)

    private static func encoded(_ scalars: [Unicode.Scalar]) -> String {
        let basic = scalars.filter(\.isASCII)
        var output = String.UnicodeScalarView(basic)
        if !basic.isEmpty { output.append("-") }
        var next: UInt32 = 128
        var delta = 0
        var bias = 72
        var handled = basic.count
        while handled < scalars.count {
            let smallest = scalars.map(\.value).filter { $0 >= next }.min() ?? next
            delta += Int(smallest - next) * (handled + 1)
            next = smallest
            for scalar in scalars {
                if scalar.value < next { delta += 1 }
                guard scalar.value == next else { continue }
                append(delta, bias, to: &output)
                bias = adapted(delta, handled + 1, isFirst: handled == basic.count)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return String(output)
    }

    private static func append(_ delta: Int, _ bias: Int, to output: inout String.UnicodeScalarView) {
        var rest = delta
        var position = 36
        while true {
            let threshold = min(26, max(1, position - bias))
            if rest < threshold { break }
            output.append(digits[threshold + (rest - threshold) % (36 - threshold)])
            rest = (rest - threshold) / (36 - threshold)
            position += 36
        }
        output.append(digits[rest])
    }

    private static func adapted(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var bias = 0
        while delta > 455 {
            delta /= 35
            bias += 36
        }
        return bias + 36 * delta / (delta + 38)
    }
}
