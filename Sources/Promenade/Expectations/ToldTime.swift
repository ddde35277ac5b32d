import MetricModel

/// Times that another server tells, which may say anything.
package enum ToldTime {
    /// As many seconds as have nanoseconds that can be counted.
    private static let bound = 9e9

    private static func seconds(_ text: String?) -> Double? {
        guard let seconds = text.flatMap({ Double($0) }), abs(seconds) < bound else { return nil }
        return seconds
    }

    /// Seconds as milliseconds; `nil` where it is no time.
    package static func milliseconds(_ text: String?) -> Int64? {
        seconds(text).map { Int64(($0 * 1000).rounded()) }
    }

    /// Seconds as nanoseconds; `nil` where it is no time.
    package static func nanoseconds(_ text: String?) -> Int64? {
        seconds(text).map { Int64(($0 * 1e9).rounded()) }
    }
}
