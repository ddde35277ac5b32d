import MetricModel

/// The wire formats of a scrape.
public enum ScrapeFormat: Sendable, Hashable {
    /// Prometheus text 0.0.4 and 1.0.0.
    case text
    /// OpenMetrics text.
    case openMetrics
    /// Delimited protobuf (`io.prometheus.client.MetricFamily`).
    case protobuf

    /// What a Content-Type means for a scrape.
    public struct Choice: Sendable, Hashable {
        /// The format to read; `nil` where the scrape has to fail with ``problem``.
        public var format: ScrapeFormat?
        /// What is wrong with the Content-Type: the error where there is no format, else a warning worth logging.
        public var problem: ExpositionError?
    }

    /// The format with that media type, as a target announces it.
    public init?(mediaType: String) {
        switch mediaType {
        case "text/plain": self = .text
        case "application/openmetrics-text": self = .openMetrics
        case "application/vnd.google.protobuf": self = .protobuf
        default: return nil
        }
    }

    /// The media type without parameters.
    public var mediaType: String {
        switch self {
        case .text: "text/plain"
        case .openMetrics: "application/openmetrics-text"
        case .protobuf: "application/vnd.google.protobuf"
        }
    }

    /// Chooses by a response's Content-Type (empty where it had none) and the configured fallback.
    public static func choose(contentType: String, fallback: ScrapeFormat?) -> Choice {
        func refuse(_ withoutFallback: String, _ withFallback: String, detail: String? = nil) -> Choice {
            var message = withoutFallback
            if let fallback {
                message = "\(withFallback), using fallback_scrape_protocol \(GoText.quoted(fallback.mediaType))"
            }
            if let detail { message += "\n" + detail }
            return Choice(format: fallback, problem: ExpositionError(message))
        }
        let blank = "non-compliant scrape target sending blank Content-Type"
        guard !contentType.isEmpty else {
            return refuse("\(blank) and no fallback_scrape_protocol specified for target", blank)
        }
        let quoted = GoText.quoted(contentType)
        do {
            if let format = ScrapeFormat(mediaType: try MediaType(parsing: contentType).essence) {
                return Choice(format: format, problem: nil)
            }
        } catch {
            return refuse(
                "cannot parse Content-Type \(quoted) and no fallback_scrape_protocol for target",
                "could not parse received Content-Type \(quoted)",
                detail: error.message
            )
        }
        let unsupported = "received unsupported Content-Type \(quoted)"
        return refuse("\(unsupported) and no fallback_scrape_protocol specified for target", unsupported)
    }
}
