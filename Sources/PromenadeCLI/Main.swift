import ArgumentParser
import MetricModel
import Promenade
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The way in: `promenade [run] --flag=value …` starts the stack, everything else is a subcommand.
@main struct Main {
    static func main() async {
        // Where a supervisor has closed one of the three, the next file that is opened would get its number, and the log.
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
        let arguments = Array(CommandLine.arguments.dropFirst())
        // The stack's flags are read from a table, without the parser for subcommands: that is part of a fast start.
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case nil: exit(await RunCommand.run([]))
        case "run": exit(await RunCommand.run(rest))
        case "--help", "-h", "--generate-completion-script": break
        case "version", "--version": end(Words.version())
        case "help": end(Words.help(rest))
        case "completion": end(Words.completion(rest))
        case CompletionScript.question: end(Words.complete(rest))
        case let first? where first.hasPrefix("--"): exit(await RunCommand.run(arguments))
        default: break
        }
        if let complaint = CommandTree.complaint(about: arguments) {
            Complaint.write(complaint)
            exit(2)
        }
        do {
            var command = try PromenadeCommand.parseAsRoot(withEmptyValues(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            end(0)
        } catch {
            let code = PromenadeCommand.exitCode(for: error)
            if let code = error as? ExitCode { end(code.rawValue) }
            // Help was asked for, or the command has told what there is to tell.
            if code == .success {
                Console.print(PromenadeCommand.fullMessage(for: error) + "\n")
                end(0)
            }
            var text = String(PromenadeCommand.fullMessage(for: error).trimmingPrefix("Error: "))
            let unknown = code == .validationFailure ? CommandTree.unknownOption(in: arguments) : nil
            if let message = unknown ?? (error as? ValidationError)?.message {
                // What a command finds out when it runs is told with its own usage, not with that of the whole program.
                let path = CommandTree.find(arguments).path
                let usage = PromenadeCommand.usageString(for: path.last ?? PromenadeCommand.self)
                text = "\(message)\nUsage: \(usage)\n  See '\(ProgramName.called)"
                text += path.dropFirst().map { " " + CommandTree.name($0) }.joined() + " --help' for more information."
            }
            Complaint.write(text)
            // As for the stack's flags: 2 for arguments that cannot be used.
            exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }

    /// Ends the program. Whatever came of the command: who cannot be told of it has nothing of it.
    static func end(_ code: Int32) -> Never {
        guard let reason = Console.failure else { exit(code) }
        Complaint.write("cannot write to the standard output: \(reason)")
        exit(2)
    }

    /// The same arguments, `--option=` in two words: the parser would take it for an option without a value, and it has an empty one.
    private static func withEmptyValues(_ arguments: [String]) -> [String] {
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments[..<end].flatMap { word in
            let isEmpty =
                word.hasPrefix("--") && word.hasSuffix("=") && word.firstIndex(of: "=") == word.lastIndex(of: "=")
            return isEmpty ? [String(word.dropLast()), ""] : [word]
        } + arguments[end...]
    }
}

/// The subcommands.
struct PromenadeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ProgramName.called,
        abstract: "A whole local Prometheus stack in one process: demo server, Pushgateway and Prometheus server.",
        discussion: """
            Without a subcommand, or with flags only, the stack is started: \(ProgramName.called) --config.file=stack.yml. \
            Its flags are listed by \(ProgramName.called) help run. \(ProgramName.called) completion bash (or zsh, fish) prints a script that \
            completes commands and flags; \(ProgramName.called) version tells the version.
            """,
        version: "promenade \(StackVersion.version)",
        subcommands: [
            Run.self, Check.self, TestGroup.self, TSDBGroup.self, SQL.self, Query.self, ExpectCommand.self,
            ScrapeCommand.self, OpenCommand.self, Batch.self, Simulate.self, RecordCommand.self,
        ]
    )

    /// What `version` prints.
    static let versionLine = "promenade \(StackVersion.version)\n"
}

/// Commands that only say something.
enum Words {
    static func version() -> Int32 {
        Console.print(PromenadeCommand.versionLine)
        return 0
    }

    /// `help [COMMAND…]`
    static func help(_ words: [String]) -> Int32 {
        if words.first == "run" {
            Console.print(FlagSet.help)
            return 0
        }
        if let word = words.first, CommandTree.words.contains(word) {
            Console.print(
                "\(ProgramName.called) \(word)\(word == "completion" ? " bash|zsh|fish" : word == "help" ? " COMMAND" : "")\n"
            )
            return 0
        }
        if let complaint = CommandTree.complaint(about: words) {
            Complaint.write(complaint)
            return 2
        }
        let (path, rest) = CommandTree.find(words)
        if let word = rest.first {
            Complaint.write(
                "\(path.map(CommandTree.name).joined(separator: " ")) has no subcommand \(GoText.quoted(word))"
            )
            return 2
        }
        Console.print(PromenadeCommand.helpMessage(for: path.last ?? PromenadeCommand.self) + "\n")
        return 0
    }

    /// `completion SHELL`
    static func completion(_ words: [String]) -> Int32 {
        guard words.count == 1, let script = CompletionScript(rawValue: words[0]) else {
            Complaint.write("completion takes one of bash, zsh, fish: source <(\(ProgramName.called) completion bash)")
            return 2
        }
        Console.print(script.text)
        return 0
    }

    /// `__complete -- WORD…`, which completion scripts ask.
    static func complete(_ words: [String]) -> Int32 {
        let words = words.first == "--" ? Array(words.dropFirst()) : words
        Console.print(CommandTree.completions(words).map { $0 + "\n" }.joined())
        return 0
    }
}

/// `run`, here only for the list of subcommands; ``Main`` sees to it.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Start the stack (what happens without a subcommand).")

    @Argument(
        parsing: .captureForPassthrough,
        help: "Flags by Prometheus's names; see \(ProgramName.called) run --help."
    )
    var flags: [String] = []

    func run() async throws { throw ExitCode(await RunCommand.run(flags)) }
}
