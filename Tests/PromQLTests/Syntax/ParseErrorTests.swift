import PromQL
import Testing

/// What clients are told about queries that are not PromQL.
@Suite(.timeLimit(.minutes(5))) struct ParseErrorTests {
    struct Case: CustomStringConvertible {
        var query: String
        var message: String
        var options = ParserOptions.all
        var description: String { query }
    }

    private func check(_ test: Case) {
        #expect {
            _ = try PromQLParser(options: test.options).parse(test.query)
        } throws: { error in
            "\(error)" == test.message
        }
    }

    static let lexical = [
        Case(query: "", message: "unknown position: parse error: no expression found in input"),
        Case(query: "# nothing but a comment", message: "1:1: parse error: no expression found in input"),
        Case(query: "up == (1\n +", message: "2:3: parse error: unclosed left parenthesis"),
        Case(query: "up)", message: "1:4: parse error: unexpected right parenthesis ')'"),
        Case(query: "up ! 3", message: "1:4: parse error: unexpected character after '!': ' '"),
        Case(query: "up !", message: "1:4: parse error: unexpected character after '!': '\u{FFFD}'"),
        Case(query: "up =~ 3", message: "1:4: parse error: unexpected character after '=': '~'"),
        Case(query: "up & 3", message: "1:4: parse error: unexpected character: '&'"),
        Case(query: "grüße", message: "1:3: parse error: unexpected character: 'ü'"),
        Case(query: "up{", message: "1:4: parse error: unexpected end of input inside braces"),
        Case(query: "up{{", message: "1:4: parse error: unexpected left brace '{'"),
        Case(query: "up{job!x}", message: "1:7: parse error: unexpected character after '!' inside braces: 'x'"),
        Case(query: "up{job>x}", message: "1:7: parse error: unexpected character inside braces: '>'"),
        Case(query: "up[5m", message: "1:6: parse error: unclosed left bracket"),
        Case(query: "up[", message: "1:4: parse error: unexpected end of input in duration expression"),
        Case(query: "up[:5m]", message: "1:5: parse error: unexpected colon before duration in duration expression"),
        Case(query: "up[5m:5m:5m]", message: "1:9: parse error: unexpected colon ':'"),
        Case(query: "up[x]", message: "1:4: parse error: unexpected character in duration expression: 'x'"),
        Case(query: "up[5m x]", message: "1:7: parse error: unexpected character: 'x', expected ':'"),
        Case(query: "up]", message: "1:3: parse error: unexpected right bracket ']'"),
        Case(query: "5minutes", message: #"1:1: parse error: bad number or duration syntax: "5mi""#),
        Case(query: "1.2.3", message: #"1:1: parse error: bad number or duration syntax: "1.2.""#),
        Case(query: #""half"#, message: "1:1: parse error: unterminated quoted string"),
        Case(query: "`half", message: "1:1: parse error: unterminated raw string"),
        Case(query: #""\q""#, message: "1:1: parse error: unknown escape sequence U+0071 'q'"),
        Case(query: #""\xzz""#, message: "1:1: parse error: illegal character U+007A 'z' in escape sequence"),
        Case(query: #""\ud800""#, message: "1:1: parse error: escape sequence is an invalid Unicode code point"),
        Case(query: "1e400", message: errorParsing("1e400", "value out of range")),
    ]

    static func errorParsing(_ text: String, _ reason: String) -> String {
        "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"\(text)\": \(reason)"
    }

    @Test("What is not a token", arguments: lexical) func lexicalMistakes(_ test: Case) { check(test) }

    static let syntactic = [
        Case(query: "up down", message: #"1:4: parse error: unexpected identifier "down""#),
        Case(query: "up 12345678901", message: #"1:4: parse error: unexpected number "1234567890"..."#),
        Case(query: "1 + ", message: "1:5: parse error: unexpected end of input"),
        Case(query: "1 + * 2", message: "1:5: parse error: unexpected <op:*>"),
        Case(
            query: "sum by foo (up)",
            message: #"1:8: parse error: unexpected identifier "foo" in grouping opts, expected "(""#
        ),
        Case(
            query: "sum by (1) (up)",
            message: #"1:9: parse error: unexpected number "1" in grouping opts, expected label"#
        ),
        Case(
            query: "sum by (a b) (up)",
            message: #"1:11: parse error: unexpected identifier "b" in grouping opts, expected "," or ")""#
        ),
        Case(query: "sum by (a) up", message: #"1:12: parse error: unexpected identifier "up" in aggregation"#),
        Case(query: "sum(up down)", message: #"1:8: parse error: unexpected identifier "down" in aggregation"#),
        Case(query: "sum up", message: #"1:5: parse error: unexpected identifier "up""#),
        Case(query: #"sum by ("") (up)"#, message: #"1:9: parse error: invalid label name for grouping: """#),
        Case(
            query: "a + on(x) group_left",
            message: #"1:21: parse error: unexpected end of input in grouping opts, expected "(""#
        ),
        Case(
            query: "up offset foo",
            message:
                #"1:11: parse error: unexpected identifier "foo" in offset, expected number, duration, step(), or range()"#
        ),
        Case(query: "up @ foo", message: #"1:6: parse error: unexpected identifier "foo" in @, expected timestamp"#),
        Case(
            query: "up[]",
            message:
                #"1:4: parse error: unexpected "]" in subquery or range selector, expected number, duration, step(), or range()"#
        ),
        Case(
            query: "up[5m 5m]",
            message: #"1:7: parse error: unexpected duration "5m" in subquery or range, expected ":" or "]""#
        ),
        Case(
            query: "up[5m:1m 1m]",
            message: #"1:10: parse error: unexpected duration "1m" in subquery selector, expected "]""#
        ),
        Case(
            query: "up{job}",
            message: #"1:7: parse error: unexpected "}" in label matching, expected label matching operator"#
        ),
        Case(
            query: "up{job=demo}",
            message: #"1:8: parse error: unexpected identifier "demo" in label matching, expected string"#
        ),
        Case(
            query: #"up{job="a" x="b"}"#,
            message: #"1:12: parse error: unexpected identifier "x" in label matching, expected "," or "}""#
        ),
        Case(
            query: "up{,}",
            message: #"1:4: parse error: unexpected "," in label matching, expected identifier or "}""#
        ),
        Case(query: "rate(up[5m],)", message: "1:12: parse error: trailing commas not allowed in function call args"),
        Case(query: "nothing(up)", message: #"1:1: parse error: unknown function with name "nothing""#),
        Case(query: "(up + 1)[5m]", message: "1:9: parse error: ranges only allowed for vector selectors"),
        Case(query: "up offset 1m [5m]", message: "1:14: parse error: no offset modifiers allowed before range"),
        Case(query: "up @ 1 [5m]", message: "1:8: parse error: no @ modifiers allowed before range"),
        Case(query: "up offset 1m offset 1m", message: "1:1: parse error: offset may not be set multiple times"),
        Case(query: "up @ 1 @ 2", message: "1:1: parse error: @ <timestamp> may not be set multiple times"),
        Case(query: "up @ Inf", message: "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"),
        Case(
            query: "up @ -1e30",
            message: "1:1: parse error: timestamp out of bounds for @ modifier: -1000000000000000019884624838656.000000"
        ),
        Case(
            query: "sum(up) offset 1m",
            message:
                "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"
        ),
        Case(
            query: "1 @ 5",
            message:
                "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery"
        ),
        Case(query: "up[0s]", message: "1:4: parse error: duration must be greater than 0"),
        Case(query: "up[1e10]", message: "1:4: parse error: duration out of range"),
        Case(query: "up[1m1h]", message: #"1:4: parse error: not a valid duration string: "1m1h""#),
        Case(query: "up[5hs]", message: #"1:4: parse error: unknown unit "hs" in duration "5hs""#),
        Case(query: "up[5m / 0]", message: "1:7: parse error: division by zero"),
        Case(query: "up[5m % 0]", message: "1:7: parse error: modulo by zero"),
        Case(
            query: "up anchored smoothed",
            message: "1:1: parse error: anchored and smoothed modifiers cannot be used together"
        ),
        Case(
            query: "up[5m:1m] smoothed",
            message: "1:1: parse error: smoothed modifier is not supported for subqueries"
        ),
        Case(query: #"up{job=~"(a"}"#, message: "1:4: parse error: error parsing regexp: missing closing ): `(a`"),
        Case(query: "sum()", message: "1:1: parse error: no arguments for aggregate expression provided"),
        Case(
            query: "topk(up)",
            message: "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"
        ),
    ]

    @Test("What stands in the wrong place", arguments: syntactic) func syntacticMistakes(_ test: Case) { check(test) }

    static let types = [
        Case(
            query: "rate(up)",
            message: #"1:6: parse error: expected type range vector in call to function "rate", got instant vector"#
        ),
        Case(
            query: "sum(1)",
            message: "1:5: parse error: expected type instant vector in aggregation expression, got scalar"
        ),
        Case(
            query: "topk(up, up)",
            message: "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"
        ),
        Case(
            query: "count_values(5, up)",
            message: "1:14: parse error: expected type string in aggregation parameter, got scalar"
        ),
        Case(query: "clamp(up, 1)", message: #"1:1: parse error: expected 3 argument(s) in call to "clamp", got 2"#),
        Case(
            query: "label_join(up)",
            message: #"1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 1"#
        ),
        Case(
            query: "round(up, 1, 2)",
            message: #"1:1: parse error: expected at most 2 argument(s) in call to "round", got 3"#
        ),
        Case(query: "1 == 1", message: "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        Case(
            query: "up + bool up",
            message: "1:4: parse error: bool modifier can only be used on comparison operators"
        ),
        Case(
            query: "up and 1",
            message: #"1:1: parse error: set operator "and" not allowed in binary scalar expression"#
        ),
        Case(
            query: "up and on(a) group_left(b) up",
            message: #"1:1: parse error: no grouping allowed for "and" operation"#
        ),
        Case(
            query: "up + on(a) group_left(a) up",
            message: #"1:4: parse error: label "a" must not occur in ON and GROUP clause at once"#
        ),
        Case(query: "up + on(a) 1", message: "1:1: parse error: vector matching only allowed between instant vectors"),
        Case(
            query: "up + fill(0) 1",
            message: "1:1: parse error: filling in missing series only allowed between instant vectors"
        ),
        Case(
            query: "up and fill(0) up",
            message: "1:1: parse error: filling in missing series not allowed for set operators"
        ),
        Case(
            query: #"up + "a""#,
            message: "1:6: parse error: binary expression must contain only scalar and instant vector types"
        ),
        Case(
            query: #"-"a""#,
            message:
                #"1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string""#
        ),
        Case(
            query: "up[5m][5m:]",
            message: "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"
        ),
        Case(query: "{}", message: "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        Case(
            query: #"{a!="b",c=~".*"}"#,
            message: "1:1: parse error: vector selector must contain at least one non-empty matcher"
        ),
        Case(
            query: #"up{__name__="down"}"#,
            message: #"1:1: parse error: metric name must not be set twice: "up" or "down""#
        ),
        Case(
            query: "info(up, target_info)",
            message: "1:10: parse error: expected label selectors only, got vector selector instead"
        ),
        Case(query: "info(up, up + up)", message: "1:10: parse error: expected label selectors only"),
    ]

    @Test("What has the wrong type", arguments: types) func typeMistakes(_ test: Case) { check(test) }

    static let experimental = [
        Case(query: "mad_over_time(up[5m])", message: #"1:1: parse error: function "mad_over_time" is not enabled"#),
        Case(
            query: "limitk(2, up)",
            message:
                "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
        ),
        Case(query: "up[5m] anchored", message: "1:1: parse error: anchored modifier is experimental and not enabled"),
        Case(
            query: "up + fill(0) up",
            message: "1:1: parse error: binop fill modifiers are experimental and not enabled"
        ),
    ]

    @Test("What has to be switched on", arguments: experimental) func switchedOff(_ test: Case) {
        check(Case(query: test.query, message: test.message, options: ParserOptions()))
        #expect(throws: Never.self) { _ = try PromQLParser(options: .all).parse(test.query) }
    }

    static let selectors = [
        Case(query: "", message: "unknown position: parse error: unexpected end of input"),
        Case(query: "up[5m]", message: #"1:3: parse error: unexpected "[""#),
        Case(query: "up{job='a'} or", message: #"1:13: parse error: unexpected <op:or>"#),
        Case(query: "5", message: #"1:1: parse error: unexpected number "5""#),
    ]

    @Test("What match[] does not take", arguments: selectors) func selectorMistakes(_ test: Case) {
        #expect {
            _ = try PromQLParser().parseSelector(test.query)
        } throws: { error in
            "\(error)" == test.message
        }
    }
}

/// Queries that want to bring the parser down.
@Suite(.timeLimit(.minutes(5))) struct HostileQueryTests {
    static let repeated = [
        "(", "-", "1+", "1^", "-a^", "sum(", "abs(", "a or ", "foo[(", "foo[-", "foo[1+", "foo[5m:]", "a==bool ",
        "foo offset -", "foo offset max_of(", "{", "\"", " @ 5", "a,",
    ]

    @Test("A million characters are refused", arguments: repeated) func refused(_ piece: String) {
        let query = (piece.hasPrefix("foo[") ? "" : "foo") + String(repeating: piece, count: 1_000_000 / piece.count)
        #expect(throws: ParseError.self) { _ = try PromQLParser(options: .all).parse(query) }
        let bare = String(repeating: piece, count: 1_000_000 / piece.count) + "1"
        #expect(throws: ParseError.self) { _ = try PromQLParser(options: .all).parse(bare) }
    }

    @Test("So are long patterns", arguments: ["^", "|", "(?i)", "(?:"])
    func patterns(_ piece: String) {
        let pattern = String(repeating: piece, count: 220_000)
        #expect(throws: ParseError.self) { _ = try PromQLParser().parse("{a=~`\(pattern)`}") }
    }

    @Test("Long queries that are not deep are read and printed") func long() throws {
        let labels = (0..<50_000).map { "l\($0)" }.joined(separator: ", ")
        let query = "sum by (\(labels)) (up)"
        #expect(try PromQLParser().parse(query).description == query)
        let text = "label_join(up, \"\(String(repeating: "x", count: 500_000))\", \"\", \"a\")"
        #expect(try PromQLParser().parse(text).description == text)
    }

    @Test("The deepest tree allowed can be walked, printed, compared and thrown away") func deepest() throws {
        let levels = ParserOptions.maximumDepth - 1
        let parens = String(repeating: "(", count: levels) + "up" + String(repeating: ")", count: levels)
        let expression = try PromQLParser().parse(parens)
        #expect(expression.description == parens)
        #expect(expression == expression.transformed { $0 })
        #expect(expression.prettified.utf8.count > parens.utf8.count)
        let chain = "1" + String(repeating: " + 1", count: levels)
        #expect(try PromQLParser().parse(chain).description == chain)
        #expect(throws: ParseError.self) { _ = try PromQLParser().parse("(" + parens + ")") }
    }
}
