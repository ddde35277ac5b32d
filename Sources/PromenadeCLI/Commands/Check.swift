import ArgumentParser
import ConfigTree
import Exposition
import MetricModel
import Promenade
import Scrape

/// `check`
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check files for mistakes.",
        subcommands: [Config.self, Metrics.self, CheckRules.self, CheckClient.self, Healthy.self, Ready.self]
    )

    /// `check config FILE…`
    struct Config: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read configurations and what they name; every mistake with file, line and field.",
            discussion: """
                Files with jobs, targets, credentials, certificates and rules are followed, and what labels make of targets. \
                Exit codes as promtool's: 1 where a configuration cannot be used.
                """
        )
        @Argument(help: "The files.")
        var files: [String]

        func run() async throws {
            var isGood = true
            for file in files {
                Console.print("Checking \(file)\n")
                do throws(ConfigError) {
                    let config = try StackConfig(file: file, context: Stack.context(file, FlagSet()))
                    isGood = Self.report(config, file) && isGood
                } catch {
                    isGood = false
                    Console.print("  FAILED: \(error.prometheusText)\n")
                    // A file that cannot be read has no places to tell.
                    if error.problems.contains(where: { $0.line != nil || !$0.path.isEmpty }) {
                        for line in error.description.split(separator: "\n") { Console.print("    \(line)\n") }
                    }
                }
                Console.print("\n")
            }
            if !isGood { throw ExitCode(1) }
        }

        /// Tells what is odd or wrong beyond the file's own text; whether all is good.
        private static func report(_ config: StackConfig, _ file: String) -> Bool {
            for warning in config.warnings {
                let line = warning.line.map { ":\($0)" } ?? ""
                Console.print("  WARNING: \(file)\(line): \(warning.message)\n")
            }
            let findings = ConfigInspection.check(config.prometheus)
            for finding in findings {
                Console.print("  \(finding.isFailure ? "FAILED" : "WARNING"): \(finding.message)\n")
                for place in finding.places { Console.print("    \(place)\n") }
            }
            if findings.contains(where: \.isFailure) { return false }
            Console.print(" SUCCESS: \(file) is valid prometheus config file syntax\n")
            return true
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
