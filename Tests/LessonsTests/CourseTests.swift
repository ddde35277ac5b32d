import ConfigTree
import Foundation
import Lessons
import MetricModel
import Promenade
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct CourseTests {
    static let scenario = "duration: 10m\nservices: {api: {metrics: {m: {type: gauge, value: 7}}}}\n"
    static let head = "---\ntitle: T\ngoal: G\n---\n## One\n"

    static func course(_ texts: [String: String], scenario: String = scenario) -> Course {
        var files = [Course.File(lesson: "01-x", name: "scenario.yml", bytes: Array(scenario.utf8))]
        for (language, text) in texts {
            files.append(Course.File(lesson: "01-x", name: "lesson.\(language).md", bytes: Array(text.utf8)))
        }
        return Course(files, folder: "")
    }

    static func picture(_ way: String) -> String { "```picture\nrange: 5m\nways: [{\(way)}]\n```\n" }

    static func problems(_ text: String) async throws -> [String] {
        let course = course(["en": text])
        #expect(course.problems == [])
        return try await LessonCheck.run(course).flatMap(\.problems)
    }

    @Test func `the lessons that are part of the program are those of the folder`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../lessons").standardized
        let folder = try LessonFolder.read(root.path)
        let names = { (course: Course) in course.entries.map { "\($0.name) \($0.languages.keys.sorted())" } }
        #expect(names(folder) == names(Course.builtIn))
        let own = Dictionary(uniqueKeysWithValues: Course.builtInFiles.map { ("\($0.lesson)/\($0.name)", $0.bytes) })
        for (path, bytes) in own {
            #expect(try Data(contentsOf: root.appending(path: path)) == Data(bytes), "\(path)")
        }
    }

    @Test func `everything that the lessons say is so`() async throws {
        let course = Course.builtIn
        #expect(course.problems.map(\.description) == [])
        let verdicts = try await LessonCheck.run(course)
        #expect(verdicts.flatMap(\.problems) == [])
        #expect(verdicts.count == course.entries.count * course.languages.count)
        #expect(course.languages.contains("en") && course.languages.contains("ja"))
    }

    @Test(arguments: [
        ("```to\n5m\n```\n{{ 7 := m }}\n```claim\n- m == 7\n```\n", ""),
        ("```to\n5m\n```\n{{ 8 := m }}\n", "lesson.en.md:9: the text says 8, but m is 7"),
        ("```to\n5m\n```\n{{ 2.33 := m / 3 }}\n", ""),
        ("```to\n5m\n```\n{{ 2.34 := m / 3 }}\n", "the text says 2.34, but m / 3 is 2.3333"),
        ("{{ 7 := m }}\n", "7 should be m, which is no series"),
        ("It is scraped every 16 seconds.\n", "lesson.en.md:6: nothing checks 16: {{ 16 := EXPRESSION }}"),
        ("It is scraped every １６ seconds.\n", "lesson.en.md:6: nothing checks 16: {{ 16 := EXPRESSION }}"),
        ("```to\n5m\n```\n{{ ８ := m }}\n", "lesson.en.md:9: the text says ８, but m is 7"),
        ("It is scraped every {{ 16 }} seconds.\n", ""),
        ("Ten minutes are 600 seconds, api-99 and `m 99` are names, m has 7.\n", ""),
        ("After 1m30s.\n```to\n1m30s\n```\n", ""),
        ("After 1m31s.\n```to\n1m30s\n```\n", "nothing checks 31"),
        ("```text\nm 9999\n```\n", "lesson.en.md:6: nothing checks 9999"),
        (
            "```try\n- {label: x, do: push, job: a, body: no metric at all}\n```\n",
            "lesson.en.md:7: PUT /metrics/job/a is refused with 400: "
        ),
        (
            "```act\n- {label: x, do: push, job: api2, body: m 1}\n```\n```changes\njob: api\n```\n",
            "nobody has sent anything to /metrics/job/api yet"
        ),
        ("```try\n- {label: x, do: push, job: a/b, body: m 1}\n```\n", ""),
        ("```act\n- {label: x, do: delete_group, job: api}\n```\n```changes\njob: api\n```\n", ""),
        ("Text\n## After 16 s\nText\n", "lesson.en.md:7: nothing checks 16: it stands nowhere in what"),
        ("```act\n- {label: Wait 16 s, advance: 15s}\n```\n", "lesson.en.md:7: nothing checks 16: it stands nowhere"),
        ("```panel\n- {title: Of 99 targets, expr: up}\n```\n", "lesson.en.md:7: nothing checks 99: it stands nowhere"),
        ("```act\n- {label: Wait 15 s, advance: 15s}\n```\n## After 15 s\nText\n", ""),
        ("```claim\n- m == 7\n```\n", "lesson.en.md:7: m == 7 does not hold: m is no series"),
        ("```to\n5m\n```\n```claim\n- m * 2 > 15\n```\n", "lesson.en.md:10: m * 2 > 15 does not hold: m * 2 is {"),
        ("```to\n11m\n```\n", "lesson.en.md:6: the world ends at 10m, the duration of its scenario"),
        ("```to\n10m\n```\n```act\n- {label: x, advance: 1s}\n```\n", "lesson.en.md:10: the world ends at 10m"),
        ("```to\n5m\n```\n```to\n4m\n```\n", "the world is at 5m already"),
        ("```changes\njob: api\n```\n", "lesson.en.md:6: nobody has sent anything to /metrics/job/api yet"),
        ("```act\n- {label: x, do: push, job: api, body: m 1}\n```\n```changes\njob: api\n```\n", ""),
        (
            "```predict\nquestion: q\nwhy: w\nchoices: [{say: a, when: m == 7}, {say: b, when: absent(m)}]\n```\n```to\n1m\n```\n",
            ""
        ),
        (
            "```predict\nquestion: q\nwhy: w\nchoices: [{say: a, when: m}, {say: b, when: up}]\n```\n```to\n1m\n```\n",
            "of the choices 2 are true, not one"
        ),
        (
            "```act\n- {label: x, do: kill, service: ap}\n```\n",
            "lesson.en.md:7:24: steps[0].act[0].service: there is no service"
        ),
        ("```try\n- {label: x, do: push, job: a, body: x 1}\n```\n", ""),
        (picture("batch: b, job: api, query: m"), "there is no batch \"b\""),
        (picture("service: ap, job: api, query: m"), "there is no service \"ap\""),
        (picture("requests: b, job: api, query: m"), "nobody has sent anything to /metrics/job/b yet"),
        (picture("service: api, job: ap, query: m"), "nothing was scraped under the job \"ap\" yet"),
        ("```to\n1m\n```\n" + picture("service: api, job: api, query: m"), ""),
    ])
    func `what is not so is found`(text: String, expected: String) async throws {
        let problems = try await Self.problems(Self.head + text)
        if expected.isEmpty {
            #expect(problems == [])
        } else {
            #expect(problems.count == 1 && problems[0].contains(expected), "\(problems)")
        }
    }

    @Test func `what was pushed in vain is told where something else is not so`() async throws {
        let push = Self.head + "```act\n- {label: x, do: push, job: b, body: x one}\n```\n"
        #expect(try await Self.problems(push) == [])
        let problems = try await Self.problems(push + "```claim\n- x\n```\n")
        #expect(problems.count == 2 && problems[0].contains("lesson.en.md:10: x does not hold"), "\(problems)")
        #expect(problems[1].contains("lesson.en.md:7: PUT /metrics/job/b is refused with 400: "), "\(problems)")
    }

    @Test func `a goal's number is looked for, and not in comments`() async throws {
        let text = Self.head.replacing("goal: G", with: "goal: Why 16") + "It is 16.\n"
        let found = try await LessonCheck.run(Self.course(["en": text], scenario: "# 16\n" + Self.scenario))
        let start = "01-x/lesson.en.md:"
        let expected = [
            "1: nothing checks 16: it stands nowhere in what the lesson is made of",
            "6: nothing checks 16: {{ 16 := EXPRESSION }}, or {{ 16 }} where it is so for another reason",
        ]
        #expect(found.flatMap(\.problems) == expected.map { start + $0 })
    }

    @Test(arguments: ["act", "try"]) func `a batch may run by a button only`(block: String) async throws {
        let scenario = "duration: 10m\nbatches: {b: {takes: 4s, metrics: {rows: {type: gauge, value: 7}}}}\n"
        let text = Self.head + "```\(block)\n- {label: Run it, do: run, batch: b}\n```\n"
        let found = try await LessonCheck.run(Self.course(["en": text], scenario: scenario))
        #expect(found.flatMap(\.problems) == [])
        let without = try await LessonCheck.run(Self.course(["en": Self.head + "Text\n"], scenario: scenario))
        let problems = without.flatMap(\.problems)
        #expect(problems.count == 1 && problems[0].contains("it never runs"), "\(problems)")
    }

    @Test func `what is wrong with a scenario is told once, beside the buttons`() async throws {
        let text = Self.head + "```act\n- {label: x, do: kil, service: api}\n```\n"
        let scenario = Self.scenario.replacing("services", with: "servces")
        let course = Self.course(["en": text, "de": text], scenario: scenario)
        let verdicts = try await LessonCheck.run(course)
        #expect(verdicts.map(\.part) == ["scenario.yml", "de", "en"])
        #expect(verdicts.map(\.isUnreadable) == [true, true, true])
        let problems = verdicts.flatMap(\.problems)
        #expect(problems.count == 3 && problems[0].contains("01-x/scenario.yml:2:1: "), "\(problems)")
        #expect(problems[2].contains("01-x/lesson.en.md:7:14: steps[0].act[0].do: "), "\(problems)")
    }

    @Test func `a text whose name has no language is told`() {
        let texts = [
            "scenario.yml": Self.scenario, "lesson.en.md": Self.head + "Text\n", "lesson_ja.md": "", "README.md": "",
        ]
        let files = texts.map { Course.File(lesson: "01-x", name: $0.key, bytes: Array($0.value.utf8)) }
        let course = Course(files, folder: "c", empty: ["02-y"])
        let problems = [
            "c/02-y: there is no lesson in it (scenario.yml and lesson.en.md)",
            "c/01-x/lesson_ja.md: this is no name for a lesson's texts (lesson.en.md, with the language in the middle)",
        ]
        #expect(course.problems.map(\.description) == problems)
    }

    @Test(arguments: [
        ("## One\nText {{ 1 := m }}.\n", "## Eins\nText {{ 1 := m }}.\n", ""),
        ("## One\nText\n", "## Eins\nText\n## Zwei\nText\n", "this step is more than the other language has"),
        ("## One\nText\n## Two\nText\n", "## Eins\nText\n", "step 2, \"Two\", is missing"),
        ("## One\nText\n\nMore\n", "## Eins\nText\n", "a text is missing at the end of the step"),
        ("## One\n{{ 1 := m }}\n", "## Eins\n{{ 1 := n }}\n", "{{ 1 := m }}, not a text, paragraph, {{ 1 := n }}"),
        ("## One\n```to\n5m\n```\n", "## Eins\n```to\n6m\n```\n", "here should be to, 300000ms, not to, 360000ms"),
    ])
    func `languages are compared`(english: String, other: String, expected: String) {
        let head = "---\ntitle: T\ngoal: G\n---\n"
        let problems = Self.course(["en": head + english, "de": head + other]).problems.map(\.description)
        if expected.isEmpty {
            #expect(problems == [])
        } else {
            #expect(problems.count == 1 && problems[0].contains(expected), "\(problems)")
        }
    }

    @Test func `a language that would be led another way is not offered`() throws {
        let course = Self.course(["en": Self.head + "Text\n", "de": Self.head + "Text\n## Zwei\nText\n"])
        let entry = try #require(course.entries.first)
        #expect(entry.lesson(in: "de")?.language == "en" && entry.lesson(in: "en")?.language == "en")
    }

    @Test func `what cannot be read is told, and the other lessons are there`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lessons-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["01-a", "02-b"] {
            let lesson = folder.appending(path: name)
            try FileManager.default.createDirectory(at: lesson, withIntermediateDirectories: true)
            try Data(Self.scenario.utf8).write(to: lesson.appending(path: "scenario.yml"))
            try Data((Self.head + "Text\n").utf8).write(to: lesson.appending(path: "lesson.en.md"))
        }
        try Data("notes".utf8).write(to: folder.appending(path: "notes.txt"))
        let long = folder.appending(path: "01-a/lesson.en.md")
        try Data(repeating: 0x20, count: (1 << 20) + 1).write(to: long)
        let course = try LessonFolder.read(folder.path)
        #expect(course.entries.map(\.name) == ["02-b"])
        let problem = "\(long.path): it cannot be read (a text of at most 1048576 bytes)"
        #expect(course.problems.map(\.description) == [problem])
    }

    @Test func `a language that a lesson lacks is told`() {
        let text = Array((Self.head + "Text\n").utf8)
        var files: [Course.File] = []
        for (lesson, languages) in [("01-a", ["en", "ja"]), ("02-b", ["en"])] {
            files.append(Course.File(lesson: lesson, name: "scenario.yml", bytes: Array(Self.scenario.utf8)))
            files += languages.map { Course.File(lesson: lesson, name: "lesson.\($0).md", bytes: text) }
        }
        let problems = Course(files, folder: "course").problems.map(\.description)
        #expect(problems == ["course/02-b/lesson.ja.md: there is no such file (the texts in this language)"])
    }

    @Test func `what a request's limit breaks off the next request goes on with`() async throws {
        let text = Self.head + "```to\n5m\n```\n```act\n- {label: x, advance: 2m}\n```\nText\n"
        let entry = try #require(Self.course(["en": text]).entries.first)
        let lesson = try #require(entry.languages["en"])
        let found = try await WorldThread.run { () -> [[Int64]] in
            let world = try await LessonWorld(lesson, scenario: entry.scenario)
            var seen: [[Int64]] = []
            while world.position < 3 {
                // A moment of the world for each request.
                let asked = Counter()
                try await TaskLimit { asked.next() > 1 }.run { () async throws in try await world.go(to: 3) }
                seen.append([Int64(world.position), world.now / 1_000_000_000])
            }
            return seen
        }
        #expect(found.count > 10 && found.first?[0] == 0 && found.last == [3, 420])
        #expect(found.map { $0[1] } == found.map { $0[1] }.sorted())
        #expect(found.filter { $0[0] == 0 }.allSatisfy { $0[1] <= 300 })
    }

    /// Counts how often it is asked.
    private final class Counter: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }
    }

    @Test func `what the reader plays with is undone when the lesson goes on`() async throws {
        let text = Self.head + "```to\n1m\n```\n```try\n- {label: x, do: kill, service: api}\n```\n## Two\nText\n"
        let entry = try #require(Self.course(["en": text]).entries.first)
        let lesson = try #require(entry.languages["en"])
        let found = try await WorldThread.run { () -> [Bool] in
            let world = try await LessonWorld(lesson, scenario: entry.scenario)
            try await world.go(to: 2)
            let isDone = try await world.explore(step: 0, block: 1, act: 0)
            let isOutside = try await world.explore(step: 0, block: 1, act: 1)
            return [isDone, isOutside, world.isExplored]
        }
        #expect(found == [true, false, true])
    }
}
