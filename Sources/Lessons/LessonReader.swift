public import ConfigTree
import MetricModel

extension Lesson {
    /// Reads `lesson.LANGUAGE.md`.
    /// - Throws: `ConfigError` with everything that is wrong in it.
    public init(reading text: [UInt8], name: String, language: String, file: String) throws(ConfigError) {
        self.init(name: name, language: language, file: file)
        let problems = ConfigProblems(file: file)
        var reader = LessonReader(text, problems)
        reader.read(into: &self)
        if steps.isEmpty { problems.add(ConfigProblem(.meaning, "there is no step", hint: "a line with ## TITLE")) }
        for (index, step) in steps.enumerated() where step.blocks.isEmpty && !reader.broken.contains(index) {
            problems.add(ConfigProblem(.meaning, "nothing stands here", line: step.line, path: "steps[\(index)]"))
        }
        try problems.throwIfAny()
    }

    /// The fenced blocks that mean something, besides code.
    static let words = ["to", "predict", "act", "try", "panel", "claim", "picture", "changes"]
    /// The languages of code.
    static let codes = ["sh", "yaml", "promql", "text"]
}

/// Goes through the lines of a lesson.
private struct LessonReader {
    let lines: [Substring]
    let problems: ConfigProblems
    /// The steps with a block that cannot be read.
    var broken: Set<Int> = []
    /// The line that is next, from 0.
    var next = 0

    init(_ text: [UInt8], _ problems: ConfigProblems) {
        // Editors on Windows end lines with CRLF, and some begin with a mark.
        let isMarked = text.starts(with: [0xEF, 0xBB, 0xBF])
        lines = String(decoding: isMarked ? text.dropFirst(3) : text[...], as: UTF8.self)
            .split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        self.problems = problems
    }

    func fail(_ message: String, line: Int, path: String = "", hint: String? = nil) {
        problems.add(ConfigProblem(.meaning, message, line: line, path: path, hint: hint))
    }

    /// A number that would not be checked.
    func refuseNumber(_ text: String, line: Int) {
        if let problem = LessonText.numberProblem(text) { fail(problem, line: line) }
    }

    mutating func read(into lesson: inout Lesson) {
        readHead(into: &lesson)
        while next < lines.count {
            let line = lines[next]
            let number = next + 1
            if line.hasPrefix("## ") {
                let title = LessonText.trimmed(line.dropFirst(3))
                refuseNumber(title, line: number)
                lesson.steps.append(.init(title: title, line: number))
                next += 1
            } else if line.hasPrefix("```") {
                let content = fenced(step: lesson.steps.count - 1)
                if let content {
                    add(.init(line: number, content: content), to: &lesson)
                } else if !lesson.steps.isEmpty {
                    // What is wrong with it is told; the step is not empty.
                    broken.insert(lesson.steps.count - 1)
                }
            } else if LessonText.trimmed(line).isEmpty {
                next += 1
            } else {
                add(.init(line: number, content: .text(text())), to: &lesson)
            }
        }
    }

    private func add(_ block: Lesson.Block, to lesson: inout Lesson) {
        if lesson.steps.isEmpty {
            return fail("this stands before the first step", line: block.line, hint: "a line with ## TITLE before it")
        }
        lesson.steps[lesson.steps.count - 1].blocks.append(block)
    }

    private mutating func readHead(into lesson: inout Lesson) {
        guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else {
            return fail("the head is missing", line: 1, hint: "---, title: …, goal: …, ---")
        }
        next = end + 1
        guard let section = yaml(lines[1..<end], from: 1, type: "head", path: "") else { return }
        lesson.title = section.string("title") ?? ""
        lesson.goal = section.string("goal") ?? ""
        refuseNumber(lesson.title + lesson.goal, line: 1)
        if lesson.title.isEmpty { section.fail("the field title is missing") }
        if lesson.goal.isEmpty { section.fail("the field goal is missing", hint: "what one knows after it") }
        section.finish()
    }

    // MARK: Text

    private mutating func text() -> LessonText {
        let first = lines[next]
        if first.hasPrefix("- ") { return .list(items()) }
        if first.hasPrefix("|") { return .table(rows()) }
        var words: [String] = []
        let number = next + 1
        while next < lines.count, !LessonText.trimmed(lines[next]).isEmpty, !isBlockStart(lines[next]) {
            words.append(LessonText.trimmed(lines[next]))
            next += 1
        }
        return .paragraph(line(Self.joined(words), number))
    }

    private func isBlockStart(_ line: Substring) -> Bool {
        line.hasPrefix("```") || line.hasPrefix("## ") || line.hasPrefix("- ") || line.hasPrefix("|")
    }

    /// A break between lines is a space, but not between characters of a script without spaces.
    private static func joined(_ lines: [String]) -> String {
        var text = ""
        for line in lines {
            let isWide = [text.unicodeScalars.last, line.unicodeScalars.first].contains { ($0?.value ?? 0) >= 0x3000 }
            if !text.isEmpty, !isWide { text += " " }
            text += line
        }
        return text
    }

    private mutating func items() -> [LessonText.Line] {
        var items: [(line: Int, words: [String])] = []
        while next < lines.count, !LessonText.trimmed(lines[next]).isEmpty {
            let text = lines[next]
            if text.hasPrefix("- ") {
                items.append((next + 1, [LessonText.trimmed(text.dropFirst(2))]))
            } else if text.hasPrefix("  ") {
                items[items.count - 1].words.append(LessonText.trimmed(text))
            } else {
                break
            }
            next += 1
        }
        return items.map { line(Self.joined($0.words), $0.line) }
    }

    private mutating func rows() -> [[LessonText.Line]] {
        var rows: [[LessonText.Line]] = []
        while next < lines.count, lines[next].hasPrefix("|") {
            let row = LessonText.trimmed(lines[next])
            let cells = row.dropFirst().dropLast(row.hasSuffix("|") ? 1 : 0)
                .split(separator: "|", omittingEmptySubsequences: false)
            // The line below the head.
            if !cells.allSatisfy({ cell in cell.allSatisfy { "-: ".contains($0) } }) {
                rows.append(cells.map { line(LessonText.trimmed($0), next + 1) })
            }
            next += 1
        }
        if let head = rows.first, rows.contains(where: { $0.count != head.count }) {
            fail("the rows of the table have different lengths", line: next)
        }
        return rows
    }

    func line(_ text: String, _ number: Int) -> LessonText.Line {
        let (spans, problem) = LessonText.line(text)
        if let problem { fail(problem, line: number) }
        for span in LessonText.numbers(spans) {
            if LessonText.number(span.text) == nil {
                fail("\(GoText.quoted(span.text)) does not begin with a number", line: number)
            }
            LessonBlocks.check(span.expression, line: number, problems, path: "")
        }
        return spans
    }

    // MARK: Fences

    private mutating func fenced(step: Int) -> Lesson.Content? {
        let start = next
        let word = LessonText.trimmed(lines[start].dropFirst(3))
        guard let end = lines[(start + 1)...].firstIndex(where: { $0.hasPrefix("```") }) else {
            fail("the block has no end", line: start + 1, hint: "a line with ```")
            next = lines.count
            return nil
        }
        next = end + 1
        let body = lines[(start + 1)..<end]
        if Lesson.codes.contains(word) { return .text(.code(word, body.joined(separator: "\n"))) }
        let path = "steps[\(max(0, step))].\(word)"
        guard Lesson.words.contains(word) else {
            let known = Lesson.words + Lesson.codes
            let meant = DidYouMean.nearest(word, among: known).map { "did you mean \($0)? " } ?? ""
            fail(
                "there is no block \(GoText.quoted(word))",
                line: start + 1,
                hint: meant + "there is " + known.joined(separator: ", ")
            )
            return nil
        }
        guard let node = node(body, from: start + 1) else { return nil }
        let blocks = LessonBlocks(problems: problems, path: path, text: line)
        return blocks.content(word, node, line: start + 1)
    }

    /// A piece of YAML in which lines count as in the file.
    private func node(_ body: ArraySlice<Substring>, from first: Int) -> ConfigNode? {
        let text = String(repeating: "\n", count: first) + body.joined(separator: "\n") + "\n"
        do throws(ConfigError) {
            return try YAMLReader.parse(Array(text.utf8), file: problems.file)
        } catch {
            for problem in error.problems { problems.add(problem) }
            return nil
        }
    }

    private func yaml(_ body: ArraySlice<Substring>, from first: Int, type: String, path: String) -> ConfigSection? {
        node(body, from: first).map { ConfigSection($0, type: type, path: path, problems: problems) }
    }
}
