import ArgumentParser
import MetricModel
import Promenade

/// `check config`
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check files for mistakes.",
        subcommands: [Config.self]
    )

    /// `check config FILE…`
    struct Config: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read configurations; every mistake with file, line and field."
        )
        @Argument(help: "The files.")
        var files: [String]

        func run() async throws {
            var isGood = true
            for file in files {
                do throws(ConfigError) {
                    let config = try StackConfig(file: file, context: Stack.context(file, FlagSet()))
                    for warning in config.warnings { Console.print("\(file): \(warning.message)\n") }
                    Console.print("\(file): good\n")
                } catch {
                    isGood = false
                    Console.print("\(error)\n")
                }
            }
            if !isGood { throw ExitCode(2) }
        }
    }
}
