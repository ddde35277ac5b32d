import ArgumentParser
import MetricModel
import PromQL
import Promenade
import TSDB
import Web

/// `sql QUERY`: reads a database with SQL, also while the stack writes to it.
struct SQL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "Read the database with SQL, also while the stack runs.",
        discussion: """
            Beside the tables of the file there is samples(name, labels, ts, value): labels is JSON, ts milliseconds since \
            1970, a stale marker or NaN is NULL. samples('SELECTOR') and labels MATCH 'SELECTOR' take a PromQL selector \
            and read only what it selects. Nothing can be changed.

              \(ProgramName.called) sql "SELECT name, labels ->> 'job' AS job, count(*) FROM samples GROUP BY 1, 2"
              \(ProgramName.called) sql "SELECT ts, value FROM samples('up{job=\\"demo\\"}') ORDER BY ts DESC LIMIT 5"
            """
    )

    @OptionGroup var place: TSDBGroup.Place

    @Option(help: "table, csv or json.")
    var format = "table"

    @Argument(help: "The query; - reads it from the standard input.")
    var query: String

    func run() async throws {
        guard let format = SQLPrinter.Format(rawValue: format) else {
            throw ValidationError("--format has to be table, csv or json")
        }
        let text = query == "-" ? String(decoding: try Console.read("-"), as: UTF8.self) : query
        do throws(StorageError) {
            let session = try await SQLSession.open(path: place.file, clock: SystemClock()) { selector in
                try PromQLParser().parseSelector(selector)
            }
            for problem in session.problems { Complaint.write(problem) }
            var printer = SQLPrinter(format: format) { bytes in
                bytes.withUnsafeBufferPointer { Console.write(1, $0) }
            }
            try session.run(text, header: { printer.header($0) }, row: { printer.row($0) })
            printer.finish()
        } catch {
            Complaint.write(error.message)
            throw ExitCode.failure
        }
    }
}
