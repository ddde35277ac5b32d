import ConfigTree
import Lessons
import MetricModel
import PromQL
import Simulation
import Web

/// One learner in one lesson. What is asked is done one thing after the other, on threads for lessons only.
///
/// The world is the same for everybody who has done the same, so whoever goes back, or goes on after playing, gets a new one.
actor LearnSession {
    /// How long one request may take, in nanoseconds.
    static let patience: Int64 = 5_000_000_000
    /// How many requests may wait.
    static let waitingLimit = 20

    /// The longest time that is asked about, in milliseconds.
    private static let longest: Int64 = 3653 * 86_400_000

    private let id: String
    private let entry: Course.Entry
    private let lesson: Lesson
    private let lane: LessonLane
    private let clock: any StackClock
    private var world: LessonWorld?
    private var waiting = 0
    private let turns = Turnstile()

    init(id: String, entry: Course.Entry, lesson: Lesson, lane: LessonLane, clock: any StackClock) {
        self.id = id
        self.entry = entry
        self.lesson = lesson
        self.lane = lane
        self.clock = clock
    }

    /// How far it is, and what happened.
    func state() async -> LearnControl.Answer {
        await turn { session in await session.answer { _ in } }
    }

    /// Goes to a position, ahead or back.
    func go(to position: Int) async -> LearnControl.Answer {
        await turn { session in
            if let world = session.world {
                let isUnchanged = world.position == position
                if world.position > position || world.isExplored && !isUnchanged { await session.forget() }
            }
            return await session.answer { world in try await world.go(to: position) }
        }
    }

    /// Presses a button that the lesson does not need.
    func explore(_ place: [Int]) async -> LearnControl.Answer {
        guard place.count == 3 else { return .failure(APIFailure(.badData, "a button has step, block and act")) }
        return await turn { session in
            await session.answer { world in
                if try await world.explore(step: place[0], block: place[1], act: place[2]) { return }
                throw APIFailure(.notFound, "there is no such button")
            }
        }
    }

    /// Asks the lesson's server.
    /// - Parameter range: how far back, in milliseconds; `nil` for now.
    /// - Parameter moment: when, in milliseconds from the start; `nil` for now.
    func query(_ text: String, _ range: Int64?, at moment: Int64?) async -> Result<QueryResult, APIFailure> {
        await asked(moment) { world, moment throws(PromQLError) in
            if let range { return try await world.range(text, min(range, Self.longest) * 1_000_000, at: moment) }
            return try await world.instant(text, at: moment)
        }
    }

    /// How the lesson's server comes to an answer.
    /// - Parameter moment: when, in milliseconds from the start; `nil` for now.
    func explain(_ text: String, at moment: Int64?) async -> Result<Explanation, APIFailure> {
        await asked(moment) { world, moment throws(PromQLError) in try await world.explain(text, at: moment) }
    }

    private func asked<Value: Sendable>(
        _ moment: Int64?,
        _ question: @escaping @Sendable (LessonWorld, Int64?) async throws(PromQLError) -> Value
    ) async -> Result<Value, APIFailure> {
        await turn { session in
            do {
                let world = try await session.current()
                do throws(PromQLError) {
                    return .success(try await question(world, moment.map { min($0, Self.longest) * 1_000_000 }))
                } catch {
                    return .failure(APIFailure(error.code == .badData ? .badData : .execution, error.message))
                }
            } catch {
                return .failure(Self.failure(error))
            }
        }
    }

    // MARK: One after the other

    private func turn<Value: Sendable>(
        _ body: @escaping @Sendable (isolated LearnSession) async -> Result<Value, APIFailure>
    ) async -> Result<Value, APIFailure> {
        guard waiting < Self.waitingLimit else {
            return .failure(APIFailure(.unavailable, "\(waiting) requests of this session wait already"))
        }
        waiting += 1
        let clock = clock
        let result = await lane.run(turns) {
            let deadline = clock.steadyNanoseconds + Self.patience
            return await TaskLimit { clock.steadyNanoseconds > deadline }.run {
                await self.carryOut(body)
            }
        }
        waiting -= 1
        return result
    }

    private func carryOut<Value: Sendable>(
        _ body: @Sendable (isolated LearnSession) async -> Result<Value, APIFailure>
    ) async -> Result<Value, APIFailure> {
        let result = await body(self)
        guard TaskLimit.isOver else { return result }
        // The world stands between two of its moments: the next request goes on from there.
        return .failure(APIFailure(.timeout, "this took more than \(Self.patience / 1_000_000_000) seconds"))
    }

    private func current() async throws -> LessonWorld {
        if let world { return world }
        let made = try await LessonWorld(lesson, scenario: entry.scenario)
        world = made
        return made
    }

    private func forget() async { world = nil }

    private func answer(_ change: (LessonWorld) async throws -> Void) async -> LearnControl.Answer {
        do {
            let world = try await current()
            try await change(world)
            return .success(LearnJSON.state(world, id: id))
        } catch {
            return .failure(Self.failure(error))
        }
    }

    private static func failure(_ error: any Error) -> APIFailure {
        if let failure = error as? APIFailure { return failure }
        return APIFailure(.execution, "\(error)")
    }
}
