import ArgumentParser
import ConfigTree
import MetricModel
import Promenade
import Web

/// The subcommands as a tree: what is beneath what, and which one was meant.
enum CommandTree {
    /// Words that ``Main`` sees to itself.
    static let words = ["help", "version", "completion"]

    /// A command by the name that it has on the command line.
    static func name(_ command: any ParsableCommand.Type) -> String {
        if let name = command.configuration.commandName { return name }
        // As the parser does it: MySample is my-sample.
        var name = ""
        for letter in "\(command)" {
            if letter.isUppercase, !name.isEmpty { name += "-" }
            name += letter.lowercased()
        }
        return name
    }

    /// Where arguments lead: the deepest command that they name, and what follows its name.
    static func find(_ arguments: [String]) -> (path: [any ParsableCommand.Type], rest: ArraySlice<String>) {
        var path: [any ParsableCommand.Type] = [PromenadeCommand.self]
        var rest = arguments[...]
        while let word = rest.first,
            let next = path.last?.configuration.subcommands.first(where: { name($0) == word })
        {
            path.append(next)
            rest = rest.dropFirst()
        }
        return (path, rest)
    }

    /// Why arguments name no command; `nil` where they do.
    static func complaint(about arguments: [String]) -> String? {
        let (path, rest) = find(arguments)
        guard let last = path.last, let word = rest.first, !word.hasPrefix("-") else { return nil }
        var names = last.configuration.subcommands.map(name)
        // Whatever follows a command without subcommands is its own affair.
        if names.isEmpty { return nil }
        let parents = path.map(name).joined(separator: " ")
        if path.count == 1 { names += words }
        let advice = elsewhere[path.dropFirst().map(name).joined(separator: " ")] ?? [:]
        let all = names + advice.keys.sorted()
        let meant = DidYouMean.nearest(word, among: all) ?? long(for: word, among: names)
        if let meant, let advice = advice[meant] {
            return "unknown command \(GoText.quoted(word)); \(advice)"
        }
        let run = path.count == 1 ? FlagSet.naming(configuration: word).map { "run " + $0 } : nil
        let nearest = (run ?? meant).map { " (did you mean \($0)?)" } ?? ""
        return
            "unknown command \(GoText.quoted(word))\(nearest); \(parents) has \(names.sorted().joined(separator: ", "))"
    }

    /// What promtool has and this program has elsewhere.
    private static let elsewhere = [
        "check": [
            "web-config":
                "a web configuration is checked when a stack starts with it: \(ProgramName.called) run --web.config.file=FILE",
            "service-discovery":
                "what discovery finds, and relabelling makes of it, is on a running stack's page /service-discovery",
        ],
        "tsdb": [
            "list": "\(ProgramName.called) tsdb info tells what a database holds",
            "analyze": "\(ProgramName.called) tsdb info tells what a database holds",
            "create-blocks-from":
                "\(ProgramName.called) tsdb import FILE takes samples in, \(ProgramName.called) tsdb rules what rules would have recorded",
        ],
    ]

    /// The one command of which a word is a short form: the same beginning, letters left out.
    private static func long(for word: String, among names: [String]) -> String? {
        let found = names.filter { name in
            var rest = word[...]
            for letter in name where letter == rest.first { rest.removeFirst() }
            return rest.isEmpty && name.first == word.first
        }
        return found.count == 1 ? found[0] : nil
    }

    /// What is said of the first option that a command does not have; `nil` where it has all of them. The parser says so only where
    /// nothing else is missing, and calls near what is not.
    static func unknownOption(in arguments: [String]) -> String? {
        let (path, rest) = find(arguments)
        guard let command = path.last else { return nil }
        let known = options(command, includingHidden: true)
        let names = rest.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.map { String($0.prefix { $0 != "=" }) }
        guard let unknown = names.first(where: { !known.contains($0) }) else { return nil }
        let nearest = DidYouMean.nearest(String(unknown.dropFirst(2)), among: known.map { String($0.dropFirst(2)) })
        return "unknown option '\(unknown)'" + (nearest.map { " (did you mean --\($0)?)" } ?? "")
    }

    /// The first option that is there a second time, of which the parser would drop one without a word.
    /// - Parameter except: those that may be repeated.
    static func repeatedOption(in arguments: [String], except: Set<String>) -> String? {
        var seen: Set<String> = []
        for word in arguments.prefix(while: { $0 != "--" }) where word.hasPrefix("--") {
            let name = String(word.prefix { $0 != "=" })
            if !except.contains(name), !seen.insert(name).inserted { return name }
        }
        return nil
    }

    /// The options of a command, as its help lists them.
    static func options(_ command: any ParsableCommand.Type, includingHidden: Bool = false) -> [String] {
        var found: [String] = []
        for line in PromenadeCommand.helpMessage(for: command, includeHidden: includingHidden, columns: 400).split(
            separator: "\n"
        ) {
            // What it is for stands after the names, some blanks apart.
            let entry = line.drop { $0 == " " }.split(separator: "  ").first ?? ""
            guard entry.hasPrefix("-") else { continue }
            for word in entry.split(whereSeparator: { " ,/<".contains($0) }) where word.hasPrefix("-") {
                guard word.hasPrefix("--"), !found.contains(String(word)) else { continue }
                found.append(String(word))
            }
        }
        return found
    }

    /// What may follow what was typed: commands, options, flags and their values. Nothing where files are meant.
    static func completions(_ words: [String]) -> [String] {
        let typed = words.last ?? ""
        let before = Array(words.dropLast())
        let isRun = before.first == "run" || (before.first?.hasPrefix("-") ?? typed.hasPrefix("-"))
        if isRun { return FlagSet.completions(of: typed, after: before.last ?? "") }
        if before.first == "completion" {
            return CompletionScript.allCases.map(\.rawValue).filter { $0.hasPrefix(typed) }
        }
        let isHelp = before.first == "help"
        let (path, rest) = find(isHelp ? Array(before.dropFirst()) : before)
        guard let command = path.last else { return [] }
        if typed.hasPrefix("-") { return options(command).filter { $0.hasPrefix(typed) } }
        guard rest.isEmpty else { return [] }
        if command == OpenCommand.self {
            return OpenCommand.Page.allCases.map(\.rawValue).filter { $0.hasPrefix(typed) }
        }
        var names = command.configuration.subcommands.map(name)
        if path.count == 1, !isHelp { names += Self.words }
        return names.filter { $0.hasPrefix(typed) }.sorted()
    }
}
