import Logging
import MetricModel

/// Finds targets in the domain name system.
struct DNSDiscoverer: Sendable {
    let config: DiscoveryConfig.DNSDiscovery
    let resolver: DNSResolver
    let counters: DiscoveryCounters
    let logger: Logger

    /// The groups, one for each name. A name that could not be looked up is left out, so that its targets stay as they were.
    func refresh() async -> (groups: [TargetGroup], error: String) {
        var groups: [TargetGroup] = []
        var problem = ""
        for name in config.names {
            counters.update { $0.dnsLookups += 1 }
            do throws(DiscoveryError) {
                let records = try await resolver.lookup(name, kind)
                groups.append(TargetGroup(source: name, targets: records.map { target($0, name: name) }))
            } catch {
                counters.update { $0.dnsFailures += 1 }
                logger.error("Error refreshing DNS targets", metadata: ["err": "\(error)"])
                problem = error.description
            }
        }
        return (groups, problem)
    }

    private var kind: DNSMessage.Kind {
        switch config.type.uppercased() {
        case "A": .a
        case "AAAA": .aaaa
        case "MX": .mx
        case "NS": .ns
        default: .srv
        }
    }

    /// The labels of a record's target.
    func target(_ record: DNSMessage.Record, name: String) -> [Label] {
        func address(_ host: String, _ port: Int) -> String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
        func unrooted(_ host: String) -> String {
            var host = host[...]
            while host.last == "." { host.removeLast() }
            return String(host)
        }
        var labels = [Label(name: "__meta_dns_name", value: name)]
        switch record {
        case .address(let host):
            labels.append(Label(name: TargetLabel.address, value: address(host, config.port)))
        case .nameServer(let host):
            labels.append(Label(name: TargetLabel.address, value: address(unrooted(host), config.port)))
            labels.append(Label(name: "__meta_dns_ns_record_target", value: host))
        case .mailExchange(let host):
            labels.append(Label(name: TargetLabel.address, value: address(unrooted(host), config.port)))
            labels.append(Label(name: "__meta_dns_mx_record_target", value: host))
        case .service(let host, let port):
            labels.append(Label(name: TargetLabel.address, value: address(unrooted(host), Int(port))))
            labels.append(Label(name: "__meta_dns_srv_record_target", value: host))
            labels.append(Label(name: "__meta_dns_srv_record_port", value: String(port)))
        }
        return labels
    }
}
