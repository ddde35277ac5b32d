import Exposition
import MetricModel

/// The headers of a scrape, to the byte as Prometheus sends them.
enum ScrapeHeaders {
    /// What formats are wanted, by falling weight.
    static func accept(_ protocols: [ScrapeProtocol], escaping: NameEscaping) -> String {
        var weight = ScrapeProtocol.allCases.count + 1
        var parts: [String] = []
        for wanted in protocols {
            var part = wanted.mediaTypeWithParameters
            if wanted == .prometheusText100 || wanted == .openMetricsText100 {
                part += ";escaping=\(escaping.rawValue)"
            }
            parts.append("\(part);q=0.\(weight)")
            weight -= 1
        }
        parts.append("*/*;q=0.\(weight)")
        return parts.joined(separator: ",")
    }

    /// All headers of a scrape.
    static func all(_ config: ScrapeConfig, timeout: PrometheusDuration, userAgent: String)
        -> [(name: String, value: String)]
    {
        [
            ("User-Agent", userAgent),
            ("Accept", accept(config.scrapeProtocols, escaping: config.nameEscaping)),
            ("Accept-Encoding", config.enableCompression ? "gzip" : "identity"),
            ("X-Prometheus-Scrape-Timeout-Seconds", GoNumber.text(timeout.seconds, .fixed)),
        ]
    }
}
