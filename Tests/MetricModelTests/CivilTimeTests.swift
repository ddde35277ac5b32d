import Foundation
import MetricModel
import Testing

/// The calendar, beside that of the C library.
@Suite(.timeLimit(.minutes(5))) struct CivilTimeTests {
    /// Moments at the borders of years and around the end of February, and any others of thousands of years.
    private static var moments: [Int64] {
        var random = SeededGenerator(seed: 17)
        var moments = (0..<20_000).map { _ in Int64.random(in: -60_000_000_000...250_000_000_000, using: &random) }
        let steps: [Int64] = [-1, 0, 86_399, 5_097_599, 5_097_600, 5_184_000]
        for year: Int64 in 1500...2700 {
            let start = CivilTime.days(year, 1, 1) * 86_400
            moments += steps.map { start + $0 }
        }
        return moments
    }

    @Test func `dates are those of the C library, and lead back`() {
        var wrong: [Int64] = []
        for seconds in Self.moments {
            var (time, parts) = (time_t(seconds), tm())
            gmtime_r(&time, &parts)
            let date = CivilTime(seconds: seconds)
            let isSame =
                [date.year, date.month, date.day, date.hour, date.minute, date.second, date.weekday, date.dayOfYear]
                == [
                    Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday), Int(parts.tm_hour),
                    Int(parts.tm_min), Int(parts.tm_sec), Int(parts.tm_wday), Int(parts.tm_yday) + 1,
                ]
            let days = CivilTime.days(Int64(date.year), Int64(date.month), Int64(date.day))
            if !isSame || days * 86_400 + Int64(date.secondOfDay) != seconds { wrong.append(seconds) }
        }
        #expect(wrong == [])
    }

    @Test(arguments: [(1900, 28), (2000, 29), (2023, 28), (2024, 29)])
    func `February has a leap day in most fourth years`(_ year: Int, _ days: Int) {
        #expect(CivilTime.daysIn(2, of: year) == days)
        #expect(CivilTime(seconds: CivilTime.days(Int64(year), 2, 14) * 86_400).daysInMonth == days)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.12Z"), (Int64.max, "2262-04-11T23:47:16.854775807Z"),
        (Int64.min, "1677-09-21T00:12:43.145224192Z"),
    ])
    func `nanoseconds are written without zeros at the end`(_ nanoseconds: Int64, _ text: String) {
        #expect(CivilTime.rfc3339(nanoseconds: nanoseconds) == text)
        let read = RFC3339.parse(Array(text.utf8))
        #expect(read.map { $0.seconds &* 1_000_000_000 &+ $0.nanoseconds } == nanoseconds)
    }

    @Test(arguments: [
        (1_767_603_600_007, "2026-01-05T09:00:00.007Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
    ])
    func `milliseconds are always three`(_ milliseconds: Int64, _ text: String) {
        #expect(CivilTime.rfc3339(milliseconds: milliseconds) == text)
    }
}
