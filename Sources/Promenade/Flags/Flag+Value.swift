import ConfigTree
import HTTPCalling
import MetricModel

/// Values of flags: whether they have the right form, and how they are shown.
extension Flag {
    /// The value as it is kept.
    /// - Throws: ``FlagError`` with the flag's name and what would be right.
    func checked(_ value: String) throws(FlagError) -> String {
        switch kind {
        case .text, .list: return value
        case .toggle: return value
        case .integer where name == "rules.max-concurrent-evals":
            // The one that Prometheus keeps as 64 bits, and those it reads more strictly.
            guard let whole = Int(value.replacing("_", with: "")) else {
                throw wrong(value, "has to be a whole number")
            }
            return String(whole)
        case .integer:
            // As Prometheus reads it: 5e7 and 1_000 are whole numbers, too.
            guard let number = Double(value.replacing("_", with: "")),
                let whole = Int(exactly: number.rounded(.towardZero))
            else { throw wrong(value, "has to be a whole number") }
            return String(whole)
        case .number:
            guard let number = Double(value) else { throw wrong(value, "has to be a number") }
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
                throw wrong(value, "must be one of \(options.joined(separator: ",")), got '\(value)'\(hint)")
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

    private static func isGoDuration(_ text: String) -> Bool {
        var rest = text[...]
        if rest.hasPrefix("-") || rest.hasPrefix("+") { rest = rest.dropFirst() }
        if rest == "0" { return true }
        guard !rest.isEmpty else { return false }
        while !rest.isEmpty {
            let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
            rest = rest[unit.endIndex...]
            guard Double(number) != nil, ["ns", "us", "µs", "μs", "ms", "s", "m", "h"].contains(String(unit)) else {
                return false
            }
        }
        return true
    }
}
