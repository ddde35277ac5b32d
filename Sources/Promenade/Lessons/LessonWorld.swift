import ConfigTree
import Exposition
package import Lessons
import MetricModel
package import PromQL
import Pushgateway
import Simulation

/// A lesson being gone through: its world, and how far it is. Use it from one task at a time, as ``World``.
package final class LessonWorld {
    package let lesson: Lesson
    package let moves: LessonMoves
    /// How many moves are done.
    package private(set) var position = 0
    /// When each move was done, in nanoseconds from the start.
    package private(set) var moments: [Int64] = []
    /// Whether somebody pressed what the lesson does not need.
    package private(set) var isExplored = false
    /// The choice that turned out right, by step and block.
    package private(set) var truths: [[Int]: Int] = [:]
    /// Is told what does not hold.
    package var complain: ((_ line: Int, _ message: String) -> Void)?
    /// What buttons have pushed that the Pushgateway did not take, with their lines.
    package private(set) var refusals: [(line: Int, text: String)] = []
    let world: World
    private(set) var trace = LessonTrace()
    private let source: LessonScenario

    /// A lesson at its beginning.
    /// - Throws: `ConfigError` with the file and what is wrong in it, `StackError` where there can be no stack.
    package init(_ lesson: Lesson, scenario file: (file: String, text: [UInt8])) async throws {
        self.lesson = lesson
        moves = LessonMoves(lesson)
        source = try LessonScenario(file, lesson)
        var options = World.Options(seed: source.scenario.seed)
        options.tellsScrapes = true
        options.leftOut = source.buttons
        world = try await World(source.scenario, options)
        world.keepsLog = false
        told = []
        world.observe = { [unowned self] in told.append($0) }
        try await Self.whole { try await world.begin() }
        await look()
    }

    /// What the world does is done as a whole, whatever the limit of the request: between two things it can wait.
    private static func whole(_ body: () async throws -> Void) async throws {
        try await TaskLimit { false }.run { () async throws in try await body() }
    }

    /// What the world told during a step.
    private var told: [WorldEvent]
    /// To where time was to pass when a request's limit was reached; the next request goes on from there.
    private var pending: Int64?

    /// Nanoseconds from the start.
    package var now: Int64 { world.now }

    /// Whether no more time passes in it.
    var isOver: Bool { now >= world.end }

    // MARK: The way

    /// Does the moves that are missing to a position, which is not behind, or as many as the task's limit leaves time for.
    package func go(to wanted: Int) async throws {
        while position < min(wanted, moves.moves.count) {
            try await carryOut(moves.moves[position])
            switch moves.moves[position].kind {
            // What was asked may have no answer: it is asked again.
            case .show, .ask, .close: if TaskLimit.isOver { return }
            case .run, .press: if pending != nil { return }
            }
            moments.append(now)
            position += 1
        }
    }

    private func carryOut(_ move: LessonMoves.Move) async throws {
        switch move.kind {
        case .show: await check(lesson.steps[move.step].blocks[move.block])
        case .ask: break
        case .run(let moment):
            let line = lesson.steps[move.step].blocks[move.block].line
            if moment < now { complain?(line, "the world is at \(Self.span(now)) already") }
            try await run(until: moment, line: line)
        case .press(let index): try await perform(.init(step: move.step, block: move.block, act: index))
        case .close: await settle(move.step)
        }
    }

    /// Presses a button of those that the lesson does not need.
    /// - Returns: whether there is such a button.
    package func explore(step: Int, block: Int, act: Int) async throws -> Bool {
        guard lesson.steps.indices.contains(step), lesson.steps[step].blocks.indices.contains(block),
            case .explore(let acts) = lesson.steps[step].blocks[block].content, acts.indices.contains(act)
        else { return false }
        isExplored = true
        pending = nil
        try await perform(.init(step: step, block: block, act: act))
        return true
    }

    private func perform(_ place: LessonScenario.Place) async throws {
        let block = lesson.steps[place.step].blocks[place.block]
        switch block.content {
        case .act(let acts), .explore(let acts):
            let line = acts[place.act].line
            switch acts[place.act].deed {
            case .advance(let span): try await run(until: pending ?? now + span, line: line)
            case .event(let node):
                if let index = source.events[place] { try await Self.whole { try await world.event(index) } }
                for event in told where event.kind == .push && event.request?.isTaken != true {
                    refusals.append((line: line, text: event.text))
                }
                await look(body: node["body"]?.text ?? "")
            }
        case .text, .run, .predict, .panel, .claim, .picture, .changes: break
        }
    }

    private func run(until moment: Int64, line: Int) async throws {
        if moment > world.end {
            complain?(line, "the world ends at \(Self.span(world.end)), the duration of its scenario")
        }
        pending = moment
        while let time = world.nextTime, time <= moment {
            if TaskLimit.isOver { return }
            try await Self.whole { _ = try await world.step() }
            await look()
        }
        try await Self.whole { try await world.run(until: moment) }
        await look()
        pending = nil
    }

    // MARK: What happened

    /// - Parameter body: what the request of a button had in its body.
    private func look(body: String = "") async {
        var hasPushes = trace.held.isEmpty
        let requests = told.compactMap(LessonTrace.Request.init)
        for request in requests { trace.add(request) }
        see()
        for event in told {
            if event.kind == .scrape {
                let parts = event.subject.split(separator: " ", maxSplits: 1).map(String.init)
                let job = parts.first ?? ""
                let instance = parts.count > 1 ? parts[1] : ""
                let isGood = world.health[job + "\u{0}" + instance] ?? false
                trace.add(.init(time: event.time, job: job, instance: instance, isGood: isGood))
            } else {
                if event.kind == .push || event.kind == .stack || event.kind == .event { hasPushes = true }
                trace.add(event)
            }
        }
        told = []
        for (index, runs) in world.runs.enumerated() {
            let batch = world.scenario.batches[index].name
            for run in runs {
                trace.add(.init(batch: batch, number: run.number, from: run.begins, to: run.ends, isGood: !run.fails))
            }
        }
        if hasPushes {
            let request = requests.count == 1 ? requests[0] : nil
            trace.add(.init(time: now, request: request, body: body, series: await held()))
        }
    }

    /// Notes which instances of the services are there.
    private func see() {
        let begun = told.filter { $0.kind == .event && ["restart", "deploy"].contains($0.subject) }
            .map { String($0.text.prefix { $0 != " " }) }
        for name in world.scenario.services.map(\.name) {
            guard let service = world.services[name] else { continue }
            let alive = Set(service.instances.prefix(service.count).filter(\.isUp).map(\.name))
            // A deployment is told of the service as a whole.
            let anew = begun.contains(name) ? alive : alive.intersection(begun)
            trace.see(name, alive, begun: anew, at: now)
        }
    }

    /// What the Pushgateway holds now, without the times and results of pushes.
    private func held() async -> [(labels: Labels, value: Double)] {
        guard let gateway = world.stack.gateway, let families = try? await gateway.families() else { return [] }
        let all = families.filter { $0.name != "push_time_seconds" && $0.name != "push_failure_time_seconds" }
            .flatMap { family in
                family.metrics.compactMap { metric -> (labels: Labels, value: Double)? in
                    let value: Double
                    switch metric.value {
                    case .counter(let number, _, _), .gauge(let number), .untyped(let number): value = number
                    case .summary, .histogram: return nil
                    }
                    return (Labels(metric.labels + [Label(name: Labels.metricName, value: family.name)]), value)
                }
            }
        // Those that were looked at before go first: one more does not make another look gone.
        let known = Set(trace.held.last?.series.map(\.labels) ?? [])
        let kept = all.filter { known.contains($0.labels) } + all.filter { !known.contains($0.labels) }
        return kept.prefix(LessonTrace.seriesLimit).sorted { $0.labels < $1.labels }
    }

    // MARK: What has to be true

    private func check(_ block: Lesson.Block) async {
        guard complain != nil else { return }
        switch block.content {
        case .text(let text): await check(text.numbers, line: block.line)
        case .claim(let claims):
            for claim in claims {
                let seen = await world.query(claim.expression)
                if !seen.holds {
                    let reason = await side(of: claim.expression) ?? Self.text(seen)
                    complain?(claim.line, "\(claim.expression) does not hold: \(reason)")
                }
            }
        case .panel(let panels):
            for panel in panels {
                if let reason = Self.failure(await world.query(panel.expression)) { complain?(panel.line, reason) }
            }
        case .picture(let picture):
            for way in picture.ways {
                if let reason = await fault(of: way) { complain?(block.line, reason) }
            }
        case .changes(let changes):
            if let reason = silence(of: changes.job) { complain?(block.line, reason) }
        case .run, .predict, .act, .explore: break
        }
    }

    /// Why a way cannot be drawn.
    private func fault(of way: Lesson.Way) async -> String? {
        if let reason = Self.failure(await world.query(way.query)) { return reason }
        switch way.origin {
        case .batch(let name):
            if !world.scenario.batches.contains(where: { $0.name == name }) {
                return "there is no batch \(GoText.quoted(name))"
            }
        case .service(let name):
            if !world.scenario.services.contains(where: { $0.name == name }) {
                return "there is no service \(GoText.quoted(name))"
            }
        case .requests(let job):
            if let reason = silence(of: job) { return reason }
        }
        if !trace.looks.contains(where: { $0.job == way.job }) {
            return "nothing was scraped under the job \(GoText.quoted(way.job)) yet"
        }
        return nil
    }

    /// That nobody has made a request to a job's groups.
    private func silence(of job: String) -> String? {
        trace.requests.contains { $0.job == job } ? nil : "nobody has sent anything to /metrics/job/\(job) yet"
    }

    private func check(_ numbers: [(text: String, expression: String)], line: Int) async {
        for (text, expression) in numbers {
            let seen = await world.query(expression)
            let found: String
            switch seen {
            case .scalar(let value): found = value
            case .series(let series) where series.count == 1: found = series[0].value
            case .series, .notices, .refused, .failed, .unreachable:
                complain?(line, "\(text) should be \(expression), which is \(Self.text(seen))")
                continue
            }
            guard let said = LessonText.number(text), let value = Double(found) else {
                complain?(line, "\(text) should be \(expression), which is \(found)")
                continue
            }
            var unit = 1.0
            for _ in 0..<said.decimals { unit /= 10 }
            // As printed: half of the last digit may be lost.
            if abs(said.value - value) > unit / 2 + 1e-9 {
                complain?(line, "the text says \(text), but \(expression) is \(found)")
            }
        }
    }

    private func settle(_ step: Int) async {
        for (index, block) in lesson.steps[step].blocks.enumerated() {
            guard case .predict(let prediction) = block.content else { continue }
            var right: [Int] = []
            for (number, choice) in prediction.choices.enumerated() {
                let seen = await world.query(choice.condition)
                if let reason = Self.failure(seen) { complain?(choice.line, reason) }
                if seen.holds { right.append(number) }
            }
            truths[[step, index]] = right.first
            if right.count != 1 {
                complain?(block.line, "of the choices \(right.count) are true, not one")
            }
            await check(LessonText.numbers(prediction.why), line: block.line)
        }
    }

    /// What stands on the left of a comparison that does not hold.
    private func side(of expression: String) async -> String? {
        guard case .binary(let binary) = try? PromQLParser().parse(expression), binary.operation.isComparison else {
            return nil
        }
        let left = binary.left.description
        return "\(left) is \(Self.text(await world.query(left)))"
    }

    private static func span(_ nanoseconds: Int64) -> PrometheusDuration {
        PrometheusDuration(milliseconds: nanoseconds / 1_000_000)
    }

    private static func text(_ seen: Observation) -> String { seen.lines(limit: 3).joined(separator: "; ") }

    private static func failure(_ seen: Observation) -> String? {
        switch seen {
        case .series, .scalar, .notices: nil
        case .refused(let reason), .failed(let reason), .unreachable(let reason): reason
        }
    }

    // MARK: Questions

    /// What the lesson's server answers now, or answered at a moment, in nanoseconds from the start.
    package func instant(_ query: String, at moment: Int64? = nil) async throws(PromQLError) -> QueryResult {
        let time = world.scenario.start + min(moment ?? now, now) / 1_000_000
        return try await world.stack.engine.instant(query: query, at: time, reader: world.stack.store)
    }

    /// How it comes to an answer at a moment, in nanoseconds from the start.
    package func explain(_ query: String, at moment: Int64? = nil) async throws(PromQLError) -> Explanation {
        let time = world.scenario.start + min(moment ?? now, now) / 1_000_000
        return try await world.stack.engine.explain(query: query, over: .instant(at: time), reader: world.stack.store)
    }

    /// What it answered at each moment of a range that ends now or at a moment, in at most 600 steps of whole seconds.
    package func range(_ query: String, _ span: Int64, at moment: Int64? = nil) async throws(PromQLError) -> QueryResult
    {
        let end = min(moment ?? now, now)
        let start = max(0, end - span) / 1_000_000
        let length = end / 1_000_000 - start
        let step = max(1000, (length / 600 + 999) / 1000 * 1000)
        return try await world.stack.engine.range(
            query: query,
            from: world.scenario.start + start,
            to: world.scenario.start + end / 1_000_000,
            step: step,
            reader: world.stack.store
        )
    }

    /// Ends it.
    package func close() async throws { try await world.stack.close() }
}
