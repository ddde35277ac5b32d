import MetricModel

/// A moment in UTC with the parts and texts of Go's `time.Time`.
package struct TemplateTime {
    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    let date: CivilTime
    let nanosecond: Int

    package init(nanoseconds: Int64) {
        let seconds = Self.floor(nanoseconds, per: 1_000_000_000)
        nanosecond = Int(nanoseconds &- seconds &* 1_000_000_000)
        date = CivilTime(seconds: seconds)
    }

    /// Whole units up to a moment, also before 1970.
    package static func floor(_ nanoseconds: Int64, per unit: Int64) -> Int64 {
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: unit)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// What a moment is past the last whole unit since the year 1, from where Go counts; 0 for a unit that is none.
    static func rest(_ nanoseconds: Int64, of unit: Int64) -> Int64 {
        guard unit > 0 else { return 0 }
        let divisor = UInt64(unit)
        let since1970 = nanoseconds % unit
        // From the year 1 to 1970; in nanoseconds that is more than 64 bits hold.
        let before = (62_135_596_800 % divisor).multipliedFullWidth(by: 1_000_000_000 % divisor)
        let (_, rest) = divisor.dividingFullWidth(before)
        return Int64((rest + UInt64(since1970 < 0 ? since1970 + unit : since1970)) % divisor)
    }

    /// The moment so many years, months and days later, as Go's calendar has it: the 31st of a short month is in the next one.
    func adding(years: Int64, months: Int64, days: Int64, to nanoseconds: Int64) -> Int64 {
        let (allMonths, rest) = (Int64(date.month) &- 1 &+ months).quotientAndRemainder(dividingBy: 12)
        let wantedMonth = rest < 0 ? rest + 12 : rest
        let wantedYear = Int64(date.year) &+ years &+ allMonths &- (rest < 0 ? 1 : 0)
        let first = CivilTime.days(Int64(date.year), Int64(date.month), 1)
        let shift = CivilTime.days(wantedYear, wantedMonth + 1, 1) &- first &+ days
        return nanoseconds &+ shift &* 86_400_000_000_000
    }

    /// As Go prints a time: `2015-06-23 13:19:44.128 +0000 UTC`.
    var description: String { formatted("2006-01-02 15:04:05.999999999 -0700 MST") }

    private static func padded(_ value: Int, _ width: Int = 2, with fill: Character = "0") -> String {
        let digits = String(value)
        return String(repeating: fill, count: max(0, width - digits.count)) + digits
    }

    /// The elements of a layout, longest first where one begins like another.
    private static let elements: [(text: String, value: @Sendable (CivilTime) -> String)] = [
        ("January", { months[$0.month - 1] }), ("Jan", { String(months[$0.month - 1].prefix(3)) }),
        ("Monday", { weekdays[$0.weekday] }), ("Mon", { String(weekdays[$0.weekday].prefix(3)) }),
        ("MST", { _ in "UTC" }),
        ("2006", { padded($0.year, 4) }), ("002", { padded($0.dayOfYear, 3) }), ("01", { padded($0.month) }),
        ("02", { padded($0.day) }), ("03", { padded(($0.hour + 11) % 12 + 1) }), ("04", { padded($0.minute) }),
        ("05", { padded($0.second) }), ("06", { padded(($0.year % 100 + 100) % 100) }), ("15", { padded($0.hour) }),
        ("1", { String($0.month) }), ("__2", { padded($0.dayOfYear, 3, with: " ") }),
        ("_2006", { "_" + padded($0.year, 4) }),
        ("_2", { padded($0.day, 2, with: " ") }), ("2", { String($0.day) }), ("3", { String(($0.hour + 11) % 12 + 1) }),
        ("4", { String($0.minute) }), ("5", { String($0.second) }), ("PM", { $0.hour >= 12 ? "PM" : "AM" }),
        ("pm", { $0.hour >= 12 ? "pm" : "am" }), ("-07:00:00", { _ in "+00:00:00" }), ("-070000", { _ in "+000000" }),
        ("-07:00", { _ in "+00:00" }), ("-0700", { _ in "+0000" }), ("-07", { _ in "+00" }),
        ("Z07:00:00", { _ in "Z" }), ("Z070000", { _ in "Z" }), ("Z07:00", { _ in "Z" }), ("Z0700", { _ in "Z" }),
        ("Z07", { _ in "Z" }),
    ]

    /// The time by a layout of Go, such as `2006-01-02 15:04:05`.
    package func formatted(_ layout: String) -> String {
        var result = ""
        var rest = layout[...]
        while let first = rest.first {
            if let (text, value) = Self.elements.first(where: { rest.hasPrefix($0.text) }),
                !(text == "Jan" || text == "Mon") || !(rest.dropFirst(3).first?.isLowercase ?? false)
            {
                result += value(date)
                rest = rest.dropFirst(text.count)
            } else if first == "." || first == ",", let (length, fraction) = fraction(rest) {
                result += fraction
                rest = rest.dropFirst(length)
            } else {
                result.append(first)
                rest = rest.dropFirst()
            }
        }
        return result
    }

    /// `.000` or `.999` with nothing but other characters behind; the first keeps zeros at the end, the second does not.
    private func fraction(_ layout: Substring) -> (length: Int, text: String)? {
        guard let point = layout.first, let digit = layout.dropFirst().first, digit == "0" || digit == "9" else {
            return nil
        }
        let count = layout.dropFirst().prefix { $0 == digit }.count
        if let next = layout.dropFirst(1 + count).first, next.isASCII, next.isNumber { return nil }
        var digits = String(Self.padded(nanosecond, 9).prefix(count))
        if digits.count < count { digits += String(repeating: "0", count: count - digits.count) }
        if digit == "9" {
            while digits.hasSuffix("0") { digits.removeLast() }
            if digits.isEmpty { return (1 + count, "") }
        }
        return (1 + count, String(point) + digits)
    }

    /// A number as `strconv.ParseFloat` reads it; `nil` for anything else.
    package static func float(_ text: String) -> Double? { GoNumberSyntax.float(text) }

    /// A duration as Go prints it: `1m30.5s`, `1.5µs`, `0s`.
    package static func durationText(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        func decimal(_ value: UInt64, per unit: UInt64, digits: Int) -> String {
            var fraction = padded(Int(value % unit), digits)
            while fraction.hasSuffix("0") { fraction.removeLast() }
            return "\(value / unit)" + (fraction.isEmpty ? "" : ".\(fraction)")
        }
        if magnitude < 1000 { return "\(sign)\(magnitude)ns" }
        if magnitude < 1_000_000 { return sign + decimal(magnitude, per: 1000, digits: 3) + "µs" }
        if magnitude < 1_000_000_000 { return sign + decimal(magnitude, per: 1_000_000, digits: 6) + "ms" }
        let seconds = decimal(magnitude % 60_000_000_000, per: 1_000_000_000, digits: 9)
        let minutes = magnitude / 60_000_000_000
        if minutes == 0 { return "\(sign)\(seconds)s" }
        return sign + (minutes >= 60 ? "\(minutes / 60)h" : "") + "\(minutes % 60)m\(seconds)s"
    }
}
