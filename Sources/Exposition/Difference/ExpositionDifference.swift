package import MetricModel

/// What an exposition says, series by series, so that two can be compared whatever their formats are.
package struct ExpositionContent: Sendable, Hashable {
    /// One series.
    package struct Entry: Sendable, Hashable {
        /// Name and labels as in a query.
        package var series: String
        /// The value as text.
        package var value: String
        /// The value; `nil` for a native histogram.
        package var number: Double?
        /// Whether it must not go down: counters, and what histograms and summaries count.
        package var counts: Bool
    }

    /// The series in the order of the body, up to its first error.
    package var entries: [Entry] = []

    /// Reads a body as a scrape does.
    package init(_ body: [UInt8], format: ScrapeFormat) {
        var found: [Entry] = []
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format)
            var types: [String: MetricType] = [:]
            while let entry = try? parser.next() {
                switch entry {
                case .type: types[parser.familyName] = parser.familyType
                case .series:
                    let labels = parser.labels()
                    found.append(
                        Entry(
                            series: labels.selectorText,
                            value: GoNumber.text(parser.value, .shortest),
                            number: parser.value,
                            counts: Self.counts(labels.name, types)
                        )
                    )
                case .histogram:
                    let text = "\(parser.histogram)"
                    found.append(Entry(series: parser.labels().selectorText, value: text, number: nil, counts: false))
                case .help, .unit, .comment: break
                }
            }
        }
        entries = found
    }

    private static func counts(_ name: String, _ types: [String: MetricType]) -> Bool {
        func type(without suffix: String) -> MetricType? {
            name.hasSuffix(suffix) ? types[String(name.dropLast(suffix.count))] : nil
        }
        if types[name] == .counter || type(without: "_total") == .counter { return true }
        if type(without: "_bucket") == .histogram { return true }
        return type(without: "_count") == .histogram || type(without: "_count") == .summary
    }
}

/// What changed from one exposition to the next.
package struct ExpositionDifference: Sendable, Hashable {
    /// A series whose value is another one.
    package struct Change: Sendable, Hashable {
        package var series: String
        package var before: String
        package var after: String
        /// Whether something went down that only counts up: a restart, or a mistake.
        package var isReset: Bool
    }

    /// Series that were not there before.
    package var added: [ExpositionContent.Entry] = []
    /// Series that are not there any more.
    package var removed: [ExpositionContent.Entry] = []
    /// Series with other values.
    package var changed: [Change] = []
    /// How many are as they were.
    package var unchanged = 0

    /// Compares.
    package init(from before: ExpositionContent, to after: ExpositionContent) {
        let old = Dictionary(before.entries.map { ($0.series, $0) }, uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        for entry in after.entries where seen.insert(entry.series).inserted {
            guard let known = old[entry.series] else {
                added.append(entry)
                continue
            }
            if known.value == entry.value {
                unchanged += 1
                continue
            }
            var isReset = false
            if entry.counts, let was = known.number, let now = entry.number { isReset = now < was }
            changed.append(Change(series: entry.series, before: known.value, after: entry.value, isReset: isReset))
        }
        removed = before.entries.filter { !seen.contains($0.series) }
    }

    /// Whether something went down that only counts up.
    package var hasReset: Bool { changed.contains(where: \.isReset) }
}

extension Labels {
    /// As in a query: `up{job="demo"}`.
    package var selectorText: String {
        guard Label.isLegacyMetricName(name) else { return description }
        let others = Labels(filter { $0.name != Labels.metricName })
        return others.isEmpty ? name : name + others.description
    }
}
