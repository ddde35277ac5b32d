import ArgumentParser
import MetricModel
import Promenade
import Synchronization
import TSDB

extension TSDBGroup {
    /// `tsdb info`
    struct Info: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a database holds and what it takes: bytes per sample by codec, largest metrics, blocks."
        )
        @OptionGroup var place: Place

        @Option(help: "How many metrics are listed.")
        var limit = 10

        func run() async throws {
            let store = try place.open()
            let line = Mutex(ProgressLine("reading"))
            let report = try await store.report { share in line.withLock { $0.show(share) } }
            line.withLock { $0.finish() }
            for problem in try await store.problems() { Complaint.write(problem) }
            Console.print(ReportText(report, limit: limit).text)
            try await store.close()
        }
    }
}
