import MetricModel

/// Why a sequence of start times is not one.
struct StartOffsetMistake: Error {
    var message: String
}

/// Reads the values of an `@st` line: spans between samples and the start of their counters, `-30s-1mx2 _ 0s _x3`.
enum StartOffsetParser {
    private static let greatestCount = 10_000_000

    /// The spans in milliseconds; `nil` where none is given.
    static func offsets(_ text: String) throws(StartOffsetMistake) -> [Int64?] {
        var result: [Int64?] = []
        for item in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            do throws(StartOffsetMistake) {
                result += try self.item(item)
            } catch {
                throw StartOffsetMistake(message: "invalid ST item \(GoText.quoted(String(item))): \(error.message)")
            }
        }
        return result
    }

    private static func item(_ text: Substring) throws(StartOffsetMistake) -> [Int64?] {
        if text == "_" { return [nil] }
        if text.hasPrefix("_x") {
            let count = try repetitions(text.dropFirst(2))
            if count == 0 { throw StartOffsetMistake(message: "invalid repeat count") }
            return Array(repeating: nil, count: count)
        }
        var rest = text
        let base = try duration(&rest)
        guard let next = rest.first else { return [base] }
        if next == "x" { return Array(repeating: base, count: try repetitions(rest.dropFirst()) + 1) }
        guard next == "+" || next == "-" else {
            throw StartOffsetMistake(message: "unexpected character '\(next)' after duration")
        }
        rest.removeFirst()
        let step = try duration(&rest) * (next == "-" ? -1 : 1)
        guard rest.first == "x" else {
            throw StartOffsetMistake(message: "expected 'x<count>' after step duration")
        }
        return (0...(try repetitions(rest.dropFirst()))).map { base &+ Int64($0) &* step }
    }

    private static func repetitions(_ text: Substring) throws(StartOffsetMistake) -> Int {
        guard let count = Int(text), count >= 0, count <= greatestCount else {
            throw StartOffsetMistake(message: "invalid repeat count")
        }
        return count
    }

    /// Takes a duration with an optional sign from the front.
    private static func duration(_ text: inout Substring) throws(StartOffsetMistake) -> Int64 {
        var sign: Int64 = 1
        if text.first == "-" || text.first == "+" { sign = text.removeFirst() == "-" ? -1 : 1 }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        if digits.isEmpty { throw StartOffsetMistake(message: "expected digits in duration") }
        let unit = text[digits.endIndex...].prefix { $0.isASCII && $0.isLetter && $0 != "x" }
        text = text[unit.endIndex...]
        do {
            return sign * (try PrometheusDuration(parsing: String(digits + unit)).milliseconds)
        } catch {
            throw StartOffsetMistake(message: "invalid duration \(GoText.quoted(String(digits + unit))): \(error)")
        }
    }
}
