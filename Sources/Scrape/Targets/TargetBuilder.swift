public import MetricModel

/// Builds targets from what discovery finds.
public enum TargetBuilder {
    /// What became of one discovered target.
    public enum Outcome: Sendable, Hashable {
        /// A target to scrape, with all its labels, the internal ones included.
        case target(Labels)
        /// A rule dropped it.
        case dropped
        /// It cannot be a target, for that reason.
        case invalid(String)
    }

    static let convertClassicHistograms = "__convert_classic_histograms_to_nhcb__"
    static let alwaysScrapeClassicHistograms = "__always_scrape_classic_histograms__"
    static let scrapeNativeHistograms = "__scrape_native_histograms__"

    /// The labels of a target before relabelling.
    public static func discoveredLabels(_ config: ScrapeConfig, target: [Label], group: [Label]) -> LabelsBuilder {
        var labels = LabelsBuilder()
        for label in group { labels.set(label.name, label.value) }
        for label in target { labels.set(label.name, label.value) }
        func fill(_ name: String, _ value: String) {
            if labels[name] == nil { labels.set(name, value) }
        }
        fill(TargetLabel.job, config.jobName)
        fill(TargetLabel.scrapeInterval, config.scrapeInterval.description)
        fill(TargetLabel.scrapeTimeout, config.scrapeTimeout.description)
        fill(TargetLabel.metricsPath, config.metricsPath)
        fill(TargetLabel.scheme, config.scheme)
        fill(convertClassicHistograms, config.convertClassicHistogramsToNHCB ? "true" : "false")
        fill(alwaysScrapeClassicHistograms, config.alwaysScrapeClassicHistograms ? "true" : "false")
        fill(scrapeNativeHistograms, config.scrapeNativeHistograms ? "true" : "false")
        for (name, values) in config.params {
            if let first = values.first { fill(TargetLabel.parameterPrefix + name, first) }
        }
        return labels
    }

    /// Relabels a discovered target, checks it and adds `instance`.
    public static func build(_ config: ScrapeConfig, target: [Label], group: [Label]) -> Outcome {
        var labels = discoveredLabels(config, target: target, group: group)
        guard Relabeller.apply(config.relabelRules, to: &labels) else { return .dropped }
        if let problem = problem(of: labels) { return .invalid(problem) }
        let address = labels[TargetLabel.address] ?? ""
        labels.keep { !$0.name.hasPrefix(TargetLabel.metaPrefix) }
        if labels[TargetLabel.instance] == nil { labels.set(TargetLabel.instance, address) }
        return .target(labels.build())
    }

    private static func problem(of labels: LabelsBuilder) -> String? {
        guard let address = labels[TargetLabel.address] else { return "no address" }
        if address.contains("/") { return "\(GoText.quoted(address)) is not a valid hostname" }
        let interval = labels[TargetLabel.scrapeInterval] ?? ""
        let timeout = labels[TargetLabel.scrapeTimeout] ?? ""
        var length = PrometheusDuration(milliseconds: 0)
        do throws(PrometheusDurationError) {
            length = try PrometheusDuration(parsing: interval)
        } catch {
            return "error parsing scrape interval: \(error.message)"
        }
        if length.milliseconds == 0 { return "scrape interval cannot be 0" }
        var patience = length
        do throws(PrometheusDurationError) {
            patience = try PrometheusDuration(parsing: timeout)
        } catch {
            return "error parsing scrape timeout: \(error.message)"
        }
        if patience.milliseconds == 0 { return "scrape timeout cannot be 0" }
        if patience > length {
            return "scrape timeout cannot be greater than scrape interval "
                + "(\(GoText.quoted(timeout)) > \(GoText.quoted(interval)))"
        }
        for (name, words) in [
            (convertClassicHistograms, "convert classic histograms to nhcb"),
            (alwaysScrapeClassicHistograms, "always scrape classic histograms"),
            (scrapeNativeHistograms, "scrape native histograms"),
        ] {
            if let value = labels[name], bool(value) == nil {
                return "error parsing \(words): strconv.ParseBool: parsing \(GoText.quoted(value)): invalid syntax"
            }
        }
        return nil
    }

    /// A truth value as Go's `ParseBool` reads it.
    static func bool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }
}
