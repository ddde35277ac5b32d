import MetricModel
import Simulation
import Synchronization
import Web

/// Plays a world at some speed, and lets people stop it, go on, take a step and jump.
final class WorldPlayer: Sendable {
    private struct State {
        var isPlaying: Bool
        var speed: Double
        /// Up to where it goes at once, in nanoseconds from the start.
        var target: Int64?
        /// How many steps are asked for.
        var steps = 0
        var now: Int64 = 0
        /// What happened last, in words.
        var last = ""
        var isOver = false
        var marks: [WorldEvent] = []
        /// Counts restarts of the server.
        var generation = 0
        /// Those who wait for what they asked for.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// The most events that are kept to be shown.
    private static let markLimit = 20_000
    /// How often a world that stands still, or goes on between two events, is looked at, in milliseconds.
    private static let pause: Int64 = 25

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

    /// How often the server was started.
    var generation: Int { state.withLock { $0.generation } }

    /// Runs the world until the task is cancelled; at its end it stays as it is.
    func run(_ world: World) async throws {
        world.observe = { [self] event in
            state.withLock { state in
                if state.marks.count < Self.markLimit { state.marks.append(event) }
                if event.kind == .stack, event.text.hasPrefix("is there") { state.generation += 1 }
            }
        }
        defer { offer.finish() }
        world.stack.targets.isGatewayOurs = false
        try await world.begin()
        if let parts = world.stack.parts { offer.yield(parts) }
        var offered = generation
        var moment = wall.steadyNanoseconds
        while !Task.isCancelled {
            let wish = state.withLock { ($0.target, $0.steps, $0.isPlaying, $0.speed) }
            if generation != offered, let parts = world.stack.parts {
                offered = generation
                offer.yield(parts)
            }
            let before = moment
            moment = wall.steadyNanoseconds
            if let target = wish.0 {
                try await world.run(until: target)
                tell(world) { $0.target = nil }
            } else if wish.1 > 0 {
                try await step(world)
                tell(world) { $0.steps -= 1 }
            } else if wish.2 {
                let elapsed = Double(min(moment - before, 1_000_000_000)) * wish.3
                try await world.run(until: min(world.now + Int64(elapsed), end))
                tell(world) { _ in }
                try await wall.sleep(milliseconds: Self.pause)
            } else {
                tell(world) { _ in }
                try await wall.sleep(milliseconds: Self.pause)
            }
        }
    }

    /// To the next thing that can be seen: the store looks after itself, and expectations are looked at, without anybody's noticing.
    private func step(_ world: World) async throws {
        let before = state.withLock { $0.marks.count }
        while !Task.isCancelled {
            let isSeen = world.isNextSeen
            guard try await world.step() != nil, !isSeen, state.withLock({ $0.marks.count }) == before else { return }
        }
    }

    private func tell(_ world: World, _ change: (inout State) -> Void) {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            change(&state)
            state.now = world.now
            state.last = Self.words(world.last)
            state.isOver = world.isOver
            if state.isOver { (state.target, state.steps, state.isPlaying) = (nil, 0, false) }
            guard state.target == nil, state.steps == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
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
                        marks: state.marks.count,
                        last: state.last
                    )
                }
            },
            command: { [self] in await carryOut($0) },
            marks: { [self] from in
                state.withLock { $0.marks.dropFirst(from) }.map { event in
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
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state -> Bool in
                if state.isOver { return true }
                switch command {
                case .play: state.isPlaying = true
                case .pause: state.isPlaying = false
                case .speed(let speed): state.speed = speed
                case .step:
                    state.isPlaying = false
                    state.steps += 1
                case .jump(let time):
                    let target = (time - start) * 1_000_000
                    guard target > state.now else { return true }
                    state.target = target
                }
                guard state.target != nil || state.steps > 0 else { return true }
                state.waiting.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }
}
