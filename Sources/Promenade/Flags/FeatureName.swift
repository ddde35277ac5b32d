import ConfigTree
import MetricModel

/// The names that `--enable-feature` takes.
enum FeatureName {
    /// What a name does here.
    enum Standing {
        /// It switches something on.
        case working
        /// It is on anyway.
        case always
        /// Nothing; why.
        case none(String)
    }

    /// Every name that Prometheus 3.5 or later knows, and those of version 2 that stand in old scripts.
    static let all: [(name: String, standing: Standing)] = [
        ("auto-reload-config", .working), ("concurrent-rule-eval", .working), ("extra-scrape-metrics", .working),
        ("native-histograms", .working),
        ("promql-binop-fill-modifiers", .working), ("promql-delayed-name-removal", .working),
        ("promql-experimental-functions", .working), ("promql-extended-range-selectors", .working),
        ("promql-per-step-stats", .working), ("type-and-unit-labels", .working), ("use-start-timestamps", .working),
        ("exemplar-storage", .always), ("ooo-native-histograms", .always), ("promql-duration-expr", .always),
        ("no-default-scrape-port", .always), ("utf8-names", .always), ("new-service-discovery-manager", .always),
        ("promql-at-modifier", .always), ("promql-negative-offset", .always),
        ("agent", .none("this is always a server that can be queried")),
        ("auto-gomaxprocs", .none("this is no Go program")), ("auto-gomemlimit", .none("this is no Go program")),
        ("created-timestamp-zero-ingestion", .none("no zero is stored where a counter was created")),
        ("delayed-compaction", .none(blocks)), ("memory-snapshot-on-shutdown", .none(blocks)),
        ("use-uncached-io", .none(blocks)), ("fast-startup", .none(blocks)), ("xor2-encoding", .none(blocks)),
        ("histograms-st-encoding", .none(blocks)),
        ("st-storage", .none("start timestamps of scrapes are not stored, those of remote write 2.0 always are")),
        ("st-synthesis", .none("none is made up where a target tells none")),
        ("metadata-wal-records", .none("metadata are kept in the store's file")),
        ("expand-external-labels", .none("external labels are always expanded")),
        ("old-ui", .none("there is one set of pages")),
        ("otlp-deltatocumulative", .working), ("otlp-native-delta-ingestion", .working),
        ("otlp-write-receiver", .none("use --web.enable-otlp-receiver")),
        ("remote-write-receiver", .none("use --web.enable-remote-write-receiver")),
        ("search-api", .none("there is no search API")),
    ]

    static let blocks = "samples are kept in one SQLite file, without blocks and without Prometheus's write-ahead log"

    /// What has to be said where a name is given; `nil` where it does what it promises.
    static func remark(on name: String) -> String? {
        guard let known = all.first(where: { $0.name == name }) else {
            let nearest = DidYouMean.nearest(name, among: all.map(\.name)).map { " (did you mean \($0)?)" } ?? ""
            return "unknown feature\(nearest)"
        }
        switch known.standing {
        case .working: return nil
        case .always: return "is always on here"
        case .none(let reason): return "has no effect here: \(reason)"
        }
    }
}
