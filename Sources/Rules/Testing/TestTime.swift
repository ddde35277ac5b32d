public import MetricModel
import RuleTemplates

/// Reads points in time as promtool takes them: seconds since 1970, or RFC 3339.
public enum TestTime {
    /// The time in milliseconds; `nil` where the text is neither.
    public static func milliseconds(_ text: String) -> Timestamp? {
        if let seconds = TemplateTime.float(text) {
            return Int64(exactly: (seconds * 1000).rounded())
        }
        return rfc3339(Array(text.utf8))
    }

    /// `2024-02-29T12:00:00.5+01:00`
    private static func rfc3339(_ text: [UInt8]) -> Timestamp? {
        var position = 0
        func number(_ digits: Int) -> Int64? {
            guard position + digits <= text.count else { return nil }
            let part = text[position..<position + digits]
            guard part.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
            position += digits
            return part.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        }
        func take(_ characters: String) -> UInt8? {
            guard position < text.count, characters.utf8.contains(text[position]) else { return nil }
            position += 1
            return text[position - 1]
        }
        guard let year = number(4), take("-") != nil, let month = number(2), take("-") != nil, let day = number(2),
            take("Tt") != nil, let hour = number(2), take(":") != nil, let minute = number(2), take(":") != nil,
            let second = number(2)
        else { return nil }
        guard (1...12).contains(month), (1...daysIn(month, year)).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var milliseconds: Int64 = 0
        if take(".") != nil {
            var scale: Int64 = 100
            var count = 0
            while let digit = number(1) {
                milliseconds += digit * scale
                scale /= 10
                count += 1
            }
            if count == 0 { return nil }
        }
        var offset: Int64 = 0
        if take("Zz") == nil {
            guard let sign = take("+-"), let hours = number(2), take(":") != nil, let minutes = number(2) else {
                return nil
            }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
        }
        guard position == text.count else { return nil }
        let minutes = (daysSince1970(year, month, day) * 24 + hour) * 60 + minute - offset
        return (minutes * 60 + second) * 1000 + milliseconds
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func daysIn(_ month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01, counted in years that begin in March so that the leap day comes last.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let months = (month + 9) % 12
        let leapDays = shifted / 4 - shifted / 100 + shifted / 400
        return shifted * 365 + leapDays + (months * 306 + 5) / 10 + day - 1 - 719_468
    }
}
