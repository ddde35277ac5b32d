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

    /// What it takes, for help texts.
    static let forms = "milliseconds since 1970, 2026-11-28, 2026-11-28T10:30:05Z, or -1h for an hour ago"
}
