public import MetricModel

/// The kinds of `TemplateError`.
public enum TemplateErrorCode: String, Sendable, Hashable {
    /// The text is no template.
    case syntax
    /// Something went wrong while it was expanded.
    case execution
}

/// Why a template could not be read, or what went wrong in it, in Go's words.
public typealias TemplateError = CodedError<TemplateErrorCode>

/// Reads templates as Go's `text/template` does.
struct TemplateParser {
    /// So deep may parentheses and branches stand in each other; Go has no limit, but here each level takes stack.
    static let maximumDepth = 100

    /// What ends a list of nodes.
    private enum Ending { case end, `else` }
    private enum Item { case node(TemplateNode), ending(Ending), nothing }

    /// The templates by name.
    private(set) var definitions: [String: [TemplateNode]] = [:]
    private let name: String
    private var lexer: TemplateLexer
    /// Tokens that were looked at, the next one last, as many as ``peeked`` says.
    private var tokens = [TemplateToken](
        repeating: TemplateToken(kind: .endOfText, position: 0, text: "", line: 1),
        count: 3
    )
    private var peeked = 0
    private var variables = ["$"]
    private var rangeDepth = 0
    private var actionLine = 0
    private var depth = 0

    init(name: String, text: String) throws(TemplateError) {
        self.name = name
        lexer = TemplateLexer(text)
        try parse()
    }

    // MARK: Tokens

    private mutating func next() -> TemplateToken {
        if peeked > 0 { peeked -= 1 } else { tokens[0] = lexer.next() }
        return tokens[peeked]
    }

    private mutating func backup() { peeked += 1 }

    private mutating func peek() -> TemplateToken {
        if peeked > 0 { return tokens[peeked - 1] }
        peeked = 1
        tokens[0] = lexer.next()
        return tokens[0]
    }

    private mutating func nextNonSpace() -> TemplateToken {
        while true {
            let token = next()
            if token.kind != .space { return token }
        }
    }

    private mutating func peekNonSpace() -> TemplateToken {
        let token = nextNonSpace()
        backup()
        return token
    }

    private func failure(_ message: String) -> TemplateError {
        TemplateError(.syntax, "template: \(name):\(tokens[0].line): \(message)")
    }

    private func unexpected(_ token: TemplateToken, _ context: String) -> TemplateError {
        guard token.kind == .error else { return failure("unexpected \(token.description) in \(context)") }
        var extra = ""
        if actionLine != 0, actionLine != token.line {
            extra = " in action started at \(name):\(actionLine)"
            if token.text.hasSuffix(" action") { extra = String(extra.dropFirst(10)) }
        }
        return failure(token.description + extra)
    }

    private mutating func expect(_ kind: TemplateToken.Kind, _ context: String) throws(TemplateError) -> TemplateToken {
        let token = nextNonSpace()
        if token.kind != kind { throw unexpected(token, context) }
        return token
    }

    private mutating func deeper<Value>(
        _ body: (inout Self) throws(TemplateError) -> Value
    ) throws(TemplateError) -> Value {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.maximumDepth { throw failure("more than \(Self.maximumDepth) levels of nesting") }
        return try body(&self)
    }

    // MARK: Lists

    private mutating func parse() throws(TemplateError) {
        var root: [TemplateNode] = []
        while peek().kind != .endOfText {
            if peek().kind == .leftDelimiter {
                let delimiter = next()
                if nextNonSpace().kind == .define {
                    try parseDefinition()
                    continue
                }
                tokens[1] = delimiter
                peeked = 2
            }
            switch try textOrAction() {
            case .node(let node): root.append(node)
            case .ending(let ending): throw failure("unexpected \(ending == .end ? "{{end}}" : "{{else}}")")
            case .nothing: break
            }
        }
        try add(name, root)
    }

    private mutating func add(_ name: String, _ list: [TemplateNode]) throws(TemplateError) {
        guard let known = definitions[name], !known.allSatisfy(\.isBlank) else {
            definitions[name] = list
            return
        }
        if !list.allSatisfy(\.isBlank) {
            throw failure("template: multiple definition of template \(GoText.quoted(name))")
        }
    }

    private mutating func parseDefinition() throws(TemplateError) {
        let context = "define clause"
        let token = nextNonSpace()
        guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, context) }
        let name = try unquoted(token)
        _ = try expect(.rightDelimiter, context)
        try addBody(name, context)
    }

    /// What stands up to `{{end}}`, as a template of its own: without the variables and loops around it.
    private mutating func addBody(_ name: String, _ context: String) throws(TemplateError) {
        let (outer, outerRange) = (variables, rangeDepth)
        variables = ["$"]
        rangeDepth = 0
        let (list, ending) = try deeper { parser throws(TemplateError) in try parser.itemList() }
        if ending != .end { throw failure("unexpected {{else}} in \(context)") }
        (variables, rangeDepth) = (outer, outerRange)
        try add(name, list)
    }

    private mutating func itemList() throws(TemplateError) -> ([TemplateNode], Ending) {
        var list: [TemplateNode] = []
        while peekNonSpace().kind != .endOfText {
            switch try textOrAction() {
            case .node(let node): list.append(node)
            case .ending(let ending): return (list, ending)
            case .nothing: break
            }
        }
        throw failure("unexpected EOF")
    }

    private mutating func textOrAction() throws(TemplateError) -> Item {
        let token = nextNonSpace()
        if token.kind == .text { return .node(.text(token.text)) }
        if token.kind != .leftDelimiter { throw unexpected(token, "input") }
        actionLine = token.line
        defer { actionLine = 0 }
        return try action()
    }

    private mutating func action() throws(TemplateError) -> Item {
        let token = nextNonSpace()
        switch token.kind {
        case .block: return .node(try blockControl())
        case .break, .continue:
            let word = token.kind == .break ? "break" : "continue"
            let after = nextNonSpace()
            if after.kind != .rightDelimiter { throw unexpected(after, "{{\(word)}}") }
            if rangeDepth == 0 { throw failure("{{\(word)}} outside {{range}}") }
            return .node(token.kind == .break ? .break : .continue)
        case .else:
            let after = peekNonSpace()
            if after.kind == .if || after.kind == .with { return .ending(.else) }
            _ = try expect(.rightDelimiter, "else")
            return .ending(.else)
        case .end:
            _ = try expect(.rightDelimiter, "end")
            return .ending(.end)
        case .if: return .node(.if(try control("if")))
        case .range: return .node(.range(try control("range")))
        case .with: return .node(.with(try control("with")))
        case .template:
            let context = "template clause"
            let token = nextNonSpace()
            let name = try templateName(token, context)
            var given: TemplatePipeline?
            if nextNonSpace().kind != .rightDelimiter {
                backup()
                given = try pipeline(context, .rightDelimiter)
            }
            return .node(.template(name: name, given, at: token.position))
        case .error, .bool, .character, .characterConstant, .complex, .assign, .declare, .define, .dot, .endOfText,
            .field, .identifier, .leftDelimiter, .leftParenthesis, .nil, .number, .pipe, .rawString, .rightDelimiter,
            .rightParenthesis, .space, .string, .text, .variable:
            backup()
            let first = peek()
            return .node(.action(try pipeline("command", .rightDelimiter), at: first.position))
        }
    }

    private mutating func control(_ context: String) throws(TemplateError) -> TemplateNode.Branch {
        let known = variables.count
        defer { variables.removeSubrange(known...) }
        let condition = try pipeline(context, .rightDelimiter)
        if context == "range" { rangeDepth += 1 }
        let (list, ending) = try deeper { parser throws(TemplateError) in try parser.itemList() }
        if context == "range" { rangeDepth -= 1 }
        var branch = TemplateNode.Branch(
            pipeline: condition,
            list: list,
            otherwise: nil,
            position: condition.position
        )
        guard ending == .else else { return branch }
        // `else if` stands for an `else` with an `if` in it that share one `end`.
        if context == "if", peek().kind == .if {
            _ = next()
            branch.otherwise = [.if(try deeper { parser throws(TemplateError) in try parser.control("if") })]
            return branch
        }
        if context == "with", peek().kind == .with {
            _ = next()
            branch.otherwise = [.with(try deeper { parser throws(TemplateError) in try parser.control("with") })]
            return branch
        }
        let (otherwise, last) = try deeper { parser throws(TemplateError) in try parser.itemList() }
        if last != .end { throw failure("expected end; found {{else}}") }
        branch.otherwise = otherwise
        return branch
    }

    private mutating func blockControl() throws(TemplateError) -> TemplateNode {
        let context = "block clause"
        let token = nextNonSpace()
        let name = try templateName(token, context)
        let given = try pipeline(context, .rightDelimiter)
        try addBody(name, context)
        return .template(name: name, given, at: token.position)
    }

    private mutating func templateName(_ token: TemplateToken, _ context: String) throws(TemplateError) -> String {
        guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, context) }
        return try unquoted(token)
    }

    private func unquoted(_ token: TemplateToken) throws(TemplateError) -> String {
        guard let text = GoQuoting.unquoted(token.text) else { throw failure("invalid syntax") }
        return text
    }

    // MARK: Pipelines

    private mutating func pipeline(
        _ context: String,
        _ end: TemplateToken.Kind
    ) throws(TemplateError) -> TemplatePipeline {
        var pipeline = TemplatePipeline(position: peekNonSpace().position)
        declarations: while true {
            let token = peekNonSpace()
            guard token.kind == .variable else { break }
            _ = next()
            let after = peek()
            let following = peekNonSpace()
            if following.kind == .assign || following.kind == .declare {
                pipeline.isAssignment = following.kind == .assign
                _ = nextNonSpace()
                pipeline.variables.append(token.text)
                variables.append(token.text)
            } else if following.kind == .character, following.text == "," {
                _ = nextNonSpace()
                pipeline.variables.append(token.text)
                variables.append(token.text)
                if context == "range", pipeline.variables.count < 2 {
                    let next = peekNonSpace().kind
                    if next == .variable || next == .rightDelimiter || next == .rightParenthesis {
                        continue declarations
                    }
                    throw failure("range can only initialize variables")
                }
                throw failure("too many declarations in \(context)")
            } else if after.kind == .space {
                tokens[1] = after
                tokens[2] = token
                peeked = 3
            } else {
                tokens[1] = token
                peeked = 2
            }
            break
        }
        while true {
            let token = nextNonSpace()
            if token.kind == end { break }
            switch token.kind {
            case .bool, .characterConstant, .complex, .dot, .field, .identifier, .number, .nil, .rawString, .string,
                .variable, .leftParenthesis:
                backup()
                pipeline.commands.append(try command())
            case .error, .assign, .block, .break, .character, .continue, .declare, .define, .else, .end, .endOfText,
                .if,
                .leftDelimiter, .pipe, .range, .rightDelimiter, .rightParenthesis, .space, .template, .text, .with:
                throw unexpected(token, context)
            }
        }
        if pipeline.commands.isEmpty { throw failure("missing value for \(context)") }
        for (index, command) in pipeline.commands.enumerated().dropFirst() {
            switch command.operands[0] {
            case .bool, .dot, .null, .number, .string:
                throw failure("non executable command in pipeline stage \(index + 1)")
            case .field, .variable, .identifier, .chain, .pipeline: break
            }
        }
        return pipeline
    }

    private mutating func command() throws(TemplateError) -> TemplateCommand {
        var command = TemplateCommand(operands: [], position: peekNonSpace().position)
        while true {
            _ = peekNonSpace()
            if let operand = try operand() { command.operands.append(operand) }
            let token = next()
            if token.kind == .space { continue }
            if token.kind == .pipe { break }
            guard token.kind == .rightDelimiter || token.kind == .rightParenthesis else {
                throw unexpected(token, "operand")
            }
            backup()
            break
        }
        if command.operands.isEmpty { throw failure("empty command") }
        return command
    }

    private mutating func operand() throws(TemplateError) -> TemplateOperand? {
        guard let term = try term() else { return nil }
        guard peek().kind == .field else { return term }
        let position = peek().position
        var names: [String] = []
        while peek().kind == .field { names.append(String(next().text.dropFirst())) }
        switch term {
        case .field(let first, _): return .field(first + names, at: position)
        case .variable(let first, _): return .variable(first + names, at: position)
        case .bool, .string, .number, .null, .dot:
            throw failure("unexpected . after term \(GoText.quoted(term.description))")
        case .identifier, .chain, .pipeline: return .chain(term, names, at: position)
        }
    }

    private mutating func term() throws(TemplateError) -> TemplateOperand? {
        let token = nextNonSpace()
        switch token.kind {
        case .identifier:
            guard TemplateFunction(rawValue: token.text) != nil else {
                throw failure("function \(GoText.quoted(token.text)) not defined")
            }
            return .identifier(token.text, at: token.position)
        case .dot: return .dot(at: token.position)
        case .nil: return .null(at: token.position)
        case .variable:
            guard variables.contains(token.text) else {
                throw failure("undefined variable \(GoText.quoted(token.text))")
            }
            return .variable([token.text], at: token.position)
        case .field: return .field([String(token.text.dropFirst())], at: token.position)
        case .bool: return .bool(token.text == "true", at: token.position)
        case .characterConstant, .complex, .number:
            do throws(GoNumberSyntax.Failure) {
                return .number(try GoNumberSyntax.number(token.text, token.kind), at: token.position)
            } catch {
                throw failure(error.message)
            }
        case .leftParenthesis:
            return .pipeline(
                try deeper { parser throws(TemplateError) in
                    try parser.pipeline("parenthesized pipeline", .rightParenthesis)
                }
            )
        case .string, .rawString:
            return .string(try unquoted(token), written: token.text, at: token.position)
        case .error, .assign, .block, .break, .character, .continue, .declare, .define, .else, .end, .endOfText, .if,
            .leftDelimiter, .pipe, .range, .rightDelimiter, .rightParenthesis, .space, .template, .text, .with:
            backup()
            return nil
        }
    }
}
