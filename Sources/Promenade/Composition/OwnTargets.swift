import MetricModel
package import Scrape
import Web

/// Targets that are the stack's own servers: in a configuration they stand with the usual ports, and follow the servers to those
/// that they really have.
package struct OwnTargets: Sendable, Hashable {
    /// A target that was moved.
    package struct Move: Sendable, Hashable {
        package var job: String
        package var from: String
        package var to: String
    }

    /// The real port of each usual one, where it is another.
    private var ports: [String: Int] = [:]
    /// The host of targets that are moved; `nil` to leave the one that stands there.
    private let host: String?

    /// The moves to the servers of a stack. In a fixture, whose servers listen on 127.0.0.1 alone, targets are named by that.
    package init(_ addresses: StackAddresses, isFixture: Bool) {
        host = isFixture ? "127.0.0.1" : nil
        for (usual, address) in [(9090, addresses.prometheus), (9091, addresses.pushgateway), (8080, addresses.demo)] {
            guard let address, address.port != usual else { continue }
            ports[String(usual)] = address.port
        }
    }

    /// A configuration whose own targets have moved, and what moved.
    package func applied(to config: PrometheusConfig) -> (config: PrometheusConfig, moves: [Move]) {
        guard !ports.isEmpty else { return (config, []) }
        var config = config
        var moves: [Move] = []
        for job in config.scrapeConfigs.indices {
            for item in config.scrapeConfigs[job].discovery.indices {
                guard case .fixed(var groups) = config.scrapeConfigs[job].discovery[item] else { continue }
                for group in groups.indices {
                    groups[group].targets = groups[group].targets.map { labels in
                        labels.map { label in
                            guard label.name == TargetLabel.address, let address = moved(label.value) else {
                                return label
                            }
                            moves.append(Move(job: config.scrapeConfigs[job].jobName, from: label.value, to: address))
                            return Label(name: label.name, value: address)
                        }
                    }
                }
                config.scrapeConfigs[job].discovery[item] = .fixed(groups)
            }
        }
        return (config, moves)
    }

    /// Where a target has moved to; `nil` where it is none of the stack's own, or stays.
    private func moved(_ address: String) -> String? {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "localhost" || parts[0] == "127.0.0.1", let port = ports[String(parts[1])]
        else { return nil }
        return "\(host ?? String(parts[0])):\(port)"
    }
}
