import ConfigTree
import Exposition
import MetricModel

// The sections beside jobs, in the order of Prometheus's fields and with its defaults.

extension ConfigSection {
    /// A section that was read before and is read again to be shown: what is wrong with it was told.
    fileprivate convenience init(again node: ConfigNode) {
        self.init(node, type: "", path: "", problems: ConfigProblems(file: ""))
    }

    /// Texts under names, in the order of go-yaml.
    fileprivate func sortedTexts(_ name: String) -> [(key: String, value: String)] {
        (stringMap(name, type: "") ?? []).sorted { YAMLKeyOrder.precedes($0.key, $1.key) }
    }
}

extension ShownFields {
    /// A duration, with Prometheus's default in milliseconds.
    fileprivate mutating func duration(_ key: String, of section: ConfigSection?, _ standard: Int64) {
        duration(key, section?.duration(key) ?? PrometheusDuration(milliseconds: standard))
    }

    /// A number, with Prometheus's default.
    fileprivate mutating func number(_ key: String, of section: ConfigSection?, _ standard: Int) {
        number(key, section?.int(key) ?? standard)
    }

    /// A flag that is shown where it is on.
    fileprivate mutating func flag(_ key: String, of section: ConfigSection?) {
        flag(key, section?.bool(key) ?? false, always: false)
    }

    /// Headers that are sent: their values may be keys, and Prometheus would show them.
    fileprivate mutating func headers(of section: ConfigSection) {
        map("headers", section.sortedTexts("headers").map { ($0.key, .text(Secret($0.value).description)) })
    }

    /// An address without the password.
    fileprivate mutating func address(of section: ConfigSection) {
        text("url", HTTPClientConfig.Proxy.redacted(section.string("url") ?? ""))
    }
}

extension AlertingConfig {
    var fields: [(key: String, value: YAMLValue)] {
        var fields = ShownFields()
        fields.list("alert_relabel_configs", alertRelabelRules.map { .map($0.fields) })
        fields.list("alertmanagers", alertmanagers.map { .map($0.fields) })
        return fields.all
    }
}

extension AlertingConfig.Alertmanager {
    fileprivate var fields: [(key: String, value: YAMLValue)] {
        var fields = ShownFields()
        fields.all += job.client.fields
        fields.text("scheme", job.scheme)
        fields.text("path_prefix", pathPrefix)
        fields.duration("timeout", timeout)
        fields.text("api_version", "v2")
        fields.list("relabel_configs", relabelRules.map { .map($0.fields) })
        fields.list("alert_relabel_configs", alertRelabelRules.map { .map($0.fields) })
        fields.all += DiscoveryConfig.fields(job.discovery)
        return fields.all
    }
}

extension RemoteWriteConfig {
    var fields: [(key: String, value: YAMLValue)] {
        let section = ConfigSection(again: content)
        var fields = ShownFields()
        fields.address(of: section)
        fields.duration("remote_timeout", of: section, 30_000)
        fields.headers(of: section)
        fields.list("write_relabel_configs", relabelRules.map { .map($0.fields) })
        fields.text("name", section.string("name") ?? "")
        fields.flag("send_exemplars", of: section)
        fields.flag("send_native_histograms", of: section)
        fields.flag("round_robin_dns", of: section)
        fields.text(
            "protobuf_message",
            isVersion2 ? "io.prometheus.write.v2.Request" : "prometheus.WriteRequest"
        )
        fields.all += client.fields
        let queue = section.section("queue_config", type: "")
        var part = ShownFields()
        part.number("capacity", of: queue, 10_000)
        part.number("max_shards", of: queue, 50)
        part.number("min_shards", of: queue, 1)
        part.number("max_samples_per_send", of: queue, 2000)
        part.duration("batch_send_deadline", of: queue, 5000)
        part.duration("min_backoff", of: queue, 30)
        part.duration("max_backoff", of: queue, 5000)
        part.flag("retry_on_http_429", of: queue)
        part.duration("sample_age_limit", of: queue, 0)
        fields.map("queue_config", part.all)
        let metadata = section.section("metadata_config", type: "")
        part = ShownFields()
        part.flag("send", metadata?.bool("send") ?? true)
        part.duration("send_interval", of: metadata, 60_000)
        part.number("max_samples_per_send", of: metadata, 2000)
        fields.map("metadata_config", part.all)
        return fields.all
    }
}

extension RemoteReadConfig {
    var fields: [(key: String, value: YAMLValue)] {
        let section = ConfigSection(again: content)
        var fields = ShownFields()
        fields.address(of: section)
        fields.duration("remote_timeout", of: section, 60_000)
        fields.number("chunked_read_limit", section.uint("chunked_read_limit") ?? 50_000_000)
        fields.headers(of: section)
        fields.flag("read_recent", of: section)
        fields.text("name", section.string("name") ?? "")
        fields.all += client.fields
        fields.map("required_matchers", section.sortedTexts("required_matchers").map { ($0.key, .text($0.value)) })
        fields.flag("filter_external_labels", filtersExternalLabels)
        return fields.all
    }
}

extension InactiveSection {
    /// The fields of `tracing`.
    var shownTracing: [(key: String, value: YAMLValue)] {
        let section = ConfigSection(again: content)
        var fields = ShownFields()
        fields.text("client_type", section.string("client_type") ?? "grpc")
        fields.text("endpoint", section.string("endpoint") ?? "")
        if let fraction = section.double("sampling_fraction"), fraction != 0 {
            fields.real("sampling_fraction", fraction)
        }
        fields.flag("insecure", of: section)
        if let tls = section.section("tls_config", type: "") {
            let context = ConfigContext(directory: directory)
            fields.map("tls_config", HTTPClientConfig.TLS(reading: tls, context: context).fields)
        }
        fields.headers(of: section)
        fields.text("compression", section.string("compression") ?? "")
        fields.duration("timeout", of: section, 0)
        return fields.all
    }
}

extension ConfigNode {
    /// The fields of `storage`; that of the window is there a second time, under the name that Go's library gives it.
    var shownStorage: [(key: String, value: YAMLValue)] {
        let section = ConfigSection(again: self)
        var fields = ShownFields()
        fields.text("path", section.string("path") ?? "")
        if let tsdb = section.section("tsdb", type: "") {
            let window = tsdb.duration("out_of_order_time_window")
            var part = ShownFields()
            part.all.append(("outofordertimewindow", .raw(String(window?.milliseconds ?? 0))))
            part.duration("out_of_order_time_window", of: tsdb, 0)
            if let retention = tsdb.section("retention", type: "") {
                var limits = ShownFields()
                limits.duration("time", of: retention, 0)
                if let size = retention.size("size"), size.bytes != 0 {
                    limits.all.append(("size", .raw(size.description)))
                }
                part.map("retention", limits.all)
            }
            fields.map("tsdb", part.all)
        }
        if let remote = section.section("remote", type: "") {
            var part = ShownFields()
            part.text("query", HTTPClientConfig.Proxy.redacted(remote.string("query") ?? ""))
            part.text("read", HTTPClientConfig.Proxy.redacted(remote.string("read") ?? ""))
            part.flag("exact", of: remote)
            part.headers(of: remote)
            part.list(
                "write",
                RemoteWriteConfig.readAll(remote, field: "write", context: ConfigContext()).map { .map($0.fields) }
            )
            fields.map("remote", part.all)
        }
        if let exemplars = section.section("exemplars", type: "") {
            var part = ShownFields()
            part.number("max_exemplars", of: exemplars, 0)
            fields.all.append(("exemplars", .map(part.all)))
        }
        return fields.all
    }
}

extension OTLPConfig {
    var fields: [(key: String, value: YAMLValue)] {
        let section = ConfigSection(again: content ?? ConfigNode(.mapping([])))
        var fields = ShownFields()
        fields.flag("promote_all_resource_attributes", of: section)
        fields.texts("promote_resource_attributes", section.strings("promote_resource_attributes") ?? [])
        fields.texts("ignore_resource_attributes", section.strings("ignore_resource_attributes") ?? [])
        fields.text("translation_strategy", translation.strategy.rawValue)
        fields.flag("keep_identifying_resource_attributes", of: section)
        fields.flag("convert_histograms_to_nhcb", of: section)
        fields.flag("promote_scope_metadata", of: section)
        for name in ["label_name_underscore_sanitization", "label_name_preserve_multiple_underscores"] {
            if let isOn = section.bool(name) { fields.flag(name, isOn) }
        }
        fields.flag("disable_target_info", of: section)
        fields.text("listen", listenAddress ?? "")
        return fields.all
    }
}
