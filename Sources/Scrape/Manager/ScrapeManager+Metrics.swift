public import MetricModel
import Synchronization

extension ScrapeManager {
    /// The scraper's own figures, by the names that Prometheus gives them: `prometheus_target_*` and `prometheus_sd_*`.
    public var metricFamilies: [MetricFamily] {
        poolFamilies + metadataFamilies + scrapeFamilies + durationFamilies + discoveryFamilies
    }

    private var metadataFamilies: [MetricFamily] {
        let sizes = state.withLock { state in
            state.jobs.compactMap { state.pools[$0] }.map { pool in
                let sizes = pool.active.values.map(\.cache.metadata.size)
                let labels = [Label(name: "scrape_job", value: pool.config.jobName)]
                return (labels, sizes.reduce(0) { $0 + $1.entries }, sizes.reduce(0) { $0 + $1.bytes })
            }
        }
        return [
            .gauges(
                "target_metadata_cache_entries",
                "Total number of metric metadata entries in the cache",
                sizes.map { ($0.0, Double($0.1)) }
            ),
            .gauges(
                "target_metadata_cache_bytes",
                "The number of bytes that are currently used for storing metric metadata in the cache",
                sizes.map { ($0.0, Double($0.2)) }
            ),
        ]
    }

    private var poolFamilies: [MetricFamily] {
        let values = counters.current
        let pools = state.withLock { state in
            state.jobs.compactMap { state.pools[$0] }.map {
                ($0.config.jobName, $0.config.limits.targets, $0.order.count)
            }
        }
        return [
            .count("target_scrape_pools_total", "Total number of scrape pool creation attempts.", values.pools),
            .count(
                "target_scrape_pools_failed_total",
                "Total number of scrape pool creations that failed.",
                values.poolsFailed
            ),
            .count("target_scrape_pool_reloads_total", "Total number of scrape pool reloads.", values.poolReloads),
            .count(
                "target_scrape_pool_reloads_failed_total",
                "Total number of failed scrape pool reloads.",
                values.poolReloadsFailed
            ),
            .count(
                "target_scrape_pool_exceeded_target_limit_total",
                "Total number of times scrape pools hit the target limit, during sync or config reload.",
                values.exceededTargetLimit
            ),
            .count(
                "target_scrape_pool_exceeded_label_limits_total",
                "Total number of times scrape pools hit the label limits, during sync or config reload.",
                values.exceededLabelLimits
            ),
            .counts(
                "target_scrape_pool_sync_total",
                "Total number of syncs that were executed on a scrape pool.",
                values.syncs.map { ([Label(name: "scrape_job", value: $0.key)], $0.value) }
            ),
            .counts(
                "target_sync_failed_total",
                "Total number of target sync failures.",
                values.syncFailures.map { ([Label(name: "scrape_job", value: $0.key)], $0.value) }
            ),
            .gauges(
                "target_scrape_pool_target_limit",
                "Maximum number of targets allowed in this scrape pool.",
                pools.map { ([Label(name: "scrape_job", value: $0.0)], Double($0.1)) }
            ),
            .gauges(
                "target_scrape_pool_targets",
                "Current number of targets in this scrape pool.",
                pools.map { ([Label(name: "scrape_job", value: $0.0)], Double($0.2)) }
            ),
        ]
    }

    private var scrapeFamilies: [MetricFamily] {
        let values = counters.current
        return [
            .count(
                "target_scrapes_exceeded_body_size_limit_total",
                "Total number of scrapes that hit the body size limit",
                values.exceededBodySize
            ),
            .count(
                "target_scrapes_exceeded_sample_limit_total",
                "Total number of scrapes that hit the sample limit and were rejected.",
                values.exceededSampleLimit
            ),
            .count(
                "target_scrapes_exceeded_native_histogram_bucket_limit_total",
                "Total number of scrapes that hit the native histogram bucket limit and were rejected.",
                values.exceededBucketLimit
            ),
            .count(
                "target_scrapes_cache_flush_forced_total",
                "How many times a scrape cache was flushed due to getting big while scrapes are failing.",
                values.cacheFlushForced
            ),
            .count(
                "target_scrapes_sample_duplicate_timestamp_total",
                "Total number of samples rejected due to duplicate timestamps but different values.",
                values.duplicates
            ),
            .count(
                "target_scrapes_sample_out_of_order_total",
                "Total number of samples rejected due to not being out of the expected order.",
                values.outOfOrder
            ),
            .count(
                "target_scrapes_sample_out_of_bounds_total",
                "Total number of samples rejected due to timestamp falling outside of the time bounds.",
                values.outOfBounds
            ),
            .count(
                "target_scrapes_exemplar_out_of_order_total",
                "Total number of exemplar rejected due to not being out of the expected order.",
                values.exemplarsOutOfOrder
            ),
        ]
    }

    private var durationFamilies: [MetricFamily] {
        let values = counters.current
        let shares = [0.01, 0.05, 0.5, 0.9, 0.99]
        func by(_ label: String, _ all: [String: RecentDurations]) -> [([Label], RecentDurations)] {
            all.map { ([Label(name: label, value: $0.key)], $0.value) }
        }
        return [
            .summaries(
                "target_interval_length_seconds",
                "Actual intervals between scrapes.",
                shares,
                by("interval", values.intervals)
            ),
            .histograms(
                "target_interval_length_histogram_seconds",
                "Actual intervals between scrapes.",
                by("interval", values.intervals)
            ),
            .summaries(
                "target_reload_length_seconds",
                "Actual interval to reload the scrape pool with a given configuration.",
                shares,
                by("interval", values.reloadLengths)
            ),
            .summaries(
                "target_sync_length_seconds",
                "Actual interval to sync the scrape pool.",
                shares,
                by("scrape_job", values.syncLengths)
            ),
            .histograms(
                "target_sync_length_histogram_seconds",
                "Actual interval to sync the scrape pool.",
                by("scrape_job", values.syncLengths)
            ),
        ]
    }

    private var discoveryFamilies: [MetricFamily] {
        let values = discoveryCounters.current
        let scrape = [Label(name: "name", value: "scrape")]
        let targets = state.withLock { state in
            state.jobs.compactMap { state.pools[$0] }.map { pool in
                let groups = pool.providers.flatMap(\.groups.values)
                return (pool.config.jobName, groups.reduce(0) { $0 + $1.targets.count })
            }
        }
        func labels(_ place: DiscoveryCounters.Place) -> [Label] {
            [Label(name: "config", value: place.job), Label(name: "mechanism", value: place.mechanism)]
        }
        let refreshes = values.refreshes.map { (labels($0.key), $0.value) }
        return [
            .gauges(
                "sd_discovered_targets",
                "Current number of discovered targets.",
                targets.map { ([Label(name: "config", value: $0.0)] + scrape, Double($0.1)) }
            ),
            .gauges(
                "sd_failed_configs",
                "Current number of service discovery configurations that failed to load.",
                [(scrape, Double(values.failedConfigs))]
            ),
            .counts(
                "sd_received_updates_total",
                "Total number of update events received from the SD providers.",
                [(scrape, values.received)]
            ),
            .counts(
                "sd_updates_total",
                "Total number of update events sent to the SD consumers.",
                [(scrape, values.updates)]
            ),
            .counts(
                "sd_updates_delayed_total",
                "Total number of update events that couldn't be sent immediately.",
                [(scrape, 0)]
            ),
            .count("sd_dns_lookups_total", "The number of DNS-SD lookups.", values.dnsLookups),
            .count("sd_dns_lookup_failures_total", "The number of DNS-SD lookup failures.", values.dnsFailures),
            .count("sd_file_read_errors_total", "The number of File-SD read errors.", values.fileReadErrors),
            .count(
                "sd_file_watcher_errors_total",
                "The number of File-SD errors caused by filesystem watch failures.",
                0
            ),
            .summaries(
                "sd_file_scan_duration_seconds",
                "The duration of the File-SD scan in seconds.",
                [0.5, 0.9, 0.99],
                [([], values.fileScans)]
            ),
            .gauges(
                "sd_file_mtime_seconds",
                "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.",
                values.fileTimes.map { ([Label(name: "filename", value: $0.key)], $0.value) }
            ),
            .count("sd_http_failures_total", "Number of HTTP service discovery refresh failures.", values.httpFailures),
            .counts(
                "sd_refresh_failures_total",
                "Number of refresh failures for the given SD mechanism.",
                values.refreshes.keys.map { (labels($0), values.refreshFailures[$0] ?? 0) }
            ),
            .summaries(
                "sd_refresh_duration_seconds",
                "The duration of a refresh in seconds for the given SD mechanism.",
                [0.5, 0.9, 0.99],
                refreshes
            ),
        ]
    }
}

extension MetricFamily {
    private static func family(
        _ name: String,
        _ help: String,
        _ type: MetricType,
        _ values: [([Label], Value)]
    ) -> MetricFamily {
        let metrics = values.map { Metric(labels: $0.0, value: $0.1) }.sorted { left, right in
            left.labels.map(\.value).lexicographicallyPrecedes(right.labels.map(\.value))
        }
        return MetricFamily(name: "prometheus_" + name, help: help, type: type, metrics: metrics)
    }

    fileprivate static func count(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        family(name, help, .counter, [([], .counter(Double(value)))])
    }

    fileprivate static func counts(_ name: String, _ help: String, _ values: [([Label], Int)]) -> MetricFamily {
        family(name, help, .counter, values.map { ($0.0, .counter(Double($0.1))) })
    }

    fileprivate static func gauges(_ name: String, _ help: String, _ values: [([Label], Double)]) -> MetricFamily {
        family(name, help, .gauge, values.map { ($0.0, .gauge($0.1)) })
    }

    fileprivate static func summaries(
        _ name: String,
        _ help: String,
        _ shares: [Double],
        _ values: [([Label], RecentDurations)]
    ) -> MetricFamily {
        family(
            name,
            help,
            .summary,
            values.map { labels, durations in
                let quantiles = shares.map { Summary.Quantile(quantile: $0, value: durations.quantile($0)) }
                let summary = Summary(quantiles: quantiles, sum: durations.sum, count: UInt64(durations.count))
                return (labels, .summary(summary))
            }
        )
    }

    fileprivate static func histograms(_ name: String, _ help: String, _ values: [([Label], RecentDurations)])
        -> MetricFamily
    {
        family(
            name,
            help,
            .histogram,
            values.map { labels, durations in
                var buckets = zip(RecentDurations.bounds, durations.buckets).map {
                    Histogram.Bucket(upperBound: $0, cumulativeCount: Double($1))
                }
                buckets.append(Histogram.Bucket(upperBound: .infinity, cumulativeCount: Double(durations.count)))
                return (
                    labels,
                    .histogram(Histogram(buckets: buckets, sum: durations.sum, count: Double(durations.count)))
                )
            }
        )
    }
}
