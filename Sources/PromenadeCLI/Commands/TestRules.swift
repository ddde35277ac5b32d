import ArgumentParser
import ConfigTree
import MetricModel
import PromQL
import Promenade
import Rules
import Scrape

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

    @Flag(inversion: .prefixedNo, help: "Show what differs between expected alerts and those that came, in colours.")
    var diff = false

    @Flag(inversion: .prefixedNo, help: "Print what is in the store at the end of each test.")
    var debug = false

    @Flag(help: "Read what promtool does not know: states, partial labels, near misses.")
    var extended = false

    @OptionGroup var given: RuleFileArguments

    func run() async throws {
        try CommandFiles.check(given.files)
        let chosen = try RegularExpression(patterns.joined(separator: "|"), anchored: false)
        let runner = RuleTestRunner(style: diff ? .diff : extended ? .nearMisses : .plain)
        var isGood = true
        var report = RuleTestReport()
        for name in given.files {
            var failures: [String] = []
            do throws(TestFileFailure) {
                let file = try read(name)
                let results = try await run(file, name, runner, chosen)
                report.add(name, results)
                for result in results {
                    failures += result.failures
                    if debug, junit != "-" {
                        Console.print(
                            "DEBUG: Starting test \(result.name)\n\(result.dump)DEBUG: Test \(result.name) finished, "
                                + "took \(result.took)\n"
                        )
                    }
                }
            } catch {
                failures = [error.message]
                report.add(name, error: error.message)
            }
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
            Console.print(report.text)
        } else if let junit, !FileAccess.replace(junit, with: report.text) {
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
        guard let bytes = FileAccess.readNamed(name == "-" ? "/dev/stdin" : name) else {
            throw TestFileFailure(message: FileAccess.failure(reading: name))
        }
        do throws(ConfigError) {
            return try RuleTestFile(reading: YAMLReader.parse(bytes, file: name), file: name, isExtended: extended)
        } catch {
            let structure = error.problems.filter { $0.kind == .structure }
            if structure.isEmpty, extended { throw TestFileFailure(message: error.description) }
            if structure.isEmpty {
                let problem = error.problems.first
                throw TestFileFailure(message: problem?.original ?? problem?.message ?? "")
            }
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
        let context = ConfigContext(directory: FilePath.folder(of: name))
        var paths: [String] = []
        for pattern in file.ruleFiles.map(context.path) {
            if !RuleFiles.isPattern(pattern) { throw TestFileFailure(message: "syntax error in pattern") }
            let matching: [String]
            do throws(PathPattern.Failure) {
                matching = try RuleFiles.matching(pattern)
            } catch {
                throw TestFileFailure(message: "\(error)")
            }
            if matching.isEmpty { Console.complain("  WARNING: no file match pattern \(pattern)\n") }
            paths += matching.filter { !paths.contains($0) }
        }
        let rules: Swift.Result<[RuleFile], RuleFile.Failure>
        do throws(RuleFile.Failure) {
            var read: [RuleFile] = []
            for path in paths { read.append(try RuleFiles.read(path, ignoresUnknownFields: given.ignoreUnknownFields)) }
            rules = .success(read)
        } catch {
            rules = .failure(error)
        }
        let all = patterns.isEmpty
        return await runner.run(file, rules: { rules }, dumps: debug) { all || chosen.matches($0) }
    }
}
