"""Configurations of which a real Prometheus is asked how it shows them, for record.py and the comparison of surfaces."""
CLIENTS = [
    "{}", "{basic_auth: {username: u, password: p}}", "{basic_auth: {username_file: u, password_file: /p}}", "{authorization: {credentials: c}}",
    "{authorization: {type: Token, credentials_file: c}}", "{bearer_token: t}", "{bearer_token_file: t}",
    "{oauth2: {client_id: a, client_secret: b, token_url: 'http://t/', scopes: [x, y], endpoint_params: {q: r, a: b}, tls_config: {server_name: n}}}",
    "{oauth2: {client_id: a, client_secret_file: b, token_url: 'http://t/', proxy_url: 'http://u:p@h:1/'}}",
    "{tls_config: {ca_file: ca, cert_file: c, key_file: /k, server_name: s, insecure_skip_verify: true, min_version: TLS12, max_version: TLS13}}",
    "{tls_config: {}}", "{follow_redirects: false, enable_http2: false}", "{follow_redirects: true, enable_http2: true}",
    "{proxy_url: 'http://u:p@h:1', no_proxy: 'a,10.0.0.0/8'}", "{proxy_from_environment: true}",
    "{proxy_url: 'http://h', proxy_connect_header: {B: [c, d], A: [e]}}", "{http_headers: {X-B: {values: [v]}, X-A: {secrets: [s], files: [f]}}}",
]
RELABEL = [
    "[{action: labeldrop, regex: n}]", "[{action: labelkeep, regex: 'a|b'}]", "[{action: drop, source_labels: [a, b], regex: 'x;y', separator: ';'}]",
    "[{source_labels: [a], target_label: b}]", "[{source_labels: [a], target_label: b, replacement: 'x-${1}', regex: '(.*)', separator: ','}]",
    "[{action: hashmod, source_labels: [a], target_label: b, modulus: 8}]", "[{action: lowercase, source_labels: [a], target_label: b}]",
    "[{action: labelmap, regex: 'm_(.+)', replacement: '$1_x'}]", "[{action: keepequal, source_labels: [a], target_label: b}]",
    "[{target_label: a, replacement: ''}]", "[{source_labels: ['x y', 'a,b'], target_label: t}]", "[]",
]
DISCOVERY = [
    "static_configs: [{targets: ['a:1', 'b:2'], labels: {z: y, a: '1'}}, {targets: [c:3]}]", "static_configs: []", "static_configs: [{targets: []}]",
    "static_configs: [{labels: {a: b}}]", "file_sd_configs: [{files: [a.json, '/b/*.yml'], refresh_interval: 30s}, {files: [c.yaml]}]",
    "http_sd_configs: [{url: 'http://h/x', basic_auth: {username: u, password: p}}]", "dns_sd_configs: [{names: [a, b]}, {names: [c], type: A, port: 9}]",
    "dns_sd_configs: [{names: [a], type: AAAA, port: 1, refresh_interval: 1h30m}]\n{INDENT}static_configs: [{targets: [d:4]}]",
]


def flow(*parts):
    """Mappings in one line as one."""
    return "{" + ", ".join(p.strip()[1:-1].strip() for p in parts if p.strip()[1:-1].strip()) + "}"


def block(text, indent):
    return text.replace("{INDENT}", " " * indent)


def cases():
    yield from ["{}", "", "global: {}", "runtime: {gogc: 50}", "rule_files: [a.yml, 'r/*.yml', /abs/x.yml]", "scrape_config_files: [none.yml, '/none/*.yml']"]
    yield "global: {scrape_interval: 90s, scrape_timeout: 1m, evaluation_interval: 1h, rule_query_offset: 1m30s, scrape_failure_log_file: s}"
    yield "global: {external_labels: {b: 'yes', a: '1', c: '${NO_SUCH_NAME}x', d: '', e: 'x: y', f: \"l1\\nl2\", g: '0x1'}, body_size_limit: 10MB, sample_limit: 5, target_limit: 6}"
    yield "global: {label_limit: 1, label_name_length_limit: 2, label_value_length_limit: 3, keep_dropped_targets: 4, scrape_protocols: [PrometheusProto, OpenMetricsText0.0.1]}"
    # Alerting.
    yield from ["alerting: {}", "alerting: {alertmanagers: []}", "alerting: {alertmanagers: [{}]}", "alerting: {alertmanagers: [{}, {scheme: https}]}"]
    for rules in RELABEL:
        yield "alerting: {alert_relabel_configs: " + rules + "}"
        yield "alerting: {alertmanagers: [{relabel_configs: " + rules + ", alert_relabel_configs: " + rules + "}]}"
    for client in CLIENTS:
        yield "alerting: {alertmanagers: [" + flow(client, "{path_prefix: /a/, timeout: 3s, scheme: https}") + "]}"
    for how in DISCOVERY:
        yield "alerting:\n  alertmanagers:\n    - " + block(how, 6) + "\n      path_prefix: am"
    yield "alerting: {alertmanagers: [{api_version: v2, path_prefix: '', static_configs: [{targets: ['h:9093']}]}]}"
    yield "alerting: {alertmanagers: [{relabel_configs: [{source_labels: [__alerts_path__], target_label: __alerts_path__, regex: '/api(.*)'}]}]}"
    # Remote storage.
    for client in CLIENTS:
        yield "remote_write: [" + flow("{url: 'http://h:1/w?x=y'}", client) + "]"
        yield "remote_read: [" + flow("{url: 'http://h:1/r'}", client) + "]"
    for rules in RELABEL:
        yield "remote_write: [{url: 'http://h/', write_relabel_configs: " + rules + "}]"
    for extra in ["{name: n, remote_timeout: 90s, send_exemplars: true, send_native_histograms: true, round_robin_dns: true}",
                  "{protobuf_message: io.prometheus.write.v2.Request, send_exemplars: false}", "{queue_config: {}, metadata_config: {}}",
                  "{queue_config: {capacity: 1, max_shards: 2, min_shards: 1, max_samples_per_send: 3, batch_send_deadline: 4s}}",
                  "{queue_config: {min_backoff: 1s, max_backoff: 1m, retry_on_http_429: true, sample_age_limit: 2h}}",
                  "{metadata_config: {send: false, send_interval: 1h, max_samples_per_send: 9}}", "{enable_http2: true}"]:
        yield "remote_write: [" + flow("{url: 'http://u:p@h/'}", extra) + "]"
    yield "remote_write: [{url: 'http://a/'}, {url: 'http://a/', name: b}]"
    for extra in ["{name: n, remote_timeout: 90s, read_recent: true}", "{required_matchers: {b: c, a: d}}", "{filter_external_labels: false, chunked_read_limit: 7}"]:
        yield "remote_read: [" + flow("{url: 'http://u:p@h/'}", extra) + "]"
    # What is stored and taken.
    yield from ["storage: {}", "storage: {tsdb: {}}", "storage: {exemplars: {}}", "storage: {tsdb: {out_of_order_time_window: 0s}, exemplars: {max_exemplars: 0}}",
                "storage: {tsdb: {out_of_order_time_window: 90m}}", "storage: {exemplars: {max_exemplars: 5}}"]
    yield from ["otlp: {}", "otlp: {promote_resource_attributes: [b, a], keep_identifying_resource_attributes: true, convert_histograms_to_nhcb: true}"]
    for strategy in ["UnderscoreEscapingWithSuffixes", "NoUTF8EscapingWithSuffixes", "NoTranslation"]:
        yield "otlp: {translation_strategy: " + strategy + "}"
    yield from ["tracing: {endpoint: 'a:1'}", "tracing: {endpoint: 'a:1', client_type: http, sampling_fraction: 0.25, insecure: false, compression: gzip, timeout: 5s}",
                "tracing: {endpoint: 'a:1', tls_config: {insecure_skip_verify: true, server_name: x}}", "tracing: {endpoint: 'a:1', insecure: true, sampling_fraction: 1}"]
    # Jobs.
    for client in CLIENTS:
        yield "scrape_configs: [" + flow("{job_name: j}", client) + "]"
    for rules in RELABEL:
        yield "scrape_configs: [{job_name: j, relabel_configs: " + rules + ", metric_relabel_configs: " + rules + "}]"
    for how in DISCOVERY:
        yield "scrape_configs:\n  - job_name: j\n    " + block(how, 4)
    for extra in ["{honor_labels: true, honor_timestamps: false, track_timestamps_staleness: true}", "{params: {b: [c, d], a: ['']}, metrics_path: /x, scheme: https}",
                  "{scrape_interval: 5s, scrape_timeout: 4s, scrape_protocols: [PrometheusText0.0.4], fallback_scrape_protocol: PrometheusText1.0.0}",
                  "{body_size_limit: 1KB, sample_limit: 1, target_limit: 2, label_limit: 3, label_name_length_limit: 4, label_value_length_limit: 5}",
                  "{native_histogram_bucket_limit: 6, native_histogram_min_bucket_factor: 1.1, keep_dropped_targets: 7, enable_compression: false}",
                  "{metric_name_validation_scheme: legacy, metric_name_escaping_scheme: underscores}", "{metric_name_escaping_scheme: dots}", "{always_scrape_classic_histograms: true, convert_classic_histograms_to_nhcb: true}"]:
        yield "scrape_configs: [" + flow("{job_name: 'a b'}", extra) + "]"
    # Everything together.
    yield "\n".join([
        "global: {external_labels: {a: b}}", "rule_files: [r.yml]", "alerting: {alertmanagers: [{static_configs: [{targets: ['h:9093']}]}]}",
        "scrape_configs: [{job_name: j, static_configs: [{targets: ['a:1']}]}]", "storage: {tsdb: {out_of_order_time_window: 30m}, exemplars: {max_exemplars: 1}}",
        "tracing: {endpoint: 'a:1', insecure: true}", "remote_write: [{url: 'http://h/'}]", "remote_read: [{url: 'http://h/'}]", "otlp: {promote_resource_attributes: [x]}"])
