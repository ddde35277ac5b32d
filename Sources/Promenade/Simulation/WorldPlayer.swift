package import MetricModel
package import Simulation
import Synchronization
package import Web

/// Plays a world at some speed, and lets people stop it, go on, take a step and jump.
package final class WorldPlayer: Sendable {
    /// Somebody who waits for what was asked for.
    private struct Waiting {
        /// Up to which moment, which step, or until the player has looked so often what people want; `nil` for none.
        var moment: Int64?
        var step: Int?
        var look: Int?
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var isPlaying: Bool
        var speed: Double
        /// Up to where it goes at once, in nanoseconds from the start.
        var target: Int64?
        /// How many steps were asked for, and how many were taken.
        var steps = (asked: 0, taken: 0)
        /// How often the player has looked what people want; nothing moves while it looks.
        var looks = 0
        var now: Int64 = 0
        /// Up to which moment all has happened.
        var done: Int64 = 0
        /// What happened last, in words.
        var last = ""
        var isOver = false
        /// Whether somebody wants it to end.
        var isStopped = false
        /// Whether nobody plays any longer.
        var isGone = false
        /// What happened, without so many of the first.
        var marks: [WorldEvent] = []
        var forgotten = 0
        /// Those who wait for what they asked for.
        var waiting: [Waiting] = []
    }

    /// The most events that are kept to be shown.
    private static let markLimit = 20_000
    /// How often a world that stands still, or goes on between two events, is looked at, in milliseconds.
    private static let pause: Int64 = 25
    /// For how long it goes on before it looks whether people want something else, in nanoseconds.
    private static let slice: Int64 = 20_000_000

    /// What people want and how far the world is.
    private let state: Mutex<State>
    private let start: Timestamp
    private let end: Int64
    private let wall: any StackClock
    /// What servers answer from, anew after each restart.
    let parts: AsyncStream<ServedWorld.Parts>
    private let offer: AsyncStream<ServedWorld.Parts>.Continuation

    /// - Parameters:
    ///   - speed: simulated seconds in a second.
    ///   - wall: the time of the people who look.
    package init(
        _ scenario: Scenario,
        until: Int64,
        speed: Double,
        isPlaying: Bool,
        wall: any StackClock
    ) {
        state = Mutex(State(isPlaying: isPlaying, speed: speed))
        start = scenario.start
        end = scenario.duration
        self.wall = wall
        (parts, offer) = AsyncStream<ServedWorld.Parts>.makeStream(bufferingPolicy: .bufferingNewest(1))
        // What was asked for on the command line is where people begin to look.
        if until < end { state.withLock { $0.target = until } }
    }

    /// The player ends; what the world comes to by then is told.
    package func stop() { state.withLock { $0.isStopped = true } }

    private var isStopped: Bool { state.withLock { $0.isStopped } || Task.isCancelled }

    /// Runs the world until the player is stopped or the task is cancelled; at its end it stays as it is.
    /// - Parameters:
    ///   - observe: is told of each event as it happens.
    ///   - onEnd: is told what the world came to, as soon as that is known: at its end, or where it is stopped before.
    /// - Returns: what the world came to; `nil` where the task was cancelled before its end.
    package func run(
        _ world: World,
        observe: @escaping (WorldEvent) -> Void,
        onEnd: (WorldReport) -> Void
    ) async throws -> WorldReport? {
        var report: WorldReport?
        do {
            try await play(world, observe) {
                report = WorldReport(world)
                report.map(onEnd)
            }
            if report == nil, !Task.isCancelled {
                try await world.cut()
                report = WorldReport(world)
                report.map(onEnd)
            }
        } catch {
            // Whatever happens: a database that is kept has to be whole.
            try? await world.stack.close()
            throw error
        }
        try await world.stack.close()
        return report
    }

    private func play(_ world: World, _ observe: @escaping (WorldEvent) -> Void, onEnd: () -> Void) async throws {
        world.observe = { [self] event in
            observe(event)
            // A bar of time has no room for every scrape.
            if event.kind == .scrape { return }
            state.withLock { state in
                if state.marks.count >= 2 * Self.markLimit {
                    state.marks.removeFirst(Self.markLimit)
                    state.forgotten += Self.markLimit
                }
                state.marks.append(event)
            }
        }
        defer {
            offer.finish()
            state.withLock { $0.isGone = true }
            release()
        }
        world.stack.targets.isGatewayOurs = false
        try await world.begin()
        var offered: Int?
        var moment = wall.steadyNanoseconds
        var isTold = false
        while !isStopped {
            if world.isOver, !isTold {
                isTold = true
                onEnd()
            }
            if world.stack.changes != offered {
                offered = world.stack.changes
                if let parts = world.stack.parts { offer.yield(parts) }
            }
            let wish = state.withLock { state in
                state.looks += 1
                return (state.target, state.steps, state.isPlaying, state.speed)
            }
            answer()
            let before = moment
            moment = wall.steadyNanoseconds
            let limit = moment + Self.slice
            let goesOn = { [self] in wall.steadyNanoseconds < limit && !isStopped }
            if let target = wish.0 {
                tell(world, isThere: try await world.run(until: target, while: goesOn))
                continue
            }
            if wish.1.taken < wish.1.asked {
                try await step(world)
                // Who pauses meanwhile has taken it already; a step that is asked for after that is another one.
                state.withLock { $0.steps.taken = max($0.steps.taken, wish.1.taken + 1) }
                tell(world)
                continue
            }
            var isThere = true
            if wish.2 {
                let elapsed = Double(min(moment - before, 1_000_000_000)) * wish.3
                isThere = try await world.run(until: min(world.now + Int64(elapsed), end), while: goesOn)
            }
            tell(world, isThere: isThere)
            // A world that needs all of a processor gets it.
            if isThere { try await wall.sleep(milliseconds: Self.pause) }
        }
    }

    /// To the next thing that can be seen: the store looks after itself, and expectations are looked at, without anybody's noticing.
    private func step(_ world: World) async throws {
        func count() -> Int { state.withLock { $0.marks.count + $0.forgotten } }
        let before = count()
        while !isStopped {
            let isSeen = world.isNextSeen
            guard try await world.step() != nil, !isSeen, count() == before else { return }
        }
    }

    /// How far the world is now; whoever waited for that is answered.
    /// - Parameter isThere: whether all that happens at this moment has happened.
    private func tell(_ world: World, isThere: Bool = true) {
        state.withLock { state in
            state.now = world.now
            state.last = Self.words(world.last)
            state.isOver = world.isOver
            let done = isThere ? state.now : state.now - 1
            if let target = state.target, done >= target { state.target = nil }
            if state.isOver {
                (state.target, state.isPlaying) = (nil, false)
                state.steps.taken = state.steps.asked
            }
            state.done = done
        }
        answer()
    }

    /// Whoever waited for what is there now is answered.
    private func answer() {
        let found = state.withLock { state -> [Waiting] in
            let (done, taken, looks, isOver) = (state.done, state.steps.taken, state.looks, state.isOver)
            func isDone(_ one: Waiting) -> Bool {
                isOver || done >= one.moment ?? 0 && taken >= one.step ?? 0 && looks >= one.look ?? 0
            }
            defer { state.waiting.removeAll(where: isDone) }
            return state.waiting.filter(isDone)
        }
        for one in found { one.continuation.resume() }
    }

    /// Nobody waits any longer, though what they wait for has not come: the program ends.
    func release() {
        let waiting = state.withLock { state in
            state.target = nil
            state.steps.taken = state.steps.asked
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.continuation.resume() }
    }

    private static func words(_ event: WorldEvent) -> String {
        let words =
            switch event.kind {
            case .scrape: ["scrape of", event.subject, event.text.isEmpty ? "" : "failed: \(event.text)"]
            case .rule: ["evaluation of", event.subject, event.text]
            case .begin, .event, .batch, .push, .target, .alert, .notify, .stack, .expect, .end:
                [event.subject, event.text]
            }
        return words.filter { !$0.isEmpty }.joined(separator: " ")
    }

    // MARK: What pages ask for

    /// What the API of the clock does.
    package var control: PlayerControl {
        PlayerControl(
            status: { [self] in
                state.withLock { state in
                    PlayerControl.Status(
                        start: start,
                        end: start + end / 1_000_000,
                        now: start + state.now / 1_000_000,
                        isPlaying: state.isPlaying,
                        isOver: state.isOver,
                        speed: state.speed,
                        marks: state.marks.count + state.forgotten,
                        last: state.last
                    )
                }
            },
            command: { [self] (commands) throws(PlayerControl.Refusal) in try await carryOut(commands) },
            marks: { [self] from in
                state.withLock { $0.marks.dropFirst(max(0, from - $0.forgotten)) }.map { event in
                    PlayerControl.Mark(
                        time: start + event.time / 1_000_000,
                        kind: event.kind.rawValue,
                        subject: event.subject,
                        text: event.text
                    )
                }
            }
        )
    }

    /// Why something cannot be done in a state; `nil` where it can.
    private func refusal(_ command: PlayerControl.Command, _ state: State) -> PlayerControl.Refusal? {
        let now = start + state.now / 1_000_000
        switch command {
        case .jump(let time): return time < now ? .past(now: now) : nil
        case .play, .step, .advance, .speed: return state.isOver ? .over(end: now) : nil
        // What stands still is paused already.
        case .pause: return nil
        }
    }

    /// Of what is refused in part nothing is done.
    private func carryOut(_ commands: [PlayerControl.Command]) async throws(PlayerControl.Refusal) {
        let refusal = state.withLock { state in commands.compactMap { self.refusal($0, state) }.first }
        if let refusal { throw refusal }
        for command in commands { await carryOut(command) }
    }

    private func carryOut(_ command: PlayerControl.Command) async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state -> Bool in
                if state.isOver || state.isGone { return true }
                var one = Waiting(continuation: continuation)
                switch command {
                case .play: state.isPlaying = true
                case .pause:
                    state.isPlaying = false
                    state.target = nil
                    state.steps.taken = state.steps.asked
                    // What is in the works is done when the player looks again; so long do those wait who wanted to get further.
                    one.look = state.looks + 1
                    for index in state.waiting.indices {
                        (state.waiting[index].moment, state.waiting[index].step) = (nil, nil)
                        state.waiting[index].look = one.look
                    }
                case .speed(let speed): state.speed = speed
                case .step:
                    state.isPlaying = false
                    state.steps.asked += 1
                    one.step = state.steps.asked
                case .jump(let time):
                    // What is beyond the end is the end.
                    let target = time <= start ? 0 : min(time - start, end / 1_000_000 + 1) * 1_000_000
                    guard target > state.now else { return true }
                    one.moment = min(target, end)
                case .advance(let milliseconds):
                    // From where a jump that is under way ends.
                    let from = max(state.now, state.target ?? 0)
                    one.moment = from + min(max(0, milliseconds), (end - from) / 1_000_000 + 1) * 1_000_000
                    one.moment = min(one.moment ?? end, end)
                }
                if let moment = one.moment { state.target = max(state.target ?? 0, moment) }
                if one.step == nil, one.moment == nil, one.look == nil { return true }
                state.waiting.append(one)
                return false
            }
            if isDone { continuation.resume() }
        }
    }
}
