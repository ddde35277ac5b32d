public import MetricModel
import Synchronization

/// Counts the connections of a server, as Prometheus does it under the names `net_conntrack_listener_*`.
public final class ConnectionCounts: Sendable {
    /// Those that were accepted.
    let accepted = Atomic(0)
    /// Those of them that are closed.
    let closed = Atomic(0)

    /// One is accepted.
    func add() { accepted.wrappingAdd(1, ordering: .relaxed) }
    /// One is closed.
    func remove() { closed.wrappingAdd(1, ordering: .relaxed) }

    /// None so far.
    public init() {}

    /// The counters.
    public var families: [MetricFamily] {
        func family(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
            MetricFamily(
                name: "net_conntrack_listener_conn_" + name,
                help: help,
                type: .counter,
                metrics: [
                    MetricFamily.Metric(
                        labels: [Label(name: "listener_name", value: "http")],
                        value: .counter(Double(value))
                    )
                ]
            )
        }
        return [
            family(
                "accepted_total",
                "Total number of connections opened to the listener of a given name.",
                accepted.load(ordering: .relaxed)
            ),
            family(
                "closed_total",
                "Total number of connections closed that were made to the listener of a given name.",
                closed.load(ordering: .relaxed)
            ),
        ]
    }
}
