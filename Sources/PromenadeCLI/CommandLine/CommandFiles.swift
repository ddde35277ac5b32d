import ArgumentParser
import MetricModel

/// Files that a command is given.
enum CommandFiles {
    /// Looks whether all are there, before anything is done with any of them; `-` is the standard input.
    /// - Throws: `ExitCode(1)`, after having told which is not, as promtool does.
    static func check(_ files: [String]) throws {
        for file in files where file != "-" && FileFacts(path: file) == nil {
            Complaint.write("path '\(file)' does not exist")
            throw ExitCode(1)
        }
    }
}
