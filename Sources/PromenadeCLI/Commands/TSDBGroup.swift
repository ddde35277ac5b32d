import ArgumentParser
import MetricModel
import TSDB

/// `tsdb`: samples into and out of a database, and what they take.
struct TSDBGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tsdb",
        abstract: "Samples into and out of a database, and what they take.",
        subcommands: [Info.self, Dump.self, Import.self, BackfillRules.self]
    )

    /// Where the database is.
    struct Place: ParsableArguments {
        @Option(name: .customLong("storage.path"), help: "The folder of the database.")
        var path = "data"

        var file: String { path + "/stack.db" }

        func open() throws -> TimeSeriesDatabase {
            try TimeSeriesDatabase.openForReading(path: file, clock: SystemClock())
        }
    }
}

/// Tells a person at a terminal how far a command has got.
struct ProgressLine {
    private let what: String
    private let isShown = Console.isTerminal(2)
    private var shown = -1

    init(_ what: String) { self.what = what }

    /// Shows a share between 0 and 1 where it is another percentage than the one before.
    mutating func show(_ share: Double) {
        let percent = Int(share * 100)
        guard isShown, percent != shown else { return }
        shown = percent
        write("\r\(what) \(percent) %")
    }

    /// Leaves an empty line.
    mutating func finish() {
        if shown >= 0 { write("\r" + String(repeating: " ", count: what.count + 6) + "\r") }
        shown = -1
    }

    private func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in _ = Console.write(2, bytes) }
    }
}
