import ConfigTree
import Foundation
import MetricModel
import Promenade
import Rules
import Testing

/// What promtool says to generated rule files and tests of them.
@Suite(.timeLimit(.minutes(5))) struct RuleReplayTests {
    struct Answer: Decodable, Sendable {
        var code: Int
        /// The lines, sorted: messages of labels and annotations come in any order.
        var said: [String]
    }

    struct Row: Decodable, Sendable {
        var rules: String
        var test: String
        var check: Answer
        var tested: Answer
        var diff: Answer?
    }

    private static func answer(_ failures: [String], isFinding: Bool = false) -> (code: Int, said: [String]) {
        if failures.isEmpty { return (0, []) }
        let text = "  FAILED:\n" + failures.map { $0 + "\n" }.joined()
        // As Python's splitlines, which made the recorded lines, except for separators that no message has.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        return (isFinding ? 0 : 1, lines)
    }

    private static func checked(_ text: [UInt8]) -> (code: Int, said: [String]) {
        do throws(RuleFile.Failure) {
            let rules = try RuleFiles.read(text: text, file: "rules.yml")
            return answer(RuleLint.duplicates(in: rules).map { [$0] } ?? [], isFinding: true)
        } catch {
            return answer(error.messages)
        }
    }

    private static func tested(_ row: Row, _ style: RuleTestRunner.FailureStyle) async throws -> (
        code: Int, said: [String]
    ) {
        let file = try RuleTestFile(
            reading: YAMLReader.parse(Array(row.test.utf8), file: "test.yml"),
            file: "test.yml",
            isExtended: false
        )
        let rules: Swift.Result<[RuleFile], RuleFile.Failure>
        do throws(RuleFile.Failure) {
            rules = .success([try RuleFiles.read(text: Array(row.rules.utf8), file: "rules.yml")])
        } catch {
            rules = .failure(error)
        }
        let results = await RuleTestRunner(clock: ManualClock(), style: style).run(file, rules: { rules })
        return answer(results.flatMap(\.failures))
    }

    private static func same(_ answer: (code: Int, said: [String]), _ recorded: Answer) throws -> String? {
        let known = try Differences.known.get()
        let (ours, theirs) = (answer.said.map(known.rewritten(rules:)), recorded.said.map(known.rewritten(rules:)))
        if answer.code == recorded.code, ours.sorted() == theirs.sorted() { return nil }
        let missing = Set(theirs).subtracting(ours).sorted()
        let added = Set(ours).subtracting(theirs).sorted()
        return "exit \(recorded.code) / \(answer.code)\n  recorded: \(missing)\n  here: \(added)"
    }

    @Test func `rule files and their tests get promtool's verdicts and words`() async throws {
        let recording = try Recording<Row>("rules")
        #expect(recording.rows.count >= 300)
        #expect(recording.rows.count { $0.check.code != 0 } > 5)
        #expect(recording.rows.count { $0.diff != nil } > 50)
        for (index, row) in recording.rows.enumerated() {
            var problems = [try Self.same(Self.checked(Array(row.rules.utf8)), row.check)]
            problems.append(try Self.same(await Self.tested(row, .plain), row.tested))
            if let diff = row.diff { problems.append(try Self.same(await Self.tested(row, .diff), diff)) }
            for problem in problems { if let problem { Issue.record("pair \(index): \(problem)") } }
        }
    }

    /// A rule file with a mistake.
    struct FileRow: Decodable, Sendable {
        var rules: String?
        var rules64: Data?
        var code: Int
        var said: [String]
    }

    @Test func `rule files with every mistake get promtool's words`() throws {
        let recording = try Recording<FileRow>("rulefiles")
        #expect(recording.rows.count >= 300)
        for row in recording.rows {
            if let rules = row.rules, try !Differences.known.get().isCompared(ruleFile: rules) { continue }
            let text = row.rules.map { Array($0.utf8) } ?? [UInt8](row.rules64 ?? Data())
            let problem = try Self.same(Self.checked(text), Answer(code: row.code, said: row.said))
            if let problem { Issue.record("\(row.rules ?? "bytes"): \(problem)") }
        }
    }
}
