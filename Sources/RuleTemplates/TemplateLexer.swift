import MetricModel

/// A piece of a template's text, as Go's `text/template` cuts it.
struct TemplateToken {
    enum Kind {
        case error, bool, character, characterConstant, complex, assign, declare, endOfText, field, identifier
        case leftDelimiter, leftParenthesis, number, pipe, rawString, rightDelimiter, rightParenthesis, space, string
        case text, variable
        // Keywords.
        case block, `break`, `continue`, dot, define, `else`, end, `if`, `nil`, range, template, with

        var isKeyword: Bool {
            switch self {
            case .block, .break, .continue, .dot, .define, .else, .end, .if, .nil, .range, .template, .with: true
            case .error, .bool, .character, .characterConstant, .complex, .assign, .declare, .endOfText, .field,
                .identifier, .leftDelimiter, .leftParenthesis, .number, .pipe, .rawString, .rightDelimiter,
                .rightParenthesis, .space, .string, .text, .variable:
                false
            }
        }
    }

    var kind: Kind
    /// Where it begins, in bytes.
    var position: Int
    var text: String
    /// The line on which it begins, from 1.
    var line: Int

    /// As messages name it.
    var description: String {
        if kind == .endOfText { return "EOF" }
        if kind == .error { return text }
        if kind.isKeyword { return "<\(text)>" }
        let scalars = text.unicodeScalars
        if text.utf8.count > 10 {
            return GoText.quoted(String(String.UnicodeScalarView(scalars.prefix(10)))) + "..."
        }
        return GoText.quoted(text)
    }
}

/// Cuts a template's text into tokens, one at a time.
struct TemplateLexer {
    private enum State { case text, leftDelimiter, inside, rightDelimiter, done }

    private static let keywords: [String: TemplateToken.Kind] = [
        ".": .dot, "block": .block, "break": .break, "continue": .continue, "define": .define, "else": .else,
        "end": .end, "if": .if, "nil": .nil, "range": .range, "template": .template, "with": .with,
    ]

    private let input: [UInt8]
    private var state = State.text
    private var position = 0
    private var start = 0
    private var line = 1
    private var startLine = 1
    private var depth = 0

    init(_ text: String) { input = Array(text.utf8) }

    /// The next token; after the end, or an error, always the end.
    mutating func next() -> TemplateToken {
        while true {
            let token: TemplateToken? =
                switch state {
                case .text: lexText()
                case .leftDelimiter: lexLeftDelimiter()
                case .inside: lexInside()
                case .rightDelimiter: lexRightDelimiter()
                case .done: TemplateToken(kind: .endOfText, position: position, text: "", line: startLine)
                }
            if let token { return token }
        }
    }

    // MARK: Characters

    /// The scalar at a place with its length; `nil` at the end. Strings of Swift are always valid UTF-8.
    private func scalar(at place: Int) -> (value: Unicode.Scalar, length: Int)? {
        guard place < input.count else { return nil }
        let first = input[place]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        let end = min(place + length, input.count)
        guard let value = String(decoding: input[place..<end], as: UTF8.self).unicodeScalars.first else { return nil }
        return (value, end - place)
    }

    private func byte(_ place: Int) -> UInt8 { place < input.count ? input[place] : 0 }

    private func hasPrefix(_ text: StaticString, at place: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard place + count <= input.count else { return false }
        for index in 0..<count where input[place + index] != text.utf8Start[index] { return false }
        return true
    }

    private func find(_ first: UInt8, _ second: UInt8, from place: Int) -> Int? {
        var index = place
        while index + 1 < input.count {
            if input[index] == first, input[index + 1] == second { return index }
            index += 1
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }

    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            switch UInt8(truncatingIfNeeded: scalar.value) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                return true
            default: return false
            }
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
            return true
        default: return false
        }
    }

    private mutating func emit(_ kind: TemplateToken.Kind) -> TemplateToken {
        let token = TemplateToken(
            kind: kind,
            position: start,
            text: String(decoding: input[start..<position], as: UTF8.self),
            line: startLine
        )
        line += input[start..<position].count { $0 == 0x0A }
        start = position
        startLine = line
        return token
    }

    private mutating func ignore() {
        line += input[start..<position].count { $0 == 0x0A }
        start = position
        startLine = line
    }

    private mutating func failure(_ message: String) -> TemplateToken {
        state = .done
        return TemplateToken(kind: .error, position: start, text: message, line: startLine)
    }

    // MARK: States

    private func hasLeftTrim(_ place: Int) -> Bool {
        place + 1 < input.count && input[place] == UInt8(ascii: "-") && Self.isSpace(input[place + 1])
    }

    private func hasRightTrim(_ place: Int) -> Bool {
        place + 1 < input.count && Self.isSpace(input[place]) && input[place + 1] == UInt8(ascii: "-")
    }

    private mutating func lexText() -> TemplateToken? {
        if let found = find(UInt8(ascii: "{"), UInt8(ascii: "{"), from: position) {
            var end = found
            if hasLeftTrim(found + 2) { while end > start, Self.isSpace(input[end - 1]) { end -= 1 } }
            state = .leftDelimiter
            let token: TemplateToken?
            if end > start {
                position = end
                token = emit(.text)
            } else {
                token = nil
            }
            position = found
            ignore()
            return token
        }
        position = input.count
        state = .done
        if position > start {
            let token = emit(.text)
            return token
        }
        return nil
    }

    private mutating func lexLeftDelimiter() -> TemplateToken? {
        position += 2
        let marker = hasLeftTrim(position) ? 2 : 0
        if hasPrefix("/*", at: position + marker) {
            position += marker
            ignore()
            return lexComment()
        }
        let token = emit(.leftDelimiter)
        position += marker
        ignore()
        depth = 0
        state = .inside
        return token
    }

    private mutating func lexComment() -> TemplateToken? {
        guard let end = find(UInt8(ascii: "*"), UInt8(ascii: "/"), from: position + 2) else {
            return failure("unclosed comment")
        }
        position = end + 2
        let (isDelimiter, trims) = rightDelimiter(position)
        guard isDelimiter else { return failure("comment ends before closing delimiter") }
        position += trims ? 4 : 2
        if trims { while position < input.count, Self.isSpace(input[position]) { position += 1 } }
        ignore()
        state = .text
        return nil
    }

    private func rightDelimiter(_ place: Int) -> (isThere: Bool, trims: Bool) {
        if hasRightTrim(place), hasPrefix("}}", at: place + 2) { return (true, true) }
        return (hasPrefix("}}", at: place), false)
    }

    private mutating func lexRightDelimiter() -> TemplateToken? {
        let (_, trims) = rightDelimiter(position)
        if trims {
            position += 2
            ignore()
        }
        position += 2
        let token = emit(.rightDelimiter)
        if trims {
            while position < input.count, Self.isSpace(input[position]) { position += 1 }
            ignore()
        }
        state = .text
        return token
    }

    private mutating func lexInside() -> TemplateToken? {
        if rightDelimiter(position).isThere {
            if depth == 0 {
                state = .rightDelimiter
                return nil
            }
            return failure("unclosed left paren")
        }
        guard let (scalar, length) = scalar(at: position) else { return failure("unclosed action") }
        let first = UInt8(truncatingIfNeeded: scalar.isASCII ? scalar.value : 0)
        if Self.isSpace(first) { return lexSpace() }
        position += length
        switch first {
        case UInt8(ascii: "="): return emit(.assign)
        case UInt8(ascii: ":"):
            guard byte(position) == UInt8(ascii: "=") else { return failure("expected :=") }
            position += 1
            return emit(.declare)
        case UInt8(ascii: "|"): return emit(.pipe)
        case UInt8(ascii: "\""): return lexQuoted(UInt8(ascii: "\""), .string, "unterminated quoted string")
        case UInt8(ascii: "`"):
            guard let end = input[position...].firstIndex(of: UInt8(ascii: "`")) else {
                return failure("unterminated raw quoted string")
            }
            position = end + 1
            return emit(.rawString)
        case UInt8(ascii: "$"): return lexFieldOrVariable(.variable)
        case UInt8(ascii: "'"):
            return lexQuoted(UInt8(ascii: "'"), .characterConstant, "unterminated character constant")
        case UInt8(ascii: "."):
            let next = byte(position)
            if position < input.count, next < UInt8(ascii: "0") || next > UInt8(ascii: "9") {
                return lexFieldOrVariable(.field)
            }
            position -= 1
            return lexNumber()
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            position -= 1
            return lexNumber()
        case UInt8(ascii: "("):
            depth += 1
            return emit(.leftParenthesis)
        case UInt8(ascii: ")"):
            depth -= 1
            if depth < 0 { return failure("unexpected right paren") }
            return emit(.rightParenthesis)
        default: break
        }
        if Self.isAlphanumeric(scalar) {
            position -= length
            return lexIdentifier()
        }
        if scalar.isASCII, scalar.value >= 0x20, scalar.value < 0x7f { return emit(.character) }
        return failure("unrecognized character in action: \(Self.unicode(scalar))")
    }

    private mutating func lexSpace() -> TemplateToken? {
        var count = 0
        while position < input.count, Self.isSpace(input[position]) {
            position += 1
            count += 1
        }
        if hasRightTrim(position - 1), hasPrefix("}}", at: position + 1) {
            position -= 1
            if count == 1 {
                state = .rightDelimiter
                return nil
            }
        }
        return emit(.space)
    }

    private mutating func lexIdentifier() -> TemplateToken? {
        skipAlphanumeric()
        let word = String(decoding: input[start..<position], as: UTF8.self)
        guard isAtTerminator else { return badCharacter() }
        if let keyword = Self.keywords[word] { return emit(keyword) }
        return emit(word == "true" || word == "false" ? .bool : .identifier)
    }

    private mutating func lexFieldOrVariable(_ kind: TemplateToken.Kind) -> TemplateToken? {
        if isAtTerminator { return emit(kind == .variable ? .variable : .dot) }
        skipAlphanumeric()
        guard isAtTerminator else { return badCharacter() }
        return emit(kind)
    }

    private mutating func skipAlphanumeric() {
        while let (scalar, length) = scalar(at: position), Self.isAlphanumeric(scalar) { position += length }
    }

    private mutating func badCharacter() -> TemplateToken {
        guard let (scalar, _) = scalar(at: position) else { return failure("bad character") }
        return failure("bad character \(Self.unicode(scalar))")
    }

    /// Whether the text goes on with something that may follow a name.
    private var isAtTerminator: Bool {
        guard position < input.count else { return true }
        let next = input[position]
        if Self.isSpace(next) || ".,|:)(".utf8.contains(next) { return true }
        return hasPrefix("}}", at: position)
    }

    private mutating func lexQuoted(_ quote: UInt8, _ kind: TemplateToken.Kind, _ message: String) -> TemplateToken? {
        while true {
            guard position < input.count, input[position] != 0x0A else { return failure(message) }
            let next = input[position]
            position += 1
            if next == quote { return emit(kind) }
            if next == UInt8(ascii: "\\") {
                guard position < input.count, input[position] != 0x0A else { return failure(message) }
                position += scalar(at: position)?.length ?? 1
            }
        }
    }

    private mutating func lexNumber() -> TemplateToken? {
        func bad() -> String {
            "bad number syntax: " + GoText.quoted(String(decoding: input[start..<position], as: UTF8.self))
        }
        guard scanNumber() else { return failure(bad()) }
        if byte(position) == UInt8(ascii: "+") || byte(position) == UInt8(ascii: "-") {
            guard scanNumber(), input[position - 1] == UInt8(ascii: "i") else { return failure(bad()) }
            return emit(.complex)
        }
        return emit(.number)
    }

    private mutating func accept(_ valid: String) -> Bool {
        guard position < input.count, valid.utf8.contains(input[position]) else { return false }
        position += 1
        return true
    }

    private mutating func scanNumber() -> Bool {
        _ = accept("+-")
        var digits = "0123456789_"
        if accept("0") {
            if accept("xX") {
                digits = "0123456789abcdefABCDEF_"
            } else if accept("oO") {
                digits = "01234567_"
            } else if accept("bB") {
                digits = "01_"
            }
        }
        while accept(digits) {}
        if accept(".") { while accept(digits) {} }
        if digits.utf8.count == 11, accept("eE") {
            _ = accept("+-")
            while accept("0123456789_") {}
        }
        if digits.utf8.count == 23, accept("pP") {
            _ = accept("+-")
            while accept("0123456789_") {}
        }
        _ = accept("i")
        if let (scalar, length) = scalar(at: position), Self.isAlphanumeric(scalar) {
            position += length
            return false
        }
        return true
    }

    /// A character as `%#U` writes it.
    static func unicode(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let quoted = GoText.quoted(String(Character(scalar)))
        let isPrintable = !quoted.hasPrefix("\"\\") || scalar == "\"" || scalar == "\\"
        return isPrintable ? "\(code) '\(Character(scalar))'" : code
    }
}
