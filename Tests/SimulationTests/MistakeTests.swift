import ConfigTree
import Foundation
import Promenade
import Testing

/// One mistake each in a scenario that has something of everything (`Tests/Scenarios/mistakes`).
@Suite(.timeLimit(.minutes(5))) struct MistakeTests {
    /// A line of the file that is another one, and what is told of it.
    struct Mistake {
        var line: Int
        var text: String
        var told: [String]
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Scenarios/mistakes")

    private static func lines(_ name: String) throws -> [String] {
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

    @Test func `one mistake in each kind of field: all are told at once, those of the files that it names, too`() throws
    {
        let expected = try Self.lines("all.txt").filter { !$0.isEmpty }
        let folder = Self.folder.path
        let error = #expect(throws: ConfigError.self) { _ = try ScenarioFile.read(folder + "/all.yml") }
        let told = (error?.description ?? "").replacing(folder + "/", with: "").split(separator: "\n").map(String.init)
        #expect(told.count > 100)
        let (missing, more) = (expected.filter { !told.contains($0) }, told.filter { !expected.contains($0) })
        #expect(missing.isEmpty, "\(missing.joined(separator: "\n"))")
        #expect(more.isEmpty, "\(more.joined(separator: "\n"))")
        #expect(told == expected)
    }
}
