import MetricModel
import Testing

/// A clock that is moved further than there is time.
@Suite(.timeLimit(.minutes(5))) struct ManualClockEndTests {
    @Test func `it does not go beyond its end`() {
        let clock = ManualClock(now: 0)
        clock.advance(milliseconds: 1)
        #expect(clock.wallNanoseconds == 1_000_000)
        clock.advance(milliseconds: .max)
        #expect(clock.wallNanoseconds == ManualClock.end)
        clock.advance(nanoseconds: .max)
        #expect(clock.wallNanoseconds == ManualClock.end && clock.steadyNanoseconds == ManualClock.end)
    }
}
