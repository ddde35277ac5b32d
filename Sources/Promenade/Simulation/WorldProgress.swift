package import MetricModel
package import Simulation

/// How far a world has come, for people who wait for it: nothing in the first second, then a line several times a second.
package struct WorldProgress: Sendable {
    private let clock: any StackClock
    /// How long the world lasts, in nanoseconds.
    private let whole: Int64
    private let start: Timestamp
    /// When the next line is due, by the wall's clock.
    private var due: Int64
    /// Whether a line is on the terminal.
    package private(set) var isShown = false

    /// So long nothing is told, in nanoseconds.
    private static let patience: Int64 = 1_000_000_000
    private static let interval: Int64 = 200_000_000

    /// - Parameters:
    ///   - clock: that of the people who wait.
    ///   - end: where the world ends if its scenario does not end before.
    package init(_ scenario: Scenario, until end: Int64, clock: any StackClock) {
        self.clock = clock
        whole = max(1, min(scenario.duration, end))
        start = scenario.start
        due = clock.steadyNanoseconds + Self.patience
    }

    /// The line at a moment of the world, in place of the one before; `nil` while none is due.
    package mutating func line(at time: Int64) -> String? {
        let now = clock.steadyNanoseconds
        guard now >= due else { return nil }
        due = now + Self.interval
        isShown = true
        let moment = WorldEvent.moment(start + time / 1_000_000).prefix(19)
        return "\r\(moment)Z  +\(World.span(time / 1_000_000_000 * 1_000_000_000)) of \(World.span(whole))  "
            + "\(min(100, time / max(1, whole / 100)))%\u{1b}[K"
    }

    /// What takes the line away; empty where there is none.
    package mutating func takeAway() -> String {
        defer { isShown = false }
        return isShown ? "\r\u{1b}[K" : ""
    }
}
