import Foundation
import Testing

/// One mistake each in a scenario that has something of everything (`Tests/Scenarios/mistakes`).
@Suite(.timeLimit(.minutes(5))) struct MistakeTests {
    /// A line of the file that is another one, and what is told of it.
    struct Mistake {
        var line: Int
        var text: String
        var told: [String]
    }

    private static func lines(_ name: String) throws -> [String] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Scenarios/mistakes")
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Each mistake is a number and the text in place of that line; below it, indented, stands what is told, one line each.
    private static func mistakes() throws -> [Mistake] {
        var found: [Mistake] = []
        for line in try lines("mistakes.txt") where !line.isEmpty && !line.hasPrefix("#") {
            if line.hasPrefix("    ") {
                found[found.count - 1].told.append(String(line.dropFirst(4)))
                continue
            }
            let parts = line.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
            let number = try #require(Int(parts[0]), "\(line)")
            // Where it is several lines they stand on one.
            let text = String(try #require(parts.last)).replacing("\\n", with: "\n")
            found.append(Mistake(line: number, text: text, told: []))
        }
        return found
    }

    @Test func `each mistake is told with its line, its field and what would be right`() throws {
        let base = try Self.lines("base.yml")
        #expect(TestWorlds.problems(base.joined(separator: "\n")).isEmpty)
        let mistakes = try Self.mistakes()
        #expect(mistakes.count >= 250)
        var wrong: [String] = []
        for mistake in mistakes {
            var lines = base
            lines[mistake.line - 1] = mistake.text
            let told = TestWorlds.problems(lines.joined(separator: "\n")).split(separator: "\n").map { line in
                String(line.hasPrefix("test.yml:") ? line.dropFirst("test.yml:".count) : line)
            }
            if told == mistake.told, !told.isEmpty { continue }
            wrong.append("\(mistake.line)|\(mistake.text)\n    " + told.joined(separator: "\n    "))
        }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
    }
}
