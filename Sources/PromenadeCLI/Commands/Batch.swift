import ArgumentParser
import MetricModel
import Promenade

/// `batch add | push | mysample`: the tutorial's batch jobs.
struct Batch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The tutorial's batch jobs, which push their figures to a Pushgateway.",
        subcommands: [Add.self, Push.self, MySample.self]
    )

    /// Where to push.
    struct Gateway: ParsableArguments {
        @Option(help: "The Pushgateway's URL.")
        var url = "http://localhost:9091"

        var batches: Batches { Batches(url: url, clock: SystemClock()) { Console.print($0 + "\n") } }
    }

    /// `batch add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A backup that adds its figures to a group.")
        @OptionGroup var gateway: Gateway
        func run() async throws { if try await !gateway.batches.add() { throw ExitCode.failure } }
    }

    /// `batch push`
    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A backup that replaces its database's group.")
        @OptionGroup var gateway: Gateway
        @Option(help: "The database, which names the group.")
        var db = "customers"
        func run() async throws { if await !gateway.batches.push(database: db) { throw ExitCode.failure } }
    }

    /// `batch mysample`
    struct MySample: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mysample",
            abstract: "A hundred pieces of work with a random outcome."
        )
        @OptionGroup var gateway: Gateway
        @Option(help: "What the chances follow from; others each time without it.")
        var seed: UInt64?
        func run() async throws { if try await !gateway.batches.mySample(seed: seed) { throw ExitCode.failure } }
    }
}
