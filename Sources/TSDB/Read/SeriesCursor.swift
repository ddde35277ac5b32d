public import MetricModel
import Synchronization

/// Goes through series with their columns a few at a time, so that any amount of data can be read in bounded memory.
///
/// All of it shows the store as it was when the cursor was made.
public struct SeriesCursor: Sendable {
    private let capture: Capture
    private let source: any PageSource
    private let series: [(number: UInt32, labels: Labels)]
    private let start: Timestamp
    private let end: Timestamp
    /// How many series are read at once.
    private let step: Int
    private var position = 0

    /// How many series there are in all; some may have no sample in the span.
    public var count: Int { series.count }
    /// How many of them have been read.
    public var completed: Int { position }

    init(
        capture: Capture,
        source: any PageSource,
        series: [(number: UInt32, labels: Labels)],
        start: Timestamp,
        end: Timestamp
    ) {
        self.capture = capture
        self.source = source
        self.series = series
        self.start = start
        self.end = end
        let samples = capture.blocks.reduce(Int64(capture.segments.reduce(0) { $0 + $1.samples })) { $0 + $1.samples }
        step = max(1, min(1024, 4_000_000 / max(1, Int(samples) / max(1, series.count))))
    }

    /// The next series that have samples, sorted by labels within all; `nil` at the end.
    public mutating func next() throws(StorageError) -> [SeriesColumns]? {
        while position < series.count {
            let some = series[position..<min(position + step, series.count)]
            position += some.count
            let order = some.sorted { $0.number < $1.number }
            var assembler = Assembler(capture, source: source, start: start, end: end)
            let columns = try assembler.run(order.map(\.number))
            var found: [SeriesColumns] = []
            for (entry, var column) in zip(order, columns)
            where !column.timestamps.isEmpty || !column.histogramTimestamps.isEmpty {
                column.labels = entry.labels
                found.append(column)
            }
            found.sort { $0.labels < $1.labels }
            if !found.isEmpty { return found }
        }
        return nil
    }
}

extension Engine {
    /// A cursor over the series that satisfy all the matchers of at least one list. Everything has to be loaded.
    func cursor(_ sets: [[LabelMatcher]], in span: TimeSpan) throws(StorageError) -> SeriesCursor {
        let wanted = try matching(anyOf: sets)
        return state.withLock { state in
            let series = wanted.filter(state.table.contains).map { (number: $0, labels: state.table.labels($0)) }
            return SeriesCursor(
                capture: state.capture(span.start, span.end),
                source: source,
                series: series.sorted { $0.labels < $1.labels },
                start: span.start,
                end: span.end
            )
        }
    }
}
