internal import MetricModel

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#endif

/// Numbers in messages.
enum NumberText {
    /// As `%.2g` writes it.
    static func twoDigits(_ value: Double) -> String { formatted("%.2g", value) }

    /// As `%f` writes it.
    static func fixed(_ value: Double) -> String {
        value.isFinite ? formatted("%f", value) : GoNumber.text(value, .shortest)
    }

    private static func formatted(_ format: String, _ value: Double) -> String {
        withVaList([value]) { arguments in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
                let length = Int(vsnprintf(buffer.baseAddress, buffer.count, format, arguments))
                let bytes = buffer[..<max(0, min(length, buffer.count - 1))].map { UInt8(bitPattern: $0) }
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}

/// Seconds since 1970 as a date in UTC.
struct CivilTime {
    var year: Int
    /// 1…12
    var month: Int
    /// 1…31
    var day: Int
    /// Seconds since midnight.
    var secondOfDay: Int
    /// Days since 1970-01-01.
    var days: Int

    /// The date of any number of seconds. Like Go's, it counts from a year far back and wraps around where that is too far.
    init(seconds: Int64) {
        let absolute = UInt64(bitPattern: seconds) &+ CivilTime.secondsBefore1970
        let dayNumber = absolute / 86400
        secondOfDay = Int(absolute % 86400)
        days = Int(truncatingIfNeeded: dayNumber &- CivilTime.secondsBefore1970 / 86400)
        // Days since a first of March, in eras of 400 years, so that the leap day is the last of its year.
        let era = Int(dayNumber / 146_097)
        let dayOfEra = Int(dayNumber % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 - CivilTime.firstYear + (month <= 2 ? 1 : 0)
    }

    /// The year, before the common era, from whose first of March seconds are counted.
    private static let firstYear = 292_277_022_400
    /// From there to 1970.
    private static let secondsBefore1970 = UInt64(9_223_371_966_579_724_800) + 62_135_596_800 + 306 * 86400

    var hour: Int { secondOfDay / 3600 }
    var minute: Int { secondOfDay / 60 % 60 }
    var second: Int { secondOfDay % 60 }
    /// 0 for Sunday.
    var weekday: Int { ((days + 4) % 7 + 7) % 7 }
    var isLeapYear: Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
    var daysInMonth: Int {
        switch month {
        case 2: isLeapYear ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
    /// 1…366
    var dayOfYear: Int {
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
        return before[month - 1] + day + (month > 2 && isLeapYear ? 1 : 0)
    }

    /// As RFC 3339 in whole seconds.
    static func rfc3339(_ milliseconds: Timestamp) -> String {
        let time = CivilTime(seconds: milliseconds / 1000)
        func padded(_ value: Int, _ width: Int = 2) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(time.year, 4))-\(padded(time.month))-\(padded(time.day))T\(padded(time.hour)):"
            + "\(padded(time.minute)):\(padded(time.second))Z"
    }
}
