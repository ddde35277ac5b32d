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

    @Flag(name: .customLong("lint-fatal"), inversion: .prefixedNo, help: "Whether a finding fails the check.")
    var isLintFatal = false

    @Flag(inversion: .prefixedNo, help: "Pass over fields that Prometheus does not know (of Thanos, Mimir, vmalert).")
    var ignoreUnknownFields = false

    @Argument(help: "The files.")
    var files: [String] = []

    func run() async throws {
        try CommandFiles.check(files)
        var checking = RuleChecking(lint, known: ["duplicate-rules"], ignoresUnknownFields: ignoreUnknownFields)
        for file in files.isEmpty ? ["-"] : files { checking.check(file) }
        if let code = checking.exitCode(isLintFatal: isLintFatal) { throw code }
    }
}

/// The files of a command that reads rules, among others.
struct RuleFileArguments: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Pass over fields of rule files that Prometheus does not know.")
    var ignoreUnknownFields = false

    @Argument(help: "The files.")
    var files: [String]
}

/// Rule files, checked and told of in promtool's words.
struct RuleChecking {
    private let lints: Set<String>
    private let ignoresUnknownFields: Bool
    private(set) var hasErrors = false
    var hasFindings = false

    /// - Parameters:
    ///   - lint: what is looked for, with commas between.
    ///   - known: what there is to look for beside `all` and `none`.
    init(_ lint: String, known: Set<String>, ignoresUnknownFields: Bool) {
        lints = Set(
            lint.isEmpty ? [] : lint.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        )
        self.ignoresUnknownFields = ignoresUnknownFields
        for unknown in lints.subtracting(known.union(["all", "none"])).sorted() {
            Console.print("WARNING: unknown lint option: \(GoText.quoted(unknown))\n")
        }
        if lint.isEmpty { Console.print("WARNING: unknown lint option: \"\"\n") }
    }

    /// Whether something is looked for.
    func looks(for lint: String) -> Bool { lints.contains("all") || lints.contains(lint) }

    /// Checks a file; `-` for the standard input.
    mutating func check(_ file: String) {
        Console.print(file == "-" ? "Checking standard input\n" : "Checking \(file)\n")
        let ignores = ignoresUnknownFields
        report { () throws(RuleFile.Failure) in
            guard file == "-" else { return try RuleFiles.read(file, ignoresUnknownFields: ignores) }
            guard let text = try? Console.read("-") else {
                throw RuleFile.Failure(messages: ["cannot read the standard input"])
            }
            return try RuleFiles.read(text: text, file: "", ignoresUnknownFields: ignores)
        }
    }

    /// Tells what reading rules came to.
    mutating func report(_ read: () throws(RuleFile.Failure) -> RuleFile) {
        do throws(RuleFile.Failure) {
            let rules = try read()
            if looks(for: "duplicate-rules"), let finding = RuleLint.duplicates(in: rules) {
                hasFindings = true
                Console.complain("  FAILED:\n\(finding)\n")
            } else {
                Console.print("  SUCCESS: \(rules.ruleCount) rules found\n")
            }
            Console.print("\n")
        } catch {
            hasErrors = true
            Console.complain("  FAILED:\n\(error)\n")
        }
    }

    /// The code to end with; `nil` where all is good.
    func exitCode(isLintFatal: Bool) -> ExitCode? {
        if hasErrors { return ExitCode(1) }
        return hasFindings && isLintFatal ? ExitCode(3) : nil
    }
}
