public import ConfigTree
import MetricModel

/// A section of Prometheus that is read and checked with all its fields, but does nothing here.
public struct InactiveSection: Sendable, Hashable {
    /// The section's name.
    public var name: String
    /// What it says.
    public var content: ConfigNode
    /// Why it does nothing.
    public var reason: String
}

/// Reads sections that have no effect (yet), so that a configuration with them is refused for mistakes only, in Prometheus's words.
struct InactiveSections {
    private let root: ConfigSection
    private let context: ConfigContext
    private(set) var found: [InactiveSection] = []

    init(_ root: ConfigSection, context: ConfigContext) {
        self.root = root
        self.context = context
        readRemoteWrite()
        readRemoteRead()
        readTracing()
        note("remote_write", "samples are kept in the local store only")
        note("remote_read", "queries read the local store only")
        note("tracing", "no traces are sent")
    }

    private mutating func note(_ name: String, _ reason: String) {
        guard let node = root.node(name), !node.isBlank else { return }
        root.warn("\(name) has no effect yet: \(reason)", at: name)
        found.append(InactiveSection(name: name, content: node, reason: reason))
    }

    // MARK: Remote storage

    private func readRemoteWrite() {
        each("remote_write", type: "config.RemoteWriteConfig", words: "remote write") { section in
            address(section, "remote_write")
            for name in ["protobuf_message"] {
                let message = section.string(name) ?? ""
                let known = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"]
                if !message.isEmpty, !known.contains(message) {
                    section.fail(
                        "invalid protobuf_message value: unknown remote write protobuf message \(message), supported: "
                            + known.joined(separator: ", "),
                        at: name
                    )
                }
            }
            _ = RelabelRule.readAll(
                "write_relabel_configs",
                of: section,
                empty: "empty or null relabeling rule in remote write config",
                validation: .utf8
            )
            for name in ["send_exemplars", "send_native_histograms", "round_robin_dns"] { _ = section.bool(name) }
            if let queue = section.section("queue_config", type: "config.QueueConfig") { readQueue(queue) }
            if let metadata = section.section("metadata_config", type: "config.MetadataConfig") {
                _ = metadata.bool("send")
                _ = metadata.duration("send_interval")
                _ = metadata.int("max_samples_per_send")
                metadata.finish()
            }
            readCloudCredentials(section)
        }
    }

    private func readQueue(_ queue: ConfigSection) {
        for name in ["capacity", "max_shards", "min_shards", "max_samples_per_send"] { _ = queue.int(name) }
        for name in ["batch_send_deadline", "min_backoff", "max_backoff", "sample_age_limit"] {
            _ = queue.duration(name)
        }
        _ = queue.bool("retry_on_http_429")
        queue.finish()
    }

    private func readCloudCredentials(_ section: ConfigSection) {
        var kinds = ["basic_auth", "authorization", "oauth2"].filter { section.node($0).map { !$0.isNull } ?? false }
        if let part = section.section("sigv4", type: "sigv4.plain") {
            kinds.append("sigv4")
            for name in ["region", "access_key", "secret_key", "profile", "role_arn", "external_id"] {
                _ = part.string(name)
            }
            _ = part.bool("use_fips_sts_endpoint")
            part.finish()
        }
        if let part = section.section("azuread", type: "azuread.plain") {
            kinds.append("azuread")
            for (name, fields) in [
                ("managed_identity", ["client_id"]), ("oauth", ["client_id", "client_secret", "tenant_id"]),
                ("sdk", ["tenant_id"]), ("workload_identity", ["client_id", "tenant_id", "token_file_path"]),
            ] {
                guard let inner = part.section(name, type: "azuread.plain") else { continue }
                for field in fields { _ = inner.string(field) }
                inner.finish()
            }
            for name in ["cloud", "scope"] { _ = part.string(name) }
            part.finish()
        }
        if let part = section.section("google_iam", type: "googleiam.Config") {
            kinds.append("google_iam")
            _ = part.string("credentials_file")
            part.finish()
        }
        if kinds.count > 1 {
            section.fail(
                "at most one of basic_auth, authorization, oauth2, or sigv4 must be configured. "
                    + "Currently configured: [\(kinds.joined(separator: " "))]"
            )
        }
    }

    private func readRemoteRead() {
        each("remote_read", type: "config.RemoteReadConfig", words: "remote read") { section in
            address(section, "remote_read")
            _ = section.uint("chunked_read_limit", type: "uint64")
            for name in ["read_recent", "filter_external_labels"] { _ = section.bool(name) }
            _ = section.stringMap("required_matchers", type: "model.LabelSet", valueType: "model.LabelValue")
        }
    }

    private func each(_ name: String, type: String, words: String, _ read: (ConfigSection) -> Void) {
        var names: Set<String> = []
        for section in root.sections(name, type: type, sectionType: "config.plain") {
            guard let section else {
                root.fail("empty or null \(words) config section", at: name)
                continue
            }
            _ = HTTPClientConfig(reading: section, context: context)
            _ = section.duration("remote_timeout")
            checkHeaders(section)
            read(section)
            section.finish()
            if let own = section.string("name"), !own.isEmpty, !names.insert(own).inserted {
                section.fail("found multiple \(words) configs with job name \(GoText.quoted(own))", at: "name")
            }
        }
    }

    private func address(_ section: ConfigSection, _ name: String) {
        _ = section.string("name")
        guard let url = section.string("url"), !url.isEmpty else { return section.fail("url for \(name) is empty") }
        if url.hasPrefix(":") {
            section.fail("parse \(GoText.quoted(url)): missing protocol scheme", at: "url")
        }
    }

    private func checkHeaders(_ section: ConfigSection) {
        for (name, _) in section.stringMap("headers", type: "map[string]string") ?? [] {
            if name.lowercased() == "authorization" {
                section.fail(
                    "authorization header must be changed via the basic_auth, authorization, oauth2, or sigv4 "
                        + "parameter",
                    at: "headers"
                )
            } else if HTTPClientConfig.reservedHeaders.contains(name.lowercased()) {
                section.fail("\(name) is a reserved header. It must not be changed", at: "headers")
            }
        }
    }

    // MARK: Tracing

    private func readTracing() {
        guard let section = root.section("tracing", type: "config.plain") else { return }
        let kind = section.string("client_type") ?? "grpc"
        let endpoint = section.string("endpoint") ?? ""
        _ = section.double("sampling_fraction")
        _ = section.bool("insecure")
        if let tls = section.section("tls_config", type: "config.plain") {
            _ = HTTPClientConfig.TLS(reading: tls, context: context)
        }
        _ = section.stringMap("headers", type: "map[string]string")
        let compression = section.string("compression") ?? ""
        _ = section.duration("timeout")
        section.finish()
        if !["http", "grpc"].contains(kind) {
            section.fail(
                "expected tracing client type to be to be http or grpc, but got \(kind)",
                at: "client_type"
            )
        }
        if endpoint.isEmpty { section.fail("tracing endpoint must be set") }
        if !["", "gzip"].contains(compression) {
            section.fail("invalid compression type \(compression) provided, valid options: gzip", at: "compression")
        }
    }
}
