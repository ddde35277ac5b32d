import MetricModel

/// Thrown once a mistake makes it pointless to read on; the mistakes themselves are collected in ``ExprParser/mistakes``.
struct ParsingStopped: Error {}

/// Reads expressions by recursive descent, with operator precedence.
///
/// Mistakes of meaning are collected and reading goes on; the first mistake of form ends it. They are found in the order in
/// which Prometheus finds them, because clients see only the first.
struct ExprParser {
    /// What the parser is in the middle of, as far as messages name it.
    struct Context {
        var place: String
        var expected: String

        static let none = Context(place: "", expected: "")
        static let aggregation = Context(place: "aggregation", expected: "")
        static let offset = Context(place: "offset", expected: "number, duration, step(), or range()")
        static let at = Context(place: "@", expected: "timestamp")
        static let range = Context(
            place: "subquery or range selector",
            expected: "number, duration, step(), or range()"
        )
        static let subqueryStep = Context(
            place: "subquery selector",
            expected: "number, duration, step(), range(), or \"]\""
        )
    }

    /// An expression and the number of levels it has.
    struct Parsed {
        var expression: Expr
        var height: Int
    }

    /// What a token of an expression comes to in memory, about.
    private static let bytesPerToken = 160

    let options: ParserOptions
    var lexer: Lexer
    var mistakes: [ParseError.Mistake] = []
    var context = Context.none
    /// The end of the last token read that can close an expression.
    private(set) var lastClosing = 0
    private var lookahead: Token?
    private var depth = 0
    private var tokenCount = 0
    /// Whether the task's limit was over.
    private var isGivenUp = false

    init(_ query: String, options: ParserOptions) {
        self.options = options
        lexer = Lexer(query)
    }

    // MARK: - Tokens

    /// The next token, which stays the next one. A mistake of the lexer is noted when it is first seen.
    mutating func peek() -> Token {
        if let lookahead { return lookahead }
        tokenCount += 1
        if tokenCount & 1023 == 0, !mayGoOn() { isGivenUp = true }
        if isGivenUp {
            // Whoever has set the limit says what it is.
            note(PositionRange(start: lexer.position, end: lexer.position), "reading was given up")
            return Token(kind: .error, start: lexer.position, end: lexer.position)
        }
        let token = lexer.next()
        if token.kind == .error { note(token.position, lexer.errorMessage) }
        lookahead = token
        return token
    }

    /// Looks at the task's limit, and asks for the memory of what comes of as many tokens as went by since the last look.
    private func mayGoOn() -> Bool {
        if TaskLimit.isOver { return false }
        if case .refused = TaskLimit.hold(1024 * Self.bytesPerToken) { return false }
        return true
    }

    /// Takes the next token.
    @discardableResult
    mutating func advance() -> Token {
        let token = peek()
        lookahead = nil
        switch token.kind {
        case .rightBrace, .rightParen, .rightBracket, .duration, .number: lastClosing = token.end
        default: break
        }
        return token
    }

    /// Takes the next token if it is of the kind.
    mutating func take(_ kind: TokenKind) -> Token? {
        peek().kind == kind ? advance() : nil
    }

    /// Takes a token that has to be there.
    @discardableResult
    mutating func expect(_ kind: TokenKind) throws(ParsingStopped) -> Token {
        guard let token = take(kind) else { throw unexpected() }
        return token
    }

    // MARK: - Mistakes

    mutating func note(_ position: PositionRange, _ message: String) {
        // Only the first one is shown; a hostile query could make millions.
        if mistakes.count >= 100 { return }
        mistakes.append(ParseError.Mistake(position: position, message: message))
    }

    /// Notes that the next token is not what has to stand there.
    mutating func unexpected() -> ParsingStopped { unexpected(context.place, context.expected) }

    mutating func unexpected(_ place: String, _ expected: String) -> ParsingStopped {
        let token = peek()
        // What the lexer did not understand has been noted.
        if token.kind == .error || (token.kind == .end && !mistakes.isEmpty && lexer.errorMessage != "") {
            return ParsingStopped()
        }
        var message = "unexpected " + token.described(lexer.text(token))
        if !place.isEmpty { message += " in " + place }
        if !expected.isEmpty { message += ", expected " + expected }
        note(token.position, message)
        return ParsingStopped()
    }

    /// Goes one level deeper, or stops.
    mutating func descend() throws(ParsingStopped) {
        depth += 1
        if depth > ParserOptions.maximumDepth { throw tooDeep(peek().position) }
    }

    mutating func ascend() { depth -= 1 }

    private mutating func tooDeep(_ position: PositionRange) -> ParsingStopped {
        note(position, "expression is nested more than \(ParserOptions.maximumDepth) levels deep")
        return ParsingStopped()
    }

    /// A node above others.
    mutating func node(_ expression: Expr, above heights: Int...) throws(ParsingStopped) -> Parsed {
        let height = (heights.max() ?? 0) + 1
        if height > ParserOptions.maximumDepth { throw tooDeep(peek().position) }
        return Parsed(expression: expression, height: height)
    }

    // MARK: - Expressions

    /// The whole query.
    mutating func query() throws(ParsingStopped) -> Expr {
        if peek().kind == .end {
            note(PositionRange(start: 0, end: 0), "no expression found in input")
            throw ParsingStopped()
        }
        let result = try expression(0)
        if peek().kind != .end { throw unexpected() }
        return result.expression
    }

    /// An expression whose operators bind at least as tightly as told.
    mutating func expression(_ minimum: Int) throws(ParsingStopped) -> Parsed {
        try descend()
        var left = try primary()
        while true {
            switch peek().kind {
            case .leftBracket: left = try rangeOrSubquery(left)
            case .offset: try offset(&left.expression)
            case .at: try at(&left.expression)
            case .anchored:
                advance()
                anchor(&left.expression)
            case .smoothed:
                advance()
                smooth(&left.expression)
            case .binary(let operation) where operation.precedence >= minimum:
                advance()
                left = try binary(left, operation)
            default:
                ascend()
                return left
            }
        }
    }

    /// What an operator or modifier can be applied to.
    private mutating func primary() throws(ParsingStopped) -> Parsed {
        let token = peek()
        switch token.kind {
        case .number, .duration:
            return Parsed(expression: .number(numberLiteral()), height: 1)
        case .string:
            advance()
            return Parsed(expression: .string(stringLiteral(token)), height: 1)
        case .leftParen:
            advance()
            let inner = try expression(0)
            let end = try expect(.rightParen).end
            let position = PositionRange(start: token.start, end: end)
            return try node(.paren(ParenExpr(expression: inner.expression, position: position)), above: inner.height)
        case .binary(.add): return try unary(.plus)
        case .binary(.subtract): return try unary(.minus)
        case .leftBrace: return Parsed(expression: .vectorSelector(try vectorSelector(name: nil)), height: 1)
        case .aggregate(let operation):
            advance()
            switch peek().kind {
            case .leftParen, .by, .without: return try aggregation(operation, token)
            default: return Parsed(expression: .vectorSelector(try vectorSelector(name: token)), height: 1)
            }
        case .identifier, .start, .end_, .step, .range, .maxOf, .minOf:
            advance()
            if peek().kind == .leftParen { return try call(token) }
            return Parsed(expression: .vectorSelector(try vectorSelector(name: token)), height: 1)
        default:
            guard token.kind.canNameMetric else { throw unexpected() }
            advance()
            return Parsed(expression: .vectorSelector(try vectorSelector(name: token)), height: 1)
        }
    }

    private mutating func unary(_ operation: UnaryOperator) throws(ParsingStopped) -> Parsed {
        let sign = advance()
        // Only the power binds tighter.
        let operand = try expression(BinaryOperator.power.precedence)
        guard case .number(var literal) = operand.expression else {
            let signed = UnaryExpr(operation: operation, operand: operand.expression, startPosition: sign.start)
            return try node(.unary(signed), above: operand.height)
        }
        if operation == .minus { literal.value *= -1 }
        literal.position.start = sign.start
        return Parsed(expression: .number(literal), height: 1)
    }

    /// The rest of a call, after the function's name.
    private mutating func call(_ name: Token) throws(ParsingStopped) -> Parsed {
        let arguments = try argumentList()
        let text = lexer.text(name)
        let function = FunctionSignature.all[text]
        if function == nil { note(name.position, "unknown function with name \(GoText.quoted(text))") }
        if let function, function.isExperimental, !options.experimentalFunctions {
            note(name.position, "function \(GoText.quoted(text)) is not enabled")
        }
        let expression = CallExpr(
            function: function ?? FunctionSignature.signature(of: .abs),
            arguments: arguments.map(\.expression),
            position: PositionRange(start: name.start, end: lastClosing)
        )
        return try node(.call(expression), above: arguments.lazy.map(\.height).max() ?? 0)
    }

    /// Arguments in parentheses.
    mutating func argumentList() throws(ParsingStopped) -> [Parsed] {
        try expect(.leftParen)
        if take(.rightParen) != nil { return [] }
        var arguments = [try expression(0)]
        while true {
            let token = peek()
            switch token.kind {
            case .rightParen:
                advance()
                return arguments
            case .comma:
                advance()
                if peek().kind.canBeginExpression {
                    arguments.append(try expression(0))
                } else {
                    note(token.position, "trailing commas not allowed in function call args")
                }
            default: throw unexpected()
            }
        }
    }
}
