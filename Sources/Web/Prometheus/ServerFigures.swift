import MetricModel
import Synchronization

/// What a Prometheus server counts besides requests, by the names that Prometheus gives these figures.
final class ServerFigures: Sendable {
    /// Samples that queries have gone through.
    let querySamples = Atomic(0)
    /// Remote reads under way.
    let remoteReads = Atomic(0)
    /// Samples of remote write that were refused for their labels.
    let invalidLabels = Atomic(0)
    /// Exemplars of OpenTelemetry that were refused.
    let otlpExemplars = Atomic(0)
    /// What was odd about OpenTelemetry's metrics: without points, labels that became one, counts that do not fit.
    let otlpEmpty = Atomic(0), otlpCollisions = Atomic(0), otlpZeroCounts = Atomic(0)
    /// Points of OpenTelemetry that could not be added up.
    let otlpDropped = Atomic(0)
    /// Federations that failed.
    let federationErrors = Atomic(0)
    /// Those who listen for notifications.
    let subscribers = Atomic(0)
    /// Notifications that were sent to them.
    let notificationsSent = Atomic(0)

    /// Counts something that has happened.
    static func add(_ count: Int, to figure: borrowing Atomic<Int>) {
        figure.wrappingAdd(count, ordering: .relaxed)
    }

    var families: [MetricFamily] {
        [
            .counter(
                "prometheus_engine_query_samples_total",
                "The total number of samples loaded by all queries.",
                querySamples.load(ordering: .relaxed)
            ),
            .gauge(
                "prometheus_remote_read_handler_queries",
                "The current number of remote read queries that are either in execution or queued on the handler.",
                remoteReads.load(ordering: .relaxed)
            ),
            .counter(
                "prometheus_api_remote_write_invalid_labels_samples_total",
                "The total number of received remote write samples and histogram samples which were rejected due to invalid "
                    + "labels.",
                invalidLabels.load(ordering: .relaxed)
            ),
            .counter(
                "prometheus_api_otlp_appended_samples_without_metadata_total",
                "The total number of samples ingested from OTLP without corresponding metadata.",
                0
            ),
            .counter(
                "prometheus_api_otlp_out_of_order_exemplars_total",
                "The total number of received OTLP exemplars which were rejected because they were out of order.",
                otlpExemplars.load(ordering: .relaxed)
            ),
            warnings,
            .counter(
                "prometheus_web_federation_errors_total",
                "Total number of errors that occurred while sending federation responses.",
                federationErrors.load(ordering: .relaxed)
            ),
            .counter(
                "prometheus_web_federation_warnings_total",
                "Total number of warnings that occurred while sending federation responses.",
                0
            ),
            .gauge(
                "prometheus_api_notification_active_subscribers",
                "The current number of active notification subscribers.",
                subscribers.load(ordering: .relaxed)
            ),
            .counter(
                "prometheus_api_notification_updates_sent_total",
                "Total number of notification updates sent.",
                notificationsSent.load(ordering: .relaxed)
            ),
            .counter(
                "prometheus_api_notification_updates_dropped_total",
                "Total number of notification updates dropped.",
                0
            ),
        ]
    }

    private var warnings: MetricFamily {
        let counts = [
            ("empty_data_points", otlpEmpty.load(ordering: .relaxed)),
            ("histogram_zero_count_non_zero_sum", otlpZeroCounts.load(ordering: .relaxed)),
            ("label_name_collision", otlpCollisions.load(ordering: .relaxed)),
        ]
        return MetricFamily(
            name: "prometheus_api_otlp_translation_warnings_total",
            help:
                "The total number of warnings produced while translating OTLP metrics to the Prometheus model, by category.",
            type: .counter,
            metrics: counts.compactMap { category, count in
                count == 0
                    ? nil
                    : MetricFamily.Metric(
                        labels: [Label(name: "category", value: category)],
                        value: .counter(Double(count))
                    )
            }
        )
    }
}

extension MetricFamily {
    fileprivate static func counter(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        MetricFamily(name: name, help: help, type: .counter, metrics: [Metric(value: .counter(Double(value)))])
    }

    fileprivate static func gauge(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        MetricFamily(name: name, help: help, type: .gauge, metrics: [Metric(value: .gauge(Double(value)))])
    }
}
