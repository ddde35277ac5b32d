import MetricModel

/// Cuts a query into tokens.
///
/// What a character means depends on whether it stands in braces, in brackets or outside, which the lexer follows by itself.
/// Positions, and what is reported when, are those of Prometheus.
struct Lexer: Sendable {
    /// Where the next character stands.
    private enum Mode: Sendable {
        case statement
        /// Right after `[`, until the first number.
        case duration
        case finished
    }

    /// The query.
    let input: [UInt8]
    /// What is wrong, after a token of the kind `error`.
    private(set) var errorMessage = ""
    /// The first byte of the token that is being read.
    private(set) var start = 0
    var position = 0
    private var mode = Mode.statement
    private var parenDepth = 0
    private var braceIsOpen = false
    private var bracketIsOpen = false
    private var sawColon = false
    private var sawDuration = false

    init(_ query: String) { input = Array(query.utf8) }

    /// The text of a token.
    func text(_ token: Token) -> String { text(token.start, token.end) }

    func text(_ start: Int, _ end: Int) -> String { String(decoding: input[start..<end], as: UTF8.self) }

    /// The next token; comments are skipped. After the end (and after a mistake) there is only the end.
    mutating func next() -> Token {
        while true {
            let token: Token?
            switch mode {
            case .finished: return Token(kind: .end, start: position, end: position)
            case .duration: token = durationToken()
            case .statement: token = braceIsOpen ? tokenInBraces() : statementToken()
            }
            if let token { return token }
        }
    }

    // MARK: - Characters

    /// The byte at the position; -1 at the end.
    var current: Int { position < input.count ? Int(input[position]) : -1 }

    /// Whether the byte at the position is this one.
    func isAt(_ character: Unicode.Scalar) -> Bool { current == Int(character.value) }

    /// Reads the next character; `nil` at the end.
    mutating func nextScalar() -> Unicode.Scalar? {
        guard position < input.count else { return nil }
        let byte = input[position]
        if byte < 0x80 {
            position += 1
            return Unicode.Scalar(byte)
        }
        var decoder = UTF8()
        var iterator = input[position...].makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else {
            position += 1
            return "\u{FFFD}"
        }
        position += UTF8.width(scalar)
        return scalar
    }

    static func isSpace(_ byte: Int) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    static func isDigit(_ byte: Int) -> Bool { byte >= 0x30 && byte <= 0x39 }

    static func isAlpha(_ byte: Int) -> Bool {
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x41 && byte <= 0x5A) || byte == 0x5F
    }

    static func isAlphaNumeric(_ byte: Int) -> Bool { isAlpha(byte) || isDigit(byte) }

    private mutating func skipSpaces() {
        while Lexer.isSpace(current) { position += 1 }
        start = position
    }

    // MARK: - Tokens

    /// The token from the start to the position.
    mutating func emit(_ kind: TokenKind) -> Token {
        defer { start = position }
        return Token(kind: kind, start: start, end: position)
    }

    /// A mistake; nothing is read after it.
    mutating func fail(_ message: String) -> Token {
        errorMessage = message
        mode = .finished
        let token = Token(kind: .error, start: start, end: input.count)
        position = input.count
        return token
    }

    private mutating func single(_ kind: TokenKind) -> Token {
        position += 1
        return emit(kind)
    }

    private mutating func double(_ kind: TokenKind) -> Token {
        position += 2
        return emit(kind)
    }

    private func follows(_ character: Unicode.Scalar) -> Bool {
        position + 1 < input.count && input[position + 1] == UInt8(ascii: character)
    }

    private static func arithmetic(_ byte: UInt8) -> BinaryOperator? {
        switch byte {
        case UInt8(ascii: "+"): .add
        case UInt8(ascii: "-"): .subtract
        case UInt8(ascii: "*"): .multiply
        case UInt8(ascii: "/"): .divide
        case UInt8(ascii: "%"): .modulo
        case UInt8(ascii: "^"): .power
        default: nil
        }
    }

    private mutating func skipComment() {
        while position < input.count, input[position] != 0x0A, input[position] != 0x0D { position += 1 }
        start = position
    }

    /// Outside of braces; `nil` where only space or a comment was read.
    private mutating func statementToken() -> Token? {
        let byte = current
        guard byte >= 0 else {
            if parenDepth != 0 { return fail("unclosed left parenthesis") }
            if bracketIsOpen { return fail("unclosed left bracket") }
            mode = .finished
            return emit(.end)
        }
        if let operation = Lexer.arithmetic(UInt8(byte)) { return single(.binary(operation)) }
        switch UInt8(byte) {
        case UInt8(ascii: " "), 0x09, 0x0A, 0x0D:
            skipSpaces()
            return nil
        case UInt8(ascii: "#"):
            skipComment()
            return nil
        case UInt8(ascii: ","): return single(.comma)
        case UInt8(ascii: "@"): return single(.at)
        case UInt8(ascii: "="):
            if follows("=") { return double(.binary(.equal)) }
            if follows("~") { return fail("unexpected character after '=': '~'") }
            return single(.assign)
        case UInt8(ascii: "!"):
            if follows("=") { return double(.binary(.notEqual)) }
            position += 1
            return fail("unexpected character after '!': \(GoText.quoted(nextScalar()))")
        case UInt8(ascii: "<"):
            if follows("=") { return double(.binary(.lessOrEqual)) }
            return follows("/") ? double(.binary(.trimUpper)) : single(.binary(.less))
        case UInt8(ascii: ">"):
            if follows("=") { return double(.binary(.greaterOrEqual)) }
            return follows("/") ? double(.binary(.trimLower)) : single(.binary(.greater))
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return numberOrDuration()
        case UInt8(ascii: "."):
            if position + 1 < input.count, Lexer.isDigit(Int(input[position + 1])) { return numberOrDuration() }
            return unexpected()
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): return string()
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: ":"):
            return bracketIsOpen ? wordInBrackets() : keywordOrIdentifier()
        case UInt8(ascii: "("):
            parenDepth += 1
            return single(.leftParen)
        case UInt8(ascii: ")"): return closingParen()
        case UInt8(ascii: "{"):
            braceIsOpen = true
            return single(.leftBrace)
        case UInt8(ascii: "["):
            if bracketIsOpen {
                return fail("unexpected left bracket '['")
            }
            sawColon = false
            let token = single(.leftBracket)
            skipSpaces()
            bracketIsOpen = true
            mode = .duration
            return token
        case UInt8(ascii: "]"):
            if !bracketIsOpen { return fail("unexpected right bracket ']'") }
            bracketIsOpen = false
            return single(.rightBracket)
        default: return unexpected()
        }
    }

    private mutating func unexpected(in place: String = "") -> Token {
        let scalar = nextScalar()
        return fail("unexpected character\(place): \(GoText.quoted(scalar))")
    }

    private mutating func closingParen() -> Token {
        parenDepth -= 1
        let token = single(.rightParen)
        return parenDepth < 0 ? fail("unexpected right parenthesis ')'") : token
    }

    /// A letter or colon in brackets, after the first number.
    private mutating func wordInBrackets() -> Token {
        if isAt(":") {
            if sawColon { return fail("unexpected colon ':'") }
            sawColon = true
            return single(.colon)
        }
        let first = nextScalar()
        if let kind = durationKeyword() { return emit(kind) }
        return fail("unexpected character: \(GoText.quoted(first)), expected ':'")
    }

    /// Reads the rest of a word that may be a function of duration expressions.
    private mutating func durationKeyword() -> TokenKind? {
        let first = input[position - 1] | 0x20
        guard first == UInt8(ascii: "s") || first == UInt8(ascii: "r") || first == UInt8(ascii: "m") else { return nil }
        while Lexer.isAlpha(current) { position += 1 }
        switch text(start, position).lowercased() {
        case "step": return .step
        case "range": return .range
        case "max_of": return .maxOf
        case "min_of": return .minOf
        default: return nil
        }
    }

    /// Right after `[`; `nil` where only space was read.
    private mutating func durationToken() -> Token? {
        let byte = current
        guard byte >= 0 else { return fail("unexpected end of input in duration expression") }
        if let operation = Lexer.arithmetic(UInt8(byte)) { return single(.binary(operation)) }
        switch UInt8(byte) {
        case UInt8(ascii: "]"):
            bracketIsOpen = false
            sawColon = false
            mode = .statement
            return single(.rightBracket)
        case UInt8(ascii: ":"):
            let token = single(.colon)
            if !sawDuration { return fail("unexpected colon before duration in duration expression") }
            if sawColon { return fail("unexpected repeated colon in duration expression") }
            sawColon = true
            return token
        case UInt8(ascii: "("):
            parenDepth += 1
            return single(.leftParen)
        case UInt8(ascii: ")"): return closingParen()
        case UInt8(ascii: " "), 0x09, 0x0A, 0x0D:
            skipSpaces()
            return nil
        case UInt8(ascii: ","): return single(.comma)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): break
        case UInt8(ascii: ".") where position + 1 < input.count && Lexer.isDigit(Int(input[position + 1])): break
        default:
            let first = nextScalar()
            if let kind = durationKeyword() { return emit(kind) }
            return fail("unexpected character in duration expression: \(GoText.quoted(first))")
        }
        sawDuration = true
        mode = .statement
        return numberOrDuration()
    }

    /// Inside the braces of a selector; `nil` where only space or a comment was read.
    private mutating func tokenInBraces() -> Token? {
        let byte = current
        guard byte >= 0 else { return fail("unexpected end of input inside braces") }
        switch UInt8(byte) {
        case UInt8(ascii: "#"):
            skipComment()
            return nil
        case UInt8(ascii: " "), 0x09, 0x0A, 0x0D:
            skipSpaces()
            return nil
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
            while Lexer.isAlphaNumeric(current) { position += 1 }
            return emit(.identifier)
        case UInt8(ascii: ","): return single(.comma)
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): return string()
        case UInt8(ascii: "="): return follows("~") ? double(.matchesRegex) : single(.assign)
        case UInt8(ascii: "!"):
            if follows("~") { return double(.notMatchesRegex) }
            if follows("=") { return double(.binary(.notEqual)) }
            position += 1
            return fail("unexpected character after '!' inside braces: \(GoText.quoted(nextScalar()))")
        case UInt8(ascii: "{"): return fail("unexpected left brace '{'")
        case UInt8(ascii: "}"):
            braceIsOpen = false
            return single(.rightBrace)
        default: return unexpected(in: " inside braces")
        }
    }

    private mutating func keywordOrIdentifier() -> Token {
        var hasColon = false
        while true {
            if isAt(":") { hasColon = true } else if !Lexer.isAlphaNumeric(current) { break }
            position += 1
        }
        // No keyword is longer.
        if position - start <= 12, let kind = TokenKind.keywords[text(start, position).lowercased()] {
            switch kind {
            case .fill, .fillLeft, .fillRight: return emit(parenFollows() ? kind : .identifier)
            default: return emit(kind)
            }
        }
        return emit(hasColon ? .metricIdentifier : .identifier)
    }

    /// Whether `(` comes next: only then `fill` is a modifier rather than the name of a metric.
    private func parenFollows() -> Bool {
        var index = position
        while index < input.count, Lexer.isSpace(Int(input[index])) { index += 1 }
        return index < input.count && input[index] == UInt8(ascii: "(")
    }
}
