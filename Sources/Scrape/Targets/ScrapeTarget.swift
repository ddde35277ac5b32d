public import MetricModel

/// An endpoint to scrape: all its labels and what follows from them. A value; how it fares is kept elsewhere.
public struct ScrapeTarget: Sendable, Hashable {
    /// All labels, the internal ones included.
    public let labels: Labels
    /// The labels that its samples get: those whose names do not begin with two underscores.
    public let publicLabels: Labels
    /// Where it is scraped.
    public let url: String
    /// How often.
    public let interval: PrometheusDuration
    /// When to give up.
    public let timeout: PrometheusDuration

    /// A target from its labels and its job's settings.
    public init(labels: Labels, config: ScrapeConfig) {
        self.labels = labels
        publicLabels = Labels(labels.filter { !$0.name.hasPrefix("__") })
        url = Self.url(labels, params: config.params)
        interval =
            labels[TargetLabel.scrapeInterval].flatMap { try? PrometheusDuration(parsing: $0) }
            ?? config.scrapeInterval
        timeout =
            labels[TargetLabel.scrapeTimeout].flatMap { try? PrometheusDuration(parsing: $0) }
            ?? config.scrapeTimeout
    }

    /// A number that stays the same for the same target, by which its scrapes are spread over the interval.
    public var hash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in labels.encoded { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in url.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }

    /// Whether a flag that relabelling may have set is on.
    func flag(_ name: String, _ configured: Bool) -> Bool {
        labels[name].flatMap(TargetBuilder.bool) ?? configured
    }

    private static func url(_ labels: Labels, params: [String: [String]]) -> String {
        var params = params
        for label in labels where label.name.hasPrefix(TargetLabel.parameterPrefix) {
            let name = String(label.name.dropFirst(TargetLabel.parameterPrefix.count))
            var values = params[name] ?? []
            if values.isEmpty { values = [label.value] } else { values[0] = label.value }
            params[name] = values
        }
        let path = labels[TargetLabel.metricsPath] ?? ""
        // A scheme that relabelling has taken away leaves a URL without one, which cannot be fetched.
        let scheme = labels[TargetLabel.scheme] ?? ""
        var url = (scheme.isEmpty ? "//" : scheme + "://") + URLText.authority(labels[TargetLabel.address] ?? "")
        url += path.isEmpty || path.hasPrefix("/") ? URLText.path(path) : "/" + URLText.path(path)
        let query = params.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.flatMap { name, values in
            values.map { URLText.query(name) + "=" + URLText.query($0) }
        }
        if !query.isEmpty { url += "?" + query.joined(separator: "&") }
        return url
    }
}
