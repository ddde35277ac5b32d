public import ConfigTree
import MetricModel

/// A section of Prometheus that is read and checked with all its fields, but does nothing here.
public struct InactiveSection: Sendable, Hashable {
    /// The section's name.
    public var name: String
    /// The folder that relative paths start from; empty to leave them as they are.
    public var directory: String
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
        readTracing()
        note("tracing", "no traces are sent")
        note("runtime", "this is no Go program")
    }

    private mutating func note(_ name: String, _ reason: String) {
        guard let node = root.node(name), !node.isBlank else { return }
        root.warn("\(name) has no effect here: \(reason)", at: name)
        found.append(InactiveSection(name: name, directory: context.directory, content: node, reason: reason))
    }

    // MARK: Tracing

    private func readTracing() {
        guard let section = root.section("tracing", type: "config.plain") else { return }
        // Null is not looked at.
        let isUnsaid = section.node("client_type")?.isPassedOver ?? true
        let kind = isUnsaid ? "grpc" : section.string("client_type") ?? "grpc"
        let endpoint = section.string("endpoint") ?? ""
        _ = section.double("sampling_fraction")
        _ = section.bool("insecure")
        if let tls = section.section("tls_config", type: "config.plain") {
            _ = HTTPClientConfig.TLS(reading: tls, context: context)
        }
        RemoteWriteConfig.checkHeaders(
            section,
            authorization: "custom authorization header configuration is not yet supported"
        )
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
