import ConfigTree
import Exposition
import HTTPCalling
import MetricModel
import RuleTemplates

/// Values of flags: whether they have the right form, and how they are shown.
extension Flag {
    /// The value as it is kept.
    /// - Throws: ``FlagError`` with the flag's name and what would be right.
    func checked(_ value: String) throws(FlagError) -> String {
        switch kind {
        case .text, .list: return value
        case .toggle: return value
        case .integerLiteral:
            guard let whole = GoNumberSyntax.integer(value) else { throw wrong(value, "has to be a whole number") }
            return String(whole)
        case .integer:
            // As Prometheus reads it: 5e7 is a whole number, too, and what is behind the point is cut off.
            guard let number = try? GoFloat.parse(Array(value.utf8)),
                let whole = Int(exactly: number.rounded(.towardZero))
            else { throw wrong(value, "has to be a whole number") }
            return String(whole)
        case .number:
            guard let number = try? GoFloat.parse(Array(value.utf8)) else {
                throw wrong(value, "has to be a number")
            }
            if name == "auto-gomemlimit.ratio", number <= 0 || number > 1 {
                throw wrong(value, "must be greater than 0 and less than or equal to 1")
            }
            return value
        case .duration:
            guard let duration = try? PrometheusDuration(parsing: value) else {
                throw wrong(value, "has to be a duration such as 30s")
            }
            return duration.description
        case .goDuration:
            guard Self.isGoDuration(value) else { throw wrong(value, "has to be a duration such as 2ms") }
            return value
        case .size:
            guard let size = try? ByteSize(parsing: value) else { throw wrong(value, "has to be a size such as 512MB") }
            return size.description
        case .pattern:
            do throws(RegularExpressionError) {
                _ = try RegularExpression(value, anchored: true)
                return value
            } catch {
                throw wrong(value, "has to be a regular expression: \(error.message)")
            }
        case .url:
            if let first = value.first, let last = value.last, "\"'".contains(first) || "\"'".contains(last) {
                throw wrong(value, "must not begin or end with quotes")
            }
            if let reason = URLParts.malformation(of: value) {
                throw wrong(value, "has to be a URL such as http://example.org/prometheus: \(reason)")
            }
            return value
        case .choice(let options):
            // As for Prometheus, INFO is info.
            let known = name.hasPrefix("log.level") ? value.lowercased() : value
            guard options.contains(known) else {
                let hint = DidYouMean.nearest(known, among: options).map { " (did you mean \($0)?)" } ?? ""
                throw wrong(value, "must be one of \(options.joined(separator: ","))\(hint)")
            }
            return known
        case .choices(let options):
            guard options.contains(value) else {
                throw wrong(value, "is unknown; supported: \(options.joined(separator: ", "))")
            }
            return value
        }
    }

    private func wrong(_ value: String, _ problem: String) -> FlagError {
        FlagError(message: "--\(name): \(GoText.quoted(value)) \(problem)")
    }

    /// Whether the text is a sign, and numbers with their units; `0` needs none.
    private static func isGoDuration(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func isNumeric(_ byte: UInt8) -> Bool {
            byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: ".")
        }
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") { rest.removeFirst() }
        if rest.elementsEqual("0".utf8) { return true }
        guard !rest.isEmpty else { return false }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix(while: isNumeric)
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !isNumeric($0) }
            rest = rest[unit.endIndex...]
            guard let value = try? GoFloat.parse(Array(number)), let length = Self.goUnits[String(Substring(unit))]
            else { return false }
            total += value * length
        }
        // Nanoseconds are counted in 64 bits.
        return total < 0x1p63
    }

    /// Units of time in nanoseconds.
    private static let goUnits = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86_400e9,
        "w": 604_800e9,
    ]
}
