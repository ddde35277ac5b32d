import MetricModel
import Simulation
import Synchronization
import Web

/// Plays a world at some speed, and lets people stop it, go on, take a step and jump.
final class WorldPlayer: Sendable {
    /// Somebody who waits for what was asked for.
    private struct Waiting {
        /// Up to which moment, or which step; `nil` for none.
        var moment: Int64?
        var step: Int?
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var isPlaying: Bool
        var speed: Double
        /// Up to where it goes at once, in nanoseconds from the start.
        var target: Int64?
        /// How many steps were asked for, and how many were taken.
        var steps = (asked: 0, taken: 0)
        var now: Int64 = 0
        /// What happened last, in words.
        var last = ""
        var isOver = false
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
    init(
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

    /// Runs the world until the task is cancelled; at its end it stays as it is.
    func run(_ world: World) async throws {
        world.observe = { [self] event in
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
            release()
        }
        world.stack.targets.isGatewayOurs = false
        try await world.begin()
        var offered: Int?
        var moment = wall.steadyNanoseconds
        while !Task.isCancelled {
            if world.stack.changes != offered {
                offered = world.stack.changes
                if let parts = world.stack.parts { offer.yield(parts) }
            }
            let wish = state.withLock { ($0.target, $0.steps, $0.isPlaying, $0.speed) }
            let before = moment
            moment = wall.steadyNanoseconds
            let limit = moment + Self.slice
            let goesOn = { [wall] in wall.steadyNanoseconds < limit && !Task.isCancelled }
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
        while !Task.isCancelled {
            let isSeen = world.isNextSeen
            guard try await world.step() != nil, !isSeen, count() == before else { return }
        }
    }

    /// How far the world is now; whoever waited for that is answered.
    /// - Parameter isThere: whether all that happens at this moment has happened.
    private func tell(_ world: World, isThere: Bool = true) {
        let found = state.withLock { state -> [Waiting] in
            state.now = world.now
            state.last = Self.words(world.last)
            state.isOver = world.isOver
            let done = isThere ? state.now : state.now - 1
            if let target = state.target, done >= target { state.target = nil }
            if state.isOver {
                (state.target, state.isPlaying) = (nil, false)
                state.steps.taken = state.steps.asked
            }
            let (taken, isOver) = (state.steps.taken, state.isOver)
            func isDone(_ one: Waiting) -> Bool { isOver || done >= one.moment ?? 0 && taken >= one.step ?? 0 }
            defer { state.waiting.removeAll(where: isDone) }
            return state.waiting.filter(isDone)
        }
        for one in found { one.continuation.resume() }
    }

    /// Nobody waits any longer, though what they wait for has not come.
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
    var control: PlayerControl {
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
            command: { [self] in await carryOut($0) },
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

    private func carryOut(_ command: PlayerControl.Command) async {
        if command == .pause { release() }
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state -> Bool in
                if state.isOver { return true }
                var one = Waiting(continuation: continuation)
                switch command {
                case .play: state.isPlaying = true
                case .pause: state.isPlaying = false
                case .speed(let speed): state.speed = speed
                case .step:
                    state.isPlaying = false
                    state.steps.asked += 1
                    one.step = state.steps.asked
                case .jump(let time):
                    // What is beyond the end is the end.
                    let target = time <= start ? 0 : min(time - start, end / 1_000_000 + 1) * 1_000_000
                    guard target > state.now else { return true }
                    let moment = min(target, end)
                    state.target = max(state.target ?? 0, moment)
                    one.moment = moment
                }
                if one.step == nil, one.moment == nil { return true }
                state.waiting.append(one)
                return false
            }
            if isDone { continuation.resume() }
        }
    }
}
