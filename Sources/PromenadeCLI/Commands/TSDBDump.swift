import ArgumentParser
import MetricModel
import PromQL
import Promenade
import TSDB

extension TSDBGroup {
    /// `tsdb dump`
    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print samples, one a line: OpenMetrics that import takes, CSV, or as promtool does.",
            discussion: "Series come sorted by labels and a few at a time, so that any amount can be printed."
        )
        @OptionGroup var place: Place

        @Option(help: "openmetrics, csv or promtool.")
        var format = "openmetrics"

        @Option(help: "Only series that a PromQL selector matches; may be given several times.")
        var match: [String] = []

        @Option(
            name: .customLong("min-time"),
            parsing: .unconditional,
            help: ArgumentHelp("The earliest time: \(TimeArgument.forms).", valueName: "time")
        )
        var minTime: TimeArgument?

        @Option(
            name: .customLong("max-time"),
            parsing: .unconditional,
            help: ArgumentHelp("The latest time.", valueName: "time")
        )
        var maxTime: TimeArgument?

        func run() async throws {
            guard let format = SampleDump.Format(rawValue: format) else {
                throw ValidationError("--format has to be openmetrics, csv or promtool")
            }
            let parser = PromQLParser()
            let store = try place.open()
            for problem in try await store.problems() { Complaint.write(problem) }
            var cursor = try await store.cursor(
                try match.map { try parser.parseSelector($0) },
                in: TimeSpan(start: minTime?.milliseconds ?? .min, end: maxTime?.milliseconds ?? .max)
            )
            var dump = SampleDump(format: format) { bytes in
                bytes.withUnsafeBufferPointer { Console.write(1, $0) }
            }
            var line = ProgressLine("printing")
            reading: while let some = try cursor.next() {
                for columns in some where !dump.series(columns) { break reading }
                line.show(Double(cursor.completed) / Double(max(1, cursor.count)))
            }
            line.finish()
            dump.finish()
            if dump.histogramsLeftOut > 0 {
                Complaint.write("\(dump.histogramsLeftOut) native histograms were left out: the format has none")
            }
            try await store.close()
        }
    }
}
