public import ConfigTree

/// Lessons in all their languages.
public struct Course: Sendable {
    /// A lesson in all its languages, with the scenario that they share.
    public struct Entry: Sendable {
        /// The name of the folder.
        public var name: String
        /// The scenario's file and text.
        public var scenario: (file: String, text: [UInt8])
        /// The lesson by language.
        public var languages: [String: Lesson]
        /// The languages whose moves are not those of the others: nobody can be led through them.
        public internal(set) var differing: Set<String> = []

        /// The lesson in the languages whose moves are the same, each of which may be chosen.
        public var usable: [String: Lesson] { languages.filter { !differing.contains($0.key) } }

        /// Those texts in a language, or in English where there are none, or in any.
        public func lesson(in language: String) -> Lesson? {
            usable[language] ?? usable["en"] ?? usable.min { $0.key < $1.key }?.value
        }
    }

    /// A file of a course.
    public struct File: Sendable {
        /// The folder of the lesson.
        public var lesson: String
        /// The file in it.
        public var name: String
        /// What it holds.
        public var bytes: [UInt8]

        /// A file.
        public init(lesson: String, name: String, bytes: [UInt8]) {
            self.lesson = lesson
            self.name = name
            self.bytes = bytes
        }
    }

    /// The lessons, by name.
    public private(set) var entries: [Entry] = []
    /// Everything that is wrong with the files.
    public private(set) var problems: [ConfigError] = []

    /// Reads the files of a course.
    /// - Parameters:
    ///   - folder: where it is, for messages.
    ///   - empty: folders in it that hold nothing of a lesson.
    ///   - unread: what there is and could not be read.
    public init(_ files: [File], folder: String, empty: [String] = [], unread: [ConfigError] = []) {
        problems = unread
        for name in empty {
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            problems.append(Self.problem(path, "there is no lesson in it", "scenario.yml and lesson.en.md"))
        }
        for (name, files) in Dictionary(grouping: files, by: \.lesson).sorted(by: { $0.key < $1.key }) {
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            guard let scenario = files.first(where: { $0.name == "scenario.yml" }) else {
                if problems.contains(where: { $0.file == "\(path)/scenario.yml" }) { continue }
                problems.append(Self.problem("\(path)/scenario.yml", "there is no such file", "the lesson's world"))
                continue
            }
            var entry = Entry(
                name: name,
                scenario: (file: "\(path)/scenario.yml", text: scenario.bytes),
                languages: [:]
            )
            for file in files.sorted(by: { $0.name < $1.name }) {
                let parts = file.name.split(separator: ".", omittingEmptySubsequences: false)
                guard parts.count == 3, parts[0] == "lesson", parts[2] == "md" else {
                    if file.name != "scenario.yml", file.name != "README.md" {
                        let hint = "lesson.en.md, with the language in the middle"
                        let place = "\(path)/\(file.name)"
                        problems.append(Self.problem(place, "this is no name for a lesson's texts", hint))
                    }
                    continue
                }
                do throws(ConfigError) {
                    let language = String(parts[1])
                    let place = "\(path)/\(file.name)"
                    entry.languages[language] = try Lesson(
                        reading: file.bytes,
                        name: name,
                        language: language,
                        file: place
                    )
                } catch {
                    problems.append(error)
                }
            }
            if entry.languages.isEmpty, !problems.contains(where: { $0.file.hasPrefix(path + "/") }) {
                problems.append(Self.problem("\(path)/lesson.en.md", "there is no such file", "the lesson's texts"))
            }
            if !entry.languages.isEmpty { entries.append(entry) }
        }
        compare(folder)
    }

    private static func problem(_ file: String, _ message: String, _ hint: String?, line: Int? = nil) -> ConfigError {
        ConfigError(file: file, problems: [ConfigProblem(.meaning, message, line: line, hint: hint)])
    }

    /// All languages that some lesson has, English first.
    public var languages: [String] {
        let others = Set(entries.flatMap(\.languages.keys)).subtracting(["en"])
        return entries.contains { $0.languages["en"] != nil } ? ["en"] + others.sorted() : others.sorted()
    }

    /// What one language has and another has not.
    private mutating func compare(_ folder: String) {
        for (place, entry) in entries.enumerated() {
            guard let model = entry.lesson(in: "en") else { continue }
            for language in languages {
                guard let other = entry.languages[language] else {
                    let file = (folder.isEmpty ? "" : folder + "/") + "\(entry.name)/lesson.\(language).md"
                    // Told already where it is there and wrong.
                    if problems.contains(where: { $0.file == file }) { continue }
                    problems.append(Self.problem(file, "there is no such file", "the texts in this language"))
                    continue
                }
                if language == model.language { continue }
                if let (message, line) = Self.difference(model, other) {
                    entries[place].differing.insert(language)
                    let hint = "compared with \(model.file)"
                    problems.append(Self.problem(other.file, message, hint, line: line))
                }
            }
        }
    }

    /// The first thing in which the texts of two languages do not say the same.
    private static func difference(_ model: Lesson, _ other: Lesson) -> (message: String, line: Int)? {
        for (index, step) in model.steps.enumerated() {
            guard index < other.steps.count else {
                return ("step \(index + 1), \"\(step.title)\", is missing", other.steps.last?.line ?? 1)
            }
            let twin = other.steps[index]
            for (place, block) in step.blocks.enumerated() {
                guard place < twin.blocks.count else {
                    return ("\(word(block)) is missing at the end of the step", twin.line)
                }
                let shape = shape(block)
                let found = Self.shape(twin.blocks[place])
                if shape != found {
                    return ("here should be \(shape), not \(found)", twin.blocks[place].line)
                }
            }
            if twin.blocks.count > step.blocks.count {
                return ("this is more than the other language has", twin.blocks[step.blocks.count].line)
            }
        }
        if other.steps.count > model.steps.count {
            return ("this step is more than the other language has", other.steps[model.steps.count].line)
        }
        return nil
    }

    private static func word(_ block: Lesson.Block) -> String {
        switch block.content {
        case .text: "a text"
        case .run: "to"
        case .predict: "predict"
        case .act: "act"
        case .explore: "try"
        case .panel: "panel"
        case .claim: "claim"
        case .picture: "picture"
        case .changes: "changes"
        }
    }

    /// All of a block that is the same in each language.
    private static func shape(_ block: Lesson.Block) -> String {
        let parts: [String]
        switch block.content {
        case .text(let text):
            switch text {
            case .paragraph: parts = ["paragraph"]
            case .list(let items): parts = ["list of \(items.count)"]
            case .table(let rows): parts = ["table of \(rows.count) rows with \(rows.first?.count ?? 0) columns"]
            case .code(let language, let code): parts = [language, code]
            }
            let numbers = text.numbers.map { "{{ \($0.text) := \($0.expression) }}" }.sorted()
            return (["a text"] + parts + numbers).joined(separator: ", ")
        case .run(let moment): parts = ["\(moment / 1_000_000)ms"]
        case .predict(let prediction): parts = prediction.choices.map(\.condition)
        case .act(let acts), .explore(let acts): parts = acts.map { deed($0.deed) }
        case .panel(let panels): parts = panels.map { "\($0.expression) \($0.range.map { "\($0)" } ?? "now")" }
        case .claim(let claims): parts = claims.map(\.expression)
        case .changes(let changes): parts = [changes.job]
        case .picture(let picture):
            parts = picture.ways.map { "\($0.origin) \($0.held) \($0.job) \($0.query)" } + ["\(picture.range)"]
        }
        return ([word(block)] + parts).joined(separator: ", ")
    }

    private static func deed(_ deed: Lesson.Deed) -> String {
        switch deed {
        case .advance(let span): "advance \(span / 1_000_000)ms"
        case .event(let node): plain(node)
        }
    }

    /// A node without its places.
    static func plain(_ node: ConfigNode) -> String {
        switch node.content {
        case .scalar(let scalar): scalar.text
        case .sequence(let items): "[" + items.map(plain).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { "\(plain($0.key)): \(plain($0.value))" }.joined(separator: ", ") + "}"
        }
    }
}
