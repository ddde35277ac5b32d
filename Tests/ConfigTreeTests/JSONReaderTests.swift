import ConfigTree
import MetricModel
import Testing

@Suite("JSON", .timeLimit(.minutes(5)))
struct JSONReaderTests {
    private func parse(_ text: String) throws(ConfigError) -> ConfigNode {
        try JSONReader.parse(Array(text.utf8), file: "a.json")
    }

    private func problem(_ text: String) -> String {
        do throws(ConfigError) {
            _ = try parse(text)
            return ""
        } catch {
            return error.description
        }
    }

    @Test(
        "what is no JSON is refused in Go's words, with the place",
        arguments: [
            ("", "1:1: unexpected end of JSON input"), (" \n", "2:1: unexpected end of JSON input"),
            ("[1,]", "1:4: invalid character ']' looking for beginning of value"),
            ("[1 2]", "1:4: invalid character '2' after array element"),
            ("{\"a\":1,}", "1:8: invalid character '}' looking for beginning of object key string"),
            ("{a: 1}", "1:2: invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "1:6: invalid character '1' after object key"),
            ("{\"a\":1 \"b\":2}", "1:8: invalid character '\"' after object key:value pair"),
            ("[] x", "1:4: invalid character 'x' after top-level value"),
            ("[]\n[]", "2:1: invalid character '[' after top-level value"),
            ("- targets", "1:2: invalid character ' ' in numeric literal"),
            ("[01]", "1:3: invalid character '1' after array element"),
            ("[1.]", "1:4: invalid character ']' after decimal point in numeric literal"),
            ("[1e]", "1:4: invalid character ']' in exponent of numeric literal"),
            ("[+1]", "1:2: invalid character '+' looking for beginning of value"),
            ("[nul]", "1:5: invalid character ']' in literal null (expecting 'l')"),
            ("tru", "1:4: unexpected end of JSON input"),
            ("\"a", "1:3: unexpected end of JSON input"),
            ("\"a\nb\"", "1:3: invalid character '\\n' in string literal"),
            ("\"\\x\"", "1:3: invalid character 'x' in string escape code"),
            ("\"\\u12g4\"", "1:6: invalid character 'g' in \\u hexadecimal character escape"),
            ("{'a':1}", "1:2: invalid character '\\'' looking for beginning of object key string"),
            ("[é", "1:2: invalid character 'Ã' looking for beginning of value"),
            ("# a", "1:1: invalid character '#' looking for beginning of value"),
            ("[\"é\", x]", "1:7: invalid character 'x' looking for beginning of value"),
            (String(repeating: "[", count: 1001), "1:1001: exceeded max depth"),
        ]
    )
    func refused(text: String, message: String) {
        #expect(problem(text) == "a.json:" + message)
    }

    @Test("a text that nobody wants any more is not read to its end", arguments: [ConfigNode.Format.json, .yaml])
    func givenUp(format: ConfigNode.Format) async {
        let text = Array(("[" + repeatElement("1", count: 3000).joined(separator: ",") + "]").utf8)
        await TaskLimit { true }.run {
            let error = #expect(throws: ConfigError.self) {
                switch format {
                case .json: _ = try JSONReader.parse(text, file: "a")
                case .yaml: _ = try YAMLReader.parse(text, file: "a")
                }
            }
            #expect(error?.description.contains("given up") == true)
        }
    }

    @Test("what a text may become has a bound", arguments: ["[0,0,0]", "[{},[],{}]", #"{"a":{"b":0}}"#])
    func bounded(text: String) {
        func read(_ limit: Int) -> String? {
            do throws(ConfigError) {
                _ = try JSONReader.parse(Array(text.utf8), file: "a.json", limit: limit)
                return nil
            } catch {
                return error.problems.first?.message
            }
        }
        let count = text.hasPrefix("[") ? 4 : 5
        #expect(read(count) == nil)
        #expect(read(count - 1) == "more than \(count - 1) values and names of fields")
    }

    @Test(
        "texts",
        arguments: [
            (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{fffd}"), (#""\ud83d\u0041""#, "\u{fffd}A"),
            (#""\ude00x""#, "\u{fffd}x"),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9é""#, "éé"), ("\"\u{7f}\"", "\u{7f}"),
            (#""true""#, "true"),
        ]
    )
    func texts(text: String, value: String) throws {
        #expect(try parse(text).string == value)
    }

    @Test("bytes that are no UTF-8 become the replacement character")
    func bytes() throws {
        #expect(try JSONReader.parse([0x22, 0xff, 0x22], file: "").string == "\u{fffd}")
    }

    @Test("values have places, and deep ones are read without recursion")
    func places() throws {
        let node = try parse(" {\"a\":\n  [1, {\"b\": null}]}")
        #expect(node["a"]?.line == 2 && node["a"]?.column == 3)
        guard case .sequence(let items) = node["a"]?.content else {
            Issue.record("no list")
            return
        }
        #expect(items.first?.string == nil && items.first?.text == "1")
        #expect(items.last?["b"]?.isNull == true)
        _ = try parse(String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000))
    }

    @Test(
        "fields are read as Go reads them",
        arguments: [
            (#"{"NAME":"x"}"#, "x", ""), (#"{"name":"x","Name":"y"}"#, "y", ""), (#"{"name":null}"#, "", ""),
            (
                #"{"name":1}"#, nil,
                "f:1:9: name: json: cannot unmarshal number into Go struct field .name of type string"
            ),
            (
                #"{"name":true}"#, nil,
                "f:1:9: name: json: cannot unmarshal bool into Go struct field .name of type string"
            ),
            (
                #"{"name":[]}"#, nil,
                "f:1:9: name: json: cannot unmarshal array into Go struct field .name of type string"
            ),
            (#"{"nam":"x"}"#, nil, "f:1:2: nam: json: unknown field \"nam\" (did you mean name?)"),
            (#"[]"#, nil, "f:1:1: json: cannot unmarshal array into Go value of type t"),
        ] as [(String, String?, String)]
    )
    func fields(text: String, value: String?, message: String) throws {
        let problems = ConfigProblems(file: "f")
        let section = ConfigSection(try parse(text), type: "t", path: "", problems: problems)
        #expect(section.string("name") == value)
        section.finish()
        #expect(ConfigError(file: "f", problems: problems.problems).description == message)
    }

    @Test("a long text in one line takes as long as in many")
    func oneLine() throws {
        let text = "[" + repeatElement("1", count: 200_000).joined(separator: ",") + "]"
        guard case .sequence(let items) = try parse(text).content else {
            Issue.record("no list")
            return
        }
        #expect(items.count == 200_000)
        #expect(items.last?.line == 1)
        #expect(items.last?.column == text.utf8.count - 1)
    }

    @Test("names are compared as Go folds them", arguments: ["targets", "TARGETS", "target\u{17f}", "\u{17f}argets"])
    func folded(name: String) throws {
        let problems = ConfigProblems(file: "f")
        let section = ConfigSection(try parse("{\"\(name)\":\"x\"}"), type: "t", path: "", problems: problems)
        #expect((section.string("targets") != nil) == (name.hasPrefix("t") || name.hasPrefix("T")))
    }

    @Test("an object of texts")
    func map() throws {
        let pairs = try JSONReader.strings(Array(#"{"a":"1","A":"2","a":"3","n":null}"#.utf8), file: "")
        #expect(pairs.map { "\($0.key)=\($0.value)" } == ["a=3", "A=2", "n="])
        for bad in [#"{"a":1}"#, #"["a"]"#, #"{"a":"b"} {}"#, ""] {
            #expect(throws: ConfigError.self) { try JSONReader.strings(Array(bad.utf8), file: "") }
        }
    }
}
