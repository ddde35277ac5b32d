import ConfigTree
package import Lessons
import MetricModel

/// Goes through lessons and finds whatever they say that is not so.
package enum LessonCheck {
    /// What was found about one language of a lesson, or about its scenario.
    package struct Verdict: Sendable, Hashable {
        /// The lesson's folder.
        package var lesson: String
        /// The language; `scenario.yml` where the lesson cannot be gone through in any.
        package var part: String
        /// How many moves it has.
        package var moves = 0
        /// What is not so, one line each, with file and line.
        package var problems: [String]
        /// Whether a file is wrong, so that nothing else was checked.
        package var isUnreadable = false
    }

    /// Goes through every lesson of a course in every language.
    package static func run(_ course: Course) async throws -> [Verdict] {
        var verdicts: [Verdict] = []
        for entry in course.entries {
            for (_, lesson) in entry.languages.sorted(by: { $0.key < $1.key }) {
                // What is wrong with the scenario is told once, not in each language.
                let found = try await run(lesson, entry)
                for verdict in found where !verdicts.contains(verdict) { verdicts.append(verdict) }
            }
        }
        return verdicts
    }

    private static func run(_ lesson: Lesson, _ entry: Course.Entry) async throws -> [Verdict] {
        var verdicts: [Verdict] = []
        // By itself: where a button is wrong, too, both are told.
        if let error = LessonScenario.mistakes(of: entry) { verdicts.append(unreadable(error, lesson, entry)) }
        let own = try await WorldThread.run { () -> Verdict in
            do {
                let world = try await LessonWorld(lesson, scenario: entry.scenario)
                var problems: [String] = []
                for number in lesson.looseNumbers(scenario: entry.scenario.text) {
                    let remedy =
                        number.isMarkable
                        ? "{{ \(number.text) := EXPRESSION }}, or {{ \(number.text) }} where it is so for another reason"
                        : "it stands nowhere in what the lesson is made of"
                    problems.append("\(lesson.file):\(number.line): nothing checks \(number.text): \(remedy)")
                }
                world.complain = { problems.append("\(lesson.file):\($0): \($1)") }
                let count = world.moves.moves.count
                try await world.go(to: count)
                try await world.close()
                // Alone it may be what the lesson is to show.
                if !problems.isEmpty { problems += world.refusals.map { "\(lesson.file):\($0.line): \($0.text)" } }
                if problems.isEmpty { problems += try await explore(lesson, entry) }
                return Verdict(lesson: lesson.name, part: lesson.language, moves: count, problems: problems)
            } catch let error as ConfigError {
                return unreadable(error, lesson, entry)
            } catch let error as StackError {
                let problem = "\(lesson.file): \(error.description)"
                return Verdict(lesson: lesson.name, part: lesson.language, problems: [problem], isUnreadable: true)
            }
        }
        return verdicts.contains(own) ? verdicts : verdicts + [own]
    }

    private static func unreadable(_ error: ConfigError, _ lesson: Lesson, _ entry: Course.Entry) -> Verdict {
        Verdict(
            lesson: lesson.name,
            part: error.file == entry.scenario.file ? "scenario.yml" : lesson.language,
            problems: error.description.split(separator: "\n").map(String.init),
            isUnreadable: true
        )
    }

    /// Presses every button that the lesson does not need, where it stands, and tells what was pushed in vain. That a button
    /// leads beyond the end of the world is told to its reader when it does.
    private static func explore(_ lesson: Lesson, _ entry: Course.Entry) async throws -> [String] {
        var problems: [String] = []
        let moves = LessonMoves(lesson).moves
        for (place, move) in moves.enumerated() where move.kind == .show {
            guard case .explore(let acts) = lesson.steps[move.step].blocks[move.block].content else { continue }
            let world = try await LessonWorld(lesson, scenario: entry.scenario)
            try await world.go(to: place)
            let before = world.refusals.count
            for index in acts.indices {
                _ = try await world.explore(step: move.step, block: move.block, act: index)
            }
            problems += world.refusals.dropFirst(before).map { "\(lesson.file):\($0.line): \($0.text)" }
            try await world.close()
        }
        return problems
    }
}
