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
}

extension MetricFamily {
    fileprivate static func counter(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        MetricFamily(name: name, help: help, type: .counter, metrics: [Metric(value: .counter(Double(value)))])
    }

    fileprivate static func gauge(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        MetricFamily(name: name, help: help, type: .gauge, metrics: [Metric(value: .gauge(Double(value)))])
    }
}
