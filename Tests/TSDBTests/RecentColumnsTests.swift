import MetricModel
import TSDB
import Testing

/// The columns of a span that is all in memory, which come without pieces where all series are in all rows of one stream, and
/// otherwise piece by piece: the same samples either way.
@Suite(.timeLimit(.minutes(5))) struct RecentColumnsTests {
    /// Where the rows of a store differ from the plainest.
    enum Shape: String, CaseIterable, Sendable {
        case plain, laterSeries, gap, stale, twoStreams, ownSample, histogram, startTimes, maintained
    }

    private static let first: Timestamp = 1_700_000_000_000
    private static let count = 20

    private typealias Samples = [String: [Timestamp: UInt64]]

    /// A store of a shape, and what was written to it.
    private static func filled(_ shape: Shape) async throws -> (TimeSeriesDatabase, Samples) {
        var options = StoreOptions()
        options.retention = nil
        options.outOfOrderWindow = 600_000
        if shape == .maintained { options.headAge = 60_000 }
        let store = TimeSeriesDatabase.inMemory(options: options, clock: ManualClock(now: first))
        let streams = [try await store.openStream(), try await store.openStream()]
        let series = try await store.resolve((0..<3).map { ["__name__": "m", "i": "\($0)"] })
        var samples: Samples = [:]
        for row in 0..<count {
            let time = first + Int64(row) * 15_000
            // What came before leaves the open segment.
            if shape == .maintained, row == 10 { try await store.maintain(now: time + 120_000) }
            for stream in 0..<(shape == .twoStreams ? 2 : 1) {
                var batch = SampleBatch(stream: streams[stream], timestamp: time)
                for number in 0..<3 {
                    if shape == .laterSeries, number == 2, row < 5 { continue }
                    if shape == .gap, number == 1, row == 7 || row == 8 { continue }
                    if shape == .twoStreams, (number == 2) != (stream == 1) { continue }
                    if shape == .histogram, number == 1, row == 9 {
                        batch.histograms.append(
                            .init(series: series[number], timestamp: time, histogram: NativeHistogram())
                        )
                        continue
                    }
                    let isStale = shape == .stale && number == 1 && row == 9
                    let value = isStale ? SpecialValue.stale : Double(row * 10 + number)
                    batch.series.append(series[number])
                    batch.values.append(value)
                    if shape == .startTimes { batch.startTimestamps.append(first - 1000) }
                    samples["\(number)", default: [:]][time] = value.bitPattern
                }
                #expect(try await store.append(batch).rejected.isEmpty)
            }
        }
        if shape == .ownSample {
            // Between two rows, and late.
            var batch = SampleBatch(timestamp: first + 100_001)
            batch.series = [series[0]]
            batch.values = [7]
            #expect(try await store.append(batch).appended == 1)
            samples["0", default: [:]][first + 100_001] = Double(7).bitPattern
        }
        return (store, samples)
    }

    @Test(arguments: Shape.allCases)
    func `every span has just the samples that were written`(_ shape: Shape) async throws {
        let (store, samples) = try await Self.filled(shape)
        let matchers = [LabelMatcher("__name__", equals: "m")]
        let end = Self.first + Int64(Self.count) * 15_000
        for (start, end) in [
            (Self.first, end), (Self.first + 1, end), (Self.first + 60_000, Self.first + 120_000),
            (Self.first + 90_000, Self.first + 90_000), (Self.first + 90_001, Self.first + 90_002),
            (end - 15_000, end), (0, Self.first), (0, Self.first - 1), (end, end + 1000),
        ] {
            let found = try await store.select(SelectRequest(matchers: matchers, start: start, end: end))
            var seen: Samples = [:]
            for columns in found where !columns.timestamps.isEmpty {
                #expect(columns.timestamps == columns.timestamps.sorted())
                let pairs = zip(columns.timestamps, columns.values.map(\.bitPattern))
                seen[columns.labels["i"] ?? ""] = Dictionary(uniqueKeysWithValues: pairs)
            }
            let wanted = samples.mapValues { $0.filter { (start...end).contains($0.key) } }.filter { !$0.value.isEmpty }
            #expect(seen == wanted, "\(shape) \(start)…\(end)")
            let histograms = found.reduce(0) { $0 + $1.histogramTimestamps.count }
            let time = Self.first + 9 * 15_000
            #expect(histograms == (shape == .histogram && start <= time && time <= end ? 1 : 0), "\(shape)")
        }
    }

    @Test(arguments: Shape.allCases)
    func `more samples than are allowed are refused, as many as are allowed are not`(_ shape: Shape) async throws {
        let (store, samples) = try await Self.filled(shape)
        let count = samples.values.reduce(0) { $0 + $1.count } + (shape == .histogram ? 1 : 0)
        var request = SelectRequest(matchers: [LabelMatcher("__name__", equals: "m")], start: 0, end: .max)
        request.sampleLimit = count
        let found = try await store.select(request)
        #expect(found.reduce(0) { $0 + $1.timestamps.count + $1.histogramTimestamps.count } == count)
        request.sampleLimit = count - 1
        let failure = await #expect(throws: StorageError.self) { try await store.select(request) }
        #expect(failure?.code == .tooManySamples)
    }
}
