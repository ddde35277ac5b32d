import ArgumentParser
import ConfigTree
import MetricModel
import PromQL
import Promenade
import Rules

/// `test rules FILE…`
struct TestRules: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Run unit tests of rules in promtool's format.",
        discussion: """
            With --extended, alert tests may say `state: pending`, `resolved` or `notified` instead of `firing`, and \
            `partial: true`, by which labels and annotations that are not mentioned do not count; failures then also \
            tell the nearest alert. promtool refuses such files.
            """
    )

    @Option(name: .customLong("run"), help: "Only groups whose name matches this regular expression. May be repeated.")
    var patterns: [String] = []

    @Option(help: "Write a JUnit report to this file; - prints it instead of anything else.")
    var junit: String?

    @Flag(help: "Show what differs between expected alerts and those that came, in colours.")
    var diff = false

    @Flag(help: "Print what is in the store at the end of each test.")
    var debug = false

    @Flag(help: "Read what promtool does not know: states, partial labels, near misses.")
    var extended = false

    @Flag(help: "Pass over fields of rule files that Prometheus does not know.")
    var ignoreUnknownFields = false

    @Argument(help: "The files.")
    var files: [String]

    func run() async throws {
        let chosen = try RegularExpression(patterns.joined(separator: "|"), anchored: false)
        let runner = RuleTestRunner(style: diff ? .diff : extended ? .nearMisses : .plain)
        var isGood = true
        var reports: [PromQLTestReport] = []
        for name in files {
            var report = PromQLTestReport(name: name)
            var failures: [String] = []
            do throws(TestFileFailure) {
                let file = try read(name)
                for result in try await run(file, name, runner, chosen) {
                    failures += result.failures
                    if debug {
                        Console.complain(
                            "DEBUG: Starting test \(result.name)\n\(result.dump)DEBUG: Test \(result.name) finished, "
                                + "took \(result.took)\n"
                        )
                    }
                    report.cases.append(
                        PromQLTestReport.Case(
                            line: result.line,
                            source: result.name,
                            failure: result.failures.isEmpty ? nil : result.failures.joined(separator: "\n"),
                            duration: result.duration
                        )
                    )
                }
            } catch {
                failures = [error.message]
                report.cases.append(PromQLTestReport.Case(line: 1, source: name, failure: error.message))
            }
            reports.append(report)
            isGood = isGood && failures.isEmpty
            if junit == "-" { continue }
            if failures.isEmpty {
                Console.print("  SUCCESS\n\n")
            } else {
                Console.complain("  FAILED:\n")
                for failure in failures {
                    Console.complain("\(failure)\n")
                    Console.print("\n")
                }
                Console.print("\n")
            }
        }
        if junit == "-" {
            Console.print(reports.junit)
        } else if let junit, !ReadyFile.write(reports.junit, to: junit) {
            Complaint.write("cannot write \(junit)")
            throw ExitCode(1)
        }
        if !isGood { throw ExitCode(1) }
    }

    /// Why a file of tests cannot be run.
    private struct TestFileFailure: Error {
        var message: String
    }

    private func read(_ name: String) throws(TestFileFailure) -> RuleTestFile {
        let bytes: [UInt8]
        do {
            bytes = try Console.read(name)
        } catch {
            throw TestFileFailure(message: "open \(name): no such file or directory")
        }
        do throws(ConfigError) {
            return try RuleTestFile(reading: YAMLReader.parse(bytes, file: name), file: name, isExtended: extended)
        } catch {
            let structure = error.problems.filter { $0.kind == .structure }
            if structure.isEmpty { throw TestFileFailure(message: error.problems.first?.message ?? "") }
            let lines = structure.map { "\n  " + ($0.line.map { "line \($0): " } ?? "") + $0.message }
            throw TestFileFailure(message: "yaml: unmarshal errors:" + lines.joined())
        }
    }

    private func run(
        _ file: RuleTestFile,
        _ name: String,
        _ runner: RuleTestRunner,
        _ chosen: RegularExpression
    ) async throws(TestFileFailure) -> [RuleTestRunner.Result] {
        var seen: Set<String> = []
        for group in file.groupOrder where !seen.insert(group).inserted {
            throw TestFileFailure(message: "group name repeated in evaluation order: \(group)")
        }
        let folder = name.lastIndex(of: "/").map { String(name[..<$0]) } ?? ""
        var paths: [String] = []
        for pattern in file.ruleFiles.map({ RuleFiles.joined($0, below: folder) }) {
            let matching = RuleFiles.matching(pattern)
            if matching.isEmpty { Console.complain("  WARNING: no file match pattern \(pattern)\n") }
            paths += matching
        }
        let rules: Swift.Result<[RuleFile], RuleFile.Failure>
        do throws(RuleFile.Failure) {
            var read: [RuleFile] = []
            for path in paths { read.append(try RuleFiles.read(path, ignoresUnknownFields: ignoreUnknownFields)) }
            rules = .success(read)
        } catch {
            rules = .failure(error)
        }
        let all = patterns.isEmpty
        return await runner.run(file, rules: { rules }, dumps: debug) { all || chosen.matches($0) }
    }
}
