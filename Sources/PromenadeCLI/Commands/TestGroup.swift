import ArgumentParser
import ConfigTree
import MetricModel
import PromQL
import Promenade

/// `test promql`
struct TestGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run tests of queries, rules and lessons.",
        subcommands: [PromQLScripts.self, TestRules.self, TestLessons.self]
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
}
