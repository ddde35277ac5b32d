import ArgumentParser
import ConfigTree
import MetricModel
import PromQL
import Promenade

/// `test promql`
struct TestGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run tests of queries.",
        subcommands: [PromQLScripts.self, Rules.self]
    )

    /// `test promql FILE…`
    struct PromQLScripts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "promql",
            abstract: "Run scripts of the PromQL test language (load, eval instant, eval range, expect …)."
        )

        @Flag(help: "Print a JUnit report instead.")
        var junit = false

        @Argument(help: "The scripts.")
        var files: [String]

        func run() async throws {
            let runner = PromQLTestRunner()
            var isGood = true
            var reports: [PromQLTestReport] = []
            for file in files {
                let script = String(decoding: try Console.read(file), as: UTF8.self)
                let report = await runner.run(script: script, name: file)
                isGood = isGood && report.passed
                if junit { reports.append(report) } else { Console.print(report.text) }
            }
            if junit { Console.print(reports.junit) }
            if !isGood { throw ExitCode(1) }
        }
    }

    /// `test rules FILE…`
    struct Rules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run unit tests in promtool's format (for expressions; rules are not evaluated yet)."
        )

        @Option(name: .customLong("run"), help: "Only groups whose name matches this regular expression.")
        var pattern = ""

        @Flag(help: "Print a JUnit report instead.")
        var junit = false

        @Argument(help: "The files.")
        var files: [String]

        func run() async throws {
            let chosen = try RegularExpression(pattern, anchored: false)
            let all = pattern.isEmpty
            let runner = RuleTestRunner()
            var isGood = true
            var reports: [PromQLTestReport] = []
            for name in files {
                let file = try RuleTestFile(reading: YAMLReader.parse(Console.read(name), file: name), file: name)
                let report = await runner.run(file, name: name) { all || chosen.matches($0) }
                isGood = isGood && report.passed
                if junit { reports.append(report) } else { Console.print(report.text) }
            }
            if junit { Console.print(reports.junit) }
            if !isGood { throw ExitCode(1) }
        }
    }
}
