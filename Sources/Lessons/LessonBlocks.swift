import ConfigTree
import MetricModel
import PromQL

/// Reads the blocks of a lesson that are YAML.
struct LessonBlocks {
    let problems: ConfigProblems
    let path: String
    /// Reads a line of text.
    let text: (String, Int) -> LessonText.Line

    func content(_ word: String, _ node: ConfigNode, line: Int) -> Lesson.Content? {
        switch word {
        case "to": return moment(node).map { .run(to: $0) }
        case "predict": return prediction(node).map { .predict($0) }
        case "act": return .act(sections(node, "act").compactMap(act))
        case "try": return .explore(sections(node, "act").compactMap(act))
        case "panel": return .panel(sections(node, "panel").compactMap(panel))
        case "claim": return .claim(claims(node))
        case "picture": return picture(node).map { .picture($0) }
        case "changes": return changes(node).map { .changes($0) }
        default: return nil
        }
    }

    private func fail(_ message: String, _ node: ConfigNode, hint: String? = nil) {
        let problem = ConfigProblem(
            .meaning,
            message,
            line: node.line,
            column: node.column,
            path: path,
            hint: hint
        )
        problems.add(problem)
    }

    private func sections(_ node: ConfigNode, _ type: String) -> [ConfigSection] {
        guard case .sequence(let items) = node.content else {
            fail("this is a list", node, hint: "lines that begin with -")
            return []
        }
        return items.enumerated().map { index, item in
            ConfigSection(item, type: type, path: "\(path)[\(index)]", problems: problems)
        }
    }

    private func moment(_ node: ConfigNode) -> Int64? {
        guard let text = node.text, let span = try? PrometheusDuration(parsing: text) else {
            fail("\(GoText.quoted(node.text ?? "")) is no moment", node, hint: "how long after the start: 5m16s")
            return nil
        }
        return span.nanoseconds
    }

    /// Checks that an expression can be asked at a moment.
    static func check(_ expression: String, line: Int, _ problems: ConfigProblems, path: String) {
        do {
            let parsed = try PromQLParser().parse(expression)
            if parsed.type == .matrix || parsed.type == .string {
                let message = "\(GoText.quoted(expression)) is neither a number nor series"
                problems.add(ConfigProblem(.meaning, message, line: line, path: path))
            }
        } catch {
            problems.add(
                ConfigProblem(.meaning, "\(GoText.quoted(expression)): \(error)", line: line, path: path)
            )
        }
    }

    private func expression(_ section: ConfigSection, _ name: String) -> String {
        guard let text = section.string(name), !text.isEmpty else {
            section.fail("the field \(name) is missing", hint: "an expression")
            return ""
        }
        Self.check(text, line: section.node.line, problems, path: section.path(name))
        return text
    }

    private func prediction(_ node: ConfigNode) -> Lesson.Prediction? {
        let section = ConfigSection(node, type: "predict", path: path, problems: problems)
        let question = section.string("question") ?? ""
        let why = section.string("why") ?? ""
        refuseNumber(question, node)
        if question.isEmpty { section.fail("the field question is missing") }
        if why.isEmpty { section.fail("the field why is missing", hint: "what is told with the truth") }
        let choices = section.sections("choices", type: "choice").compactMap { choice -> Lesson.Choice? in
            guard let choice else { return nil }
            let say = choice.string("say") ?? ""
            refuseNumber(say, choice.node)
            if say.isEmpty { choice.fail("the field say is missing", hint: "the answer in words") }
            let condition = expression(choice, "when")
            choice.finish()
            return Lesson.Choice(text: text(say, choice.node.line), condition: condition, line: choice.node.line)
        }
        if choices.count < 2 || choices.count > 6 {
            section.fail("there are two to six choices", at: "choices", hint: "- {say: words, when: EXPRESSION}")
        }
        section.finish()
        return Lesson.Prediction(question: text(question, node.line), choices: choices, why: text(why, node.line))
    }

    private func refuseNumber(_ text: String, _ node: ConfigNode) {
        if let problem = LessonText.numberProblem(text) { fail(problem, node) }
    }

    private func act(_ section: ConfigSection) -> Lesson.Act? {
        guard case .mapping(let entries) = section.node.content else { return nil }
        guard let label = section.string("label"), !label.isEmpty else {
            section.fail("the field label is missing", hint: "what stands on the button")
            return nil
        }
        let line = section.node.line
        if section.has("advance") {
            let span = section.duration("advance")?.milliseconds ?? 0
            if span <= 0 { section.fail("advance is how long", at: "advance", hint: "advance: 15s") }
            section.finish()
            return Lesson.Act(label: label, deed: .advance(span * 1_000_000), line: line)
        }
        var node = section.node
        node.content = .mapping(entries.filter { $0.key.text != "label" })
        if node["do"] == nil { section.fail("nothing is done", hint: "do: kill, as in scenarios, or advance: 15s") }
        for name in ["at", "for", "every"] where section.has(name) {
            section.fail("a button has no \(name)", at: name, hint: "it happens when it is pressed")
        }
        return Lesson.Act(label: label, deed: .event(node), line: line)
    }

    private func panel(_ section: ConfigSection) -> Lesson.Panel? {
        let expression = expression(section, "expr")
        let range = section.duration("range").map { $0.nanoseconds }
        let title = section.string("title") ?? ""
        refuseNumber(title, section.node)
        section.finish()
        return Lesson.Panel(title: title, expression: expression, range: range, line: section.node.line)
    }

    private func claims(_ node: ConfigNode) -> [Lesson.Claim] {
        guard case .sequence(let items) = node.content else {
            fail("this is a list", node, hint: "lines that begin with -")
            return []
        }
        return items.compactMap { item in
            guard let text = item.text, !text.isEmpty else {
                fail("a claim is an expression", item)
                return nil
            }
            Self.check(text, line: item.line, problems, path: path)
            return Lesson.Claim(expression: text, line: item.line)
        }
    }

    private func changes(_ node: ConfigNode) -> Lesson.Changes? {
        let section = ConfigSection(node, type: "changes", path: path, problems: problems)
        let job = section.string("job") ?? ""
        if job.isEmpty { section.fail("the field job is missing", hint: "whose groups are looked at: job: backup") }
        section.finish()
        return Lesson.Changes(job: job)
    }

    private func picture(_ node: ConfigNode) -> Lesson.Picture? {
        let section = ConfigSection(node, type: "picture", path: path, problems: problems)
        var picture = Lesson.Picture(range: section.duration("range")?.nanoseconds ?? 0)
        if picture.range <= 0 { section.fail("the field range is missing", hint: "how far it goes back: 5m") }
        picture.ways = section.sections("ways", type: "way").compactMap { $0.flatMap(way) }
        if !section.has("ways") { section.fail("the field ways is missing", hint: "- {batch: …, job: …, query: …}") }
        section.finish()
        return picture
    }

    private func way(_ section: ConfigSection) -> Lesson.Way? {
        let origins = [
            section.string("batch").map { Lesson.Origin.batch($0) },
            section.string("service").map { Lesson.Origin.service($0) },
            section.string("requests").map { Lesson.Origin.requests(job: $0) },
        ].compactMap { $0 }
        if origins.count != 1 {
            section.fail("a way begins at one of batch, service and requests (a job that is pushed to)")
        }
        let held = section.string("held") ?? ""
        let job = section.string("job") ?? ""
        if job.isEmpty { section.fail("the field job is missing", hint: "the job under which it is scraped") }
        let query = expression(section, "query")
        if let parsed = try? PromQLParser().parse(query) {
            if case .vectorSelector = parsed {
            } else {
                section.fail("\(GoText.quoted(query)) is no selector, so it has no samples", at: "query")
            }
        }
        section.finish()
        return origins.first.map { Lesson.Way(origin: $0, held: held, job: job, query: query) }
    }
}
