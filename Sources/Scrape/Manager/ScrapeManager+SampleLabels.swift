import Exposition
public import MetricModel
import Synchronization

/// Which labels the samples of a target are stored with.
public struct SampleLabelSurvey: Sendable, Hashable {
    /// One label.
    public struct Row: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// The target's value; `nil` where the target has no such label.
        public var target: String?
        /// The values that samples are stored with and how many series have each, the most frequent first. An empty value stands
        /// for the lack of the label.
        public var values: [(value: String, series: Int)]
        /// How many values there are besides these.
        public var others: Int

        /// Whether two say the same.
        public static func == (left: Row, right: Row) -> Bool {
            left.name == right.name && left.target == right.target && left.others == right.others
                && left.values.elementsEqual(right.values, by: ==)
        }

        /// Hashes the name, which is different for each.
        public func hash(into hasher: inout Hasher) { hasher.combine(name) }
    }

    /// Whether the labels that a sample brings win over the target's.
    public var honorsLabels: Bool
    /// How many series of the last body are stored.
    public var series: Int
    /// The target's labels, and those that samples had to give up to them, which are stored as `exported_…`.
    public var rows: [Row]

    /// The most values of a label that are told.
    public static let valueLimit = 10
}

extension ScrapeManager {
    /// Which labels the samples of a target's last body are stored with, by the rules by which they are stored.
    /// - Returns: `nil` where there is no such target, or nothing of it was read.
    public func sampleLabels(pool name: String, labels wanted: Labels) -> SampleLabelSurvey? {
        let found = state.withLock { state -> (ScrapeTarget, ScrapeConfig)? in
            guard let pool = state.pools[name] else { return nil }
            let target = pool.active.values.first { $0.target.publicLabels == wanted || $0.target.labels == wanted }
            return target.map { ($0.target, pool.config) }
        }
        guard let (target, config) = found,
            let scrape = rawScrapes(pool: name, labels: wanted).first, let body = scrape.body
        else { return nil }
        let type = scrape.responseHeaders.first { $0.name.lowercased() == "content-type" }?.value ?? ""
        let chosen = ScrapeFormat.choose(contentType: type, fallback: config.fallbackProtocol?.format)
        guard let format = chosen.format else { return nil }
        let rules = ScrapePool.rules(for: target, config)
        var count = 0
        var kept: [String: [String: Int]] = [:]
        let names = Set(target.publicLabels.map(\.name))
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format, options: rules.options)
            while let entry = try? parser.next() {
                switch entry {
                case .help, .type, .unit, .comment: continue
                case .series, .histogram: break
                }
                let exposed = parser.labels()
                let emptied = SampleLabels.emptied(in: parser.seriesBytes)
                guard case .labels(let stored) = rules.labels.apply(to: exposed, emptied: emptied) else { continue }
                count += 1
                for name in names { kept[name, default: [:]][stored[name] ?? "", default: 0] += 1 }
                for label in stored where label.name.hasPrefix("exported_") && exposed[label.name] == nil {
                    kept[label.name, default: [:]][label.value, default: 0] += 1
                }
            }
        }
        let rows = kept.keys.sorted().map { name in
            let values = (kept[name] ?? [:]).map { (value: $0.key, series: $0.value) }
                .sorted { ($1.series, $0.value) < ($0.series, $1.value) }
            return SampleLabelSurvey.Row(
                name: name,
                target: target.publicLabels[name],
                values: Array(values.prefix(SampleLabelSurvey.valueLimit)),
                others: max(0, values.count - SampleLabelSurvey.valueLimit)
            )
        }
        return SampleLabelSurvey(honorsLabels: config.honorLabels, series: count, rows: rows)
    }
}
