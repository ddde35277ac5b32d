import ConfigTree
import Exposition
import MetricModel

extension PrometheusConfig {
    /// The configuration in Prometheus's normalised form, without secrets, as `/api/v1/status/config` shows it.
    public var yaml: String {
        var fields = ShownFields()
        fields.map("global", global.fields)
        fields.map("runtime", goGC == 0 ? [] : [("gogc", .raw(String(goGC)))])
        fields.map("alerting", alerting.fields)
        fields.texts("rule_files", ruleFiles)
        fields.texts("scrape_config_files", scrapeConfigFiles)
        fields.list("scrape_configs", scrapeConfigs.map { .map($0.fields) })
        if let storage { fields.map("storage", storage.shownStorage) }
        fields.map("tracing", inactive.first { $0.name == "tracing" }?.shownTracing ?? [])
        fields.list("remote_write", remoteWrites.map { .map($0.fields) })
        fields.list("remote_read", remoteReads.map { .map($0.fields) })
        fields.map("otlp", otlp.fields)
        return YAMLValue.map(fields.all).document
    }
}

extension GlobalConfig {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = ShownFields()
        fields.duration("scrape_interval", scrapeInterval)
        fields.duration("scrape_timeout", scrapeTimeout)
        let usual = scrapeNativeHistograms ? ScrapeProtocol.protobufFirst : ScrapeProtocol.defaults
        fields.texts("scrape_protocols", (scrapeProtocols ?? usual).map(\.rawValue))
        fields.duration("evaluation_interval", evaluationInterval)
        fields.duration("rule_query_offset", ruleQueryOffset)
        fields.text("query_log_file", queryLogFile)
        fields.text("scrape_failure_log_file", scrapeFailureLogFile)
        fields.map(
            "external_labels",
            externalLabels.sorted { YAMLKeyOrder.precedes($0.name, $1.name) }.map { ($0.name, .text($0.value)) }
        )
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
        var fields = ShownFields()
        fields.all.append(("job_name", .text(jobName)))
        fields.flag("honor_labels", honorLabels, always: false)
        fields.flag("honor_timestamps", honorTimestamps)
        fields.flag("track_timestamps_staleness", trackTimestampsStaleness)
        fields.map(
            "params",
            params.sorted { YAMLKeyOrder.precedes($0.key, $1.key) }.map { ($0.key, .list($0.value.map { .text($0) })) }
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
            fields.real("native_histogram_min_bucket_factor", nativeHistogramMinBucketFactor)
        }
        fields.number("keep_dropped_targets", keepDroppedTargets)
        fields.text("metric_name_validation_scheme", nameValidation.rawValue)
        fields.text("metric_name_escaping_scheme", nameEscaping.rawValue)
        fields.flag("extra_scrape_metrics", extraScrapeMetrics)
        fields.all += client.fields
        fields.list("relabel_configs", relabelRules.map { .map($0.fields) })
        fields.list("metric_relabel_configs", metricRelabelRules.map { .map($0.fields) })
        fields.all += DiscoveryConfig.fields(discovery)
        return fields.all
    }
}

extension HTTPClientConfig {
    var fields: [(key: String, value: YAMLValue)] {
        var fields = ShownFields()
        if let basicAuth {
            var part = ShownFields()
            part.text("username", basicAuth.username)
            part.text("username_file", basicAuth.usernameFile)
            part.secret("password", basicAuth.password)
            part.text("password_file", basicAuth.passwordFile)
            fields.all.append(("basic_auth", .map(part.all)))
        }
        if let authorization {
            var part = ShownFields()
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
            headers.sorted { YAMLKeyOrder.precedes($0.key, $1.key) }.map { name, header in
                var part = ShownFields()
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
        var fields = ShownFields()
        fields.text("client_id", clientID)
        fields.secret("client_secret", clientSecret)
        fields.text("client_secret_file", clientSecretFile)
        fields.texts("scopes", scopes)
        fields.text("token_url", tokenURL)
        fields.map(
            "endpoint_params",
            endpointParams.sorted { YAMLKeyOrder.precedes($0.key, $1.key) }.map { ($0.key, .text($0.value)) }
        )
        fields.map("tls_config", tls.fields)
        fields.all += proxy.fields
        return fields.all
    }
}

extension HTTPClientConfig.TLS {
    var fields: [(key: String, value: YAMLValue)] {
        guard self != HTTPClientConfig.TLS() else { return [] }
        var fields = ShownFields()
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
        var fields = ShownFields()
        fields.text("proxy_url", redactedURL)
        fields.text("no_proxy", noProxy)
        fields.flag("proxy_from_environment", fromEnvironment, always: false)
        fields.map(
            "proxy_connect_header",
            connectHeader.sorted { YAMLKeyOrder.precedes($0.key, $1.key) }.map {
                ($0.key, .list($0.value.map { .text($0.description) }))
            }
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
    var fields: [(key: String, value: YAMLValue)] {
        var fields = ShownFields()
        if let sourceLabels, !sourceLabels.isEmpty { fields.all.append(("source_labels", .flow(sourceLabels))) }
        fields.all.append(("separator", .text(separator)))
        if isRegexWritten || regex != RelabelRule.defaultRegex { fields.all.append(("regex", .text(regex))) }
        fields.number("modulus", modulus)
        fields.text("target_label", targetLabel)
        fields.all.append(("replacement", .text(replacement)))
        fields.text("action", action.rawValue)
        return fields.all
    }
}

extension DiscoveryConfig {
    /// Ways of discovery, those of a kind together.
    static func fields(_ discovery: [DiscoveryConfig]) -> [(key: String, value: YAMLValue)] {
        var fields = ShownFields()
        var byKind: [String: [YAMLValue]] = [:]
        for source in discovery {
            let (kind, items) = source.section
            byKind[kind, default: []] += items
        }
        for kind in byKind.keys.sorted() { fields.list(kind, byKind[kind] ?? []) }
        return fields.all
    }

    private var section: (kind: String, items: [YAMLValue]) {
        switch self {
        case .fixed(let groups): return ("static_configs", groups.map(\.value))
        case .file(let file):
            var fields = ShownFields()
            fields.texts("files", file.files)
            fields.duration("refresh_interval", file.refreshInterval)
            return ("file_sd_configs", [.map(fields.all)])
        case .http(let http):
            var fields = ShownFields()
            fields.all += http.client.fields
            fields.duration("refresh_interval", http.refreshInterval)
            fields.text("url", http.url)
            return ("http_sd_configs", [.map(fields.all)])
        case .dns(let dns):
            var fields = ShownFields()
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
        var fields = ShownFields()
        let addresses = targets.compactMap { $0.first { $0.name == TargetLabel.address }?.value }
        fields.all.append(("targets", .list(addresses.map { .text($0) })))
        let sorted = labels.sorted { YAMLKeyOrder.precedes($0.name, $1.name) }
        fields.map("labels", sorted.map { ($0.name, .text($0.value)) })
        return .map(fields.all)
    }
}
