import ConfigTree
import MetricModel
import Scrape
import Testing

/// Every field of a job that Prometheus knows: it is read (and shown in the normalised form), or refused by its name.
@Suite("The fields of a job", .timeLimit(.minutes(5)))
struct ScrapeFieldTests {
    private func job(_ text: String) throws(ConfigError) -> ScrapeConfig? {
        let problems = ConfigProblems(file: "f")
        let node = try YAMLReader.parse(Array("{scrape_configs: [{job_name: j, \(text)}]}".utf8), file: "p")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        let config = PrometheusConfig(reading: root, context: ConfigContext(directory: "/c"))
        root.finish()
        try problems.throwIfAny()
        return config.jobs.first
    }

    /// Fields that are read as they stand.
    static let read = [
        "honor_labels: true", "honor_timestamps: false", "track_timestamps_staleness: true", "scrape_interval: 7s",
        "scrape_timeout: 3s", "fallback_scrape_protocol: PrometheusProto", "scrape_native_histograms: true",
        "always_scrape_classic_histograms: true", "convert_classic_histograms_to_nhcb: true",
        "scrape_failure_log_file: /x", "metrics_path: /x", "scheme: https", "enable_compression: false",
        "body_size_limit: 10KiB", "sample_limit: 3", "label_limit: 3", "label_name_length_limit: 3",
        "label_value_length_limit: 3", "target_limit: 3", "keep_dropped_targets: 3", "native_histogram_bucket_limit: 3",
        "native_histogram_min_bucket_factor: 1.5", "metric_name_validation_scheme: legacy",
        "metric_name_escaping_scheme: dots", "extra_scrape_metrics: true", "follow_redirects: false",
        "enable_http2: false", "proxy_from_environment: true",
    ]

    @Test("limits as large as a number can be are taken")
    func largest() throws {
        #expect(try job("sample_limit: 18446744073709551616")?.limits.samples == .max)
        #expect(throws: ConfigError.self) { try job("sample_limit: 18446744073709555000") }
    }

    @Test("what is behind the point of a whole number is cut off, as go-yaml does it")
    func fractions() throws {
        #expect(try job("sample_limit: 1.5")?.limits.samples == 1)
        #expect(throws: ConfigError.self) { try job("sample_limit: -1.5") }
        #expect(throws: ConfigError.self) { try job("sample_limit: .nan") }
    }

    @Test(
        "null is not looked at by types that look at themselves",
        arguments: ["alerting: {alertmanagers: [{api_version: }]}", "tracing: {endpoint: a, client_type: ~}"]
    )
    func unseen(text: String) throws {
        let problems = ConfigProblems(file: "p.yml")
        let root = ConfigSection(
            try YAMLReader.parse(Array(text.utf8), file: "p.yml"),
            type: "config.plain",
            path: "",
            problems: problems
        )
        _ = PrometheusConfig(reading: root, context: ConfigContext())
        #expect(problems.problems == [])
    }

    @Test("nothing is the default, as go-yaml passes over it", arguments: ["", "~", "null"])
    func passedOver(nothing: String) throws {
        #expect(try job("scrape_interval: \(nothing), tls_config: {min_version: \(nothing)}") != nil)
    }

    @Test("numbers without an end are shown so that they read back", arguments: [".inf", "-.inf", ".nan", "1e+21"])
    func endless(factor: String) throws {
        let field = "native_histogram_min_bucket_factor: \(factor)"
        #expect(try job(field)?.yaml.contains(field + "\n") == true)
    }

    @Test(
        "addresses that Go's net/url does not take are refused in its words",
        arguments: [
            ("proxy_url: \"a\\tb\"", #"parse "a\tb": net/url: invalid control character in URL"#),
            ("proxy_url: 12:30", #"parse "12:30": first path segment in URL cannot contain colon"#),
            ("proxy_url: \"http://[::1\"", #"parse "http://[::1": missing ']' in host"#),
            ("proxy_url: \"http://u:%zz@x\"", #"parse "http://u:xxxxx@x": invalid URL escape "%zz""#),
            ("proxy_url: \"http://a b:c@x\"", #"parse "http://a b:xxxxx@x": net/url: invalid userinfo"#),
            (
                "oauth2: {client_id: a, token_url: b, proxy_url: \"http://x y\"}",
                #"parse "http://x y": invalid character " " in host name"#
            ),
            ("http_sd_configs: [{url: \"http://%zz\"}]", #"parse "http://%zz": invalid URL escape "%zz""#),
            ("http_sd_configs: [{url: \"http://a:b/\"}]", #"parse "http://a:b/": invalid port ":b" after host"#),
            ("http_sd_configs: [{url: \"http:a\"}]", "host is missing in URL"),
            ("http_sd_configs: [{url: \"http://u@/a\"}]", "host is missing in URL"),
            ("http_sd_configs: [{url: a}]", "URL scheme must be 'http' or 'https'"),
            ("http_sd_configs: [{url: \"\"}]", "URL is missing"),
            ("tls_config: {min_version: \"\"}", "unknown TLS version: "),
            ("tls_config: {min_version: Null}", "unknown TLS version: "),
            ("scrape_interval: Null", "empty duration string"), ("scrape_timeout: NULL", "empty duration string"),
        ] as [(String, String)]
    )
    func addresses(field: String, message: String) {
        do throws(ConfigError) {
            _ = try job(field)
            Issue.record("accepted: \(field)")
        } catch {
            #expect(error.prometheusText.hasSuffix(message), "\(error.prometheusText)")
        }
    }

    @Test(
        "why an address in brackets is none is told in Go's words; nil where it is one",
        arguments: [
            ("::", nil), ("::1%25a%25b", nil), ("::ffff:1.2.3.4", nil), ("1:2:3:4:5:6:1.2.3.4", nil),
            ("a", "unable to parse IP"), ("1:2:3", "address string too short"), ("%25a", "missing IPv6 address"),
            ("12345::", #"each group must have 4 or less digits (at "12345::")"#),
            ("::1x", #"unexpected character, want colon (at "x")"#),
            ("1:2:3:4:5:6:7:8:9", #"trailing garbage after address (at "9")"#),
            ("1:2:3:4:5:6:7::8", "the :: must expand to at least one field of zeros"),
            ("1:2:3:4:5:6:7:8::", "the :: must expand to at least one field of zeros"),
            ("1::2::3", #"multiple :: in address (at ":3")"#),
            ("::g", #"each colon-separated field must have at least one digit (at "g")"#),
            ("1::2:", #"colon must be followed by more characters (at ":")"#),
            ("::1.2.3", "IPv4 address too short"), ("::1.2.3.4.5", "IPv4 address too long"),
            ("::01.2.3.4", "IPv4 field has octet with leading zero"), ("::256.0.0.1", "IPv4 field has value >255"),
            ("::1..2.3", #"IPv4 field must have at least one digit (at ".2.3")"#),
            ("::1.2.3.", #"IPv4 field must have at least one digit (at ".")"#),
            ("1.2.3.x", #"unexpected character (at "x")"#),
            (
                "1:2:3:4:5:6:7:1.2.3.4",
                #"embedded IPv4 address must replace the final 2 fields of the address (at "1.2.3.4")"#
            ),
            (
                "1:2::3:4:5:6:7:1.2.3.4",
                #"too many hex fields to fit an embedded IPv4 at the end of the address (at "1.2.3.4")"#
            ),
        ] as [(String, String?)]
    )
    func literals(literal: String, reason: String?) {
        do throws(ConfigError) {
            _ = try job("proxy_url: \"http://[\(literal)]:80\"")
            #expect(reason == nil)
        } catch {
            let text = literal.replacing("%25", with: "%")
            let parsed = "invalid host: ParseAddr(\"\(text)\"): \(reason ?? "nothing")"
            #expect(error.prometheusText.hasSuffix(parsed), "\(error.prometheusText)")
        }
    }

    @Test("are read", arguments: read)
    func plain(field: String) throws {
        #expect(try job(field)?.yaml.contains(field + "\n") == true)
        #expect(try job("")?.yaml.contains(field + "\n") == false)
    }

    @Test(
        "that are sections or lists are read",
        arguments: [
            ("params: {a: [b, c]}", "params:\n  a:\n  - b\n  - c\n"),
            ("scrape_protocols: [PrometheusProto]", "scrape_protocols:\n- PrometheusProto\n"),
            (
                "basic_auth: {username: u, password_file: p}",
                "basic_auth:\n  username: u\n  password_file: /c/p\n"
            ), ("basic_auth: {username_file: u, password: p}", "  username_file: /c/u\n  password: <secret>\n"),
            (
                "authorization: {type: T, credentials: x}",
                "authorization:\n  type: T\n  credentials: <secret>\n"
            ), ("authorization: {credentials_file: x}", "  type: Bearer\n  credentials_file: /c/x\n"),
            ("bearer_token: x", "authorization:\n  type: Bearer\n  credentials: <secret>\n"),
            ("bearer_token_file: x", "authorization:\n  type: Bearer\n  credentials_file: /c/x\n"),
            (
                "oauth2: {client_id: i, client_secret: s, scopes: [a], token_url: u, endpoint_params: {k: v}, "
                    + "tls_config: {server_name: name}, proxy_url: \"http://p:1\"}",
                "oauth2:\n  client_id: i\n  client_secret: <secret>\n  scopes:\n  - a\n  token_url: u\n"
                    + "  endpoint_params:\n    k: v\n  tls_config:\n    server_name: name\n    insecure_skip_verify: false\n"
                    + "  proxy_url: http://p:1\n"
            ), ("oauth2: {client_id: i, client_secret_file: s, token_url: u}", "  client_secret_file: /c/s\n"),
            (
                "tls_config: {ca_file: a, cert_file: b, key_file: c, server_name: name, insecure_skip_verify: true, "
                    + "min_version: TLS12, max_version: TLS13}",
                "tls_config:\n  ca_file: /c/a\n  cert_file: /c/b\n  key_file: /c/c\n  server_name: name\n"
                    + "  insecure_skip_verify: true\n  min_version: TLS12\n  max_version: TLS13\n"
            ), ("tls_config: {ca: a, cert: b, key: c}", "tls_config:\n  ca: a\n  cert: b\n  key: <secret>\n"),
            (
                "proxy_url: \"http://p:1\", no_proxy: x, proxy_connect_header: {A: [b]}",
                "proxy_url: http://p:1\nno_proxy: x\nproxy_connect_header:\n  A:\n  - <secret>\n"
            ), ("http_headers: {A: {values: [b]}}", "http_headers:\n  A:\n    values:\n    - b\n"),
            ("http_headers: {A: {files: [b]}}", "    files:\n    - /c/b\n"),
            (
                "relabel_configs: [{action: drop, source_labels: [a], regex: b}]",
                "relabel_configs:\n- source_labels: [a]\n  separator: ;\n  regex: b\n  replacement: $1\n  action: drop\n"
            ), ("metric_relabel_configs: [{target_label: a}]", "metric_relabel_configs:\n"),
            ("static_configs: [{targets: [\"a:1\"], labels: {b: c}}]", "static_configs:\n- targets:\n  - a:1\n"),
            ("file_sd_configs: [{files: [a.yml], refresh_interval: 1m}]", "file_sd_configs:\n- files:\n  - /c/a.yml\n"),
            ("http_sd_configs: [{url: \"http://h/\"}]", "http_sd_configs:\n"),
            ("dns_sd_configs: [{names: [a], type: MX, port: 1}]", "dns_sd_configs:\n- names:\n  - a\n"),
        ]
    )
    func structured(field: String, shown: String) throws {
        let yaml = try job(field)?.yaml ?? ""
        #expect(yaml.contains(shown), "\(yaml)")
    }

    @Test(
        "that are not supported are refused by name",
        arguments: [
            ("basic_auth: {username_ref: x}", "username_ref"), ("basic_auth: {password_ref: x}", "password_ref"),
            ("authorization: {credentials_ref: x}", "credentials_ref"), ("tls_config: {ca_ref: x}", "ca_ref"),
            ("tls_config: {cert_ref: x}", "cert_ref"), ("tls_config: {key_ref: x}", "key_ref"),
            ("tls_config: {server_name: \"::1\"}", "server_name"),
            ("oauth2: {client_id: a, token_url: b, grant_type: c}", "grant_type"),
            ("oauth2: {client_id: a, token_url: b, client_secret_ref: c}", "client_secret_ref"),
            ("oauth2: {client_id: a, token_url: b, signature_algorithm: c}", "signature_algorithm"),
            ("docker_sd_configs: [{host: a}]", "docker_sd_configs"),
            ("ec2_sd_configs: [{region: a}]", "ec2_sd_configs"),
            ("consul_sd_configs: [{server: a}]", "consul_sd_configs"),
        ]
    )
    func refused(text: String, field: String) {
        do throws(ConfigError) {
            _ = try job(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.prometheusText.contains("field \(field) is not supported: "), "\(error.prometheusText)")
        }
    }

    @Test("that nobody knows are refused too")
    func unknown() {
        #expect(throws: ConfigError.self) { try job("honour_labels: true") }
    }
}
