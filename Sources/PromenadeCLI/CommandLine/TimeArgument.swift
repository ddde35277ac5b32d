import ArgumentParser
import MetricModel
import Promenade

/// A time on the command line.
struct TimeArgument: ExpressibleByArgument {
    let milliseconds: Timestamp

    init?(argument: String) {
        guard let time = TimeText.parse(argument, now: SystemClock().now) else { return nil }
        milliseconds = time
    }

    /// A time to ask for: numbers are seconds, as in the API and for promtool.
    /// - Returns: milliseconds since 1970; `nil` for anything else.
    static func instant(_ argument: String, now: Timestamp) -> Timestamp? {
        if let seconds = Double(argument), abs(seconds) < 1e14 { return Timestamp((seconds * 1000).rounded()) }
        return TimeText.parse(argument, now: now)
    }

    /// What a time to ask for takes, for help texts.
    static let instantForms =
        "seconds since 1970, 2026-11-28, 2026-11-28T10:30:05Z, or -1h for an hour ago by the server's clock"

    /// What it takes, for help texts.
    static let forms = "milliseconds since 1970, 2026-11-28, 2026-11-28T10:30:05Z, or -1h for an hour ago"
}
