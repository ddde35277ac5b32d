import ArgumentParser
import MetricModel
import TSDB

/// `tsdb info`: what a database holds.
struct TSDBGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tsdb",
        abstract: "Look into a database.",
        subcommands: [Info.self, Dump.self, Import.self]
    )

    /// Where the database is.
    struct Place: ParsableArguments {
        @Option(name: .customLong("storage.path"), help: "The folder of the database.")
        var path = "data"

        var file: String { path + "/stack.db" }

        func open() throws -> SQLiteStore {
            try SQLiteStore.openForReading(path: file, clock: SystemClock())
        }
    }

    /// `tsdb info`
    struct Info: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Figures about a database.")
        @OptionGroup var place: Place

        func run() async throws {
            let store = try place.open()
            let figures = try await store.statistics(limit: 10)
            var lines = [
                "series         \(figures.totalSeries)", "label pairs    \(figures.labelPairs)",
                "bytes on disk  \(figures.bytesOnDisk)",
            ]
            if let first = figures.minTime, let last = figures.maxTime {
                lines.append("samples from   \(first) to \(last) (ms)")
            }
            for count in figures.seriesByMetricName { lines.append("  \(count.value)\t\(count.name)") }
            Console.print(lines.joined(separator: "\n") + "\n")
            try await store.close()
        }
    }

    /// `tsdb dump`
    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print samples: labels, value and time, one a line, as promtool does."
        )
        @OptionGroup var place: Place
        @Option(name: .customLong("min-time"), help: "The earliest time in ms.")
        var minTime: Int64 = .min
        @Option(name: .customLong("max-time"), help: "The latest time in ms.")
        var maxTime: Int64 = .max

        func run() async throws {
            let store = try place.open()
            let found = try await store.select(
                SelectRequest(matchers: [], start: minTime, end: maxTime, isSorted: true)
            )
            for series in found {
                let labels = series.labels.description
                var text: [UInt8] = []
                for (time, value) in zip(series.timestamps, series.values) {
                    text.append(contentsOf: labels.utf8)
                    text.append(0x20)
                    GoNumber.append(value, .shortest, to: &text)
                    text.append(0x20)
                    GoNumber.append(time, to: &text)
                    text.append(0x0a)
                }
                text.withUnsafeBufferPointer { _ = Console.write(1, $0) }
            }
            try await store.close()
        }
    }
}
