import ConfigTree
import Lessons
import MetricModel
import PromQL
import Promenade
import Synchronization
import Testing
import Web

@Suite(.timeLimit(.minutes(5))) struct ClassroomTests {
    static let text = """
        ---
        title: T
        goal: G
        ---
        ## One
        ```to
        1m
        ```
        ```try
        - {label: x, do: kill, service: api}
        - {label: y, advance: 1m}
        ```
        ## Two
        Text
        """

    static let scenario = "duration: 10m\nservices: {api: {metrics: {m: {type: gauge, value: 7}}}}\n"

    static func room(_ clock: ManualClock, scenario: String = scenario, text: String = text) -> Classroom {
        let files = [
            Course.File(lesson: "01-x", name: "scenario.yml", bytes: Array(scenario.utf8)),
            Course.File(lesson: "01-x", name: "lesson.en.md", bytes: Array(text.utf8)),
        ]
        return Classroom(Course(files, folder: ""), clock: clock)
    }

    /// An answer as a tree.
    static func read(_ answer: LearnControl.Answer) throws -> ConfigNode {
        try YAMLReader.parse(Array(try answer.get().utf8), file: "answer")
    }

    static func value(_ control: LearnControl, _ id: String, _ query: String) async throws -> [Double] {
        switch try await control.query(id, query, nil, nil).get().value {
        case .vector(let rows): return rows.values
        case .scalar, .string, .matrix: return []
        }
    }

    @Test func `a session goes ahead and back, and forgets what was only tried`() async throws {
        let control = Self.room(ManualClock(now: 0)).control
        let begun = try Self.read(await control.open("01-x", ""))
        let id = try #require(begun["id"]?.text)
        #expect(begun["position"]?.text == "0" && begun["at"]?.text == "0")
        let there = try Self.read(await control.go(id, 3))
        #expect(there["at"]?.text == "60000")
        #expect(try await Self.value(control, id, "up") == [1])
        _ = try await control.explore(id, [0, 1, 0]).get()
        let tried = try Self.read(await control.explore(id, [0, 1, 1]))
        #expect(tried["explored"]?.text == "true" && tried["at"]?.text == "120000")
        #expect(try await Self.value(control, id, "up") == [0])
        let on = try Self.read(await control.go(id, 5))
        #expect(on["explored"]?.text == "false" && on["at"]?.text == "60000" && on["position"]?.text == "5")
        #expect(try await Self.value(control, id, "up") == [1])
        #expect(try Self.read(await control.go(id, 0))["at"]?.text == "0")
    }

    @Test func `instances are drawn as they lived, and requests as they were taken`() async throws {
        let scenario = "duration: 10m\nservices: {api: {instances: 2, metrics: {m: {type: gauge, value: 7}}}}\n"
        let text = """
            ---
            title: T
            goal: G
            ---
            ## One
            ```act
            - {label: a, advance: 1m}
            - {label: b, do: kill, service: api, instance: 2}
            - {label: c, do: restart, service: api, instance: 1}
            - {label: d, do: push, job: b, body: m 1}
            - {label: e, do: push, job: b, body: m one}
            - {label: f, do: kill, part: pushgateway}
            - {label: g, do: push, job: b, body: m 2}
            - {label: h, do: scale, service: api, instances: 3}
            ```
            """
        let control = Self.room(ManualClock(now: 0), scenario: scenario, text: text).control
        let id = try #require(try Self.read(await control.open("01-x", ""))["id"]?.text)
        let state = try Self.read(await control.go(id, 9))
        let lives = (state["lives"]?.items ?? []).map { life in
            ["name", "from", "to"].map { life[$0]?.text ?? "" }.joined(separator: " ")
        }
        let expected = ["api-1 0 60000", "api-2 0 60000", "api-1 60000 null", "api-3 60000 null"]
        #expect(lives == expected)
        let requests = (state["requests"]?.items ?? []).map { request in
            ["method", "path", "job"].map { request[$0]?.text ?? "" }.joined(separator: " ")
        }
        #expect(requests == ["PUT /metrics/job/b b"])
        // What the Pushgateway held changes when it is gone, and no request is to blame.
        let held = (state["held"]?.items ?? []).map { $0["request"]?["method"]?.text ?? "-" }
        #expect(held.count > 2 && held.filter { $0 == "PUT" } == ["PUT"], "\(held)")
    }

    /// A lesson whose buttons do this, gone through to its end.
    static func state(scenario: String = scenario, after acts: [String]) async throws -> ConfigNode {
        let buttons = acts.map { "- {label: x, \($0)}\n" }.joined()
        let text = "---\ntitle: T\ngoal: G\n---\n## One\n```act\n\(buttons)```\n"
        let control = room(ManualClock(now: 0), scenario: scenario, text: text).control
        let id = try #require(try read(await control.open("01-x", ""))["id"]?.text)
        return try read(await control.go(id, acts.count + 1))
    }

    @Test func `a request tells its job and what became of it, whatever its words`() async throws {
        let state = try await Self.state(after: [
            "do: push, job: a/b, body: m 1", "do: push, job: b, grouping: {db: one}, body: m 1",
            "do: delete_group, job: b", "do: push, job: a/b, body: m one", "do: kill, part: pushgateway",
            "do: delete_group, job: b", "do: delete_group, job: b, grouping: {}",
        ])
        let requests = (state["requests"]?.items ?? []).map { request in
            ["method", "path", "job"].map { request[$0]?.text ?? "" }.joined(separator: " ")
        }
        let expected = [
            "PUT /metrics/job@base64/YS9i a/b", "PUT /metrics/job/b/db/one b", "DELETE /metrics/job/b/… b",
        ]
        #expect(requests == expected)
    }

    @Test func `who lives on is told from its beginning, however many come and go`() async throws {
        let names = ["zeta", "alpha", "mid", "beta", "omega", "gamma"]
        let services = names.map { "  \($0): {metrics: {m: {type: gauge, value: 7}}}\n" }.joined()
        let scenario =
            "duration: 10m\nstack: {global: {scrape_interval: 1m}}\nservices:\n\(services)"
            + "  many: {instances: 300, metrics: {m: {type: gauge, value: 7}}}\n"
        let round = ["advance: 1s", "do: restart, service: many"]
        let state = try await Self.state(scenario: scenario, after: (0..<6).flatMap { _ in round })
        let lives = (state["lives"]?.items ?? []).map { life in
            ["service", "from", "to"].map { life[$0]?.text ?? "" }.joined(separator: " ")
        }
        #expect(lives.filter { !$0.hasPrefix("many") } == names.map { "\($0) 0 null" })
        #expect(lives.filter { $0.hasPrefix("many") } == Array(repeating: "many 6000 null", count: 200))
    }

    /// Who came when.
    private final class Order: Sendable {
        private let state = Mutex<[String]>([])

        var names: [String] { state.withLock { $0 } }

        func add(_ name: String) { state.withLock { $0.append(name) } }
    }

    @Test func `whoever asks for much at once does not make others wait for all of it`() async {
        let lane = LessonLane()
        let (greedy, modest) = (Turnstile(), Turnstile())
        let order = Order()
        let (gate, opening) = AsyncStream<Void>.makeStream()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await lane.run(greedy) { for await _ in gate {} } }
            while lane.count == 0, !Task.isCancelled { await Task.yield() }
            for _ in 0..<5 { group.addTask { await lane.run(greedy) { order.add("greedy") } } }
            while greedy.waiting < 5, !Task.isCancelled { await Task.yield() }
            group.addTask { await lane.run(modest) { order.add("modest") } }
            while lane.count < 2, !Task.isCancelled { await Task.yield() }
            opening.finish()
        }
        #expect(order.names == ["modest"] + Array(repeating: "greedy", count: 5))
    }

    @Test func `an answer is explained at a moment of the lesson`() async throws {
        let control = Self.room(ManualClock(now: 0)).control
        let begun = try Self.read(await control.open("01-x", ""))
        let id = try #require(begun["id"]?.text)
        let start = try #require(begun["start"]?.text.flatMap(Int64.init))
        _ = try await control.go(id, 1).get()
        let explanation = try await control.explain(id, "m + 1", 30_000).get()
        #expect(explanation.root.series == 1 && explanation.root.examples.first?.value == 8)
        #expect(explanation.time == start + 30_000)
        guard case .failure(let failure) = await control.explain(id, "m +", nil) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.kind == .badData)
    }

    @Test func `what there is not is told`() async throws {
        let control = Self.room(ManualClock(now: 0)).control
        let id = try #require(try Self.read(await control.open("01-x", ""))["id"]?.text)
        let answers = [
            await control.open("02-y", ""), await control.state("nobody"), await control.explore(id, [0, 1, 2]),
            await control.explore(id, [7, 0, 0]), control.lesson("02-y", "en"),
        ]
        for answer in answers {
            guard case .failure(let failure) = answer else {
                Issue.record("no failure")
                continue
            }
            #expect(failure.kind == .notFound)
        }
    }

    @Test func `there are at most so many sessions, and idle ones make room`() async throws {
        let clock = ManualClock(now: 0)
        let room = Self.room(clock)
        let control = room.control
        let first = try #require(try Self.read(await control.open("01-x", ""))["id"]?.text)
        clock.advance(nanoseconds: 1)
        for _ in 1..<Classroom.limit { _ = try await control.open("01-x", "").get() }
        guard case .failure = await control.open("01-x", "") else {
            Issue.record("there was room for one more")
            return
        }
        // A class goes on to its next lesson together.
        let next = try #require(try Self.read(await control.open("01-x", first))["id"]?.text)
        #expect(next != first && room.count == Classroom.limit)
        guard case .failure = await control.state(first) else {
            Issue.record("the place was not given back")
            return
        }
        clock.advance(nanoseconds: Classroom.giving)
        _ = try await control.open("01-x", "").get()
        #expect(room.count == Classroom.limit)
        clock.advance(nanoseconds: Classroom.forgetting)
        _ = try await control.open("01-x", "").get()
        #expect(room.count == 1)
    }
}
