import ArgumentParser
import ConfigTree
import Exposition
import MetricModel
import Promenade

/// `check`
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check files for mistakes.",
        subcommands: [Config.self, Metrics.self, CheckRules.self, CheckClient.self, Healthy.self, Ready.self]
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

    /// `check metrics [FILE…]`
    struct Metrics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check expositions: against their format, to the letter, and against the conventions.",
            discussion:
                "Reads the standard input without a file. Exit codes as promtool's: 1 for an error, 3 for a warning."
        )
        @Option(help: "auto, text or openmetrics.")
        var format = "auto"

        @Argument(help: "The files.")
        var files: [String] = ["-"]

        func run() async throws {
            guard let format = ExpositionLinter.Format(rawValue: format) else {
                throw ValidationError("--format has to be auto, text or openmetrics")
            }
            var code: Int32 = 0
            for file in files {
                let bytes: [UInt8]
                do {
                    bytes = try Console.read(file)
                } catch {
                    // The others are checked all the same.
                    Complaint.write("\(error)")
                    code = 1
                    continue
                }
                let report = ExpositionLinter.check(bytes, as: format)
                Console.print(report.rendered(source: file == "-" ? "stdin" : file))
                code = code == 1 || report.exitCode == 1 ? 1 : max(code, report.exitCode)
            }
            if code != 0 { throw ExitCode(code) }
        }
    }
}
