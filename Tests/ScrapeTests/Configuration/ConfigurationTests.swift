import ConfigTree
import MetricModel
import Scrape
import Testing

@Suite("The configuration", .timeLimit(.minutes(5)))
struct ConfigurationTests {
    private func read(_ text: String, environment: [String: String] = [:]) throws(ConfigError) -> PrometheusConfig {
        let problems = ConfigProblems(file: "prometheus.yml")
        let node = try YAMLReader.parse(Array(text.utf8), file: "prometheus.yml")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        let context = ConfigContext(directory: "/conf", environment: environment)
        let config = PrometheusConfig(reading: root, context: context)
        root.finish()
        try problems.throwIfAny()
        return config
    }

    private func error(_ text: String) -> ConfigError? {
        do throws(ConfigError) {
            _ = try read(text)
            return nil
        } catch {
            return error
        }
    }

    @Test("Prometheus's own shipped file loads")
    func shipped() throws {
        let config = try read(
            """
            {global: {scrape_interval: 15s, evaluation_interval: 15s},
             alerting: {alertmanagers: [{static_configs: [{targets: null}]}]},
             rule_files: null,
             scrape_configs: [{job_name: "prometheus", static_configs: [{targets: ["localhost:9090"], labels: {app: "prometheus"}}],
               scrape_native_histograms: true}]}
            """
        )
        #expect(config.jobs.map(\.jobName) == ["prometheus"])
        #expect(config.jobs.first?.scrapeInterval.description == "15s")
        #expect(config.jobs.first?.scrapeTimeout.description == "10s")
        #expect(config.jobs.first?.scrapeProtocols.first == .prometheusProto)
    }

    @Test(
        "what is wrong is told in Prometheus's words",
        arguments: [
            (
                "{scrape_configs: [{job_name: a,\nmetric_path: /x}]}",
                "yaml: unmarshal errors:\n  line 2: field metric_path not found in type config.ScrapeConfig"
            ),
            (
                "{scrape_configs: [{job_name: a, honor_labels: maybe,\nsample_limit: -1}], global: 3}",
                "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `maybe` into bool\n"
                    + "  line 2: cannot unmarshal !!int `-1` into uint\n  line 2: cannot unmarshal !!int `3` into config.plain"
            ), ("{scrape_configs: [{metrics_path: /x}]}", "job_name is empty"),
            ("{scrape_configs: [{job_name: x}, {job_name: x}]}", "found multiple scrape configs with job name \"x\""),
            (
                "{scrape_configs: [{job_name: x, scrape_interval: 5s, scrape_timeout: 6s}]}",
                "scrape timeout greater than scrape interval for scrape config with job name \"x\""
            ), ("{global: {scrape_timeout: 2m}}", "global scrape timeout greater than scrape interval"),
            (
                "{scrape_configs: [{job_name: x, scrape_interval: 5parsecs}]}",
                "unknown unit \"parsecs\" in duration \"5parsecs\""
            ),
            (
                "{scrape_configs: [{job_name: x, static_configs: [{targets: [\"http://a/\"]}]}]}",
                "\"http://a/\" is not a valid hostname"
            ),
            (
                "{scrape_configs: [{job_name: x, scrape_protocols: [prometheusproto]}]}",
                "scrape_protocols: unknown scrape protocol prometheusproto, supported: [OpenMetricsText0.0.1 "
                    + "OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0] for scrape config with job name \"x\""
            ),
            (
                "{scrape_configs: [{job_name: x, basic_auth: {username: a}, bearer_token: b}]}",
                "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"
            ),
            (
                "{scrape_configs: [{job_name: x, relabel_configs: [{action: repalce, target_label: a}]}]}",
                "unknown relabel action \"repalce\""
            ),
            (
                "{scrape_configs: [{job_name: x, kubernetes_sd_configs: [{role: pod}]}]}",
                "field kubernetes_sd_configs is not supported: targets are found by static, file, http and dns discovery only"
            ),
            (
                "{scrape_configs: [{job_name: x, tls_config: {server_name: 10.0.0.1}}]}",
                "field server_name is not supported: it is an address; a name is wanted, and certificates for the target's "
                    + "own address need none"
            ),
            ("{scrape_configs: [null]}", "empty or null scrape config section"),
            (
                "{scrape_configs: [{job_name: x, proxy_connect_header: true}]}",
                "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!bool `true` into config.ProxyHeader"
            ),
            (
                "{scrape_configs: [{job_name: x, proxy_url: \"http://p\", proxy_connect_header: {a: [b], a: [c]}}]}",
                "yaml: unmarshal errors:\n  line 1: key \"a\" already set in map"
            ),
            (
                "{scrape_configs: [{job_name: x, http_headers: {[a]: {values: [v]}}}]}",
                "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string"
            ),
            (
                "{scrape_configs: [{job_name: x, basic_auth: {password: [a], b: 1, b: 2}}]}",
                "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into config.plain\n"
                    + "  line 1: field b not found in type config.plain\n  line 1: field b not found in type config.plain"
            ),
            (
                "{scrape_configs: [{job_name: x, scheme: http, scheme: https}]}",
                "yaml: unmarshal errors:\n  line 1: field scheme already set in type config.ScrapeConfig"
            ),
            (
                "{scrape_configs: [{job_name: x, dns_sd_configs: 0, body_size_limit: []}]}",
                "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `0` into []*dns.SDConfig\n"
                    + "  line 1: cannot unmarshal !!seq into units.Base2Bytes"
            ),
            (
                "{scrape_configs: [{job_name: x, scrape_protocols: [{}]}]}",
                "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into config.ScrapeProtocol"
            ), ("{scrape_configs: [{job_name: x, oauth2: Null}]}", "oauth2 client_id must be configured"),
            (
                "{scrape_configs: [{job_name: x, relabel_configs: [{action: \"\"}]}]}",
                "unknown relabel action \"\""
            ),
            (
                "{scrape_configs: [{job_name: x, relabel_configs: [{action: }]}]}", "relabel action cannot be empty"
            ),
            (
                "{global: {metric_name_validation_scheme: legacy, external_labels: {a.b: c}}}",
                "\"a.b\" is not a valid label name"
            ),
            (
                "{scrape_configs: [{job_name: x, dns_sd_configs: [{names: [a], type: A}]}]}",
                "a port is required in DNS-SD configs for all record types except SRV"
            ),
        ] as [(String, String)]
    )
    func errors(text: String, message: String) {
        #expect(error(text)?.prometheusText == "parsing YAML file prometheus.yml: " + message)
    }

    @Test("what is wrong is told with file, place, field and what was probably meant")
    func places() {
        let error = error("{scrape_configs: [{job_name: a},\n {job_name: b, metric_path: /x}],\nglobul: {}}")
        #expect(
            error?.description == """
                prometheus.yml:2:16: scrape_configs[1].metric_path: field metric_path not found in type \
                config.ScrapeConfig (did you mean metrics_path?)
                prometheus.yml:3:1: globul: field globul not found in type config.plain (did you mean global?)
                """
        )
    }

    @Test("external labels expand variables of the environment")
    func expansion() throws {
        let config = try read(
            "{global: {external_labels: {a: \"${X}-$Y-$$-$\", b: plain}}}",
            environment: ["X": "1", "Y": "2"]
        )
        #expect(config.global.externalLabels == [Label(name: "a", value: "1-2-$-$"), Label(name: "b", value: "plain")])
    }

    @Test("the normalised form, without secrets")
    func text() throws {
        let config = try read(
            """
            {global: {scrape_interval: 15s, external_labels: {zone: "/root", a: "b c"}},
             scrape_configs: [{job_name: "prometheus", scrape_interval: 5s, params: {b: [x, "y z"], a: [q]},
               basic_auth: {username: u, password: p}, proxy_url: "http://a:b@localhost:1",
               tls_config: {insecure_skip_verify: true, min_version: TLS12},
               http_headers: {X-A: {values: [a], secrets: [s], files: [/tmp/x]}}, body_size_limit: 10MB,
               relabel_configs: [{source_labels: [a, __b], target_label: x, replacement: ""},
                 {action: labeldrop, regex: "foo.*"}, {action: hashmod, modulus: 4, source_labels: [a], target_label: h}],
               static_configs: [{targets: ["localhost:9999"], labels: {app: "prometheus"}}],
               dns_sd_configs: [{names: [a.b], type: A, port: 80}], file_sd_configs: [{files: ["/x/*.json"]}],
               http_sd_configs: [{url: "http://localhost:1/x", authorization: {credentials: abc}}]}]}
            """
        )
        #expect(config.yaml == Self.normalised)
    }

    static let normalised = """
        global:
          scrape_interval: 15s
          scrape_timeout: 10s
          scrape_protocols:
          - OpenMetricsText1.0.0
          - OpenMetricsText0.0.1
          - PrometheusText1.0.0
          - PrometheusText0.0.4
          evaluation_interval: 1m
          external_labels:
            a: b c
            zone: /root
          metric_name_validation_scheme: utf8
          scrape_native_histograms: false
          extra_scrape_metrics: false
        runtime:
          gogc: 75
        scrape_configs:
        - job_name: prometheus
          honor_timestamps: true
          track_timestamps_staleness: false
          params:
            a:
            - q
            b:
            - x
            - y z
          scrape_interval: 5s
          scrape_timeout: 5s
          scrape_protocols:
          - OpenMetricsText1.0.0
          - OpenMetricsText0.0.1
          - PrometheusText1.0.0
          - PrometheusText0.0.4
          scrape_native_histograms: false
          always_scrape_classic_histograms: false
          convert_classic_histograms_to_nhcb: false
          metrics_path: /metrics
          scheme: http
          enable_compression: true
          body_size_limit: 10MiB
          metric_name_validation_scheme: utf8
          metric_name_escaping_scheme: allow-utf-8
          extra_scrape_metrics: false
          basic_auth:
            username: u
            password: <secret>
          tls_config:
            insecure_skip_verify: true
            min_version: TLS12
          follow_redirects: true
          enable_http2: true
          proxy_url: http://a:xxxxx@localhost:1
          http_headers:
            X-A:
              values:
              - a
              secrets:
              - <secret>
              files:
              - /tmp/x
          relabel_configs:
          - source_labels: [a, __b]
            separator: ;
            target_label: x
            replacement: ""
            action: replace
          - separator: ;
            regex: foo.*
            replacement: $1
            action: labeldrop
          - source_labels: [a]
            separator: ;
            modulus: 4
            target_label: h
            replacement: $1
            action: hashmod
          dns_sd_configs:
          - names:
            - a.b
            refresh_interval: 30s
            type: A
            port: 80
          file_sd_configs:
          - files:
            - /x/*.json
            refresh_interval: 5m
          http_sd_configs:
          - authorization:
              type: Bearer
              credentials: <secret>
            follow_redirects: true
            enable_http2: true
            refresh_interval: 1m
            url: http://localhost:1/x
          static_configs:
          - targets:
            - localhost:9999
            labels:
              app: prometheus
        otlp:
          translation_strategy: UnderscoreEscapingWithSuffixes

        """
}
