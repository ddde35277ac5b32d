import ConfigTree

extension Lesson {
    /// A number in a text that comes from nowhere.
    public struct LooseNumber: Sendable, Hashable {
        /// The line of its block.
        public var line: Int
        /// As it stands there.
        public var text: String
        /// Whether it can be marked there: not in titles, the goal and the labels of buttons.
        public var isMarkable: Bool
    }

    /// The numbers in titles, the goal, paragraphs, lists, tables, questions, labels and pieces of `text` that are neither checked (`{{ 5 := up }}`) nor
    /// written as so for another reason (`{{ 5 }}`), and that stand in nothing of which the lesson is made: not in its
    /// scenario, its moments, buttons, expressions or checked numbers.
    public func looseNumbers(scenario: [UInt8]) -> [LooseNumber] {
        // Comments do nothing.
        let node = try? YAMLReader.parse(scenario, file: "")
        var known = KnownNumbers(node.map(Course.plain) ?? String(decoding: scenario, as: UTF8.self))
        for block in steps.flatMap(\.blocks) { known.add(block.content) }
        var found: [LooseNumber] = []
        func look(_ text: String, _ line: Int, isMarkable: Bool = false) {
            for number in KnownNumbers.bare(text) where !known.contains(number.value) {
                let loose = LooseNumber(line: line, text: number.text, isMarkable: isMarkable)
                if !found.contains(loose) { found.append(loose) }
            }
        }
        for text in [title, goal] { look(text, 1) }
        for step in steps {
            look(step.title, step.line)
            for block in step.blocks {
                for text in Self.plainTexts(block.content) { look(text, block.line, isMarkable: true) }
                for label in Self.labels(block.content) { look(label.text, label.line) }
            }
        }
        return found
    }

    private static func labels(_ content: Content) -> [(text: String, line: Int)] {
        switch content {
        case .act(let acts), .explore(let acts): acts.map { ($0.label, $0.line) }
        case .panel(let panels): panels.map { ($0.title, $0.line) }
        case .text, .run, .predict, .claim, .picture, .changes: []
        }
    }

    private static func plainTexts(_ content: Content) -> [String] {
        switch content {
        case .text(.code("text", let code)): [code]
        case .text(let text): text.lines.flatMap(words)
        case .predict(let prediction):
            ([prediction.question, prediction.why] + prediction.choices.map(\.text)).flatMap(words)
        case .run, .act, .explore, .panel, .claim, .picture, .changes: []
        }
    }

    private static func words(_ line: LessonText.Line) -> [String] {
        line.compactMap { span in
            switch span {
            case .words(let text), .strong(let text): text
            case .code, .number, .plain: nil
            }
        }
    }
}

/// Numbers of which a lesson is made.
private struct KnownNumbers {
    private var values: Set<Double> = [0, 1, 2]

    init(_ text: String) { add(text) }

    func contains(_ value: Double) -> Bool { values.contains(value) }

    /// All numbers of a text, and its spans of time in each unit.
    mutating func add(_ text: String) {
        for number in Self.numbers(text) {
            values.insert(number.value)
            if let unit = Self.units[number.unit] { add(seconds: number.value * unit) }
        }
    }

    mutating func add(_ content: Lesson.Content) {
        switch content {
        case .text(let text):
            if case .code(let language, let code) = text, language != "text" { add(code) }
            add(text.numbers)
        case .run(let moment): add(span: moment)
        case .predict(let prediction):
            for choice in prediction.choices { add(choice.condition) }
            add(LessonText.numbers(prediction.why))
        case .act(let acts), .explore(let acts):
            for act in acts {
                switch act.deed {
                case .advance(let span): add(span: span)
                case .event(let node): add(Course.plain(node))
                }
            }
        case .panel(let panels):
            for panel in panels {
                add(panel.expression)
                if let range = panel.range { add(span: range) }
            }
        case .claim(let claims): for claim in claims { add(claim.expression) }
        case .picture(let picture): add(span: picture.range)
        case .changes: break
        }
    }

    private mutating func add(_ numbers: [(text: String, expression: String)]) {
        for number in numbers {
            if let value = LessonText.number(number.text)?.value { values.insert(value) }
            add(number.expression)
        }
    }

    private mutating func add(span nanoseconds: Int64) { add(seconds: Double(nanoseconds) / 1e9) }

    private mutating func add(seconds: Double) {
        let whole = seconds.rounded(.down)
        let hours = (whole / 3600).rounded(.down)
        let minutes = (whole / 60).rounded(.down)
        values.formUnion([seconds, seconds / 60, seconds / 3600, hours, minutes])
        values.formUnion([minutes - hours * 60, whole - minutes * 60])
    }

    // MARK: Reading

    private static let units: [String: Double] = ["ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400]

    struct Number {
        var text: String
        var value: Double
        /// The letters after it.
        var unit: String
    }

    /// The numbers of a text that are no part of a name: not the 2 of `api-2`.
    static func bare(_ text: String) -> [Number] { numbers(text, isBare: true) }

    private static func numbers(_ text: String, isBare: Bool = false) -> [Number] {
        let characters = Array(LessonText.narrow(text))
        var found: [Number] = []
        var place = 0
        while place < characters.count {
            guard isDigit(characters[place]) else {
                place += 1
                continue
            }
            let start = place
            while place < characters.count, isDigit(characters[place]) { place += 1 }
            if place + 1 < characters.count, characters[place] == ".", isDigit(characters[place + 1]) {
                place += 1
                while place < characters.count, isDigit(characters[place]) { place += 1 }
            }
            let end = place
            while place < characters.count, isLetter(characters[place]) { place += 1 }
            let digits = String(characters[start..<end])
            guard let value = Double(digits), !isBare || !isName(characters, start) else { continue }
            found.append(Number(text: digits, value: value, unit: String(characters[end..<place])))
        }
        return found
    }

    /// Whether what stands before a number makes it a part of a name.
    private static func isName(_ characters: [Character], _ start: Int) -> Bool {
        guard start > 0 else { return false }
        let before = characters[start - 1]
        if before == "_" { return true }
        if before == "-" { return start > 1 && isLetter(characters[start - 2]) }
        // The unit of another number, as in 1m10s.
        guard isLetter(before) else { return false }
        let letters = characters[..<start].reversed().prefix(while: isLetter).count
        return start - letters == 0 || !isDigit(characters[start - letters - 1])
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private static func isLetter(_ character: Character) -> Bool { character.isASCII && character.isLetter }
}
