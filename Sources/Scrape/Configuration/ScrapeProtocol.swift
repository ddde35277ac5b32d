package import Exposition

/// An exposition format that a scrape can ask for, by Prometheus's name.
public enum ScrapeProtocol: String, Sendable, Hashable, CaseIterable {
    /// Delimited protobuf.
    case prometheusProto = "PrometheusProto"
    /// Text 0.0.4.
    case prometheusText004 = "PrometheusText0.0.4"
    /// Text 1.0.0.
    case prometheusText100 = "PrometheusText1.0.0"
    /// OpenMetrics 0.0.1.
    case openMetricsText001 = "OpenMetricsText0.0.1"
    /// OpenMetrics 1.0.0.
    case openMetricsText100 = "OpenMetricsText1.0.0"

    /// Prometheus's name of the type, in messages.
    static let typeName = "config.ScrapeProtocol"

    /// What is asked for by default.
    public static let defaults: [Self] = [
        .openMetricsText100, .openMetricsText001, .prometheusText100, .prometheusText004,
    ]
    /// What is asked for where native histograms are wanted.
    public static let protobufFirst: [Self] = [.prometheusProto] + defaults

    /// The media type with its parameters, as in the Accept header.
    public var mediaTypeWithParameters: String {
        switch self {
        case .prometheusProto:
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
        case .prometheusText004: "text/plain;version=0.0.4"
        case .prometheusText100: "text/plain;version=1.0.0"
        case .openMetricsText001: "application/openmetrics-text;version=0.0.1"
        case .openMetricsText100: "application/openmetrics-text;version=1.0.0"
        }
    }

    /// The media type alone.
    public var mediaType: String {
        switch self {
        case .prometheusProto: "application/vnd.google.protobuf"
        case .prometheusText004, .prometheusText100: "text/plain"
        case .openMetricsText001, .openMetricsText100: "application/openmetrics-text"
        }
    }
}

extension ScrapeProtocol {
    /// The format to read.
    package var format: ScrapeFormat {
        switch self {
        case .prometheusProto: .protobuf
        case .prometheusText004, .prometheusText100: .text
        case .openMetricsText001, .openMetricsText100: .openMetrics
        }
    }
}
