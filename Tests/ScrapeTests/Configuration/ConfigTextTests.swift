import ConfigTree
import MetricModel
import Scrape
import Testing

@Suite("The shown configuration", .timeLimit(.minutes(5)))
struct ConfigTextTests {
    private func read(_ text: String) throws -> PrometheusConfig {
        let problems = ConfigProblems(file: "p")
        let node = try YAMLReader.parse(Array(text.utf8), file: "p")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        let config = PrometheusConfig(reading: root, context: ConfigContext())
        root.finish()
        try problems.throwIfAny()
        return config
    }

    private func shown(_ value: String) throws -> String {
        var config = PrometheusConfig()
        config.global.externalLabels = [Label(name: "a", value: value)]
        let line = config.yaml.split(separator: "\n", omittingEmptySubsequences: false).first {
            $0.hasPrefix("    a: ")
        }
        return String(try #require(line).dropFirst(7))
    }

    @Test(
        "what a YAML reader would take for something else has quotes",
        arguments: [
            ("12:30:45", "\"12:30:45\""), ("1:2", "\"1:2\""), ("-1:20.5", "\"-1:20.5\""),
            ("2020-01-01", "\"2020-01-01\""),
            ("2020-1-1", "\"2020-1-1\""), ("2020-01-01 10:00:00 Z", "\"2020-01-01 10:00:00 Z\""), ("yes", "\"yes\""),
            ("n", "\"n\""),
            ("Off", "\"Off\""), ("true", "\"true\""), ("~", "\"~\""), ("null", "\"null\""), ("12", "\"12\""),
            ("0x1f", "\"0x1f\""),
            ("0o17", "\"0o17\""), ("1_0", "\"1_0\""), ("1e3", "\"1e3\""), (".inf", "\".inf\""), ("<<", "\"<<\""),
            ("=", "'='"),
            ("*a", "'*a'"), ("&a", "'&a'"), ("!a", "'!a'"), ("%a", "'%a'"), ("@a", "'@a'"), ("`a", "'`a'"),
            ("- a", "'- a'"),
            ("? a", "'? a'"), ("a: b", "'a: b'"), ("a #b", "'a #b'"), ("#a", "'#a'"), ("a:", "'a:'"), (" a", "' a'"),
            ("a ", "'a '"),
            ("---", "'---'"), ("[a", "'[a'"), ("{a", "'{a'"), ("'a", "'''a'"), ("\"a", "'\"a'"), ("|", "'|'"),
            (">", "'>'"),
            ("a\tb", "\"a\\tb\""), ("\u{85}", "\"\\u0085\""), ("\u{feff}a", "\"\\ufeffa\""), ("a:b", "a:b"),
            ("/root", "/root"),
            ("b c", "b c"), ("1.2.3", "1.2.3"), ("10.0.0.1:80", "10.0.0.1:80"), ("5m", "5m"), ("a-b", "a-b"),
            ("ü", "ü"), ("a#b", "a#b"),
        ]
    )
    func quotes(value: String, text: String) throws {
        #expect(try shown(value) == text)
    }

    @Test("whatever the texts are, the shown configuration reads as itself")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 20_261_128)
        let pieces = [
            "a", "B", "1", "0", ":", " ", "-", "#", "\n", "\t", "'", "\"", "\\", "[", "]", "{", "}", ",", "&", "*", "!",
            "|", ">", "%", "@",
            "`", "?", "=", "<", "~", ".", "_", "$", "é", "😀", "\u{7f}", "\u{85}", "\u{2028}", "\u{feff}", "\r", "\u{1}",
            "yes", "null",
            "2020-01-01", "12:30", "0x", "1e3", "---", "...", "<<", "  ", "\n\n", ": ", " #", "- ",
        ]
        func text() -> String {
            (0..<Int(random.next() % 6)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
        }
        func named() -> String { "x" + text() }
        for _ in 0..<400 {
            var config = PrometheusConfig()
            config.global.externalLabels = [Label(name: named(), value: text().replacing("$", with: "d"))]
            var job = ScrapeConfig(jobName: named())
            job.metricsPath = named()
            job.params = [named(): [text(), text()]]
            job.relabelRules = [
                try RelabelRule(
                    sourceLabels: [named(), named()],
                    separator: text(),
                    targetLabel: named(),
                    replacement: text()
                )
            ]
            job.discovery = [
                .fixed([
                    TargetGroup(
                        source: "0",
                        targets: [[Label(name: "__address__", value: named())]],
                        labels: [Label(name: named(), value: text())]
                    )
                ])
            ]
            config.scrapeConfigs = [job]
            let again = try read(config.yaml)
            #expect(again.global.externalLabels == config.global.externalLabels)
            #expect(again.scrapeConfigs == config.scrapeConfigs)
            #expect(again.yaml == config.yaml)
        }
    }
}
