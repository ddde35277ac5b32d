import Clocks

/// A regular expression with the syntax and meaning of RE2, run without backtracking: a text of length n takes time
/// proportional to n, whatever the pattern.
///
/// `.` matches a newline, as everywhere in Prometheus 3.
public struct RegularExpression: Sendable {
    /// The source text.
    public let pattern: String
    private let shape: RegexShape
    private let literalSet: Set<[UInt8]>
    private let automaton: RegexAutomaton
    let captures: RegexCaptures
    let captureNames: [String?]

    /// Compiles a pattern.
    /// - Parameters:
    ///   - anchored: whether the whole text has to match, as in every matcher and relabelling rule of Prometheus.
    ///   - dotMatchesNewline: whether `.` matches a newline, as everywhere but in templates.
    /// - Throws: ``RegularExpressionError`` with RE2's own message.
    public init(_ pattern: String, anchored: Bool, dotMatchesNewline: Bool = true) throws(RegularExpressionError) {
        self.pattern = pattern
        var parser = RegexParser(pattern, dotMatchesNewline: dotMatchesNewline)
        var node: RegexNode
        var isWhole = anchored
        do throws(RegularExpressionError) {
            node = try parser.parse()
        } catch {
            // Prometheus puts the pattern into `^(?s:…)$` as a text, which may mend what is wrong with it alone, or break it.
            guard anchored, error != .givenUp, error != .tooLarge else { throw error }
            parser = RegexParser("^(?s:\(pattern))$", dotMatchesNewline: false)
            guard let mended = try? parser.parse() else { throw error }
            node = mended
            isWhole = false
        }
        if isWhole, pattern.contains("\\Q") {
            var within = RegexParser("^(?s:\(pattern))$", dotMatchesNewline: false)
            _ = try within.parse()
        }
        captureNames = parser.captureNames
        let program = try RegexProgram(node)
        shape = isWhole ? RegexShape(node) : .general(prefix: [])
        if case .literals(let texts) = shape, texts.count > 8 { literalSet = Set(texts) } else { literalSet = [] }
        automaton = RegexAutomaton(program, isAnchored: isWhole)
        switch TaskLimit.hold(pattern.utf8.count + program.heldBytes + shape.heldBytes + RegexAutomaton.leastBytes) {
        case .refused: throw .tooMuch
        case .held(let holder): automaton.hold(holder)
        case .free: break
        }
        captures = RegexCaptures(program: program, slotCount: captureNames.count * 2 + 2, isAnchored: isWhole)
    }

    /// Whether the text matches.
    public func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matches(utf8: $0) }
    }

    /// Whether the text, given as valid UTF-8, matches.
    public func matches(utf8 text: UnsafeBufferPointer<UInt8>) -> Bool {
        switch shape {
        case .everything: true
        case .nonEmpty: !text.isEmpty
        case .literals(let texts):
            texts.count > 8
                ? literalSet.contains(Array(text)) : texts.contains { $0.count == text.count && text.starts(with: $0) }
        case .prefix(let prefix): text.starts(with: prefix)
        case .suffix(let suffix): text.count >= suffix.count && text.suffix(suffix.count).elementsEqual(suffix)
        case .containing(let part): Self.contains(text, part)
        case .general(let prefix): text.starts(with: prefix) && automaton.matches(text)
        }
    }

    /// The only texts that match, where they are few (`a|b`); `nil` for a pattern that is open.
    public var literalAlternatives: [String]? {
        guard case .literals(let texts) = shape else { return nil }
        return texts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// What every matching text begins with; often empty.
    public var literalPrefix: String {
        switch shape {
        case .prefix(let prefix), .general(let prefix): String(decoding: prefix, as: UTF8.self)
        case .literals(let texts) where texts.count == 1: String(decoding: texts[0], as: UTF8.self)
        default: ""
        }
    }

    /// Whether every text matches.
    public var matchesEverything: Bool { if case .everything = shape { true } else { false } }

    /// The bytes that the states of all patterns take now, beyond the least that each may have.
    package static var stateBytes: Int { RegexAutomaton.pooledBytes }

    /// How many capturing groups there are.
    public var captureCount: Int { captureNames.count }

    /// How much work a text may make, in instructions.
    public var instructionCount: Int { captures.program.instructions.count }

    /// The bytes that putting matches into the template takes at worst, while it lasts.
    public func expansionBytes(_ template: RegexTemplate) -> Int {
        template.isPlain ? 0 : 2 * instructionCount * (48 + 8 * min(captures.slotCount, template.slotCount))
    }

    /// The groups of the match, the whole match first; a group that took no part is `nil`. `nil` without a match.
    public func captures(in text: String) -> [Substring?]? {
        var text = text
        text.makeContiguousUTF8()
        guard let slots = text.utf8.withContiguousStorageIfAvailable({ captures.find($0) }) ?? nil else { return nil }
        let view = text.utf8
        return stride(from: 0, to: slots.count, by: 2).map { slot in
            guard slots[slot] >= 0, slots[slot + 1] >= 0 else { return nil }
            let start = view.index(view.startIndex, offsetBy: slots[slot])
            let end = view.index(view.startIndex, offsetBy: slots[slot + 1])
            return text[start..<end]
        }
    }

    /// The text with every match replaced by the expanded template, as Go's `Regexp.ReplaceAllString`. An empty match right
    /// behind another one does not count.
    public func replacingAll(in text: String, with template: String) -> String {
        var work = Int.max
        return replacingAll(in: text, with: template, limit: .max, work: &work) ?? ""
    }

    /// The same; `nil` where the result would be longer than `limit` bytes, or would be too much work.
    /// - Parameter work: how many instructions and slots of groups may be looked at; what is left of it, negative where it was not
    ///   enough. Each match begins anew behind the one before, so that the work may grow with the square of the text.
    public func replacingAll(in text: String, with template: String, limit: Int, work: inout Int) -> String? {
        var text = text
        text.makeContiguousUTF8()
        let view = text.utf8
        var result = ""
        var copied = 0
        var position = 0
        func part(_ range: Range<Int>) -> Substring {
            text[
                view.index(
                    view.startIndex,
                    offsetBy: range.lowerBound
                )..<view.index(view.startIndex, offsetBy: range.upperBound)
            ]
        }
        let pieces = self.template(template)
        let slotCount = pieces.slotCount
        var lastEnd = -1
        var meter = RegexCaptures.Meter(limit: work)
        defer { work = meter.left }
        while position <= view.count {
            let found = view.withContiguousStorageIfAvailable {
                captures.find($0, from: position, slots: slotCount, &meter)
            }
            if meter.left < 0 { return nil }
            guard let slots = found ?? nil else { break }
            let (start, end) = (slots[0], slots[1])
            if start != end || start != lastEnd {
                result += part(copied..<start)
                // Before it is made: a template may repeat a long match any number of times.
                if pieces.length(slots) > limit - result.utf8.count { return nil }
                result +=
                    view.withContiguousStorageIfAvailable { source in
                        pieces.text(slots, of: source, length: pieces.length(slots))
                    } ?? ""
                copied = end
            }
            lastEnd = end
            if end > position {
                position = end
            } else {
                // The next character, not the next byte.
                position += 1
                while position < view.count,
                    view[view.index(view.startIndex, offsetBy: position)] & 0xC0 == 0x80
                { position += 1 }
            }
        }
        return result + part(copied..<view.count)
    }

    private static func contains(_ text: UnsafeBufferPointer<UInt8>, _ part: [UInt8]) -> Bool {
        guard let first = part.first else { return true }
        guard text.count >= part.count else { return false }
        var index = 0
        while index <= text.count - part.count {
            if text[index] == first, text[index..<index + part.count].elementsEqual(part) { return true }
            index += 1
        }
        return false
    }
}

/// Why a pattern was refused: RE2's message, such as ``missing closing ): `(a` ``.
public struct RegularExpressionError: Error, Hashable, CustomStringConvertible {
    /// The message, as Go prints it after `error parsing regexp: `.
    public let message: String

    /// The program would have too many instructions.
    static let tooLarge = RegularExpressionError(message: "expression too large")
    /// The task's limit was over: whoever has set it says what it is.
    static let givenUp = RegularExpressionError(message: "reading was given up")
    /// The task may not hold so much: whoever has set that limit says what it is.
    static let tooMuch = RegularExpressionError(message: "too much memory")

    /// An error with that message.
    public init(message: String) { self.message = message }

    /// As Go prints the error.
    public var description: String { "error parsing regexp: " + message }
}
