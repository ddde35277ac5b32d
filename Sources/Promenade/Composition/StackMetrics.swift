import MetricModel
import PromQL
import Scrape
import TSDB
import Web

/// The stack's own figures under the names that dashboards look for.
enum StackMetrics {
    private static func family(
        _ name: String,
        _ help: String,
        _ type: MetricType,
        _ metrics: [(labels: [(String, String)], value: Double)]
    ) -> MetricFamily {
        MetricFamily(
            name: name,
            help: help,
            type: type,
            metrics: metrics.map { metric in
                MetricFamily.Metric(
                    labels: metric.labels.map { Label(name: $0.0, value: $0.1) },
                    value: type == .counter ? .counter(metric.value) : .gauge(metric.value)
                )
            }
        )
    }

    static func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
        family(name, help, .gauge, [([], value)])
    }

    static func counter(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
        family(name, help, .counter, [([], value)])
    }

    static func families(_ stack: Stack) async -> [MetricFamily] {
        let state = stack.state.now
        let build = StackVersion.build
        var families = [
            family(
                "prometheus_build_info",
                "A metric with a constant '1' value labeled by version, revision, branch, goversion from which prometheus was "
                    + "built, and the goos and goarch for the build.",
                .gauge,
                [
                    (
                        [
                            ("branch", build.branch), ("goarch", architecture), ("goos", system),
                            ("goversion", build.goVersion), ("revision", build.revision), ("tags", ""),
                            ("version", build.version),
                        ], 1
                    )
                ]
            ),
            gauge(
                "prometheus_config_last_reload_success_timestamp_seconds",
                "Timestamp of the last successful configuration reload.",
                Double(state.lastReload)
            ),
            gauge(
                "prometheus_config_last_reload_successful",
                "Whether the last configuration reload attempt was successful.",
                state.isLastReloadGood ? 1 : 0
            ),
            gauge(
                "prometheus_ready",
                "Whether Prometheus startup was fully completed and the server is ready for normal operation.",
                state.phase == .ready ? 1 : 0
            ),
            gauge(
                "prometheus_engine_queries",
                "The current number of queries being executed or waiting.",
                Double(stack.engine.activeQueries.runningCount + stack.engine.activeQueries.waitingCount)
            ),
            gauge(
                "prometheus_engine_queries_concurrent_max",
                "The max number of concurrent queries.",
                Double(stack.engine.activeQueries.limit)
            ),
        ]
        families += stack.queryMetrics.families + stack.scraper.metricFamilies + stack.connections.families
        families += absent + RuntimeMetrics.families
        if let figures = try? await stack.store.statistics(limit: 1) { families += storage(figures, stack) }
        return families
    }

    private static func storage(_ figures: StorageStatistics, _ stack: Stack) -> [MetricFamily] {
        let options = stack.options.store
        return [
            gauge(
                "prometheus_tsdb_head_series",
                "Total number of series in the head block.",
                Double(figures.activeSeries)
            ),
            gauge("prometheus_tsdb_head_chunks", "Total number of chunks in the head block.", Double(figures.chunks)),
            gauge(
                "prometheus_tsdb_head_min_time_seconds",
                "Minimum time bound of the head block.",
                Double(figures.minTime ?? .max) / 1000
            ),
            gauge(
                "prometheus_tsdb_head_max_time_seconds",
                "Maximum timestamp of the head block.",
                Double(figures.maxTime ?? .min) / 1000
            ),
            family(
                "prometheus_tsdb_head_samples_appended_total",
                "Total number of appended samples.",
                .counter,
                [([("type", "float")], Double(figures.samplesAppended))]
            ),
            family(
                "prometheus_tsdb_wal_writes_failed_total",
                "Total number of write log writes that failed.",
                .counter,
                [([], Double(figures.failedWrites))]
            ),
            family(
                "prometheus_tsdb_out_of_order_samples_total",
                "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
                .counter,
                [([("type", "float")], Double(figures.outOfOrderSamples))]
            ),
            family(
                "prometheus_tsdb_too_old_samples_total",
                "Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside "
                    + "of time window.",
                .counter,
                [([("type", "float")], Double(figures.tooOldSamples))]
            ),
            gauge(
                "prometheus_tsdb_head_min_time",
                "Minimum time bound of the head block. The unit is decided by the library consumer.",
                Double(figures.minTime ?? .max)
            ),
            gauge(
                "prometheus_tsdb_head_max_time",
                "Maximum timestamp of the head block. The unit is decided by the library consumer.",
                Double(figures.maxTime ?? .min)
            ),
            gauge(
                "prometheus_tsdb_lowest_timestamp",
                "Lowest timestamp value stored in the database. The unit is decided by the library consumer.",
                Double(figures.minTime ?? .max)
            ),
            gauge(
                "prometheus_tsdb_lowest_timestamp_seconds",
                "Lowest timestamp value stored in the database.",
                Double(figures.minTime ?? .max) / 1000
            ),
            gauge(
                "prometheus_tsdb_exemplar_max_exemplars",
                "Total number of exemplars the exemplar storage can store, resizeable.",
                Double(options.exemplarCapacity)
            ),
            // As in Prometheus, whatever is stored passes the remote storage, whether anything is sent from there or not.
            counter(
                "prometheus_remote_storage_samples_in_total",
                "Samples in to remote storage, compare to samples out for queue managers.",
                Double(figures.samplesAppended)
            ),
            gauge(
                "prometheus_remote_storage_highest_timestamp_in_seconds",
                "Highest timestamp that has come into the remote storage via the Appender interface, in seconds since epoch. "
                    + "Initialized to 0 when no data has been received yet.",
                Double((figures.maxTime ?? 0) / 1000)
            ),
            gauge(
                "prometheus_tsdb_storage_blocks_bytes",
                "The number of bytes that are currently used for local storage by all blocks.",
                Double(figures.bytesOnDisk)
            ),
            gauge(
                "prometheus_tsdb_retention_limit_bytes",
                "Max number of bytes to be retained in the tsdb blocks, configured 0 means disabled",
                Double(options.retentionSize ?? 0)
            ),
            gauge(
                "prometheus_tsdb_retention_limit_seconds",
                "How long to retain samples in storage.",
                Double(options.retention ?? 0) / 1000
            ),
        ]
    }

    /// Figures of what a stack has not, which are 0 because of that: dashboards and alerts on them have something to look at.
    private static let absent: [MetricFamily] = [
        gauge("prometheus_engine_query_log_enabled", "State of the query log.", 0),
        counter("prometheus_engine_query_log_failures_total", "The number of query log failures.", 0),
        gauge(
            "prometheus_notifications_alertmanagers_discovered",
            "The number of alertmanagers discovered and active.",
            0
        ),
        counter(
            "prometheus_notifications_dropped_total",
            "Total number of alerts dropped due to errors when sending to Alertmanager.",
            0
        ),
        gauge("prometheus_notifications_queue_capacity", "The capacity of the alert notifications queue.", 10_000),
        gauge("prometheus_notifications_queue_length", "The number of alert notifications in the queue.", 0),
        summary(
            "prometheus_rule_evaluation_duration_seconds",
            "The duration for a rule to execute.",
            [0.5, 0.9, 0.99]
        ),
        summary(
            "prometheus_rule_group_duration_seconds",
            "The duration of rule group evaluations.",
            [0.01, 0.05, 0.5, 0.9, 0.99]
        ),
        // A damaged file is refused at the start, and a block that cannot be read fails the query that reads it.
        counter("prometheus_tsdb_wal_corruptions_total", "Total number of WAL corruptions.", 0),
        counter(
            "prometheus_tsdb_reloads_failures_total",
            "Number of times the database failed to reloadBlocks block data from disk.",
            0
        ),
    ]

    /// A summary without observations.
    private static func summary(_ name: String, _ help: String, _ shares: [Double]) -> MetricFamily {
        let quantiles = shares.map { MetricFamily.Summary.Quantile(quantile: $0, value: .nan) }
        return MetricFamily(
            name: name,
            help: help,
            type: .summary,
            metrics: [MetricFamily.Metric(value: .summary(.init(quantiles: quantiles, sum: 0, count: 0)))]
        )
    }

    private static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #else
            "arm64"
        #endif
    }

    private static var system: String {
        #if os(Linux)
            "linux"
        #else
            "darwin"
        #endif
    }
}
