import Exposition
import MetricModel
import Testing

@Suite("Scraping the text format", .timeLimit(.minutes(5)))
struct TextScrapeTests {
    @Test(
        "Well-formed bodies",
        arguments: [
            ("", []),
            ("up 1\n", [#"{__name__="up"} 1"#]),
            ("up 1", [#"{__name__="up"} 1"#]),
            (
                "up{} 1 -5\n",
                [#"error: expected timestamp or new record, got "-" ("INVALID") while parsing: "up{} 1 -""#]
            ),
            ("up\t{a = \"b\" , } 2.5\t1700000000000 \n", [#"{__name__="up", a="b"} 2.5 @1700000000000"#]),
            ("a{x=\"1\",b=\"2\"} NaN\n", [#"{__name__="a", b="2", x="1"} NaN"#]),
            ("a{x=\"\"} -Inf\n", [#"{__name__="a"} -Inf"#]),
            ("{\"my.metric\",\"l.1\"=\"v\"} 3\n", [#"{__name__="my.metric", "l.1"="v"} 3"#]),
            ("a{b=\"q\\\"s\\\\t\\nu\\x\"} 1\n", [#"{__name__="a", b="q\"s\\t\nu\\x"} 1"#]),
            ("a{b=\"two\nlines\"} 1\n", [#"{__name__="a", b="two\nlines"} 1"#]),
            ("  a 1\n", [#"{__name__="  a"} 1"#]),
            (
                "# HELP a some \\\\ text\\n\n# TYPE a counter\n#x\n# y\na 1e3\n",
                ["help a some \\ text\n", "type a counter", "comment", "comment", #"{__name__="a"} 1000"#]
            ),
            (
                "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n# TYPE s summary\ns{quantile=\"0.50\"} 2\ns{le=\"1\"} 2\n",
                [
                    "type h histogram", #"{__name__="h_bucket", le="1.0"} 1"#, "type s summary",
                    #"{__name__="s", quantile="0.5"} 2"#, #"{__name__="s", le="1"} 2"#,
                ]
            ),
            ("a 1\r\n", [#"error: strconv.ParseFloat: parsing "1\r": invalid syntax while parsing: "a 1\r""#]),
            ("a{\u{e9}=\"x\"} 1\n", [#"error: expected label name, got "\xc3" ("INVALID") while parsing: "a{\xc3""#]),
        ] as [(String, [String])]
    )
    func reads(body: String, expected: [String]) {
        #expect(scrapeTranscript(body, .text) == expected)
    }

    @Test(
        "Errors in Prometheus's words",
        arguments: [
            ("m", #"expected value after metric, got "\n" ("INVALID") while parsing: "m\n""#),
            ("m{x='y'} 1\n", #"expected label value, got "'" ("INVALID") while parsing: "m{x='""#),
            ("m{x=\"y} 1\n", #"expected label value, got "\"y} 1\n\n" ("INVALID") while parsing: "m{x=\"y} 1\n\n""#),
            ("m{=\"y\"} 1\n", #"expected label name, got "=\"" ("EQUAL") while parsing: "m{=\"""#),
            ("m yes\n", #"strconv.ParseFloat: parsing "yes": invalid syntax while parsing: "m yes""#),
            ("m 1e999\n", #"strconv.ParseFloat: parsing "1e999": value out of range while parsing: "m 1e999""#),
            ("m 1_0\n", #"unsupported character in float while parsing: "m 1_0""#),
            (
                "m 1 99999999999999999999\n",
                #"strconv.ParseInt: parsing "99999999999999999999": value out of range while parsing: "m 1 99999999999999999999""#
            ),
            ("m 1 2 3\n", #"expected next entry after timestamp, got "3\n" ("TIMESTAMP") while parsing: "m 1 2 3\n""#),
            ("{x=\"y\"} 1\n", #"metric name not set while parsing: "{x=\"y\"} 1""#),
            ("m{\"n\"} 1\n", #"metric name already set while parsing: "m{\"n\"}""#),
            ("# TYPE m enum\n", #"invalid metric type "enum""#),
            ("# HELP 1\n", ##"expected metric name after HELP, got "1" ("INVALID") while parsing: "# HELP 1""##),
            ("&\n", #"expected a valid start token, got "&" ("INVALID") while parsing: "&""#),
        ]
    )
    func fails(body: String, expected: String) {
        #expect(scrapeTranscript(body, .text).last == "error: " + expected)
    }

    @Test("Bytes that are not UTF-8")
    func invalidUTF8() {
        let value = Array("m{x=\"".utf8) + [0xff] + Array("\"} 1\n".utf8)
        #expect(scrapeTranscript(value, .text) == [#"error: invalid UTF-8 label value: "\"\xff\"""#])
        let help = Array("# HELP m a".utf8) + [0xc3] + Array("\n".utf8)
        #expect(scrapeTranscript(help, .text) == [#"error: help text "a\xc3" is not a valid utf8 string"#])
    }

    @Test("Null bytes end the body, but not within values")
    func nullBytes() {
        #expect(scrapeTranscript("a 1\n\0b 1\n", .text) == [#"{__name__="a"} 1"#])
        #expect(scrapeTranscript("a{b=\"x\0y\"} 1\n", .text) == [#"{__name__="a", b="x\x00y"} 1"#])
    }

    @Test("A second scrape compares memory and reads numbers only")
    func leads() {
        let first = Array("# TYPE a counter\na{x=\"1\"} 1\n# TYPE b gauge\nb 2 5\nc 3\n".utf8)
        let second = Array("# TYPE a counter\na{x=\"1\"} 10\n# TYPE b gauge\nb NaN 6\nnew 1\nc -3e2\n".utf8)
        var leads: [[UInt8]] = []
        first.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .text)
            while let entry = try? parser.next() {
                if entry == .series { leads.append(Array(parser.leadBytes)) }
            }
        }
        second.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .text)
            func advance(_ index: Int) -> Bool { leads[index].withUnsafeBytes { parser.advance(over: $0) } }
            #expect(advance(0) && parser.value == 10)
            #expect(advance(1) && parser.value.isNaN && parser.timestamp == 6)
            #expect(!advance(2))
            #expect((try? parser.next()) == .series)
            #expect(parser.labels() == ["__name__": "new"])
            #expect(advance(2) && parser.value == -300 && parser.timestamp == nil)
            #expect((try? parser.next()) == .some(nil))
        }
    }

    @Test(
        "Types that were stepped over still count for what comes after, unless there is another one",
        arguments: [
            ("", "1.0"), ("# HELP h a\n# b\n", "1.0"), ("# TYPE h gauge\n", "1"),
            ("# HELP h a\n# TYPE h gauge\n# b\n", "1"),
        ]
    )
    func typesBehindLeads(comments: String, bound: String) {
        let first = Array("# TYPE h histogram\nh_count 1\n".utf8)
        let second = first + Array("\(comments)h_bucket{le=\"1\"} 1\n".utf8)
        var lead: [UInt8] = []
        first.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .text)
            while let entry = try? parser.next() {
                if entry == .series { lead = Array(parser.leadBytes) }
            }
        }
        second.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .text)
            #expect(lead.withUnsafeBytes { parser.advance(over: $0) })
            while let entry = try? parser.next(), entry != .series {}
            #expect(parser.labels() == ["__name__": "h_bucket", "le": bound])
        }
    }
}
