import ArgumentParser
import ConfigTree
import Exposition
import MetricModel
import Promenade
import Rules
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
                Exit codes as promtool's: 1 where a configuration or a rule file cannot be used, 3 for a finding with --lint-fatal.
                """
        )
        @Option(help: "all, duplicate-rules, too-long-scrape-interval or none; several with commas between them.")
        var lint = "duplicate-rules"

        @Flag(name: .customLong("lint-fatal"), inversion: .prefixedNo, help: "Whether a finding fails the check.")
        var isLintFatal = false

        @Flag(inversion: .prefixedNo, help: "Look at the file alone and not at what it names.")
        var syntaxOnly = false

        @OptionGroup var given: RuleFileArguments

        func run() async throws {
            try CommandFiles.check(given.files)
            var isGood = true
            var rules = RuleChecking(
                lint,
                known: ["duplicate-rules", "too-long-scrape-interval"],
                ignoresUnknownFields: given.ignoreUnknownFields
            )
            for file in given.files {
                Console.print("Checking \(file)\n")
                do throws(ConfigError) {
                    let config = try StackConfig(file: file, context: Stack.context(file, FlagSet()))
                    if report(config, file) {
                        Console.print("\n")
                        if !syntaxOnly { check(config, file, &rules) }
                        continue
                    }
                    isGood = false
                } catch {
                    isGood = false
                    Console.complain("  FAILED: \(error.prometheusText)\n")
                    // A file that cannot be read has no places to tell.
                    if error.problems.contains(where: { $0.line != nil || !$0.path.isEmpty }) {
                        for line in error.description.split(separator: "\n") { Console.complain("    \(line)\n") }
                    }
                }
                Console.print("\n")
            }
            if !isGood { throw ExitCode(1) }
            if let code = rules.exitCode(isLintFatal: isLintFatal) { throw code }
        }

        /// Checks the rules that a configuration has and names, and how often it scrapes.
        private func check(_ config: StackConfig, _ file: String, _ rules: inout RuleChecking) {
            // Samples that are further apart than queries look back have gaps between them.
            for job in config.prometheus.jobs
            where rules.looks(for: "too-long-scrape-interval") && job.scrapeInterval.milliseconds >= 300_000 {
                rules.hasFindings = true
                Console.complain(
                    "  FAILED: too long scrape interval found, data point will be marked as stale - job: \(job.jobName), "
                        + "interval: \(job.scrapeInterval)\n"
                )
            }
            if let node = config.rules {
                Console.print("Checking the rules of \(file)\n")
                rules.report { () throws(RuleFile.Failure) in
                    try RuleFile(reading: node, file: file, ignoresUnknownFields: given.ignoreUnknownFields)
                }
            }
            for path in Self.ruleFiles(of: config) { rules.check(path) }
        }

        /// The rule files that a configuration names. That they cannot be found is told where the configuration is inspected.
        private static func ruleFiles(of config: StackConfig) -> [String] {
            config.prometheus.ruleFiles.flatMap { (try? RuleFiles.matching($0)) ?? [] }
        }

        /// Tells what is odd or wrong beyond the file's own text; whether all is good.
        private func report(_ config: StackConfig, _ file: String) -> Bool {
            for warning in config.warnings {
                let line = warning.line.map { ":\($0)" } ?? ""
                Console.print("  WARNING: \(file)\(line): \(warning.message)\n")
            }
            let findings = syntaxOnly ? [] : ConfigInspection.check(config.prometheus)
            for finding in findings {
                let tell = finding.isFailure ? Console.complain : Console.print
                tell("  \(finding.isFailure ? "FAILED" : "WARNING"): \(finding.message)\n")
                for place in finding.places { tell("    \(place)\n") }
            }
            if findings.contains(where: \.isFailure) { return false }
            let ruleFiles = syntaxOnly ? 0 : Self.ruleFiles(of: config).count
            if ruleFiles > 0 { Console.print("  SUCCESS: \(ruleFiles) rule files found\n") }
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
        /// The most bytes of an exposition.
        private static let expositionLimit = 1 << 30

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
                    bytes = try Console.read(file, limit: Self.expositionLimit)
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
