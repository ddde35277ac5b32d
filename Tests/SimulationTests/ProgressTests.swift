import MetricModel
import Promenade
import Simulation
import Testing

/// What people see who wait for a world on a terminal.
@Suite(.timeLimit(.minutes(5))) struct ProgressTests {
    private static func progress(
        _ clock: ManualClock,
        duration: String = "1w",
        until end: Int64 = .max
    ) throws -> WorldProgress {
        let text = "start: 2026-01-05T09:00:00Z\nduration: \(duration)\nservices: {shop: {}}"
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        return WorldProgress(scenario, until: end, clock: clock)
    }

    @Test func `nothing is told in the first second, then the simulated time and the share`() throws {
        let clock = ManualClock(now: 0)
        var progress = try Self.progress(clock)
        #expect(progress.line(at: 0) == nil)
        clock.advance(milliseconds: 999)
        #expect(progress.line(at: 3_600_000_000_000) == nil)
        #expect(progress.takeAway().isEmpty)
        clock.advance(milliseconds: 1)
        #expect(progress.line(at: 93_661_500_000_000) == "\r2026-01-06T11:01:01Z  +1d2h1m1s of 1w  15%\u{1b}[K")
        // Not at each step.
        clock.advance(milliseconds: 199)
        #expect(progress.line(at: 93_662_500_000_000) == nil)
        clock.advance(milliseconds: 1)
        #expect(progress.line(at: 604_800_000_000_000)?.contains(" of 1w  100%") == true)
        #expect(progress.takeAway() == "\r\u{1b}[K")
        #expect(progress.takeAway().isEmpty)
    }

    @Test func `the longest world has a share, too`() throws {
        let clock = ManualClock(now: 0)
        var progress = try Self.progress(clock, duration: "10y")
        clock.advance(milliseconds: 1000)
        #expect(progress.line(at: 157_680_000_000_000_000)?.contains("of 10y  50%") == true)
    }

    @Test func `of a world that is cut the share is that of what is run`() throws {
        let clock = ManualClock(now: 0)
        var progress = try Self.progress(clock, until: 3_600_000_000_000)
        clock.advance(milliseconds: 1000)
        #expect(progress.line(at: 1_800_000_000_000)?.contains("+30m of 1h  50%") == true)
    }
}
