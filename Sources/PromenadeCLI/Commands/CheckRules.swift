import ArgumentParser
import MetricModel
import Promenade
import Rules

/// `check rules [FILE…]`
struct CheckRules: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Check rule files as promtool does: form, expressions, names, templates, duplicates.",
        discussion:
            "Reads the standard input without a file. Exit codes as promtool's: 1 for an error, 3 for a finding with "
            + "--lint-fatal."
    )

    @Option(help: "all, duplicate-rules or none; several with commas between them.")
    var lint = "duplicate-rules"

    @Flag(name: .customLong("lint-fatal"), help: "Whether a finding of the lint fails the check.")
    var isLintFatal = false

    @Flag(help: "Pass over fields that Prometheus does not know (of Thanos, Mimir, vmalert).")
    var ignoreUnknownFields = false

    @Argument(help: "The files.")
    var files: [String] = []

    func run() async throws {
        let lints = Set(
            lint.isEmpty ? [] : lint.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        )
        for unknown in lints.subtracting(["all", "duplicate-rules", "none"]).sorted() {
            Console.print("WARNING: unknown lint option: \(GoText.quoted(unknown))\n")
        }
        let looksForDuplicates = lints.contains("all") || lints.contains("duplicate-rules")
        var (hasErrors, hasFindings) = (false, false)
        for file in files.isEmpty ? ["-"] : files {
            Console.print(file == "-" ? "Checking standard input\n" : "Checking \(file)\n")
            do throws(RuleFile.Failure) {
                let rules = try read(file)
                if looksForDuplicates, let finding = RuleLint.duplicates(in: rules) {
                    hasFindings = true
                    Console.complain("  FAILED:\n\(finding)\n")
                } else {
                    Console.print("  SUCCESS: \(rules.ruleCount) rules found\n")
                }
                Console.print("\n")
            } catch {
                hasErrors = true
                Console.complain("  FAILED:\n\(error)\n")
                if file == "-" { Console.print("\n") }
            }
        }
        if hasErrors { throw ExitCode(1) }
        if hasFindings, isLintFatal { throw ExitCode(3) }
    }

    private func read(_ file: String) throws(RuleFile.Failure) -> RuleFile {
        guard file == "-" else { return try RuleFiles.read(file, ignoresUnknownFields: ignoreUnknownFields) }
        guard let text = try? Console.read("-") else {
            throw RuleFile.Failure(messages: ["cannot read the standard input"])
        }
        return try RuleFiles.read(text: text, file: "", ignoresUnknownFields: ignoreUnknownFields)
    }
}
