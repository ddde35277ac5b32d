public import MetricModel

/// What a server on a simulated clock lets pages do with its time.
public struct PlayerControl: Sendable {
    /// How far it is.
    public struct Status: Sendable, Hashable {
        /// Where the scenario begins and ends, and where it is, in milliseconds since 1970.
        public var start: Timestamp
        /// Its end.
        public var end: Timestamp
        /// Where it is.
        public var now: Timestamp
        /// Whether time passes.
        public var isPlaying: Bool
        /// Whether the end has come.
        public var isOver: Bool
        /// Simulated seconds in a second.
        public var speed: Double
        /// How many things have happened so far.
        public var marks: Int
        /// What happened last, in words: also a scrape or an evaluation, which are no marks.
        public var last: String

        /// How far it is.
        public init(
            start: Timestamp,
            end: Timestamp,
            now: Timestamp,
            isPlaying: Bool,
            isOver: Bool,
            speed: Double,
            marks: Int = 0,
            last: String = ""
        ) {
            self.start = start
            self.end = end
            self.now = now
            self.isPlaying = isPlaying
            self.isOver = isOver
            self.speed = speed
            self.marks = marks
            self.last = last
        }
    }

    /// What can be asked for.
    public enum Command: Sendable, Hashable {
        /// Time passes.
        case play
        /// It stands still.
        case pause
        /// It passes so many times as fast as that of the people.
        case speed(Double)
        /// It goes to the next scrape, push, evaluation or other event, and stands still there.
        case step
        /// It goes to a moment (milliseconds since 1970) at once; never back.
        case jump(Timestamp)
        /// It goes on at once by so many milliseconds, from where it is or where a jump that is under way ends.
        case advance(Int64)
    }

    /// Why something cannot be done.
    public enum Refusal: Error, Sendable, Hashable {
        /// The moment is over: the time (milliseconds since 1970) is later.
        case past(now: Timestamp)
        /// The scenario has ended, then.
        case over(end: Timestamp)
    }

    /// Something that happened, to be marked on a bar of time.
    public struct Mark: Sendable, Hashable {
        /// When, in milliseconds since 1970.
        public var time: Timestamp
        /// What kind of thing.
        public var kind: String
        /// Whom it is about.
        public var subject: String
        /// The rest in words.
        public var text: String

        /// Something that happened.
        public init(time: Timestamp, kind: String, subject: String, text: String) {
            self.time = time
            self.kind = kind
            self.subject = subject
            self.text = text
        }
    }

    /// How far it is.
    public var status: @Sendable () -> Status
    /// Does what is asked for, one after the other, or nothing of it where a part cannot be done; returns when a step or a jump is done,
    /// or for a pause when nothing moves any more.
    public var command: @Sendable ([Command]) async throws(Refusal) -> Void
    /// What has happened so far, without so many of the first.
    public var marks: @Sendable (_ from: Int) -> [Mark]

    /// A control with these.
    public init(
        status: @escaping @Sendable () -> Status,
        command: @escaping @Sendable ([Command]) async throws(Refusal) -> Void,
        marks: @escaping @Sendable (_ from: Int) -> [Mark]
    ) {
        self.status = status
        self.command = command
        self.marks = marks
    }
}

/// `/api/v1/clock` of a server on a simulated clock.
extension ClockControl {
    /// The greatest speed: a day in ten seconds.
    private static let greatestSpeed = 8640.0

    /// Reads `action=play|pause|step`, `speed=60`, `to=…`, `advance=5m` and does all of it, or nothing where something is wrong.
    func play(_ player: PlayerControl, _ parameters: APIParameters) async throws(APIFailure) {
        let (action, speed, moment) = (parameters.form["action"], parameters.form["speed"], parameters.form["to"])
        var commands: [PlayerControl.Command] = []
        if !speed.isEmpty {
            guard let value = Double(speed), value > 0, value <= Self.greatestSpeed else {
                throw .invalid("speed", "\(GoText.quoted(speed)) is not above 0 and at most 8640, such as 60")
            }
            commands.append(.speed(value))
        }
        switch action {
        case "": break
        case "play": commands.append(.play)
        case "pause": commands.append(.pause)
        case "step": commands.append(.step)
        case _: throw .invalid("action", "\(GoText.quoted(action)) is not play, pause or step")
        }
        if !moment.isEmpty {
            guard let time = APITime(parsing: moment) else {
                throw .invalid("to", "\(GoText.quoted(moment)) is not a time such as 2026-01-05T09:05:16Z")
            }
            commands.append(.jump(time.milliseconds))
        }
        if let step = try step(parameters) {
            if !moment.isEmpty { throw .invalid("advance", "one jump is enough: to=… or advance=…") }
            commands.append(.advance(step.milliseconds))
        }
        if commands.isEmpty {
            throw .invalid("action", "nothing is asked for: action=play, speed=60, to=… or advance=5m")
        }
        do throws(PlayerControl.Refusal) {
            try await player.command(commands)
        } catch {
            switch error {
            case .past(let now):
                throw .invalid(
                    "to",
                    "time does not go back: it is \(Self.text(now)) already; queries look at any time, and the scenario "
                        + "begins anew where it is started again"
                )
            case .over(let end):
                throw APIFailure(.badData, "the scenario is over since \(Self.text(end)): time does not pass any more")
            }
        }
    }

    private static func text(_ time: Timestamp) -> String { CivilTime.rfc3339(nanoseconds: time * 1_000_000) }

    /// The time with all that a bar of time shows.
    func status(of player: PlayerControl) -> APIAnswer {
        let status = player.status()
        let data: JSONObject = [
            "now": JSONTime(status.now),
            "manual": true,
            "start": JSONTime(status.start),
            "end": JSONTime(status.end),
            "playing": status.isPlaying,
            "over": status.isOver,
            "speed": status.speed,
            "marks": status.marks,
            "last": status.last,
        ]
        return .json(data)
    }

    /// `/api/v1/clock/marks?from=N`: what has happened, without the first N.
    func marks(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        guard let player else { throw APIFailure(.notFound, "this clock is not simulated") }
        try Self.checkFields(parameters, ["from"])
        let text = parameters["from"]
        guard let first = text.isEmpty ? 0 : Int(text), first >= 0 else {
            throw .invalid("from", "\(GoText.quoted(text)) is not the number of a mark, counted from 0")
        }
        let marks = player.marks(first).map { mark -> JSONObject in
            ["time": JSONTime(mark.time), "kind": mark.kind, "subject": mark.subject, "text": mark.text]
        }
        return .json(marks)
    }
}
