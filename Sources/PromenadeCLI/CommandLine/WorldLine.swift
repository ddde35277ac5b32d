import MetricModel
import Promenade
import Simulation
import Synchronization

/// How far a world has come, on a terminal.
final class WorldLine: Sendable {
    private let progress: Mutex<WorldProgress>

    /// - Returns: `nil` where nobody looks.
    init?(_ scenario: Scenario, until end: Int64) {
        guard Console.isTerminal(2) else { return nil }
        progress = Mutex(WorldProgress(scenario, until: end, clock: SystemClock()))
    }

    /// The world is at a moment.
    func look(_ time: Int64) {
        if let line = progress.withLock({ $0.line(at: time) }) { Console.complain(line) }
    }

    /// Makes room for something else.
    func takeAway() {
        let text = progress.withLock { $0.takeAway() }
        if !text.isEmpty { Console.complain(text) }
    }
}
