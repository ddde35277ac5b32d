import MetricModel
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct RegularExpressionTests {
    @Test(arguments: [
        ("a|b", "a", true), ("a|b", "ab", false), ("", "", true), ("", "x", false), (".*", "a\nb", true),
        (".+", "", false),
        ("foo.*", "foobar", true), ("foo.*", "fo", false), (".*foo", "barfoo", true), (".*foo.*", "a foo b", true),
        ("^foo$", "foo", true), ("fo(o|x)?", "fox", true), ("5..", "503", true), ("[^a]", "é", true),
        ("[^a]", "a", false),
        (#"\d{3}"#, "123", true), (#"\bfoo\b.*"#, "foo bar", true), (#"\bfoo\b.*"#, "foobar", false),
        ("(?i)stra(ß|x)e", "STRAẞE", true), ("(?i)k", "\u{212a}", true), (#"\p{Greek}+"#, "αβγ", true),
        (#"\pL\PL"#, "é1", true),
        ("(?-s:.)", "\n", false), ("(?m:^)a\nb", "a\nb", true), (#"\Qa.b\E"#, "a.b", true),
        (#"[[:alpha:]_]+"#, "ab_", true),
        ("(a|b|c|d|e|f|g|h|i|j)k", "jk", true), (#"\x{263a}"#, "☺", true), ("x{2,3}?", "xxx", true),
        ("x{2,3}", "x", false),
        // As a part of `^(?s:…)$`.
        ("z)|(x.*", "zebra", true), ("z)|(x.*", "yx", true), ("z)|(x.*", "y", false),
    ])
    func `matches the whole text as RE2`(pattern: String, text: String, expected: Bool) throws {
        #expect(try RegularExpression(pattern, anchored: true).matches(text) == expected)
    }

    @Test(arguments: [
        ("(", "missing closing ): `(`"), ("a)", "unexpected ): `a)`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"), ("[", "missing closing ]: `[`"),
        ("[z-a]", "invalid character class range: `z-a`"), (#"\y"#, #"invalid escape sequence: `\y`"#),
        ("a{1001}", "invalid repeat count: `{1001}`"), ("(a{100}){100}", "invalid repeat count: `{100}`"),
        (#"a\"#, "trailing backslash at end of expression: ``"), (#"\Qa"#, #"missing closing ): `^(?s:\Qa)$`"#),
        ("(?z)", "invalid or unsupported Perl syntax: `(?z`"),
        (#"\p{Foo}"#, #"invalid character class range: `\p{Foo}`"#), ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?<=a)b", "invalid named capture: `(?<=a)b`"), ("(?<n", "invalid named capture: `(?<n`"),
        ("(?<", "invalid or unsupported Perl syntax: `(?<`"), ("(?P<", "invalid or unsupported Perl syntax: `(?P`"),
    ])
    func `refuses in RE2's words`(pattern: String, message: String) {
        #expect(throws: RegularExpressionError(message: message)) { try RegularExpression(pattern, anchored: true) }
    }

    @Test(arguments: [
        ("(.*):(\\d+)", "$1-$2", "host:90", "host-90"), ("(?P<host>.*):.*", "${host}x", "a:1", "ax"),
        ("(.*)", "$10|${1}0|$$|$", "v", "|v0|$|$"), ("(a)|(b)", "[$1$2]", "b", "[b]"),
        ("(a*)(a*)", "$1.$2", "aaa", "aaa."),
        ("(a*?)(a*)", "$1.$2", "aaa", ".aaa"), ("(.)(.)", "$2$1", "éx", "xé"),
    ])
    func `expands a template from the groups`(pattern: String, template: String, text: String, expected: String) throws
    {
        #expect(try RegularExpression(pattern, anchored: true).expand(template, in: text) == expected)
    }

    @Test func `says which few texts match, or what they begin with`() throws {
        func expression(_ pattern: String) throws -> RegularExpression {
            try RegularExpression(pattern, anchored: true)
        }
        #expect(try expression("foo(bar|ba[xz])|q").literalAlternatives == ["foobar", "foobax", "foobaz", "q"])
        #expect(try expression("foo.*").literalAlternatives == nil)
        #expect(try expression("fo+bar.*").literalPrefix == "f")
        #expect(try expression(".*").matchesEverything)
    }

    @Test func `a hostile pattern takes time in proportion to the text`() throws {
        let text = String(repeating: "a", count: 20_000) + "b"
        for pattern in ["(a+)+", "(a|a)*", "(.*)(.*)(.*)(.*)c", "(a?){500}a{500}", #"(\b|a)*c"#] {
            #expect(try !RegularExpression(pattern, anchored: true).matches(text))
        }
    }

    @Test func `an automaton with very many states stays within its limit`() throws {
        let expression = try RegularExpression("(a|b)*a(a|b){14}", anchored: true)
        var generator = SystemRandomNumberGenerator()
        let bits = (0..<60_000).map { _ in Bool.random(using: &generator) }
        let text = String(bits.map { $0 ? "a" : "b" })
        #expect(expression.matches(text) == bits[bits.count - 15])
    }

    /// Each of these is one item, or one level, that takes long to read.
    @Test(arguments: [
        "(?i)[" + String(repeating: #"\pL"#, count: 3000) + "]", "[" + String(repeating: "ac", count: 100_000) + "]",
        "(?i)[" + String(repeating: #"\x{100}-\x{2fff}"#, count: 2000) + "]",
        #"\Q"# + String(repeating: "a", count: 100_000) + #"\E"#, "[" + String(repeating: "[:", count: 100_000) + "x]",
        "[" + String(repeating: "[:alpha:]", count: 20_000) + "]",
    ])
    func `reading is given up within a class or a quotation`(pattern: String) async throws {
        let looks = Atomic(0)
        let error = await #expect(throws: RegularExpressionError.self) {
            try await TaskLimit { looks.wrappingAdd(1, ordering: .relaxed).newValue > 20 }.run { () async throws in
                _ = try RegularExpression(pattern, anchored: false)
            }
        }
        #expect(error?.message == "reading was given up")
    }

    @Test func `named classes are read once, and however often they are named they hold the same`() throws {
        let many = try RegularExpression("(?i)[" + String(repeating: #"\pLx"#, count: 200_000) + "]+", anchored: true)
        #expect(many.matches("aÉſ") && !many.matches("a1"))
        // Groups in groups are looked at once, whatever is repeated around them.
        let nested =
            String(repeating: "(", count: 900) + String(repeating: "a", count: 100_000)
            + String(repeating: ")?", count: 900)
        #expect(try RegularExpression(nested, anchored: true).matches(""))
        #expect(throws: RegularExpressionError(message: "expression too large")) {
            try RegularExpression("(?i)" + String(repeating: #"\pL"#, count: 900), anchored: true)
        }
        #expect(throws: RegularExpressionError(message: "expression too large")) {
            try RegularExpression(String(repeating: "ab", count: 2_000_000), anchored: true)
        }
    }

    @Test func `a large set without cases has all the cases of its scalars`() throws {
        let set = try RegularExpression(#"(?i)[\x{100}-\x{10ffff}]"#, anchored: true)
        #expect(["k", "K", "s", "µ", "å", "Ā", "漢"].map(set.matches) == [true, true, true, true, true, true, true])
        #expect(["a", "é", "1"].map(set.matches) == [false, false, false])
        let other = try RegularExpression(#"(?i)[^\x{100}-\x{10ffff}]"#, anchored: true)
        #expect(!other.matches("k") && other.matches("a"))
    }

    @Test func `the automata of many patterns share a bound`() throws {
        let text = String((0..<7000).map { ($0 * $0 / 7 + $0 / 3) % 5 < 2 ? "x" : "y" })
        let kept = try (0..<60).map { index in
            try RegularExpression("(x|y)*x(x|y){12}|[xy]*|\(Self.classes)|k\(index)", anchored: true)
        }
        #expect(kept.filter { $0.matches(text) }.count == 60)
        #expect(kept.filter { $0.matches(text + "z") }.count == 0)
        // Those of other tests are among them.
        #expect(RegularExpression.stateBytes < 80 << 20)
    }

    /// So that a state has very many transitions.
    private static let classes = (0x80..<0x100).compactMap(Unicode.Scalar.init).map { String(Character($0)) }
        .joined(separator: "|")

    @Test func `a task that may not hold more reads no more patterns`() async throws {
        let held = Mutex(0)
        let limit = TaskLimit(
            holding: { bytes in
                held.withLock { held in
                    held += bytes
                    return held > 1 << 20 ? .refused : .free
                }
            },
            { false }
        )
        let error = await #expect(throws: RegularExpressionError.self) {
            try await limit.run { () async throws in
                for index in 0..<1000 { _ = try RegularExpression(".*x\(index)y.*z", anchored: true) }
            }
        }
        #expect(error?.message == "too much memory")
        #expect(try RegularExpression(".*x", anchored: true).matches("x"))
    }

    @Test func `a template finds a group by its name at once`() throws {
        let names = (0..<5000).map { "n\($0)" }
        let expression = try RegularExpression(names.map { "(?P<\($0)>a?)" }.joined(), anchored: true)
        let template = expression.template(String(repeating: "${n4999}", count: 100_000))
        #expect(template.heldBytes > 100_000)
    }

    @Test func `finds anywhere when not anchored`() throws {
        let expression = try RegularExpression("b(c?)", anchored: false)
        #expect(expression.matches("abcd"))
        #expect(expression.captures(in: "abcd") == ["bc", "c"])
        #expect(!expression.matches("acd"))
    }

    @Test func `groups that nobody looks at change nothing`() throws {
        let expression = try RegularExpression(String(repeating: "((.)(x*))", count: 100), anchored: true)
        let text = String((0..<100).map { Character(Unicode.Scalar(UInt8(97 + $0 % 20))) })
        for group in [0, 1, 2, 3, 150, 299, 300] {
            let whole = try #require(expression.captures(in: text)?[group])
            #expect(expression.expand("<${\(group)}>", in: text) == "<\(whole)>")
        }
        #expect(expression.expand("$1$4$301", in: text) == "ab")
        #expect(expression.expand("$1$4", in: text + "-") == nil)
        #expect(
            expression.expansionBytes(expression.template("$300"))
                > expression.expansionBytes(expression.template("$1"))
        )
        let each = try RegularExpression("(a)(b)?", anchored: false)
        #expect(each.replacingAll(in: "xabab-a", with: "$2$1") == "xbaba-a")
    }
}
