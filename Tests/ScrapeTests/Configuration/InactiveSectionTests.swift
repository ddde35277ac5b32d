import ConfigTree
import MetricModel
import Scrape
import Testing

@Suite("Sections without effect", .timeLimit(.minutes(5)))
struct InactiveSectionTests {
    private func read(_ text: String) throws(ConfigError) -> (config: PrometheusConfig, warnings: [String]) {
        let problems = ConfigProblems(file: "p.yml")
        let node = try YAMLReader.parse(Array(text.utf8), file: "p.yml")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        let config = PrometheusConfig(reading: root, context: ConfigContext())
        root.finish()
        try problems.throwIfAny()
        return (config, problems.warnings.map(\.message))
    }

    @Test(
        "they are read, told and shown without secrets",
        arguments: [
            (
                "tracing: {client_type: http, endpoint: \"h:4317\", sampling_fraction: 0.5, insecure: true, compression: gzip, "
                    + "headers: {a: s3cr3t}, timeout: 5s, tls_config: {insecure_skip_verify: true}}",
                "tracing has no effect here: no traces are sent"
            ),
            (
                "remote_write: [{url: \"http://h/w\", queue_config: {max_shards: 5000}}]",
                "no more than 1000 shards run at a time"
            ),
        ]
    )
    func told(text: String, warning: String) throws {
        let (config, warnings) = try read(text)
        #expect(warnings == [warning])
        #expect(!config.yaml.contains("s3cr3t") && !config.yaml.contains("u:p@"))
        #expect(try read(config.yaml).config.yaml == config.yaml)
    }

    @Test(
        "what works is told as it is written, without secrets",
        arguments: [
            "remote_write: [{url: \"http://u:p@h/w\", remote_timeout: 3s, name: a, headers: {X: y}, send_exemplars: true, "
                + "basic_auth: {username: u, password: s3cr3t}, write_relabel_configs: [{action: drop, regex: x}], "
                + "queue_config: {capacity: 1, max_shards: 2, min_backoff: 1s, retry_on_http_429: true}, "
                + "metadata_config: {send: false}, protobuf_message: io.prometheus.write.v2.Request}]",
            "remote_read: [{url: \"http://u:p@h/r\", read_recent: true, required_matchers: {a: b}, filter_external_labels: false, "
                + "chunked_read_limit: 1000, remote_timeout: 3s, name: a, authorization: {credentials: s3cr3t}}]",
            "otlp: {promote_resource_attributes: [a, b], translation_strategy: NoTranslation, listen: \":4318\", "
                + "keep_identifying_resource_attributes: true, convert_histograms_to_nhcb: false, promote_scope_metadata: true}",
        ]
    )
    func shown(text: String) throws {
        let (config, warnings) = try read(text)
        #expect(warnings == [])
        #expect(!config.yaml.contains("s3cr3t") && !config.yaml.contains("u:p@"))
        #expect(try read(config.yaml).config.yaml == config.yaml)
    }

    @Test func `a remote write as it is read`() throws {
        let text =
            "remote_write: [{url: \"http://h/w\"}, {url: \"http://h/w\", name: b, remote_timeout: 3s, send_exemplars: true, "
            + "queue_config: {capacity: 7, max_shards: 2, batch_send_deadline: 1s}, protobuf_message: io.prometheus.write.v2.Request}]"
        let all = try read(text).config.remoteWrites
        #expect(all.map(\.queue.capacity) == [10_000, 7])
        #expect(all.map(\.isVersion2) == [false, true])
        #expect(all.map(\.timeout) == [30_000, 3000])
        #expect(all.first?.name.utf8.count == 6)
        #expect(all.last?.name == "b")
        #expect(all.last?.queue.batchSendDeadline == 1000)
    }

    /// Fields of `queue_config` and `metadata_config` with too many of something, and what is told of each.
    @Test(arguments: [
        (["capacity: 9223372036854775807", "max_shards: 2"], ["1000000 samples wait in a shard"]),
        (["max_samples_per_send: 1000001"], ["1000000 samples are sent in a request"]),
        (
            ["min_shards: 9223372036854775807", "max_shards: 9223372036854775807"],
            ["1000 shards run at a time", "1000 shards run at a time"]
        ),
        (["min_shards: 20000000"], ["1000 shards run at a time"]),
    ])
    func `a queue has bounds, whatever is written`(_ fields: [String], _ told: [String]) throws {
        let text =
            "remote_write: [{url: \"http://h/w\", queue_config: {\(fields.joined(separator: ", "))}, "
            + "metadata_config: {max_samples_per_send: 9223372036854775807}}]"
        let (config, warnings) = try read(text)
        let families = "1000000 families are sent in a request"
        #expect(warnings.sorted() == (told + [families]).map { "no more than \($0)" }.sorted())
        let entry = try #require(config.remoteWrites.first)
        #expect(entry.queue.capacity <= 1_000_000 && entry.queue.maxSamplesPerSend <= 1_000_000)
        #expect(entry.queue.minShards <= entry.queue.maxShards && entry.queue.maxShards <= 1000)
        #expect(entry.metadataPerSend == 1_000_000)
        // It is shown as it was written.
        #expect(try read(config.yaml).config.yaml == config.yaml)
    }

    @Test(
        "what a server shows of its own accord is no section",
        arguments: [
            "otlp: {}", "otlp: {translation_strategy: UnderscoreEscapingWithSuffixes}", "remote_write: []",
            "tracing: null",
        ]
    )
    func quiet(text: String) throws {
        #expect(try read(text).warnings == [])
    }

    @Test(
        "mistakes in them are refused in Prometheus's words",
        arguments: [
            ("remote_write: [{}]", "url for remote_write is empty"),
            ("remote_write: [null]", "empty or null remote write config section"),
            (
                "remote_write: [{url: x, name: [], headers: 1}]",
                "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string\n"
                    + "  line 1: cannot unmarshal !!int `1` into map[string]string"
            ),
            (
                "{global: {metric_name_validation_scheme: legacy}, "
                    + "remote_write: [{url: x, write_relabel_configs: [{target_label: a.b}]}]}",
                "\"a.b\" is invalid 'target_label' for replace action"
            ), ("remote_read: [{url: x, required_matchers: {\"\": v}}]", "\"\" is not a valid label name"),
            ("tracing: Null", "tracing endpoint must be set"),
            ("tracing: {endpoint: a, headers: {Host: b}}", "Host is a reserved header. It must not be changed"),
            (
                "tracing: {endpoint: a, headers: {authorization: b}}",
                "custom authorization header configuration is not yet supported"
            ),
            ("remote_write: [{url: \":x\"}]", "parse \":x\": missing protocol scheme"),
            ("remote_write: [{url: \"http://%zz\"}]", "parse \"http://%zz\": invalid URL escape \"%zz\""),
            ("remote_read: [{url: \"12:30\"}]", "parse \"12:30\": first path segment in URL cannot contain colon"),
            ("remote_read: [{url: \"http://h:x/\"}]", "parse \"http://h:x/\": invalid port \":x\" after host"),
            (
                "remote_write: [{url: x, protobuf_message: \"\"}]",
                "invalid protobuf_message value: unknown remote write protobuf message , supported: prometheus.WriteRequest, "
                    + "io.prometheus.write.v2.Request"
            ),
            (
                "{global: {metric_name_validation_scheme: legacy}, otlp: {translation_strategy: NoTranslation}}",
                "OTLP translation strategy \"NoTranslation\" is not allowed when UTF8 is disabled"
            ),
            (
                "remote_write: [{url: x, foo: 1, queue_config: {x: 1}, sigv4: {y: 1}}]",
                "yaml: unmarshal errors:\n  line 1: field foo not found in type config.plain\n"
                    + "  line 1: field x not found in type config.QueueConfig\n  line 1: field y not found in type sigv4.plain"
            ),
            (
                "remote_write: [{url: x, name: a}, {url: x, name: a}]",
                "found multiple remote write configs with job name \"a\""
            ),
            (
                "remote_write: [{url: x, headers: {authorization: a}}]",
                "authorization header must be changed via the basic_auth, authorization, oauth2, or sigv4 parameter"
            ),
            (
                "remote_write: [{url: x, headers: {user-agent: a}}]",
                "user-agent is a reserved header. It must not be changed"
            ),
            (
                "remote_write: [{url: x, protobuf_message: a}]",
                "invalid protobuf_message value: unknown remote write protobuf message a, supported: prometheus.WriteRequest, "
                    + "io.prometheus.write.v2.Request"
            ),
            (
                "remote_write: [{url: x, sigv4: {region: a}, basic_auth: {username: a}}]",
                "at most one of basic_auth, authorization, oauth2, or sigv4 must be configured. Currently configured: [basic_auth sigv4]"
            ),
            (
                "remote_write: [{url: x, write_relabel_configs: [null]}]",
                "empty or null relabeling rule in remote write config"
            ),
            (
                "remote_write: [{url: x}, {url: x}]",
                "duplicate remote write configs are not allowed, found duplicate for URL: x"
            ),
            (
                "remote_write: [{url: x, sigv4: {region: a}}]",
                "field sigv4 is not supported: Amazon's signatures are not made here; use basic_auth, authorization or oauth2, or a proxy that signs"
            ),
            ("remote_read: [{}]", "url for remote_read is empty"),
            ("remote_read: [null]", "empty or null remote read config section"),
            (
                "remote_read: [{url: x}, {url: x}]",
                "duplicate remote read configs are not allowed, found duplicate for URL: x"
            ),
            (
                "remote_read: [{url: x, name: a}, {url: y, name: a}]",
                "found multiple remote read configs with job name \"a\""
            ),
            (
                "remote_read: [{url: x, headers: {accept-encoding: a}}]",
                "accept-encoding is a reserved header. It must not be changed"
            ),
            (
                "remote_read: [{url: x, foo: 1, required_matchers: {a: [b]}}]",
                "yaml: unmarshal errors:\n  line 1: field foo not found in type config.plain\n"
                    + "  line 1: cannot unmarshal !!seq into model.LabelValue"
            ),
            ("tracing: {}", "tracing endpoint must be set"),
            (
                "tracing: {client_type: x, endpoint: a}",
                "expected tracing client type to be to be http or grpc, but got x"
            ),
            ("otlp: {foo: 1}", "yaml: unmarshal errors:\n  line 1: field foo not found in type config.plain"),
            ("otlp: {translation_strategy: x}", "unsupported OTLP translation strategy \"x\""),
            (
                "otlp: {promote_resource_attributes: [a, a]}",
                "invalid 'promote_resource_attributes': duplicated promoted OTel resource attribute \"a\""
            ),
            (
                "otlp: {promote_resource_attributes: [\"\"]}",
                "invalid 'promote_resource_attributes': empty promoted OTel resource attribute"
            ),
            (
                "otlp: {ignore_resource_attributes: [a]}",
                "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true"
            ),
            (
                "alerting: {alertmanagers: [{api_version: v1}]}",
                "expected Alertmanager api version to be one of [v2] but got v1"
            ),
            ("alerting: {alertmanagers: [{static_configs: [{targets: [a/b]}]}]}", "\"a/b\" is not a valid hostname"),
            ("alerting: {alert_relabel_configs: [null]}", "empty or null alert relabeling rule"),
            (
                "alerting: {alertmanagers: [{relabel_configs: [null]}]}",
                "empty or null Alertmanager target relabeling rule"
            ),
        ]
    )
    func refused(text: String, reason: String) {
        #expect(throws: ConfigError.self) { try read(text) }
        do throws(ConfigError) {
            _ = try read(text)
        } catch {
            #expect(error.reason == reason)
        }
    }
}
