public import MetricModel
import Web

/// A time as people type it.
public enum TimeText {
    /// Reads milliseconds since 1970 (`1795362116593`), seconds with a fraction (`1795362116.5`), a day (`2026-11-28`, its
    /// beginning in UTC), a day with a time of day (`2026-11-28 10:30`, `2026-11-28T10:30:05Z`, with a zone as in RFC 3339),
    /// `now`, or a time before now (`-1h30m`).
    /// - Returns: milliseconds since 1970; `nil` for anything else.
    public static func parse(_ text: String, now: Timestamp) -> Timestamp? {
        if text == "now" { return now }
        if let milliseconds = Int64(text) { return milliseconds }
        if text.hasPrefix("-"), let span = try? PrometheusDuration(parsing: String(text.dropFirst())) {
            return now - span.milliseconds
        }
        if !text.contains("-"), text.contains("."), let seconds = Double(text), abs(seconds) < 9e15 {
            return Int64((seconds * 1000).rounded())
        }
        return calendar(text)
    }

    private static func calendar(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, let date = numbers(bytes[..<10], "dddd-dd-dd"),
            let day = CivilTime.validSeconds(year: date[0], month: date[1], day: date[2])
        else { return nil }
        if bytes.count == 10 { return day * 1000 }
        guard "Tt ".utf8.contains(bytes[10]) else { return nil }
        var rest = bytes[11...]
        guard let time = numbers(rest.prefix(5), "dd:dd"), time[0] < 24, time[1] < 60 else { return nil }
        var milliseconds = (day + Int64(time[0]) * 3600 + Int64(time[1]) * 60) * 1000
        rest = rest.dropFirst(5)
        if rest.first == UInt8(ascii: ":") {
            guard let second = numbers(rest.prefix(3), ":dd"), second[0] < 60 else { return nil }
            milliseconds += Int64(second[0]) * 1000
            rest = rest.dropFirst(3)
        }
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, let fraction = Double("0." + String(decoding: digits, as: UTF8.self)) else {
                return nil
            }
            milliseconds += Int64(fraction * 1000)
            rest = rest.dropFirst(1 + digits.count)
        }
        switch rest.first {
        case nil: return milliseconds
        case UInt8(ascii: "Z"), UInt8(ascii: "z"): return rest.count == 1 ? milliseconds : nil
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard rest.count == 6, let zone = numbers(rest.dropFirst(), "dd:dd"), zone[0] < 24, zone[1] < 60 else {
                return nil
            }
            let offset = (Int64(zone[0]) * 3600 + Int64(zone[1]) * 60) * 1000
            return rest.first == UInt8(ascii: "+") ? milliseconds - offset : milliseconds + offset
        default: return nil
        }
    }

    /// The numbers of a text of that form; `d` stands for a digit.
    private static func numbers(_ bytes: ArraySlice<UInt8>, _ form: StaticString) -> [Int]? {
        let form = Array("\(form)".utf8)
        guard bytes.count == form.count else { return nil }
        var found: [Int] = []
        var isInNumber = false
        for (byte, wanted) in zip(bytes, form) {
            guard wanted == UInt8(ascii: "d") else {
                guard byte == wanted else { return nil }
                isInNumber = false
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            if !isInNumber { found.append(0) }
            found[found.count - 1] = found[found.count - 1] * 10 + Int(byte - 0x30)
            isInNumber = true
        }
        return found
    }
}

extension CivilTime {
    /// Seconds since 1970 of a day that the calendar has.
    fileprivate static func validSeconds(year: Int, month: Int, day: Int) -> Int64? {
        guard (1...12).contains(month), (1...31).contains(day) else { return nil }
        let seconds = seconds(year: year, month: month, day: day)
        let civil = CivilTime(seconds: seconds)
        return civil.month == month && civil.day == day ? seconds : nil
    }
}
