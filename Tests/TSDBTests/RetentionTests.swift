import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// What retention counts from: what it deletes does not come back.
@Suite(.timeLimit(.minutes(5))) struct RetentionTests {
    private static let hour: Int64 = 3_600_000
    private static let day = 24 * hour

    /// A store with a sample of its own block at `base`, and another one three days later.
    private static func filled() async throws -> (TimeSeriesDatabase, ManualClock) {
        let clock = ManualClock(now: base)
        let store = TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: clock)
        for days: Int64 in [0, 3] {
            #expect(try await store.put(["__name__": "old"], [(base + days * day, 1)]) == [nil])
            clock.advance(milliseconds: days * day)
            try await store.maintain(now: clock.now)
            clock.advance(milliseconds: hour)
            try await store.maintain(now: clock.now)
        }
        return (store, clock)
    }

    private static func old(_ store: TimeSeriesDatabase) async throws -> [Timestamp] {
        try await store.points("old").map { ($0.time - base) / day }
    }

    @Test func `a clock that jumps ahead for some seconds takes nothing along`() async throws {
        let (store, clock) = try await Self.filled()
        let jump = 20 * Self.day
        clock.jump(nanoseconds: jump * 1_000_000)
        for _ in 0..<2 {
            clock.advance(milliseconds: 10_000)
            #expect(try await store.put(["__name__": "new"], [(clock.now, 1)]) == [nil])
            try await store.maintain(now: clock.now)
            #expect(store.doubtsClock)
        }
        clock.jump(nanoseconds: -jump * 1_000_000)
        clock.advance(milliseconds: 10_000)
        try await store.maintain(now: clock.now)
        #expect(try await Self.old(store) == [0, 3])
        #expect(!store.doubtsClock)
    }

    @Test func `a clock that stands by it is believed`() async throws {
        let (store, clock) = try await Self.filled()
        clock.jump(nanoseconds: 14 * Self.day * 1_000_000)
        for expected in [[0, 3], [3]] as [[Timestamp]] {
            #expect(try await store.put(["__name__": "new"], [(clock.now, 1)]) == [nil])
            try await store.maintain(now: clock.now)
            #expect(try await Self.old(store) == expected)
            clock.advance(milliseconds: Self.hour)
        }
    }

    @Test func `where nothing comes any more, nothing goes`() async throws {
        let (store, clock) = try await Self.filled()
        for _ in 0..<100 {
            clock.advance(milliseconds: Self.day)
            try await store.maintain(now: clock.now)
        }
        #expect(try await Self.old(store) == [0, 3])
        #expect(try await store.put(["__name__": "new"], [(clock.now, 1)]) == [nil])
        try await store.maintain(now: clock.now)
        #expect(try await Self.old(store) == [])
    }
}
