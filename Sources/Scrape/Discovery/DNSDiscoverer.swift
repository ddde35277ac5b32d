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
        let kind = kind
        // All at once: names that nobody answers take seconds each.
        let found = await withTaskGroup(of: (Int, Result<[DNSMessage.Record], DiscoveryError>).self) { group in
            for (index, name) in config.names.enumerated() {
                counters.update { $0.dnsLookups += 1 }
                group.addTask { [resolver] in
                    do throws(DiscoveryError) {
                        return (index, .success(try await resolver.lookup(name, kind)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        var groups: [TargetGroup] = []
        var problem = ""
        for (index, name) in config.names.enumerated() {
            switch found[index] {
            case .success(let records):
                groups.append(TargetGroup(source: name, targets: records.map { target($0, name: name) }))
            case .failure(let error):
                counters.update { $0.dnsFailures += 1 }
                logger.error("Error refreshing DNS targets", metadata: ["err": "\(error)"])
                problem = error.description
            case nil: break
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
