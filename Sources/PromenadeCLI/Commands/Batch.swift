import ArgumentParser
import MetricModel
import Promenade
import Web

/// `batch add | push | mysample`: the tutorial's batch jobs.
struct Batch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The tutorial's batch jobs, which push their figures to a Pushgateway.",
        discussion: """
            What became of a push is told on the standard error: which families of its group are gone, new or kept. With \
            --expose a batch does not push: it serves /metrics while it works, and tells whether a scrape saw it.
            """,
        subcommands: [Add.self, Push.self, MySample.self]
    )

    /// Where to push, or where to be scraped.
    struct Gateway: ParsableArguments {
        @Option(help: "The Pushgateway's URL.")
        var url = "http://localhost:9091"

        @Option(
            defaultAsFlag: "127.0.0.1:8000",
            help: "Serve /metrics at this address while it works (127.0.0.1:8000 without one), and do not push."
        )
        var expose: String?

        @Option(name: .customLong("for"), help: "With --expose: how long it works at least, such as 20s.")
        var time: String?

        func batches() throws -> Batches {
            Batches(url: url, clock: SystemClock(), exposure: try exposure()) {
                Console.print($0 + "\n")
            } remark: {
                Complaint.remark($0)
            }
        }

        func validate() throws { _ = try exposure() }

        private func exposure() throws -> BatchExposure? {
            guard let expose else {
                if time != nil { throw ValidationError("--for says how long --expose lasts") }
                return nil
            }
            do {
                let least = try time.map { try TimeText.span($0, of: "--for", like: "20s") }
                // A port alone is one of this machine.
                let address = expose.allSatisfy(\.isNumber) ? "127.0.0.1:" + expose : expose
                return BatchExposure(
                    address: try ListenAddress(parsing: address),
                    milliseconds: least?.milliseconds ?? 0
                )
            } catch {
                throw ValidationError("\(error)")
            }
        }
    }

    /// `batch add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "A backup that adds its figures to a group (POST).")
        @OptionGroup var gateway: Gateway
        @Option(help: "A database, which names a group of its own; without it the group is job=\"db_backup\".")
        var db: String?
        func run() async throws { if try await !gateway.batches().add(database: db) { throw ExitCode.failure } }
    }

    /// `batch push`
    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A backup that replaces its database's group (PUT).",
            discussion: "batch add --db NAME adds to the same group, so that one sees what PUT replaces."
        )
        @OptionGroup var gateway: Gateway
        @Option(help: "The database, which names the group.")
        var db = "customers"
        func run() async throws { if try await !gateway.batches().push(database: db) { throw ExitCode.failure } }
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
        func run() async throws { if try await !gateway.batches().mySample(seed: seed) { throw ExitCode.failure } }
    }
}
