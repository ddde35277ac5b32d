/// A moment in UTC by calendar and clock.
public struct CivilTime: Sendable, Hashable {
    /// The year.
    public let year: Int
    /// The month, 1…12.
    public let month: Int
    /// The day of the month, from 1.
    public let day: Int
    /// Seconds since midnight.
    public let secondOfDay: Int
    /// Days since 1970-01-01.
    public let days: Int

    /// The date of any number of seconds since 1970. Like Go's, it counts from a year far back and wraps around where that is too far.
    @inlinable public init(seconds: Int64) {
        let absolute = UInt64(bitPattern: seconds) &+ CivilTime.secondsBefore1970
        let dayNumber = absolute / 86400
        secondOfDay = Int(absolute % 86400)
        days = Int(truncatingIfNeeded: dayNumber &- CivilTime.secondsBefore1970 / 86400)
        // Days since a first of March, in eras of 400 years, so that the leap day is the last of its year (Howard Hinnant's algorithm).
        let era = Int(dayNumber / 146_097)
        let dayOfEra = Int(dayNumber % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayFromMarch + 2) / 153
        day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 - CivilTime.firstYear + (month <= 2 ? 1 : 0)
    }

    /// The year, before the common era, from whose first of March seconds are counted.
    @inlinable static var firstYear: Int { 292_277_022_400 }
    /// From there to 1970.
    @inlinable static var secondsBefore1970: UInt64 { 9_223_371_966_579_724_800 + 62_135_596_800 + 306 * 86400 }

    /// The hour.
    @inlinable public var hour: Int { secondOfDay / 3600 }
    /// The minute.
    @inlinable public var minute: Int { secondOfDay / 60 % 60 }
    /// The second.
    @inlinable public var second: Int { secondOfDay % 60 }
    /// The day of the week, 0 for Sunday.
    @inlinable public var weekday: Int { ((days + 4) % 7 + 7) % 7 }
    /// How many days the month has.
    @inlinable public var daysInMonth: Int { CivilTime.daysIn(month, of: year) }
    /// The day of the year, 1…366.
    @inlinable public var dayOfYear: Int {
        days - Int(CivilTime.days(Int64(year), 1, 1)) + 1
    }

    /// How many days a month of a year has.
    @inlinable public static func daysIn(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 to a date; of years that are too far they wrap around.
    @inlinable public static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let fromMarch = month > 2 ? year : year &- 1
        let era = fromMarch / 400 - (fromMarch % 400 < 0 ? 1 : 0)
        let yearOfEra = fromMarch &- era &* 400
        let dayFromMarch = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era &* 146_097 &+ yearOfEra * 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayFromMarch &- 719_468
    }

    /// RFC 3339 in whole seconds: `2026-11-22T14:13:28Z`.
    /// - Parameter seconds: since 1970.
    public static func rfc3339(seconds: Int64) -> String { CivilTime(seconds: seconds).text + "Z" }

    /// RFC 3339 with three decimals: `2026-11-22T14:13:28.120Z`.
    /// - Parameter milliseconds: since 1970.
    public static func rfc3339(milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
        let fraction = String(milliseconds - seconds * 1000 + 1000).dropFirst()
        return "\(CivilTime(seconds: seconds).text).\(fraction)Z"
    }

    /// RFC 3339 as Go writes it: `2026-11-22T14:13:28.123456789Z`, the fraction without trailing zeros.
    /// - Parameter nanoseconds: since 1970.
    public static func rfc3339(nanoseconds: Int64) -> String {
        var bytes: [UInt8] = []
        appendRFC3339(nanoseconds: nanoseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the same to a buffer.
    public static func appendRFC3339(nanoseconds: Int64, to bytes: inout [UInt8]) {
        var (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        if fraction < 0 { (seconds, fraction) = (seconds - 1, fraction + 1_000_000_000) }
        CivilTime(seconds: seconds).append(to: &bytes)
        if fraction > 0 {
            bytes.append(UInt8(ascii: "."))
            append(Int(fraction), width: 9, to: &bytes)
            while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Date and time in whole seconds, without a zone: `2026-11-22T14:13:28`.
    public var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func append(to bytes: inout [UInt8]) {
        CivilTime.append(year, width: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        CivilTime.append(month, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        CivilTime.append(day, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        CivilTime.append(hour, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        CivilTime.append(minute, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        CivilTime.append(second, width: 2, to: &bytes)
    }

    private static func append(_ number: Int, width: Int, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        let magnitude = UInt64(number.magnitude)
        var power: UInt64 = 10
        for _ in 1..<width {
            if magnitude < power { bytes.append(UInt8(ascii: "0")) }
            power *= 10
        }
        GoNumber.append(magnitude, to: &bytes)
    }
}
