import Exposition
import MetricModel
import Testing

@Suite("Scraping OpenMetrics", .timeLimit(.minutes(5)))
struct OpenMetricsScrapeTests {
    @Test("Everything a body can have")
    func reads() {
        let body = """
            # HELP http text with \\"escapes\\" and \\\\
            # TYPE http counter
            # UNIT http_seconds seconds
            http_total{code="200",method="a\\"b"} 17 1520879607.789 # {id="x\\"y",n="1"} 0.5 1520879607.123
            http_created{code="200"} 1520430000.1
            http_total 1 # {} 2
            # TYPE h histogram
            h_bucket{le="1"} 3 # {id="z"} 0.1
            {"dotted.name","l.x"="v"} 2
            plain 1e3
            # TYPE st stateset
            # TYPE i info
            i_info{v="1"} 1
            # EOF

            """
        #expect(
            scrapeTranscript(body, .openMetrics) == [
                #"help http text with "escapes" and \"#, "type http counter", "unit http_seconds seconds",
                #"{__name__="http_total", code="200", method="a\"b"} 17 @1520879607789 # {id="x\\\"y", n="1"} 0.5 @1520879607123"#,
                #"{__name__="http_created", code="200"} 1.5204300001e+09"#,
                #"{__name__="http_total"} 1 # {} 2"#, "type h histogram",
                #"{__name__="h_bucket", le="1.0"} 3 # {id="z"} 0.1"#,
                #"{__name__="dotted.name", "l.x"="v"} 2"#, #"{__name__="plain"} 1000"#, "type st stateset",
                "type i info", #"{__name__="i_info", v="1"} 1"#,
            ]
        )
    }

    @Test(
        "Errors in Prometheus's words",
        arguments: [
            ("", "data does not end with # EOF"),
            ("m 1\n", "data does not end with # EOF"),
            ("m 1", "data does not end with # EOF"),
            ("m", #"expected value after metric, got "m" ("EOF") while parsing: "m""#),
            ("# EOF\n\n", "unexpected data after # EOF"),
            ("\nm 1\n# EOF\n", #"expected a valid start token, got "\n" ("INVALID") while parsing: "\n""#),
            ("# x\n# EOF\n", ##"expected a valid start token, got "# x" ("INVALID") while parsing: "# x""##),
            ("#TYPE m gauge\n# EOF\n", ##"expected a valid start token, got "#T" ("INVALID") while parsing: "#T""##),
            ("# TYPE m untyped\n# EOF\n", #"invalid metric type "untyped""#),
            ("# TYPE m\n# EOF\n", "expected text in TYPE"),
            ("# UNIT m_x bytes\n# EOF\n", #"unit "bytes" not a suffix of metric "m_x""#),
            ("# UNIT bytes bytes\n# EOF\n", #"unit "bytes" not a suffix of metric "bytes""#),
            ("m  1\n# EOF\n", #"expected value after metric, got "  " ("INVALID") while parsing: "m  ""#),
            (
                "m{a=\"b\"c=\"d\"} 1\n# EOF\n",
                #"expected comma or brace close, got "c=" ("LNAME") while parsing: "m{a=\"b\"c=""#
            ),
            (
                "m{a=\"b\", c=\"d\"} 1\n# EOF\n",
                #"expected label name, got " " ("INVALID") while parsing: "m{a=\"b\", ""#
            ),
            (
                "m 1 2 3\n# EOF\n",
                #"expected next entry after timestamp, got " 3\n" ("TIMESTAMP") while parsing: "m 1 2 3\n""#
            ),
            ("m 1 NaN\n# EOF\n", "invalid timestamp NaN"),
            (
                "m 1 # {a=\"b\"}\n# EOF\n",
                ##"expected value after exemplar labels, got "\n" ("INVALID") while parsing: "m 1 # {a=\"b\"}\n""##
            ),
            ("m 1 # {a=\"b\"} 1 +Inf\n# EOF\n", "invalid exemplar timestamp +Inf"),
            (
                "m 1 # {\"a\"} 1\n# EOF\n",
                ##"expected label name, got "} " ("BCLOSE") while parsing: "m 1 # {\"a\"} ""##
            ),
            ("{a=\"b\"} 1\n# EOF\n", #"metric name not set while parsing: "{a=\"b\"} 1""#),
        ]
    )
    func fails(body: String, expected: String) {
        #expect(scrapeTranscript(body, .openMetrics).last == "error: " + expected)
    }

    @Test("Start times are found ahead and their series left out")
    func startTimes() {
        let body = Array(
            """
            # TYPE c counter
            c_total{a="1"} 1
            c_created{a="1"} 100.5
            c_total{a="2"} 1
            c_total{a="3"} 1
            c_created{a="3"} 300
            # TYPE h histogram
            h_bucket{le="1.0"} 1
            h_bucket{le="+Inf"} 1
            h_count 1
            h_sum 1
            h_created 7
            # TYPE g gauge
            g_created 1
            # EOF

            """.utf8
        )
        var options = ScrapeOptions()
        options.skipsCreatedSeries = true
        var found: [String] = []
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .openMetrics, options: options)
            while let entry = try? parser.next() {
                guard entry == .series else { continue }
                let name = parser.labels().name
                found.append("\(name) \(parser.startTimestamp().map(String.init) ?? "-")")
            }
        }
        #expect(
            found == [
                "c_total 100500", "c_total -", "c_total 300000", "h_bucket 7000", "h_bucket 7000", "h_count 7000",
                "h_sum 7000", "g_created -",
            ]
        )
    }

    @Test("Leads, with times")
    func leads() {
        let first = Array("a{x=\"1\"} 1 10.5\nb 2\n# EOF\n".utf8)
        let second = Array("a{x=\"1\"} 3.5 11\nb 4 # {t=\"x\"} 1\n# EOF\n".utf8)
        var leads: [[UInt8]] = []
        first.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .openMetrics)
            while let entry = try? parser.next(), entry == .series { leads.append(Array(parser.leadBytes)) }
        }
        second.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .openMetrics)
            #expect(leads[0].withUnsafeBytes { parser.advance(over: $0) })
            #expect(parser.value == 3.5 && parser.timestamp == 11000)
            // An exemplar must not be stepped over.
            #expect(!leads[1].withUnsafeBytes { parser.advance(over: $0) })
            #expect((try? parser.next()) == .series)
            #expect(parser.nextExemplar() == Exemplar(labels: ["t": "x"], value: 1))
        }
    }
}
