import ConfigTree
import Exposition
import MetricModel

/// Collects the fields of a section, leaving out what is empty.
private struct Fields {
    var all: [(key: String, value: YAMLValue)] = []

    mutating func text(_ key: String, _ value: String) {
        if !value.isEmpty { all.append((key, .text(value))) }
    }
    mutating func secret(_ key: String, _ value: Secret) { text(key, value.description) }
    mutating func flag(_ key: String, _ value: Bool, always: Bool = true) {
        if value || always { all.append((key, .raw(value ? "true" : "false"))) }
    }
    mutating func number(_ key: String, _ value: UInt64) {
        if value != 0 { all.append((key, .raw(String(value)))) }
    }
    mutating func duration(_ key: String, _ value: PrometheusDuration) {
        if value.milliseconds != 0 { all.append((key, .raw(value.description))) }
    }
    mutating func texts(_ key: String, _ values: [String]) {
        if !values.isEmpty { all.append((key, .list(values.map { .text($0) }))) }
    }
    mutating func map(_ key: String, _ fields: [(key: String, value: YAMLValue)]) {
        if !fields.isEmpty { all.append((key, .map(fields))) }
    }
    mutating func list(_ key: String, _ items: [YAMLValue]) {
        if !items.isEmpty { all.append((key, .list(items))) }
    }
    mutating func limits(_ limits: ScrapeLimits) {
        if limits.bodySize.bytes != 0 { all.append(("body_size_limit", .raw(limits.bodySize.description))) }
        number("sample_limit", limits.samples)
        number("target_limit", limits.targets)
        number("label_limit", limits.labels)
        number("label_name_length_limit", limits.labelNameLength)
        number("label_value_length_limit", limits.labelValueLength)
    }
}

extension PrometheusConfig {
    /// The configuration in Prometheus's normalised form, without secrets, as `/api/v1/status/config` shows it.
    public var yaml: String {
        var fields = Fields()
        fields.map("global", global.fields)
        fields.map("runtime", goGC == 0 ? [] : [("gogc", .raw(String(goGC)))])
        fields.texts("rule_files", ruleFiles)
        fields.texts("scrape_config_files", scrapeConfigFiles)
        fields.list("scrape_configs", scrapeConfigs.map { .map($0.fields) })
        fields.list("remote_write", remoteWrites.map { $0.content.shown })
        fields.list("remote_read", remoteReads.map { $0.content.shown })
        for section in inactive { fields.all.append((section.name, section.content.shown)) }
        fields.all.append(("otlp", otlp.shown))
        return YAMLValue.map(fields.all).document
    }
}

extension OTLPConfig {
    /// The section as it is written, with the strategy where it is left out.
    fileprivate var shown: YAMLValue {
        var fields: [(key: String, value: YAMLValue)] = []
        if let content, case .map(let written) = content.shown { fields = written }
        if !fields.contains(where: { $0.key == "translation_strategy" }) {
            fields.append(("translation_strategy", .text(translation.strategy.rawValue)))
        }
        return .map(fields)
    }
}

extension ConfigNode {
    /// Fields that hold secrets, wherever they stand.
    private static let secretFields: Set<String> = [
        "password", "credentials", "bearer_token", "client_secret", "secret_key", "secrets", "proxy_connect_header",
        "key",
        "client_certificate_key", "headers",
    ]

    /// The node as it is written, without secrets.
    fileprivate var shown: YAMLValue {
        switch content {
        case .scalar(let scalar):
            switch scalar.meaning {
            case .null: return .raw("null")
            case .bool, .int, .uint, .float: return .raw(scalar.text)
            case .timestamp, .string: return .text(HTTPClientConfig.Proxy.redacted(scalar.text))
            }
        case .sequence(let items): return .list(items.map(\.shown))
        case .mapping(let entries):
            var fields: [(key: String, value: YAMLValue)] = []
            for entry in entries {
                let key = entry.key.text ?? ""
                let value = Self.secretFields.contains(key) ? entry.value.masked : entry.value.shown
                if let index = fields.firstIndex(where: { $0.key == key }) {
                    fields[index].value = value
                } else {
                    fields.append((key, value))
                }
            }
            return .map(fields)
        }
    }

    /// The node with every text hidden.
    private var masked: YAMLValue {
        switch content {
        case .scalar: isNull ? .raw("null") : .text(Secret("x").description)
        case .sequence(let items): .list(items.map(\.masked))
        case .mapping(let entries): .map(entries.map { ($0.key.text ?? "", $0.value.masked) })
        }
    }
}

extension GlobalConfig {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = Fields()
        fields.duration("scrape_interval", scrapeInterval)
        fields.duration("scrape_timeout", scrapeTimeout)
        fields.texts("scrape_protocols", (scrapeProtocols ?? []).map(\.rawValue))
        fields.duration("evaluation_interval", evaluationInterval)
        fields.duration("rule_query_offset", ruleQueryOffset)
        fields.text("query_log_file", queryLogFile)
        fields.text("scrape_failure_log_file", scrapeFailureLogFile)
        fields.map("external_labels", externalLabels.map { ($0.name, .text($0.value)) })
        fields.limits(limits)
        fields.number("keep_dropped_targets", keepDroppedTargets)
        fields.text("metric_name_validation_scheme", nameValidation.rawValue)
        fields.text("metric_name_escaping_scheme", nameEscaping?.rawValue ?? "")
        fields.flag("scrape_native_histograms", scrapeNativeHistograms)
        fields.flag("convert_classic_histograms_to_nhcb", convertClassicHistogramsToNHCB, always: false)
        fields.flag("always_scrape_classic_histograms", alwaysScrapeClassicHistograms, always: false)
        fields.flag("extra_scrape_metrics", extraScrapeMetrics)
        return fields.all
    }
}

extension ScrapeConfig {
    /// The job in Prometheus's normalised form, without secrets.
    public var yaml: String { YAMLValue.map(fields).document }

    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = Fields()
        fields.all.append(("job_name", .text(jobName)))
        fields.flag("honor_labels", honorLabels, always: false)
        fields.flag("honor_timestamps", honorTimestamps)
        fields.flag("track_timestamps_staleness", trackTimestampsStaleness)
        fields.map(
            "params",
            params.sorted { $0.key < $1.key }.map { ($0.key, .list($0.value.map { .text($0) })) }
        )
        fields.duration("scrape_interval", scrapeInterval)
        fields.duration("scrape_timeout", scrapeTimeout)
        fields.texts("scrape_protocols", scrapeProtocols.map(\.rawValue))
        fields.text("fallback_scrape_protocol", fallbackProtocol?.rawValue ?? "")
        fields.flag("scrape_native_histograms", scrapeNativeHistograms)
        fields.flag("always_scrape_classic_histograms", alwaysScrapeClassicHistograms)
        fields.flag("convert_classic_histograms_to_nhcb", convertClassicHistogramsToNHCB)
        fields.text("scrape_failure_log_file", scrapeFailureLogFile)
        fields.text("metrics_path", metricsPath)
        fields.text("scheme", scheme)
        fields.flag("enable_compression", enableCompression)
        fields.limits(limits)
        fields.number("native_histogram_bucket_limit", nativeHistogramBucketLimit)
        if nativeHistogramMinBucketFactor != 0 {
            let factor = GoNumber.text(nativeHistogramMinBucketFactor, .json)
            fields.all.append(("native_histogram_min_bucket_factor", .raw(factor)))
        }
        fields.number("keep_dropped_targets", keepDroppedTargets)
        fields.text("metric_name_validation_scheme", nameValidation.rawValue)
        fields.text("metric_name_escaping_scheme", nameEscaping.rawValue)
        fields.flag("extra_scrape_metrics", extraScrapeMetrics)
        fields.all += client.fields
        fields.list("relabel_configs", relabelRules.map { .map($0.fields) })
        fields.list("metric_relabel_configs", metricRelabelRules.map { .map($0.fields) })
        var byKind: [String: [YAMLValue]] = [:]
        for source in discovery {
            let (kind, items) = source.section
            byKind[kind, default: []] += items
        }
        for kind in byKind.keys.sorted() { fields.list(kind, byKind[kind] ?? []) }
        return fields.all
    }
}

extension HTTPClientConfig {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = Fields()
        if let basicAuth {
            var part = Fields()
            part.text("username", basicAuth.username)
            part.text("username_file", basicAuth.usernameFile)
            part.secret("password", basicAuth.password)
            part.text("password_file", basicAuth.passwordFile)
            fields.all.append(("basic_auth", .map(part.all)))
        }
        if let authorization {
            var part = Fields()
            part.text("type", authorization.type)
            part.secret("credentials", authorization.credentials)
            part.text("credentials_file", authorization.credentialsFile)
            fields.map("authorization", part.all)
        }
        if let oauth2 { fields.map("oauth2", oauth2.fields) }
        fields.map("tls_config", tls.fields)
        fields.flag("follow_redirects", followRedirects)
        fields.flag("enable_http2", enableHTTP2)
        fields.all += proxy.fields
        fields.map(
            "http_headers",
            headers.sorted { $0.key < $1.key }.map { name, header in
                var part = Fields()
                part.texts("values", header.values)
                part.texts("secrets", header.secrets.map(\.description))
                part.texts("files", header.files)
                return (name, .map(part.all))
            }
        )
        return fields.all
    }
}

extension HTTPClientConfig.OAuth2 {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = Fields()
        fields.text("client_id", clientID)
        fields.secret("client_secret", clientSecret)
        fields.text("client_secret_file", clientSecretFile)
        fields.texts("scopes", scopes)
        fields.text("token_url", tokenURL)
        fields.map("endpoint_params", endpointParams.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) })
        fields.map("tls_config", tls.fields)
        fields.all += proxy.fields
        return fields.all
    }
}

extension HTTPClientConfig.TLS {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        guard self != HTTPClientConfig.TLS() else { return [] }
        var fields = Fields()
        fields.text("ca", ca)
        fields.text("cert", cert)
        fields.secret("key", key)
        fields.text("ca_file", caFile)
        fields.text("cert_file", certFile)
        fields.text("key_file", keyFile)
        fields.text("server_name", serverName)
        fields.flag("insecure_skip_verify", insecureSkipVerify)
        fields.text("min_version", minVersion)
        fields.text("max_version", maxVersion)
        return fields.all
    }
}

extension HTTPClientConfig.Proxy {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = Fields()
        fields.text("proxy_url", redactedURL)
        fields.text("no_proxy", noProxy)
        fields.flag("proxy_from_environment", fromEnvironment, always: false)
        fields.map(
            "proxy_connect_header",
            connectHeader.sorted { $0.key < $1.key }.map { ($0.key, .list($0.value.map { .text($0.description) })) }
        )
        return fields.all
    }

    /// The address with the password, if any, made unreadable.
    var redactedURL: String { Self.redacted(url) }

    static func redacted(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let rest = url[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return url
        }
        return url[...colon] + "xxxxx" + url[at...]
    }
}

extension RelabelRule {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = Fields()
        if let sourceLabels, !sourceLabels.isEmpty { fields.all.append(("source_labels", .flow(sourceLabels))) }
        fields.all.append(("separator", .text(separator)))
        if regex != RelabelRule.defaultRegex { fields.all.append(("regex", .text(regex))) }
        fields.number("modulus", modulus)
        fields.text("target_label", targetLabel)
        fields.all.append(("replacement", .text(replacement)))
        fields.text("action", action.rawValue)
        return fields.all
    }
}

extension DiscoveryConfig {
    fileprivate var section: (kind: String, items: [YAMLValue]) {
        switch self {
        case .fixed(let groups): return ("static_configs", groups.map(\.value))
        case .file(let file):
            var fields = Fields()
            fields.texts("files", file.files)
            fields.duration("refresh_interval", file.refreshInterval)
            return ("file_sd_configs", [.map(fields.all)])
        case .http(let http):
            var fields = Fields()
            fields.all += http.client.fields
            fields.duration("refresh_interval", http.refreshInterval)
            fields.text("url", http.url)
            return ("http_sd_configs", [.map(fields.all)])
        case .dns(let dns):
            var fields = Fields()
            fields.texts("names", dns.names)
            fields.duration("refresh_interval", dns.refreshInterval)
            fields.text("type", dns.type)
            fields.all.append(("port", .raw(String(dns.port))))
            return ("dns_sd_configs", [.map(fields.all)])
        }
    }
}

extension TargetGroup {
    fileprivate var value: YAMLValue {
        var fields = Fields()
        let addresses = targets.compactMap { $0.first { $0.name == TargetLabel.address }?.value }
        fields.all.append(("targets", .list(addresses.map { .text($0) })))
        let sorted = labels.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        fields.map("labels", sorted.map { ($0.name, .text($0.value)) })
        return .map(fields.all)
    }
}
