package import Lessons
package import MetricModel
import PromQL
import Synchronization
package import Web

/// The lessons that a stack offers, and who is going through one.
package final class Classroom: Sendable {
    /// How many may learn at a time.
    package static let limit = 100
    /// After which time without a request a session is forgotten, in nanoseconds.
    package static let forgetting: Int64 = 3_600_000_000_000
    /// After which time it may be forgotten where another one wants the place.
    package static let giving: Int64 = 60_000_000_000

    private struct Seat {
        var session: LearnSession
        var used: Int64
    }

    private struct State {
        var seats: [String: Seat] = [:]
        var opened = 0
    }

    /// The lessons, once somebody wants them.
    private let loaded: Mutex<Course?>
    private let clock: any StackClock
    private let state = Mutex(State())
    /// A world is used by one thread at a time.
    private let lanes: [LessonLane]

    /// A classroom for the lessons of a course; `nil` for those that are part of the program.
    package init(_ course: Course?, clock: any StackClock) {
        loaded = Mutex(course)
        self.clock = clock
        lanes = (0..<min(4, EvaluationThreads.cores)).map { _ in LessonLane() }
    }

    /// The lessons.
    package var course: Course {
        loaded.withLock { loaded in
            let course = loaded ?? Course.builtIn
            loaded = course
            return course
        }
    }

    /// How many are learning.
    package var count: Int { state.withLock { $0.seats.count } }

    /// What the pages ask.
    package var control: LearnControl {
        LearnControl(
            course: { LearnJSON.course(self.course) },
            lesson: { self.lesson($0, $1) },
            open: { await self.open($0, former: $1) },
            state: { id in await self.with(id) { await $0.state() } },
            go: { id, position in await self.with(id) { await $0.go(to: position) } },
            explore: { id, place in await self.with(id) { await $0.explore(place) } },
            query: { id, text, range, moment in
                await self.with(id) { await $0.query(text, range, at: moment) }
            },
            explain: { id, text, moment in await self.with(id) { await $0.explain(text, at: moment) } }
        )
    }

    private func entry(_ name: String) throws(APIFailure) -> Course.Entry {
        if let entry = course.entries.first(where: { $0.name == name }) { return entry }
        let names = course.entries.map(\.name).joined(separator: ", ")
        throw APIFailure(.notFound, "there is no lesson \(GoText.quoted(name)); there are \(names)")
    }

    private func lesson(_ name: String, _ language: String) -> LearnControl.Answer {
        do throws(APIFailure) {
            let entry = try entry(name)
            guard let lesson = entry.lesson(in: language) else {
                return .failure(APIFailure(.notFound, "the lesson has no texts"))
            }
            return .success(LearnJSON.lesson(lesson, languages: entry.usable.keys.sorted()))
        } catch {
            return .failure(error)
        }
    }

    private func open(_ name: String, former: String) async -> LearnControl.Answer {
        let entry: Course.Entry
        do throws(APIFailure) { entry = try self.entry(name) } catch { return .failure(error) }
        guard let lesson = entry.lesson(in: "en") else {
            return .failure(APIFailure(.notFound, "the lesson has no texts"))
        }
        let now = clock.steadyNanoseconds
        let parts = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }
        let id = parts.joined()
        let session = state.withLock { state -> LearnSession? in
            Self.forget(&state, now)
            state.seats[former] = nil
            if state.seats.count >= Self.limit {
                guard let idle = state.seats.min(by: { $0.value.used < $1.value.used }),
                    now - idle.value.used >= Self.giving
                else { return nil }
                state.seats[idle.key] = nil
            }
            state.opened += 1
            let session = LearnSession(
                id: id,
                entry: entry,
                lesson: lesson,
                lane: lanes[state.opened % lanes.count],
                clock: clock
            )
            state.seats[id] = Seat(session: session, used: now)
            return session
        }
        guard let session else {
            return .failure(
                APIFailure(.timeout, "all \(Self.limit) places are taken; try again in a minute")
            )
        }
        return await session.state()
    }

    private static func forget(_ state: inout State, _ now: Int64) {
        state.seats = state.seats.filter { now - $0.value.used < forgetting }
    }

    private func with<Value: Sendable>(
        _ id: String,
        _ body: (LearnSession) async -> Result<Value, APIFailure>
    ) async -> Result<Value, APIFailure> {
        let now = clock.steadyNanoseconds
        let session = state.withLock { state -> LearnSession? in
            Self.forget(&state, now)
            state.seats[id]?.used = now
            return state.seats[id]?.session
        }
        guard let session else {
            return .failure(APIFailure(.notFound, "there is no such session (any more): open the lesson again"))
        }
        return await body(session)
    }
}
