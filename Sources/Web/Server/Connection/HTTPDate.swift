import HTTPTypes
import MetricModel
import Synchronization

/// The `Date` header by the clock of the house, formatted anew at most once a second.
final class HTTPDate: Sendable {
    private let clock: any StackClock
    /// The last header, and the second that it is of.
    private let last = Mutex((second: Int64.min, field: HTTPField(name: .date, value: "")))

    init(clock: any StackClock) { self.clock = clock }

    /// The header, with the time now: `Sun, 22 Nov 2026 14:13:28 GMT`.
    var field: HTTPField {
        let now = clock.wallNanoseconds / 1_000_000_000
        return last.withLock { last in
            if now != last.second { last = (now, HTTPField(name: .date, value: Self.format(seconds: now))) }
            return last.field
        }
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
