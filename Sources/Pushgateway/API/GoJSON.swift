import MetricModel

/// JSON as Go's `encoding/json` writes it.
package enum GoJSON {
    /// Appends a text in quotes; `<`, `>`, `&` are escaped as Go does for the sake of HTML.
    static func append(_ text: String, to json: inout [UInt8]) {
        json.append(0x22)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json.append(contentsOf: "\\\"".utf8)
            case "\\": json.append(contentsOf: "\\\\".utf8)
            case "\u{08}": json.append(contentsOf: "\\b".utf8)
            case "\u{0C}": json.append(contentsOf: "\\f".utf8)
            case "\n": json.append(contentsOf: "\\n".utf8)
            case "\r": json.append(contentsOf: "\\r".utf8)
            case "\t": json.append(contentsOf: "\\t".utf8)
            case "<", ">", "&", "\u{2028}", "\u{2029}": appendCode(scalar, to: &json)
            default:
                if scalar.value < 0x20 {
                    appendCode(scalar, to: &json)
                } else {
                    json.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
                }
            }
        }
        json.append(0x22)
    }

    private static func appendCode(_ scalar: Unicode.Scalar, to json: inout [UInt8]) {
        let digits = String(scalar.value, radix: 16)
        json.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
    }

    /// Appends an object of texts, sorted by name; of a repeated name the last counts.
    package static func append(_ pairs: [(String, String)], to json: inout [UInt8]) {
        var last: [String: String] = [:]
        for pair in pairs { last[pair.0] = pair.1 }
        json.append(UInt8(ascii: "{"))
        for (index, name) in last.keys.sorted(by: { ByteOrder.precedes($0, $1) }).enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            append(name, to: &json)
            json.append(UInt8(ascii: ":"))
            append(last[name] ?? "", to: &json)
        }
        json.append(UInt8(ascii: "}"))
    }

    /// Appends plain characters.
    static func raw(_ text: String, to json: inout [UInt8]) { json.append(contentsOf: text.utf8) }
}

/// Moments as Go writes them in JSON: RFC 3339 with up to nine digits of a second.
public enum GoTime {
    /// `2006-01-02T15:04:05.999999999Z`
    /// - Parameter nanoseconds: since 1970.
    public static func text(_ nanoseconds: Int64) -> String {
        let (seconds, fraction) = floorDivide(nanoseconds, 1_000_000_000)
        let (days, secondOfDay) = floorDivide(seconds, 86_400)
        let (year, month, day) = civil(days)
        func pad(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        var text = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
        text += "\(pad(secondOfDay / 3600, 2)):\(pad(secondOfDay / 60 % 60, 2)):\(pad(secondOfDay % 60, 2))"
        if fraction > 0 {
            var digits = pad(fraction, 9)
            while digits.last == "0" { digits.removeLast() }
            text += "." + digits
        }
        return text + "Z"
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let remainder = value % divisor
        return remainder < 0 ? (value / divisor - 1, remainder + divisor) : (value / divisor, remainder)
    }

    /// Year, month and day of a count of days since 1970, by the proleptic Gregorian calendar.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let (era, dayOfEra) = floorDivide(shifted, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
