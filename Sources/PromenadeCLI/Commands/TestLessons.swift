import ArgumentParser
import ConfigTree
import Lessons
import Promenade

/// `test lessons [DIR]`
struct TestLessons: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lessons",
        abstract: "Go through every step of every lesson, in every language, and check what it says.",
        discussion: """
            Every claim, every number that a text names and every question's answer is checked against the lesson's own \
            simulated stack (docs/lessons.md), and the languages are compared. Exits with 0 where all is true, 1 where \
            something is not, 2 where a file is wrong.
            """
    )

    @Argument(help: "The folder of the lessons; without it those that are part of the program.")
    var folder: String?

    @Flag(help: "Print only what is wrong.")
    var quiet = false

    func run() async throws {
        let course: Course
        do throws(StackError) {
            course = try folder.map { folder throws(StackError) in try LessonFolder.read(folder) } ?? Course.builtIn
        } catch {
            Complaint.write(error.description)
            throw ExitCode(2)
        }
        for problem in course.problems { Complaint.remark(problem.description) }
        let verdicts = try await LessonCheck.run(course)
        for verdict in verdicts {
            if verdict.problems.isEmpty {
                if !quiet { Console.print("ok      \(verdict.lesson) \(verdict.part) (\(verdict.moves) moves)\n") }
            } else {
                Console.print("not ok  \(verdict.lesson) \(verdict.part)\n")
                for problem in verdict.problems { Console.print("        \(problem)\n") }
            }
        }
        if !course.problems.isEmpty || verdicts.contains(where: \.isUnreadable) { throw ExitCode(2) }
        if verdicts.contains(where: { !$0.problems.isEmpty }) { throw ExitCode(1) }
    }
}
