import MetricModel

/// Prometheus's functions.
enum TemplateHelpers {
    /// The number that `humanize` and its like work on.
    static func number(_ value: TemplateValue) throws(TemplateCallFailure) -> Double {
        switch value {
        case .float(let number): return number
        case .int(let number): return Double(number)
        case .named("int64", let number, _), .named("uint", let number, _): return Double(number)
        case .duration(let nanoseconds, isPointer: false): return Double(nanoseconds) / 1e9
        case .string(let text):
            guard let number = GoNumberSyntax.float(text) else {
                throw TemplateCallFailure("strconv.ParseFloat: parsing \(GoText.quoted(text)): invalid syntax")
            }
            if number.isInfinite, !text.lowercased().contains("inf") {
                throw TemplateCallFailure("strconv.ParseFloat: parsing \(GoText.quoted(text)): value out of range")
            }
            return number
        case .nothing, .bool, .named, .complex, .html, .labels, .arguments, .samples, .sample, .data, .histogram, .time,
            .duration:
            var name = value.type
            if case .nothing = value { name = "<nil>" }
            throw TemplateCallFailure("can't convert \(name) to float")
        }
    }

    /// `%.4g`
    private static func short(_ value: Double) -> String {
        GoFormat.formatted("%.4g", [.float(value)])
    }

    static func humanize(_ value: Double) -> String {
        if value == 0 || !value.isFinite { return short(value) }
        var value = value
        var prefix = ""
        if value.magnitude >= 1 {
            for next in ["k", "M", "G", "T", "P", "E", "Z", "Y"] where value.magnitude >= 1000 {
                prefix = next
                value /= 1000
            }
        } else {
            for next in ["m", "u", "n", "p", "f", "a", "z", "y"] where value.magnitude < 1 {
                prefix = next
                value *= 1000
            }
        }
        return short(value) + prefix
    }

    static func humanize1024(_ value: Double) -> String {
        if value.magnitude <= 1 || !value.isFinite { return short(value) }
        var value = value
        var prefix = ""
        for next in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] where value.magnitude >= 1024 {
            prefix = next
            value /= 1024
        }
        return short(value) + prefix
    }

    static func humanizeDuration(_ value: Double) -> String {
        if !value.isFinite { return short(value) }
        if value == 0 { return short(value) + "s" }
        if value.magnitude >= 1 {
            let sign = value < 0 ? "-" : ""
            let whole = value.magnitude < 0x1p63 ? Int64(value.magnitude) : .min
            let (seconds, minutes) = (whole % 60, whole / 60 % 60)
            let (hours, days) = (whole / 3600 % 24, whole / 86400)
            if days != 0 { return "\(sign)\(days)d \(hours)h \(minutes)m \(seconds)s" }
            if hours != 0 { return "\(sign)\(hours)h \(minutes)m \(seconds)s" }
            if minutes != 0 { return "\(sign)\(minutes)m \(seconds)s" }
            return sign + short(value.magnitude) + "s"
        }
        var value = value
        var prefix = ""
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] where value.magnitude < 1 {
            prefix = next
            value *= 1000
        }
        return short(value) + prefix + "s"
    }

    static func humanizePercentage(_ value: Double) -> String { short(value * 100) + "%" }

    static func time(_ value: Double) throws(TemplateCallFailure) -> Int64 {
        if !value.isFinite { throw TemplateCallFailure("value is NaN or Inf") }
        let nanoseconds = value * 1e9
        guard nanoseconds <= 0x1p63, nanoseconds >= -0x1p63 else {
            throw TemplateCallFailure(
                "\(GoNumber.text(value, .shortest)) cannot be represented as a nanoseconds timestamp since it overflows int64"
            )
        }
        let whole = nanoseconds >= 0x1p63 ? Int64.min : Int64(nanoseconds)
        return whole / 1_000_000 * 1_000_000
    }

    static func humanizeTimestamp(_ value: Double) throws(TemplateCallFailure) -> String {
        if !value.isFinite { return short(value) }
        return TemplateTime(nanoseconds: try time(value)).description
    }

    static func duration(_ value: Double) -> Int64 {
        let nanoseconds = value * 1e9
        return nanoseconds.isFinite && nanoseconds.magnitude < 0x1p63 ? Int64(nanoseconds) : .min
    }

    static func parseDuration(_ text: String) throws(TemplateCallFailure) -> Double {
        let isNegative = text.hasPrefix("-")
        do throws(PrometheusDurationError) {
            let length = try PrometheusDuration(parsing: isNegative ? String(text.dropFirst()) : text)
            return Double(isNegative ? -length.milliseconds : length.milliseconds) / 1000
        } catch {
            throw TemplateCallFailure(error.message)
        }
    }

    static func expression(_ pattern: String) throws(TemplateCallFailure) -> RegularExpression {
        do throws(RegularExpressionError) {
            return try RegularExpression(pattern, anchored: false, dotMatchesNewline: false)
        } catch {
            throw TemplateCallFailure(error.description)
        }
    }

    static func replaceAll(
        _ expression: RegularExpression,
        _ replacement: String,
        _ text: String,
        work: inout Int
    ) throws(TemplateCallFailure) -> String {
        let limit = TemplateExecution.maximumLength
        guard let result = expression.replacingAll(in: text, with: replacement, limit: limit, work: &work) else {
            if work < 0 { throw TemplateCallFailure("more than \(TemplateExecution.maximumSteps) steps") }
            throw TemplateCallFailure("the result is longer than \(limit) bytes")
        }
        return result
    }

    /// Upper case for the first letter of each word; the others stay.
    static func title(_ text: String) -> String {
        var result = ""
        var isInside = false
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            let properties = scalar.properties
            if properties.isAlphabetic || properties.generalCategory == .nonspacingMark {
                result += isInside ? String(Character(scalar)) : properties.titlecaseMapping
                isInside = true
            } else if properties.generalCategory == .decimalNumber || scalar == "_" {
                result.unicodeScalars.append(scalar)
            } else {
                result.unicodeScalars.append(scalar)
                // An apostrophe, a point or a colon between letters does not end a word.
                let goesOn =
                    isInside && "'’.:·".unicodeScalars.contains(scalar) && index + 1 < scalars.count
                    && scalars[index + 1].properties.isAlphabetic
                if !goesOn { isInside = false }
            }
        }
        return result
    }

    /// The text letter by letter in another case; letters that would become several stay, as in Go.
    static func mapped(_ text: String, _ mapping: (Unicode.Scalar) -> String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let other = mapping(scalar).unicodeScalars
            result.unicodeScalars.append(other.count == 1 ? other.first ?? scalar : scalar)
        }
        return result
    }

    // MARK: Addresses

    /// `net.SplitHostPort`
    static func splitHostPort(_ text: String) -> (host: String, port: String)? {
        let bytes = Array(text.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        var (hostStart, hostEnd) = (0, colon)
        var (open, close) = (0, 0)
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), end + 1 == colon else { return nil }
            (hostStart, hostEnd) = (1, end)
            (open, close) = (1, end + 1)
        } else if bytes[..<colon].contains(UInt8(ascii: ":")) {
            return nil
        }
        if bytes[open...].contains(UInt8(ascii: "[")) || bytes[close...].contains(UInt8(ascii: "]")) { return nil }
        return (part(hostStart..<hostEnd), part(colon + 1..<bytes.count))
    }

    static func stripPort(_ text: String) -> String { splitHostPort(text)?.host ?? text }

    static func stripDomain(_ text: String) -> String {
        let parts = splitHostPort(text)
        let host = parts?.host ?? text
        if isAddress(host) { return text }
        let first =
            host.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
        guard let port = parts?.port, !port.isEmpty else { return first }
        return first.contains(":") ? "[\(first)]:\(port)" : "\(first):\(port)"
    }

    /// Whether it is an IP address, version 4 or 6.
    private static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        func isFour(_ parts: [Substring]) -> Bool {
            parts.count == 4
                && parts.allSatisfy { part in
                    part.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } && UInt8(part) != nil
                        && (part.count == 1 || !part.hasPrefix("0"))
                }
        }
        if isFour(parts) { return true }
        guard text.contains(":") else { return false }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return false }
        var groups: [Substring] = []
        for half in halves where !half.isEmpty {
            groups += half.split(separator: ":", omittingEmptySubsequences: false)
        }
        var count = groups.count
        if let last = groups.last, last.contains(".") {
            guard isFour(last.split(separator: ".", omittingEmptySubsequences: false)) else { return false }
            groups.removeLast()
            count += 1
        }
        guard groups.allSatisfy({ (1...4).contains($0.utf8.count) && UInt16($0, radix: 16) != nil }) else {
            return false
        }
        return halves.count == 2 ? count < 8 : count == 8
    }
}
