import MetricModel
import PromQL
import Synchronization

/// Samples in memory for one unit test: rules read from it and write to it.
final class RuleTestStore: SampleReader, RuleSink {
    private struct State {
        var positions: [Labels: Int] = [:]
        var byName: [String: [Int]] = [:]
        var series: [SeriesColumns] = []
        /// By position; what the histograms of a series are read with.
        var hints: [Int: ChunkHints] = [:]

        mutating func position(of labels: Labels) -> Int {
            if let known = positions[labels] { return known }
            let position = series.count
            positions[labels] = position
            byName[labels.name, default: []].append(position)
            series.append(SeriesColumns(labels: labels))
            return position
        }

        mutating func append(_ histogram: NativeHistogram, at time: Timestamp, to position: Int) {
            var hinted = histogram
            hinted.counterResetHint = hints[position, default: ChunkHints()].next(
                histogram,
                at: time,
                lastFloat: series[position].timestamps.last { $0 < time }
            )
            series[position].histogramTimestamps.append(time)
            series[position].histograms.append(hinted)
        }
    }

    /// The series.
    private let state = Mutex(State())

    // MARK: Writing

    func append(_ samples: [RuleSample]) {
        state.withLock { state in
            for sample in samples { Self.append(sample, to: &state) }
        }
    }

    /// Adds columns that begin behind what their series have.
    func append(_ columns: [SeriesColumns]) {
        state.withLock { state in
            for more in columns {
                let position = state.position(of: more.labels)
                state.series[position].timestamps += more.timestamps
                state.series[position].values += more.values
                for (time, histogram) in zip(more.histogramTimestamps, more.histograms) {
                    state.append(histogram, at: time, to: position)
                }
            }
        }
    }

    func write(_ samples: [RuleSample], group: String) async throws(RuleFailure) -> [(index: Int, reason: String)] {
        state.withLock { state in
            var rejected: [(index: Int, reason: String)] = []
            for (index, sample) in samples.enumerated() {
                if let contradiction = sample.histogram?.contradiction {
                    rejected.append((index, contradiction))
                } else if let position = state.positions[sample.labels],
                    let reason = Self.refusal(sample, state.series[position])
                {
                    rejected.append((index, reason))
                } else {
                    Self.append(sample, to: &state)
                }
            }
            return rejected
        }
    }

    /// Why a sample cannot follow those of its series.
    private static func refusal(_ sample: RuleSample, _ columns: SeriesColumns) -> String? {
        let last = max(columns.timestamps.last ?? .min, columns.histogramTimestamps.last ?? .min)
        if sample.timestamp > last { return nil }
        if sample.timestamp < last { return "out of order sample" }
        if isSame(sample, columns) { return nil }
        return sample.duplicateReason(beside: columns)
    }

    /// Whether the series' last sample is just this one.
    private static func isSame(_ sample: RuleSample, _ columns: SeriesColumns) -> Bool {
        guard let histogram = sample.histogram else {
            return columns.timestamps.last == sample.timestamp
                && columns.values.last?.bitPattern == sample.value.bitPattern
        }
        guard columns.histogramTimestamps.last == sample.timestamp, var last = columns.histograms.last else {
            return false
        }
        // The hint depends on what came before, and is worked out again when it is read.
        last.counterResetHint = histogram.counterResetHint
        return last == histogram
    }

    private static func append(_ sample: RuleSample, to state: inout State) {
        let position = state.position(of: sample.labels)
        if let histogram = sample.histogram {
            if state.series[position].histogramTimestamps.last == sample.timestamp { return }
            state.append(histogram, at: sample.timestamp, to: position)
        } else if state.series[position].timestamps.last == sample.timestamp {
            state.series[position].values[state.series[position].values.count - 1] = sample.value
        } else {
            state.series[position].timestamps.append(sample.timestamp)
            state.series[position].values.append(sample.value)
        }
    }

    // MARK: Reading

    private func found(_ matchers: [LabelMatcher], _ start: Timestamp, _ end: Timestamp) -> [SeriesColumns] {
        let (series, positions) = state.withLock { state in
            let name = matchers.first { $0.name == Labels.metricName && $0.operation == .equal && !$0.value.isEmpty }
            return (state.series, name.map { state.byName[$0.value] ?? [] } ?? Array(state.series.indices))
        }
        return positions.compactMap { position in
            let columns = series[position]
            guard matchers.allSatisfy({ $0.matches(columns.labels) }) else { return nil }
            return Self.cut(columns, start, end)
        }
    }

    private static func range(_ times: [Timestamp], _ start: Timestamp, _ end: Timestamp) -> Range<Int> {
        func first(_ isBeyond: (Timestamp) -> Bool) -> Int {
            var (low, high) = (0, times.count)
            while low < high {
                let middle = (low + high) / 2
                if isBeyond(times[middle]) { high = middle } else { low = middle + 1 }
            }
            return low
        }
        let lower = first { $0 >= start }
        return lower..<max(lower, first { $0 > end })
    }

    private static func cut(_ columns: SeriesColumns, _ start: Timestamp, _ end: Timestamp) -> SeriesColumns? {
        let floats = range(columns.timestamps, start, end)
        let histograms = range(columns.histogramTimestamps, start, end)
        if floats.isEmpty, histograms.isEmpty { return nil }
        return SeriesColumns(
            labels: columns.labels,
            timestamps: Array(columns.timestamps[floats]),
            values: Array(columns.values[floats]),
            histogramTimestamps: Array(columns.histogramTimestamps[histograms]),
            histograms: Array(columns.histograms[histograms])
        )
    }

    /// All series, sorted by labels.
    var all: [SeriesColumns] { found([], .min, .max).sorted { $0.labels < $1.labels } }

    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        found(request.matchers, request.start, request.end).sorted { $0.labels < $1.labels }
    }

    func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        var labels: Set<Labels> = []
        for set in matcherSets { labels.formUnion(found(set, span.start, span.end).map(\.labels)) }
        return LabelSets(labels.sorted())
    }
}
