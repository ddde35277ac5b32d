/// The one source of time. Whatever needs the time, sleeps or schedules does it through a clock that is handed in.
public protocol StackClock: Sendable {
    /// Wall time in nanoseconds since 1970-01-01T00:00:00Z.
    var wallNanoseconds: Int64 { get }
    /// A steady count of nanoseconds for measuring spans; unrelated to the wall time.
    var steadyNanoseconds: Int64 { get }
    /// Returns once ``steadyNanoseconds`` has reached `deadline`.
    /// - Throws: `CancellationError` if the task is cancelled before.
    func sleep(untilSteady deadline: Int64) async throws
}

extension StackClock {
    /// Wall time in milliseconds, the unit of samples.
    public var now: Timestamp { wallNanoseconds / 1_000_000 }

    /// Wall time in seconds, as metrics carry it.
    public var seconds: Double { Double(wallNanoseconds) / 1e9 }

    /// Sleeps for a number of nanoseconds; where that goes beyond the clock's last moment, until that.
    public func sleep(nanoseconds: Int64) async throws {
        try await sleep(untilSteady: steadyNanoseconds.plus(nanoseconds))
    }

    /// Sleeps for a number of milliseconds.
    public func sleep(milliseconds: Int64) async throws {
        try await sleep(nanoseconds: min(milliseconds, .max / 1_000_000) * 1_000_000)
    }
}
