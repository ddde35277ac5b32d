import ConfigTree
import Lessons
import Logging

extension Stack {
    /// The lessons of a folder; `nil` where none is named. What is wrong in them is logged, and the others are there.
    static func course(_ folder: String, _ logger: Logger) throws(StackError) -> Course? {
        if folder.isEmpty { return nil }
        let course = try LessonFolder.read(folder)
        for problem in course.problems {
            for line in problem.description.split(separator: "\n") {
                logger.warning("A lesson has a mistake", metadata: ["where": "\(line)"])
            }
        }
        return course
    }
}
