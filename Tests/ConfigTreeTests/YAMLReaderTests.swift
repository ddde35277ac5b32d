import ConfigTree
import Testing

@Suite("YAML", .timeLimit(.minutes(5)))
struct YAMLReaderTests {
    private func parse(_ text: String, _ dialect: YAMLReader.Dialect = .configuration) throws(ConfigError) -> ConfigNode
    {
        try YAMLReader.parse(Array(text.utf8), file: "a.yml", dialect: dialect)
    }

    private func error(_ text: [UInt8]) -> ConfigError? {
        do throws(ConfigError) {
            _ = try YAMLReader.parse(text, file: "a.yml")
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "what cannot be read is told in go-yaml's words, and besides with the place and what to do",
        arguments: [
            (
                "a:\n\tb: 1\n", "yaml: line 2: found character that cannot start any token",
                "a.yml:2:1: found character that cannot start any token (tabs are not allowed here; indent with spaces)"
            ),
            (
                "a: @b\n", "yaml: found character that cannot start any token",
                "a.yml:1:4: found character that cannot start any token"
            ),
            (
                "a: b: c\n", "yaml: mapping values are not allowed in this context",
                "a.yml:1:5: mapping values are not allowed in this context"
            ),
            ("a: \"b\n", "yaml: line 2: found unexpected end of stream", "a.yml:2:1: found unexpected end of stream"),
            (
                "a: {b: rate(c[5m])}\n", "yaml: did not find expected ',' or '}'",
                "a.yml:1:14: did not find expected ',' or '}' (text that has [ in it stands in quotes within {…}, such as "
                    + "'rate(a_total[5m]) > 0')"
            ),
            (
                "a: [é, c{d}]\n", "yaml: did not find expected ',' or ']'",
                "a.yml:1:9: did not find expected ',' or ']' (text that has { in it stands in quotes within […], such as "
                    + "'up{job=\"a\"} == 0')"
            ),
            (
                "a: [b\n", "yaml: line 1: did not find expected ',' or ']'",
                "a.yml:2:1: did not find expected ',' or ']'"
            ),
            (
                #"a: "b\/c""#, "yaml: found unknown escape character", "a.yml:1: found unknown escape character"
            ),
            (
                "é: ü\nb: [\"\\\\/\", \"x\\\n  \\/\"]\n", "yaml: line 3: found unknown escape character",
                "a.yml:3: found unknown escape character"
            ),
            ("a: *b\n", "yaml: unknown anchor 'b' referenced", "a.yml:1:4: unknown anchor 'b' referenced"),
            ("a: &b [*b]\n", "yaml: anchor 'b' value contains itself", "a.yml:1:8: anchor 'b' value contains itself"),
            (
                "a: {<<: 3}\n", "yaml: map merge requires map or sequence of maps as the value",
                "a.yml:1:5: map merge requires map or sequence of maps as the value"
            ),
            (
                "%YAML 1.2\n---\na: b\n", "yaml: found incompatible YAML document",
                "a.yml:1:1: found incompatible YAML document (only %YAML 1.1 is read)"
            ),
            (
                "a: {b: [c, d?e]}\n", "yaml: did not find expected ',' or ']'",
                "a.yml:1:12: did not find expected ',' or ']'"
            ),
            (
                "a: !!binary /w==\n", "yaml: !!binary value is not UTF-8", "a.yml:1:4: !!binary value is not UTF-8"
            ),
            (
                "a: !!int x\n", "yaml: cannot decode !!str `x` as a !!int",
                "a.yml:1:4: cannot decode !!str `x` as a !!int"
            ),
            (
                "a: 1\n---\nb: 2\n",
                "yaml: a second document begins in line 3, but only the first document of a file is read",
                "a.yml:3: a second document begins in line 3, but only the first document of a file is read "
                    + "(remove it, or the line with --- before it)"
            ),
            (
                "a: 1\n---\n[\n",
                "yaml: a second document begins in line 4, but only the first document of a file is read",
                "a.yml:4: a second document begins in line 4, but only the first document of a file is read "
                    + "(remove it, or the line with --- before it)"
            ),
        ]
    )
    func refused(text: String, original: String, shown: String) {
        let error = error(Array(text.utf8))
        #expect(error?.reason == original)
        #expect(error?.description == shown)
    }

    @Test(
        "a file that is not UTF-8 is refused, with the line",
        arguments: [
            ([0x61, 0x0a, 0x63, 0xe9], 2), ([0x61, 0xe9, 0x0a], 1), ([0x0a, 0x0a, 0xff, 0x61], 3), ([0x61, 0xc3], 1),
            ([0x22, 0xed, 0xa0, 0x80, 0x22], 1),
        ] as [([UInt8], Int)]
    )
    func encoding(bytes: [UInt8], line: Int) {
        let error = error(bytes)
        #expect(error?.problems.first?.line == line)
        #expect(error?.description.contains("the file has to be UTF-8") == true)
    }

    @Test("a slash is escaped only in double quotes", arguments: [#"a\/b"#, #"'a\/b'"#, ##""a\\/b" # \/"##])
    func slashes(text: String) throws {
        #expect(try parse("x: " + text)["x"]?.text == #"a\/b"#)
    }

    @Test("characters that YAML does not have")
    func control() {
        #expect(error([0x61, 0x00])?.description == "a.yml:1:2: control characters are not allowed")
    }

    @Test(
        "what templates leave around a document does no harm",
        arguments: [
            "a: 1\n---\n", "---\na: 1\n", "a: 1\n...\n", "a: 1\n---\n---\n# end\n", "\u{feff}a: 1\n", "a: 1\n---\n~\n",
            "%YAML 1.1\n---\na: 1",
        ]
    )
    func documents(text: String) throws {
        #expect(try parse(text)["a"]?.text == "1")
    }

    @Test("a text without a document says nothing", arguments: ["", "\n", "# a\n", "---\n", "---\n---\n", "~"])
    func empty(text: String) throws {
        #expect(try parse(text).isNull)
    }

    private func flat(_ node: ConfigNode?) -> String {
        guard case .mapping(let entries) = node?.content else { return "" }
        var result: [(String, String)] = []
        for entry in entries {
            let (key, value) = (entry.key.text ?? "", entry.value.text ?? "")
            if let index = result.firstIndex(where: { $0.0 == key }) {
                result[index].1 = value
            } else {
                result.append((key, value))
            }
        }
        return result.map { "\($0.0)=\($0.1)" }.sorted().joined(separator: " ")
    }

    @Test(
        "merge keys: what comes last counts in a configuration, what is said in place counts in a rule file",
        arguments: [
            ("{<<: *a, x: 9}", "x=9 y=2", "x=9 y=2"), ("{x: 9, <<: *a}", "x=1 y=2", "x=9 y=2"),
            ("{<<: [*a, *b]}", "x=1 y=2 z=5", "x=1 y=2 z=5"), ("{<<: [*b, *a]}", "x=3 y=2 z=5", "x=3 y=2 z=5"),
            ("{<<: [*b, {x: 7}], z: 8}", "x=3 z=8", "x=3 z=8"), ("{<<: {q: 1}}", "q=1", "q=1"),
            ("{<<: *c}", "w=1 x=1 y=2", "w=1 x=1 y=2"),
            ("{'<<': *a}", "<<=", "<<="), ("{<<: []}", "", ""), ("{!!merge <<: *a}", "x=1 y=2", "x=1 y=2"),
        ]
    )
    func merging(text: String, configuration: String, rules: String) throws {
        let whole = "a: &a {x: 1, y: 2}\nb: &b {x: 3, z: 5}\nc: &c {<<: *a, w: 1}\nr: \(text)\n"
        #expect(flat(try parse(whole)["r"]) == configuration)
        #expect(flat(try parse(whole, .rules)["r"]) == rules)
    }

    @Test("a field may be merged and said, but not said twice; a name of a map neither")
    func repeated() throws {
        func problems(_ text: String) throws -> [String] {
            let problems = ConfigProblems(file: "f")
            let root = ConfigSection(try parse(text), type: "t", path: "", problems: problems)
            _ = root.node("a")
            let section = root.section("s", type: "s")
            _ = section?.string("x")
            section?.finish()
            _ = root.stringMap("m", type: "m")
            return problems.problems.map(\.message)
        }
        #expect(try problems("a: &a {x: 1}\ns: {<<: *a, x: 2}\n") == [])
        #expect(try problems("s: {x: 1, x: 2}\n") == ["field x already set in type s"])
        let unknown = "field y not found in type s"
        #expect(try problems("s: {y: 1, y: 2}\n") == [unknown, unknown])
        #expect(try problems("a: &a {x: 1}\nm: {<<: *a, y: 2}\n") == [])
        #expect(try problems("a: &a {x: 1}\nm: {<<: *a, x: 2}\n") == ["key \"x\" already set in map"])
    }

    @Test("of very many mistakes a thousand are told, the last says that there are more", arguments: [999, 1000, 1500])
    func many(count: Int) throws {
        let problems = ConfigProblems(file: "f")
        let text = "s: {" + (0..<count).map { "y\($0): 1" }.joined(separator: ", ") + "}\n"
        ConfigSection(try parse(text), type: "t", path: "", problems: problems).section("s", type: "s")?.finish()
        #expect(problems.problems.count == min(count, 1000))
        #expect((problems.problems.last?.message == "more is wrong than is told here") == (count > 999))
    }

    @Test("aliases of aliases of aliases are refused before they are carried out")
    func bombs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let part = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(part)]\n"
        }
        #expect(error(Array(text.utf8))?.reason == "yaml: document contains excessive aliasing")
        let merging =
            "a0: &a0 {x: 1}\n" + (1...40).map { "a\($0): &a\($0) {<<: [*a\($0 - 1), *a\($0 - 1)]}\n" }.joined()
        #expect(error(Array(merging.utf8)) != nil)
        let key = text.replacing("a30: &a30", with: "? *a29\n: &a30")
        #expect(error(Array(key.utf8))?.reason == "yaml: document contains excessive aliasing")
        let deep = String(repeating: "[", count: 5000)
        #expect(error(Array(deep.utf8)) != nil)
    }

    @Test(
        "plain scalars mean what go-yaml takes them for",
        arguments: [
            ("yes", .bool(true)), ("Off", .bool(false)), ("y", .bool(true)), ("yEs", .string), ("~", .null),
            ("Null", .null),
            ("0o17", .int(15)), ("017", .int(15)), ("0x1F", .int(31)), ("0B11", .int(3)), ("1_000", .int(1000)),
            ("-0", .int(0)),
            ("018", .float(18)), ("1e3", .float(1000)), (".5", .float(0.5)), ("1.", .float(1)), (".", .string),
            ("1e", .string),
            ("+1", .int(1)), ("+.5", .float(0.5)), ("12:30:45", .string), ("2020-01-01", .timestamp),
            ("2020-1-5", .timestamp),
            ("2020-13-01", .string), ("2020-01-01T10:20:30Z", .timestamp), ("2020-01-01 10:20:30", .timestamp),
            ("2020-01-01T10:20:30.5+02:00", .timestamp), ("2020-01-01T10:20", .string), ("-.INF", .float(-.infinity)),
            ("18446744073709551615", .uint(.max)), ("1e400", .string), ("'12'", .string), ("!!str 12", .string),
            ("!x 12", .string),
            ("!!float 3", .float(3)),
            ("!!binary aGk=", .string), ("=", .string), ("0x", .string), ("1-2", .string), ("1.2.3", .string),
        ] as [(String, ConfigNode.Meaning)]
    )
    func meanings(text: String, meaning: ConfigNode.Meaning) throws {
        guard case .scalar(let scalar) = try parse("a: \(text)\n")["a"]?.content else {
            Issue.record("no scalar")
            return
        }
        #expect(scalar.meaning == meaning)
        if text == "!!binary aGk=" { #expect(scalar.text == "hi") }
    }
}
