public import MetricModel

/// A query's answer.
public struct QueryResult: Sendable {
    /// The value, by type.
    public enum Value: Sendable {
        /// A single number.
        case scalar(Double, at: Timestamp)
        /// A text.
        case string(String, at: Timestamp)
        /// One sample per series, all at one time.
        case vector(SeriesRows)
        /// Samples over a range per series, sorted by labels.
        case matrix(SeriesRows)

        /// The type, as the HTTP API names it.
        public var type: ValueType {
            switch self {
            case .scalar: .scalar
            case .string: .string
            case .vector: .vector
            case .matrix: .matrix
            }
        }
    }

    /// The value.
    public var value: Value
    /// Warnings and infos.
    public var annotations: Annotations
    /// How much work it was.
    public var statistics: QueryStatistics
}

/// Series with their samples in flat columns: what an encoder reads row by row.
public struct SeriesRows: Sendable {
    /// The labels of each series.
    public private(set) var labels: [Labels] = []
    /// Where each series' float samples begin in ``timestamps`` and ``values``; one more than there are series.
    public private(set) var floatOffsets: [Int] = [0]
    /// The times of the float samples, series after series.
    public private(set) var timestamps: [Timestamp] = []
    /// The float samples, series after series.
    public private(set) var values: [Double] = []
    /// Where each series' histograms begin; empty where there are none at all.
    public private(set) var histogramOffsets: [Int] = []
    /// The times of the histograms, series after series.
    public private(set) var histogramTimestamps: [Timestamp] = []
    /// The histograms, series after series.
    public private(set) var histograms: [NativeHistogram] = []

    /// No series.
    public init() {}

    /// How many series there are.
    public var count: Int { labels.count }

    /// The positions of a series' float samples.
    public func floats(_ series: Int) -> Range<Int> { floatOffsets[series]..<floatOffsets[series + 1] }

    /// The positions of a series' histograms.
    public func histograms(_ series: Int) -> Range<Int> {
        histogramOffsets.isEmpty ? 0..<0 : histogramOffsets[series]..<histogramOffsets[series + 1]
    }

    init(_ matrix: SeriesMatrix, _ grid: StepGrid, order: [Int]) {
        let times = grid.times
        let steps = matrix.steps
        labels = order.map { matrix.labels[$0] }
        floatOffsets.reserveCapacity(order.count + 1)
        var offsets = floatOffsets
        var stamps: [Timestamp] = []
        values = Array(unsafeUninitializedCapacity: order.count * steps) { values, filled in
            stamps = Array(unsafeUninitializedCapacity: order.count * steps) { stamps, stampCount in
                var count = 0
                matrix.values.withUnsafeBufferPointer { source in
                    for row in order {
                        for step in 0..<steps {
                            let value = source[row * steps + step]
                            if Absent.isAbsent(value) { continue }
                            values.initializeElement(at: count, to: value)
                            stamps.initializeElement(at: count, to: times[step])
                            count += 1
                        }
                        offsets.append(count)
                    }
                }
                (filled, stampCount) = (count, count)
            }
        }
        timestamps = stamps
        floatOffsets = offsets
        guard matrix.hasHistograms else { return }
        histogramOffsets = [0]
        for row in order {
            for step in 0..<steps {
                guard let histogram = matrix.histogram(row, step) else { continue }
                histogramTimestamps.append(times[step])
                histograms.append(histogram)
            }
            histogramOffsets.append(histograms.count)
        }
    }

    init(_ series: [SeriesColumns]) {
        if series.contains(where: { !$0.histograms.isEmpty }) { histogramOffsets = [0] }
        for columns in series {
            labels.append(columns.labels)
            timestamps += columns.timestamps
            values += columns.values
            floatOffsets.append(values.count)
            guard !histogramOffsets.isEmpty else { continue }
            histogramTimestamps += columns.histogramTimestamps
            histograms += columns.histograms
            histogramOffsets.append(histograms.count)
        }
    }
}

/// How much work a query was, as `stats=all` tells.
public struct QueryStatistics: Sendable, Hashable {
    /// A count at a step.
    public struct StepCount: Sendable, Hashable {
        /// The step's time.
        public var timestamp: Timestamp
        /// The count.
        public var count: Int
    }

    /// From the start of the evaluation to its end, in seconds.
    public var evaluationTotal: Double = 0
    /// Sorting the result.
    public var resultSort: Double = 0
    /// Reading the expression and getting ready.
    public var preparation: Double = 0
    /// The evaluation itself.
    public var innerEvaluation: Double = 0
    /// Waiting for a free place.
    public var queue: Double = 0
    /// Everything, waiting included.
    public var executionTotal: Double = 0
    /// Samples gone through; those in overlapping windows count for each.
    public var totalSamples = 0
    /// Samples read; each counts once.
    public var samplesRead = 0
    /// The most samples held at once.
    public var peakSamples = 0
    /// ``totalSamples`` by step; empty unless asked for.
    public var totalSamplesPerStep: [StepCount] = []
    /// ``samplesRead`` by step; empty unless asked for.
    public var samplesReadPerStep: [StepCount] = []

    /// Nothing yet.
    public init() {}
}
