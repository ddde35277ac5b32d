import MetricModel

/// The `Date` header, formatted anew at most once a second.
final class HTTPDate {
    private let clock: any StackClock
    private var second: Int64 = .min
    private var text: [UInt8] = []

    init(clock: any StackClock) { self.clock = clock }

    /// The time now: `Sun, 22 Nov 2026 14:13:28 GMT`.
    func bytes() -> [UInt8] {
        let now = clock.wallNanoseconds / 1_000_000_000
        if now != second {
            second = now
            text = Array(Self.format(seconds: now).utf8)
        }
        return text
    }

    /// The form of RFC 9110.
    static func format(seconds: Int64) -> String {
        let date = CivilTime(seconds: seconds)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(days[date.weekday]), \(two(date.day)) \(months[date.month - 1]) \(date.year) "
            + "\(two(date.hour)):\(two(date.minute)):\(two(date.second)) GMT"
    }

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
