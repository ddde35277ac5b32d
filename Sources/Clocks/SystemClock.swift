internal import Dispatch

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The system's time: what ordinary runs use.
public struct SystemClock: StackClock {
    /// The system's clock.
    public init() {}

    /// The system's wall time.
    public var wallNanoseconds: Int64 { Self.read(CLOCK_REALTIME) }

    /// The system's monotonic time.
    public var steadyNanoseconds: Int64 { Self.read(CLOCK_MONOTONIC) }

    /// Sleeps on the system's monotonic clock.
    public func sleep(untilSteady deadline: Int64) async throws {
        try Task.checkCancellation()
        if deadline > steadyNanoseconds { try await Self.sleepers.queue.sleep(until: deadline) }
    }

    /// How many sleep on the system's clock.
    package static var sleeperCount: Int { sleepers.queue.count }

    /// Those who sleep, and the timer that wakes them.
    private static let sleepers = Sleepers()

    private final class Sleepers: Sendable {
        let queue: SleepQueue

        init() {
            // The system's timers may be set by any thread.
            nonisolated(unsafe) let timer = DispatchSource.makeTimerSource(queue: .global())
            queue = SleepQueue(hasOneTimer: true) { deadline in
                let remaining = min(max(0, deadline.minus(SystemClock.read(CLOCK_MONOTONIC))), .max / 2)
                timer.schedule(deadline: .now() + .nanoseconds(Int(remaining)), leeway: .nanoseconds(0))
            }
            timer.setEventHandler { [unowned self] in queue.wake(at: SystemClock.read(CLOCK_MONOTONIC)) }
            timer.resume()
        }
    }

    /// A time in nanoseconds; a clock that is set before 1677 or beyond 2262 stands still at the end of what these can count.
    package static func nanoseconds(seconds: Int64, more: Int64) -> Int64 {
        let (whole, isBeyond) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isOver) = whole.addingReportingOverflow(more)
        return isBeyond || isOver ? (seconds < 0 ? .min : .max) : sum
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return nanoseconds(seconds: Int64(time.tv_sec), more: Int64(time.tv_nsec))
    }
}

/// What threads wait for by the machine's time: whatever time a stack lives by, cores go by this one.
public final class ThreadSignal: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    /// Nothing has been given yet.
    public init() {}

    /// Lets one thread go on, or the next one that would wait.
    public func give() { semaphore.signal() }

    /// Waits for what is given, and tells whether it came within so many seconds.
    public func wait(seconds: Int) -> Bool { semaphore.wait(timeout: .now() + .seconds(seconds)) == .success }

    /// Does something on another thread after so many milliseconds.
    public static func after(milliseconds: Int, _ body: @escaping @Sendable () -> Void) {
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds), execute: body)
    }
}
