import Clocks

/// A text with places for the groups of a match, as Go's `Regexp.Expand` reads it: `$1`, `${1}`, `$name`, and `$$` for a dollar.
public struct RegexTemplate: Sendable {
    /// A piece of the text.
    enum Part: Sendable {
        case text(String)
        case group(Int)
    }

    let parts: [Part]
    /// Whether it is the same text whatever matches.
    var isPlain: Bool { parts.allSatisfy { if case .text = $0 { true } else { false } } }

    /// The bytes that it takes, about.
    public var heldBytes: Int { parts.count * MemoryLayout<Part>.stride }

    /// How many of a match's slots it looks at; start and end of the whole match at least.
    var slotCount: Int {
        parts.reduce(2) { most, part in if case .group(let group) = part { max(most, 2 * group + 2) } else { most } }
    }

    /// Reads a template; a group that the expression does not have stands for nothing.
    init(_ template: String, captureNames: [String?]) {
        guard template.utf8.contains(UInt8(ascii: "$")) else {
            parts = [.text(template)]
            return
        }
        var parts: [Part] = []
        var text = ""
        var rest = template[...]
        // Not looked for in the list by each of a million groups.
        var numbers: [String: Int]?
        while let dollar = rest.firstIndex(of: "$") {
            text += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                text += "$"
                rest.removeFirst()
                continue
            }
            guard let name = Self.groupName(&rest) else {
                text += "$"
                continue
            }
            var group: Int?
            // As in Go, a number that begins with a zero is a name.
            if let number = Int(name), name == "0" || name.first != "0" {
                if number <= captureNames.count { group = number }
            } else {
                let known = numbers ?? Self.numbers(captureNames)
                numbers = known
                group = known[String(name)]
            }
            guard let group else { continue }
            if !text.isEmpty { parts.append(.text(text)) }
            text = ""
            parts.append(.group(group))
            // Nobody will look at what it makes.
            if parts.count & 1023 == 0, TaskLimit.isOver { break }
        }
        text += rest
        if !text.isEmpty { parts.append(.text(text)) }
        self.parts = parts
    }

    /// The groups by their names; the first of those that share one.
    private static func numbers(_ captureNames: [String?]) -> [String: Int] {
        var numbers: [String: Int] = [:]
        for (index, name) in captureNames.enumerated() {
            if let name, numbers[name] == nil { numbers[name] = index + 1 }
        }
        return numbers
    }

    /// Takes `name` or `{name}` off the front; `nil`, with nothing taken, where there is neither.
    private static func groupName(_ rest: inout Substring) -> Substring? {
        var inner = rest
        let isBraced = inner.first == "{"
        if isBraced { inner.removeFirst() }
        let name = inner.prefix { $0 == "_" || $0.isLetter || $0.isNumber }
        guard !name.isEmpty else { return nil }
        inner = inner[name.endIndex...]
        if isBraced {
            guard inner.first == "}" else { return nil }
            inner.removeFirst()
        }
        rest = inner
        return name
    }

    /// How many bytes the text has with these groups put in, given start and end of each.
    func length(_ slots: [Int]) -> Int {
        var length = 0
        for part in parts {
            let more: Int
            switch part {
            case .text(let text): more = text.utf8.count
            case .group(let group): more = slots[2 * group] < 0 ? 0 : slots[2 * group + 1] - slots[2 * group]
            }
            let (sum, overflow) = length.addingReportingOverflow(more)
            if overflow { return .max }
            length = sum
        }
        return length
    }

    /// The text with the groups put in.
    func text(_ slots: [Int], of source: UnsafeBufferPointer<UInt8>, length: Int) -> String {
        String(unsafeUninitializedCapacity: length) { buffer in
            var filled = 0
            for part in parts {
                switch part {
                case .text(var text):
                    text.withUTF8 { filled += Self.copy($0, to: buffer, at: filled) }
                case .group(let group):
                    let start = slots[2 * group]
                    if start < 0 { continue }
                    let piece = UnsafeBufferPointer(rebasing: source[start..<slots[2 * group + 1]])
                    filled += Self.copy(piece, to: buffer, at: filled)
                }
            }
            return filled
        }
    }

    private static func copy(
        _ bytes: UnsafeBufferPointer<UInt8>,
        to buffer: UnsafeMutableBufferPointer<UInt8>,
        at start: Int
    ) -> Int {
        guard let from = bytes.baseAddress, let target = buffer.baseAddress else { return 0 }
        (target + start).update(from: from, count: bytes.count)
        return bytes.count
    }
}

extension RegularExpression {
    /// What became of putting a match into a template.
    public enum Expansion: Sendable, Hashable {
        /// The text does not match.
        case noMatch
        /// The template with the match's groups.
        case text(String)
        /// It would have so many bytes, which is more than were allowed.
        case tooLong(Int)
    }

    /// Reads a template for ``expand(_:in:limit:)``.
    public func template(_ text: String) -> RegexTemplate { RegexTemplate(text, captureNames: captureNames) }

    /// The template with what it refers to replaced from the match.
    /// - Parameter limit: the most bytes that it may have.
    public func expand(_ template: RegexTemplate, in text: String, limit: Int = .max) -> Expansion {
        var text = text
        guard matches(text) else { return .noMatch }
        return text.withUTF8 { source in
            let slots: [Int]
            if template.isPlain {
                slots = []
            } else if let found = captures.find(source, slots: template.slotCount) {
                slots = found
            } else {
                return .noMatch
            }
            let length = template.length(slots)
            if length > limit { return .tooLong(length) }
            return .text(template.text(slots, of: source, length: length))
        }
    }

    /// The template with `$1`, `${1}`, `$name` and `$$` replaced from the match, as Go's `Regexp.Expand`; `nil` without a match.
    public func expand(_ template: String, in text: String) -> String? {
        guard case .text(let result) = expand(self.template(template), in: text) else { return nil }
        return result
    }
}
