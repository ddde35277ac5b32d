import MetricModel
import Testing

/// The system's time.
@Suite(.timeLimit(.minutes(5))) struct SystemClockTests {
    static let times: [(seconds: Int64, more: Int64, expected: Int64)] = [
        (0, 0, 0), (1, 5, 1_000_000_005), (-1, 999_999_999, -1), (9_223_372_036, 854_775_807, .max),
        (9_223_372_036, 854_775_808, .max), (9_223_372_037, 0, .max), (253_402_300_799, 0, .max),
        (-9_223_372_036, 0, -9_223_372_036_000_000_000), (-9_223_372_037, 145_224_192, .min), (.min, 0, .min),
    ]

    @Test(arguments: times) func `one beyond what can be counted stands still`(
        _ seconds: Int64,
        _ more: Int64,
        _ expected: Int64
    ) {
        #expect(SystemClock.nanoseconds(seconds: seconds, more: more) == expected)
    }
}
