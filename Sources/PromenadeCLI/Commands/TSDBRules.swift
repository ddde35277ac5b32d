import ArgumentParser
import MetricModel
import PromQL
import Promenade
import Rules
import TSDB

extension TSDBGroup {
    /// `tsdb rules --start … FILE…`
    struct BackfillRules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rules",
            abstract:
                "Evaluate rules over what is stored, as if they had always been there, past the running server's path.",
            discussion:
                "Recording rules and alerts; --dry-run tells when each alert would have fired and writes nothing."
        )
        @OptionGroup var place: Place

        @Option(help: "From when: seconds since 1970 or RFC 3339.")
        var start: String

        @Option(help: "Until when; now where nothing is said.")
        var end: String?

        @Option(help: "The interval of groups that have none.")
        var evalInterval = "1m"

        @Flag(help: "Write nothing; print the alerts' spans.")
        var dryRun = false

        @Argument(help: "The rule files.")
        var files: [String]

        func run() async throws {
            let clock = SystemClock()
            let (first, last): (Timestamp, Timestamp?)
            let interval: Int64
            do throws(FlagError) {
                first = try Self.moment(start, of: "--start")
                last = if let end { try Self.moment(end, of: "--end") } else { nil }
                interval = try TimeText.span(evalInterval, of: "--eval-interval", like: "1m").milliseconds
            } catch {
                throw ValidationError(error.message)
            }
            if let last, last < first { throw ValidationError("--end is before --start") }
            var groups: [RuleGroupDefinition] = []
            var seen: Set<String> = []
            for file in files where seen.insert(file).inserted {
                do throws(RuleFile.Failure) {
                    groups += try RuleFiles.read(file).groups.map { $0.definition(file: file, interval: interval) }
                } catch {
                    Console.complain("\(error)\n")
                    throw ExitCode(1)
                }
            }
            var options = StoreOptions()
            options.retention = nil
            let store =
                dryRun
                ? try place.open() : try TimeSeriesDatabase.open(path: place.file, options: options, clock: clock)
            let backfill = RuleBackfill(engine: PromQLEngine(clock: clock), reader: store)
            let result = await backfill.run(groups, from: first, to: last ?? clock.now)
            Console.print(result.table)
            for failure in result.failures { Console.complain("\(failure)\n") }
            var refused = 0
            if !dryRun {
                refused = try await Self.conflicts(of: result.series, with: store)
                try await Self.write(result.series, into: store)
            }
            try await store.close()
            Console.print("\(result.sampleCount - refused) samples\(dryRun ? ", nothing written" : "")\n")
            if refused > 0 {
                Console.complain(
                    "\(refused) samples were not written: other values are stored at their times, "
                        + "which the API's delete_series removes\n"
                )
            }
            if !result.failures.isEmpty || refused > 0 { throw ExitCode(1) }
        }

        private static func moment(_ text: String, of option: String) throws(FlagError) -> Timestamp {
            if let time = TestTime.milliseconds(text) { return time }
            throw TimeText.noTime(text, of: option, like: "1795362116 or 2026-11-28T10:30:05Z")
        }

        /// How many samples have another value in the store already, which stays.
        private static func conflicts(
            of series: [SeriesColumns],
            with store: TimeSeriesDatabase
        ) async throws -> Int {
            var count = 0
            for columns in series {
                let times = columns.timestamps + columns.histogramTimestamps
                guard let first = times.min(), let last = times.max() else { continue }
                let matchers = columns.labels.map { LabelMatcher($0.name, equals: $0.value) }
                for stored in try await store.select(SelectRequest(matchers: matchers, start: first, end: last))
                where stored.labels == columns.labels {
                    let values = Dictionary(zip(stored.timestamps, stored.values)) { $1 }
                    count += zip(columns.timestamps, columns.values)
                        .count { time, value in values[time].map { $0.bitPattern != value.bitPattern } ?? false }
                    let histograms = Dictionary(zip(stored.histogramTimestamps, stored.histograms)) { $1 }
                    count += zip(columns.histogramTimestamps, columns.histograms)
                        .count { time, histogram in histograms[time].map { $0 != histogram } ?? false }
                }
            }
            return count
        }

        private static func write(_ series: [SeriesColumns], into store: TimeSeriesDatabase) async throws {
            var importer = try store.importer()
            for columns in series {
                let reference = try await importer.resolve([columns.labels])[0]
                for (time, value) in zip(columns.timestamps, columns.values) {
                    if importer.isFull { try await importer.flush() }
                    importer.append(reference, time, value)
                }
                for (time, histogram) in zip(columns.histogramTimestamps, columns.histograms) {
                    if importer.isFull { try await importer.flush() }
                    importer.append(reference, time, histogram)
                }
            }
            _ = try await importer.finish()
        }
    }
}
