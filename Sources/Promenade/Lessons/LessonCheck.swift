import ConfigTree
package import Lessons
import MetricModel

/// Goes through lessons and finds whatever they say that is not so.
package enum LessonCheck {
    /// What was found about one language of a lesson.
    package struct Verdict: Sendable {
        /// The lesson's folder.
        package var lesson: String
        /// The language.
        package var language: String
        /// How many moves it has.
        package var moves: Int
        /// What is not so, one line each, with file and line.
        package var problems: [String]
    }

    /// Goes through every lesson of a course in every language.
    package static func run(_ course: Course) async throws -> [Verdict] {
        var verdicts: [Verdict] = []
        for entry in course.entries {
            for (_, lesson) in entry.languages.sorted(by: { $0.key < $1.key }) {
                verdicts.append(try await run(lesson, entry))
            }
        }
        return verdicts
    }

    private static func run(_ lesson: Lesson, _ entry: Course.Entry) async throws -> Verdict {
        let (problems, moves) = try await WorldThread.run { () -> ([String], Int) in
            var problems: [String] = []
            do {
                let world = try await LessonWorld(lesson, scenario: entry.scenario)
                world.complain = { problems.append("\(lesson.file):\($0): \($1)") }
                let count = world.moves.moves.count
                try await world.go(to: count)
                try await world.close()
                if problems.isEmpty { problems += try await explore(lesson, entry) }
                return (problems, count)
            } catch let error as ConfigError {
                return (error.description.split(separator: "\n").map(String.init), 0)
            } catch let error as StackError {
                return (["\(lesson.file): \(error.description)"], 0)
            }
        }
        return Verdict(lesson: lesson.name, language: lesson.language, moves: moves, problems: problems)
    }

    /// Presses every button that the lesson does not need, where it stands.
    private static func explore(_ lesson: Lesson, _ entry: Course.Entry) async throws -> [String] {
        let moves = LessonMoves(lesson).moves
        for (place, move) in moves.enumerated() where move.kind == .show {
            guard case .explore(let acts) = lesson.steps[move.step].blocks[move.block].content else { continue }
            let world = try await LessonWorld(lesson, scenario: entry.scenario)
            try await world.go(to: place)
            for index in acts.indices {
                _ = try await world.explore(step: move.step, block: move.block, act: index)
            }
            try await world.close()
        }
        return []
    }
}
