import Web

/// The flags in words.
extension FlagSet {
    /// The help text: every flag with what it does and its default.
    public static var help: String {
        var text = """
            OVERVIEW: A whole local Prometheus stack in one process: a demo server, a Pushgateway and a Prometheus server.

            USAGE: \(ProgramName.called) run [--flag=value …] [@FILE]

            Every flag bears the name it has in Prometheus; the Pushgateway's say --pushgateway. where it says --web.
            Switches take no value and are turned off with --no-NAME. @FILE reads arguments from a file, one a line.

            """
        var groups: [String] = []
        for flag in table where !groups.contains(flag.group) { groups.append(flag.group) }
        for group in groups where group != withoutEffectGroup {
            text += "\n\(group):\n"
            for flag in table where flag.group == group { text += entry(flag) }
        }
        text += "\nKnown to Prometheus or the Pushgateway, without effect here (each is told at start):\n"
        for flag in table where flag.group == withoutEffectGroup {
            guard case .withoutEffect(let reason) = flag.standing else { continue }
            let name = "  --\(flag.name)"
            text += padded(name) + reason + "\n"
        }
        return text
    }

    private static func entry(_ flag: Flag) -> String {
        var line = "  --" + (flag.isToggle ? "[no-]" : "") + flag.name
        if !flag.isToggle { line += "=\(flag.standard.isEmpty ? "<value>" : flag.standard)" }
        return padded(line) + flag.help.replacing("\n", with: "\n" + pad) + "\n"
    }

    private static func padded(_ line: String) -> String {
        line.count < pad.count ? line + String(repeating: " ", count: pad.count - line.count) : line + "\n" + pad
    }

    private static let pad = String(repeating: " ", count: 46)

    /// The flags as a table in Markdown.
    public static var markdown: String {
        var text = "| Flag | Description | Default |\n| --- | --- | --- |\n"
        for flag in table.sorted(by: { $0.name < $1.name }) {
            let words: String
            switch flag.standing {
            case .working: words = flag.help.replacing("\n", with: " ")
            case .withoutEffect(let reason): words = "No effect here: \(reason)."
            }
            let standard = flag.standard.isEmpty ? "" : "`\(flag.standard)`"
            text += "| <code>--\(flag.isToggle ? "[no-]" : "")\(flag.name)</code> | \(words) | \(standard) |\n"
        }
        return text
    }

    /// What may follow what was typed of a command line: flags, or the values of a flag that has only so many.
    /// - Parameters:
    ///   - word: what was typed of the word at the cursor.
    ///   - before: the word before it; empty for none.
    public static func completions(of word: String, after before: String) -> [String] {
        if before.hasPrefix("--"), !before.contains("="), let flag = byName[String(before.dropFirst(2))],
            !flag.isToggle,
            !word.hasPrefix("--")
        {
            return flag.knownValues.filter { $0.hasPrefix(word) }
        }
        guard word.isEmpty || word.hasPrefix("-") else { return [] }
        if let equals = word.firstIndex(of: "="), word.hasPrefix("--") {
            let name = String(word[..<equals].dropFirst(2))
            // Of several values separated by commas the last is completed.
            let typed = word[word.index(after: equals)...]
            let start = typed.lastIndex(of: ",").map(typed.index(after:)) ?? typed.startIndex
            let (head, rest) = (typed[..<start], typed[start...])
            return (byName[name]?.knownValues ?? []).filter { $0.hasPrefix(rest) }.map { "--\(name)=\(head)\($0)" }
        }
        let all = table.flatMap { $0.isToggle ? ["--" + $0.name, "--no-" + $0.name] : ["--\($0.name)="] }
        return (all + ["--help", "--version"]).filter { $0.hasPrefix(word) }.sorted()
    }
}
