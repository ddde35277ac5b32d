import ConfigTree
import MetricModel
import Scrape
import Testing

@Suite("What a configuration names is followed", .timeLimit(.minutes(5)))
struct ConfigInspectionTests {
    private let folder = TemporaryFolder()

    private func check(_ job: String, before: String = "") throws -> [String] {
        let problems = ConfigProblems(file: "p.yml")
        let text = "\(before)\nscrape_configs: [{job_name: a, \(job)}]\n"
        let root = ConfigSection(
            try YAMLReader.parse(Array(text.utf8), file: "p.yml"),
            type: "config.plain",
            path: "",
            problems: problems
        )
        let config = PrometheusConfig(reading: root, context: ConfigContext(directory: folder.path))
        try problems.throwIfAny()
        return ConfigInspection.check(config).map { finding in
            let head = (finding.isFailure ? "" : "WARNING: ") + finding.message
            return ([head] + finding.places).joined(separator: "\n").replacing(folder.path + "/", with: "")
        }
    }

    @Test(
        "files with targets",
        arguments: [
            ("t.json", #"[{"targets":["a:1"]}]"#, ""),
            (
                "t.json", #"[{"target": ["a:1"]}]"#,
                "checking SD file \"t.json\": json: unknown field \"target\"\nt.json:1:3: [0].target: json: unknown field \"target\" (did you mean targets?)"
            ),
            (
                "t.json", "",
                "checking SD file \"t.json\": unexpected end of JSON input\nt.json:1:1: unexpected end of JSON input"
            ),
            ("t.yml", "", ""), ("t.json", "null", ""),
            (
                "t.json", "[null]",
                "checking SD file \"t.json\": nil target group item found (index 0)\nt.json: nil target group item found (index 0)"
            ),
            (
                "t.yml", "- targets: [a:1]\n  labels: {\"\": x}",
                "checking SD file \"t.yml\": \"\" is not a valid label name\nt.yml:2:3: [0].labels: \"\" is not a valid label name"
            ),
            (
                "t.yml", "- targets: [a:1]\n  labels: {__scrape_interval__: 5s}",
                "instance 0 in group t.yml:0: scrape timeout cannot be greater than scrape interval (\"10s\" > \"5s\")"
            ), ("t.yml", "- targets: [a:1/x]", "instance 0 in group t.yml:0: \"a:1/x\" is not a valid hostname"),
            (
                "t.yaml", "a",
                "checking SD file \"t.yaml\": yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `a` into []*targetgroup.Group\nt.yaml:1:1: cannot unmarshal !!str `a` into []*targetgroup.Group"
            ),
        ]
    )
    func targets(name: String, text: String, expected: String) throws {
        folder.write(text, to: folder / name)
        #expect(try check("file_sd_configs: [{files: [\(name)]}]") == (expected.isEmpty ? [] : [expected]))
    }

    @Test(
        "the files of alertmanagers are followed, too",
        arguments: [
            (#"[{"targets":["a:1"]}]"#, ""),
            (
                #"[{"targets":["a:1"],"labels":{"a":1}}]"#,
                "checking SD file \"t.json\": json: cannot unmarshal number into Go struct field .a of type model.LabelValue"
            ), (#"[{"targets":["a:1/p"]}]"#, "\"a:1/p\" is not a valid hostname"),
            ("", "checking SD file \"t.json\": unexpected end of JSON input"),
        ]
    )
    func receivers(text: String, expected: String) throws {
        folder.write(text, to: folder / "t.json")
        let found = try check(
            "static_configs: []",
            before: "alerting: {alertmanagers: [{file_sd_configs: [{files: [t.json]}]}]}"
        )
        #expect(found.map { $0.split(separator: "\n").first ?? "" } == (expected.isEmpty ? [] : [expected[...]]))
        let none = "alerting: {alertmanagers: [{file_sd_configs: [{files: [n.json]}]}]}"
        #expect(
            try check("static_configs: []", before: none)
                == ["WARNING: file \"n.json\" for file_sd in alertmanager config does not exist"]
        )
    }

    @Test(
        "rule files that have to be there are those without a star",
        arguments: [("a?.yml", true), ("m[a].yml", true), ("no.yml", true), ("r?.yml", false), ("n*.yml", false)]
    )
    func rules(pattern: String, isMissing: Bool) throws {
        folder.write("", to: folder / "r1.yml")
        let found = try check("static_configs: []", before: "rule_files: ['\(pattern)']")
        #expect(found == (isMissing ? ["\"\(pattern)\" does not point to an existing file"] : []))
    }

    @Test(
        "null as a name is an empty one, which labels of targets may have",
        arguments: [
            ("global: {external_labels: {~: a}}", "\"\" is not a valid label name"),
            ("global: {null: a}", "yaml: unmarshal errors:\n  line 1: field  not found in type config.plain"),
        ]
    )
    func nullNames(before: String, reason: String) throws {
        let error = #expect(throws: ConfigError.self) { try check("static_configs: []", before: before) }
        #expect(error?.reason == reason)
        #expect(try check("static_configs: [{targets: [\"a:1\"], labels: {~: b}}]") == [])
        #expect(throws: ConfigError.self) { try check("static_configs: [{targets: [\"a:1\"], labels: {\"\": b}}]") }
    }

    @Test("what labels make of targets")
    func labels() throws {
        for (label, value, reason) in [
            ("__scrape_interval__", "5s", "scrape timeout cannot be greater than scrape interval (\"10s\" > \"5s\")"),
            ("__scrape_interval__", "x", "error parsing scrape interval: not a valid duration string: \"x\""),
            ("__scrape_interval__", "0s", "scrape interval cannot be 0"),
            ("__scrape_timeout__", "0s", "scrape timeout cannot be 0"),
            ("__scrape_timeout__", "2m", "scrape timeout cannot be greater than scrape interval (\"2m\" > \"1m\")"),
        ] {
            let found = try check(
                "static_configs: [{targets: [\"a:1\"]}, {targets: [\"b:1\"], labels: {\(label): \(value)}}]"
            )
            #expect(found == ["instance 0 in group 1: \(reason)"])
        }
        #expect(try check("static_configs: [{targets: [\"a:1\"], labels: {__scheme__: ftp}}]") == [])
    }

    @Test("files that are not there")
    func missing() throws {
        #expect(
            try check("authorization: {credentials_file: no}")
                == [
                    "error checking authorization credentials or bearer token file \"no\": stat no: no such file or directory"
                ]
        )
        #expect(
            try check("basic_auth: {username: u, password_file: no}")
                == ["error checking basic auth password file \"no\": stat no: no such file or directory"]
        )
        #expect(
            try check("tls_config: {ca_file: no}") == [
                "error checking CA cert file \"no\": stat no: no such file or directory"
            ]
        )
        #expect(
            try check("tls_config: {cert_file: c, key_file: k}") == [
                "error checking client cert file \"c\": stat c: no such file or directory",
                "error checking client key file \"k\": stat k: no such file or directory",
            ]
        )
        folder.write("no PEM", to: folder / "ca")
        #expect(
            try check("tls_config: {ca_file: ca}").first?.hasPrefix(
                "error creating new scrape pool for job \"a\": error creating HTTP client"
            ) == true
        )
        #expect(
            try check("file_sd_configs: [{files: [no.yml, \"no*.json\"]}]") == [
                "WARNING: file \"no.yml\" for file_sd in scrape job \"a\" does not exist",
                "WARNING: file \"no*.json\" for file_sd in scrape job \"a\" does not exist",
            ]
        )
        #expect(
            try check("honor_labels: true", before: "rule_files: [no.yml, \"no*.yml\"]") == [
                "\"no.yml\" does not point to an existing file"
            ]
        )
    }
}
