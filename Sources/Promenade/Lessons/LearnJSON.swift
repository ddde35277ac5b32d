import Exposition
import Lessons
import MetricModel
import Simulation

/// Lessons and their sessions as the pages read them.
enum LearnJSON {
    private static func quoted(_ text: String) -> String { JSONString.quoted(text) }

    private static func list(_ items: some Sequence<String>) -> String { "[" + items.joined(separator: ",") + "]" }

    private static func object(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private static func milliseconds(_ time: Int64) -> String { "\(time / 1_000_000)" }

    private static func number(_ value: Double) -> String { quoted(GoNumber.text(value, .json)) }

    // MARK: Lessons

    static func course(_ course: Course) -> String {
        object([
            ("languages", list(course.languages.map(quoted))),
            (
                "lessons",
                list(
                    course.entries.map { entry in
                        let texts = entry.usable.sorted { $0.key < $1.key }.map { language, lesson in
                            (language, object([("title", quoted(lesson.title)), ("goal", quoted(lesson.goal))]))
                        }
                        return object([("name", quoted(entry.name)), ("texts", object(texts))])
                    }
                )
            ),
        ])
    }

    static func lesson(_ lesson: Lesson, languages: [String]) -> String {
        let moves = LessonMoves(lesson)
        return object([
            ("name", quoted(lesson.name)),
            ("language", quoted(lesson.language)),
            ("languages", list(languages.map(quoted))),
            ("title", quoted(lesson.title)),
            ("goal", quoted(lesson.goal)),
            ("stops", list(moves.stops.map { "\($0)" })),
            ("moves", list(moves.moves.map { "[\($0.step),\($0.block),\(quoted(word($0.kind)))]" })),
            (
                "steps",
                list(
                    lesson.steps.map { step in
                        object([("title", quoted(step.title)), ("blocks", list(step.blocks.map(block)))])
                    }
                )
            ),
        ])
    }

    private static func word(_ kind: LessonMoves.Kind) -> String {
        switch kind {
        case .show: "show"
        case .run: "run"
        case .press: "press"
        case .ask: "ask"
        case .close: "close"
        }
    }

    private static func line(_ line: LessonText.Line) -> String {
        list(
            line.map { span in
                switch span {
                case .words(let text): quoted(text)
                case .code(let text): object([("code", quoted(text))])
                case .strong(let text): object([("strong", quoted(text))])
                case .plain(let text): quoted(text)
                case .number(let text, let expression):
                    object([("number", quoted(text)), ("query", quoted(expression))])
                }
            }
        )
    }

    private static func block(_ block: Lesson.Block) -> String {
        switch block.content {
        case .text(let text): self.text(text)
        case .run(let moment): object([("kind", quoted("run")), ("to", milliseconds(moment))])
        case .predict(let prediction):
            object([
                ("kind", quoted("predict")), ("question", line(prediction.question)),
                (
                    "choices",
                    list(
                        prediction.choices.map { object([("text", line($0.text)), ("query", quoted($0.condition))]) }
                    )
                ),
                ("why", line(prediction.why)),
            ])
        case .act(let acts): object([("kind", quoted("act")), ("labels", list(acts.map { quoted($0.label) }))])
        case .explore(let acts): object([("kind", quoted("try")), ("labels", list(acts.map { quoted($0.label) }))])
        case .panel(let panels): object([("kind", quoted("panel")), ("panels", list(panels.map(panel)))])
        case .claim(let claims):
            object([("kind", quoted("claim")), ("queries", list(claims.map { quoted($0.expression) }))])
        case .changes(let changes): object([("kind", quoted("changes")), ("job", quoted(changes.job))])
        case .picture(let picture):
            object([
                ("kind", quoted("picture")), ("ways", list(picture.ways.map(way))),
                ("range", milliseconds(picture.range)),
            ])
        }
    }

    private static func way(_ way: Lesson.Way) -> String {
        let origin: (kind: String, name: String) =
            switch way.origin {
            case .batch(let name): ("batch", name)
            case .service(let name): ("service", name)
            case .requests(let job): ("requests", job)
            }
        return object([
            ("origin", quoted(origin.kind)), ("name", quoted(origin.name)), ("held", quoted(way.held)),
            ("job", quoted(way.job)), ("query", quoted(way.query)),
        ])
    }

    private static func panel(_ panel: Lesson.Panel) -> String {
        object([
            ("title", quoted(panel.title)), ("query", quoted(panel.expression)),
            ("range", panel.range.map(milliseconds) ?? "null"),
        ])
    }

    private static func text(_ text: LessonText) -> String {
        switch text {
        case .paragraph(let words): object([("kind", quoted("paragraph")), ("line", line(words))])
        case .list(let lines): object([("kind", quoted("list")), ("lines", list(lines.map(line)))])
        case .table(let rows):
            object([("kind", quoted("table")), ("rows", list(rows.map { list($0.map(line)) }))])
        case .code(let language, let code):
            object([("kind", quoted("code")), ("language", quoted(language)), ("code", quoted(code))])
        }
    }

    // MARK: Sessions

    /// How many events and scrapes are told.
    private static let toldEvents = 200
    private static let toldLooks = 800

    private static func request(_ request: LessonTrace.Request, _ more: [(String, String)]) -> String {
        object(
            more + [
                ("by", quoted(request.by)), ("method", quoted(request.method)), ("path", quoted(request.path)),
                ("job", quoted(request.job)),
            ]
        )
    }

    static func state(_ world: LessonWorld, id: String) -> String {
        let start = world.world.scenario.start
        let trace = world.trace
        return object([
            ("id", quoted(id)),
            ("position", "\(world.position)"),
            ("at", milliseconds(world.now)),
            ("moments", list(world.moments.map(milliseconds))),
            ("start", "\(start)"),
            ("clock", quoted(WorldEvent.moment(start + world.now / 1_000_000))),
            ("explored", world.isExplored ? "true" : "false"),
            ("ended", world.isOver ? "true" : "false"),
            (
                "truths",
                list(
                    world.truths.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { place, choice in
                        list((place + [choice]).map { "\($0)" })
                    }
                )
            ),
            (
                "events",
                list(
                    trace.events.suffix(toldEvents).map { event in
                        object([
                            ("at", milliseconds(event.time)), ("kind", quoted(event.kind.rawValue)),
                            ("subject", quoted(event.subject)), ("text", quoted(event.text)),
                        ])
                    }
                )
            ),
            (
                "requests",
                list(trace.requests.suffix(toldEvents).map { request($0, [("at", milliseconds($0.time))]) })
            ),
            (
                "lives",
                list(
                    trace.lives(atMost: toldEvents).map { life in
                        object([
                            ("service", quoted(life.service)), ("name", quoted(life.name)),
                            ("from", milliseconds(life.from)), ("to", life.to.map(milliseconds) ?? "null"),
                        ])
                    }
                )
            ),
            (
                "runs",
                list(
                    trace.runs.map { run in
                        object([
                            ("batch", quoted(run.batch)), ("from", milliseconds(run.from)),
                            ("to", run.to.map(milliseconds) ?? "null"), ("good", run.isGood ? "true" : "false"),
                        ])
                    }
                )
            ),
            (
                "scrapes",
                list(
                    trace.looks.suffix(toldLooks).map { look in
                        object([
                            ("at", milliseconds(look.time)), ("job", quoted(look.job)),
                            ("instance", quoted(look.instance)), ("good", look.isGood ? "true" : "false"),
                        ])
                    }
                )
            ),
            (
                "held",
                list(
                    trace.held.map { held in
                        object([
                            ("at", milliseconds(held.time)),
                            ("request", held.request.map { request($0, []) } ?? "null"),
                            ("body", quoted(held.body)),
                            (
                                "series",
                                list(held.series.map { "[\(quoted($0.labels.selectorText)),\(number($0.value))]" })
                            ),
                        ])
                    }
                )
            ),
        ])
    }
}
