import MetricModel
import TSDB
import Testing

/// What every store has to do, run for each kind.
@Suite(.timeLimit(.minutes(5))) struct StoreConformanceTests {
    @Test(arguments: StoreKind.allCases) func aStreamsBatchesComeBackAsColumns(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<5).map { Labels(["__name__": "m\($0)", "job": "j"]) })
            for step in 0..<100 {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
                batch.series = series
                batch.values = (0..<5).map { Double(step * $0) }
                let report = try await store.append(batch)
                #expect(report.appended == 5 && report.rejected.isEmpty)
            }
            let found = try await store.all([LabelMatcher("job", equals: "j")])
            #expect(found.map(\.labels.name) == ["m0", "m1", "m2", "m3", "m4"])
            for (index, columns) in found.enumerated() {
                #expect(columns.timestamps == (0..<100).map { base + Int64($0) * 1000 })
                #expect(columns.values == (0..<100).map { Double($0 * index) })
                #expect(columns.startTimestamps.isEmpty && columns.histograms.isEmpty)
            }
            // Series of one stream share their column of timestamps.
            let addresses = found.map { $0.timestamps.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }
            #expect(Set(addresses).count == 1)
            let part = try await store.points("m3", start: base + 10_000, end: base + 12_000)
            #expect(part == [Point(base + 10_000, 30), Point(base + 11_000, 33), Point(base + 12_000, 36)])
        }
    }

    @Test(arguments: StoreKind.allCases) func membersComeAndGo(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let stream = try await store.openStream()
            let series = try await store.resolve(["a", "b", "c"].map { Labels(["__name__": $0]) })
            let present: [[Int]] = [[0, 1], [0, 1], [1], [1, 2], [2, 1, 0], [0]]
            for (step, members) in present.enumerated() {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step))
                batch.series = members.map { series[$0] }
                batch.values = members.map { Double($0 * 10 + step) }
                #expect(try await store.append(batch).rejected.isEmpty)
            }
            for pass in 0..<2 {
                for index in 0..<3 {
                    let expected = present.indices.filter { present[$0].contains(index) }
                        .map { Point(base + Int64($0), Double(index * 10 + $0)) }
                    #expect(try await store.points(["a", "b", "c"][index]) == expected)
                }
                if pass == 0 { try await store.maintain(now: base + 86_400_000) }
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func valuesComeBackBitForBit(kind: StoreKind) async throws {
        let bits: [UInt64] = [
            SpecialValue.staleBits, SpecialValue.nanBits, 0x7ff8_0000_0000_0000, 0xfff8_0000_dead_beef,
            (-0.0).bitPattern, 0, 1, Double.infinity.bitPattern, (-Double.infinity).bitPattern,
            Double.greatestFiniteMagnitude.bitPattern, 0x7ff4_6162_7365_6e74, 0.1.bitPattern,
        ]
        try await kind.withStore { store in
            let stream = try await store.openStream()
            let inStream = try await store.resolve([["__name__": "s"]])
            let alone = try await store.resolve([["__name__": "t"]])
            for (step, pattern) in bits.enumerated() {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step))
                batch.series = inStream
                batch.values = [Double(bitPattern: pattern)]
                _ = try await store.append(batch)
                batch.stream = nil
                batch.series = alone
                _ = try await store.append(batch)
            }
            for _ in 0..<2 {
                #expect(try await store.points("s").map(\.bits) == bits)
                #expect(try await store.points("t").map(\.bits) == bits)
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func lateSamplesAreJudgedAsPrometheusDoes(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let verdicts = try await store.put(
                ["__name__": "a"],
                [(base, 1), (base, 1), (base, 2), (base - 1, 1), (base + 1, 1), (base - 4_000_000, 1)]
            )
            #expect(verdicts == [nil, nil, .duplicate, .outOfOrder, nil, .outOfBounds])
            // A new series may be up to an hour behind the newest sample of all.
            #expect(try await store.put(["__name__": "b"], [(base - 3_599_999, 1)]) == [nil])
            #expect(try await store.put(["__name__": "c"], [(base - 3_600_001, 1)]) == [.outOfBounds])
            #expect(try await store.points("a") == [Point(base, 1), Point(base + 1, 1)])
        }
    }

    @Test(arguments: StoreKind.allCases) func outOfOrderSamplesWithinTheWindowAreTaken(kind: StoreKind) async throws {
        var options = StoreOptions()
        options.outOfOrderWindow = 60_000
        try await kind.withStore(options) { store in
            let stream = try await store.openStream()
            let verdicts = try await store.put(
                ["__name__": "a"],
                [
                    (base, 0), (base + 30_000, 3), (base + 10_000, 1), (base + 20_000, 2), (base + 10_000, 1),
                    (base + 10_000, 9), (base + 30_000, 9), (base - 30_001, 9), (base - 30_000, -3),
                ],
                stream: stream
            )
            #expect(verdicts == [nil, nil, nil, nil, nil, .duplicate, .duplicate, .tooOld, nil])
            let expected = [-30_000, 0, 10_000, 20_000, 30_000].map { Point(base + $0, Double($0) / 10_000) }
            #expect(try await store.points("a") == expected)
            try await store.maintain(now: base + 86_400_000)
            #expect(try await store.put(["__name__": "a"], [(base + 5_000, 0.5)]) == [nil])
            #expect(try await store.points("a") == (expected[..<2] + [Point(base + 5_000, 0.5)] + expected[2...]))
        }
    }

    @Test(arguments: StoreKind.allCases) func twoStreamsMayShareASeries(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let streams = [try await store.openStream(), try await store.openStream()]
            let series = try await store.resolve([["__name__": "a"], ["__name__": "b"], ["__name__": "c"]])
            for step in 0..<20 {
                var batch = SampleBatch(stream: streams[step % 2], timestamp: base + Int64(step))
                batch.series = step % 2 == 0 ? [series[0], series[1]] : [series[2], series[0]]
                batch.values = [Double(step), Double(-step)]
                #expect(try await store.append(batch).appended == 2)
            }
            for _ in 0..<2 {
                let expected = (0..<20).map { (step: Int) -> Point in
                    Point(base + Int64(step), step % 2 == 0 ? Double(step) : -Double(step))
                }
                #expect(try await store.points("a") == expected)
                #expect(try await store.points("b").count == 10)
                #expect(try await store.points("c").count == 10)
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func samplesMayHaveTimesAndStartsOfTheirOwn(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let series = try await store.resolve([["__name__": "a"], ["__name__": "b"]])
            let stream = try await store.openStream()
            for step in 0..<3 {
                var batch = SampleBatch(stream: stream, timestamp: base)
                batch.series = series
                batch.values = [1, 2]
                batch.timestamps = [base + Int64(step) * 10, base + Int64(step) * 7]
                batch.startTimestamps = [base - 5, 0]
                _ = try await store.append(batch)
            }
            for step in 3..<6 {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 10)
                batch.series = series
                batch.values = [3, 4]
                if step == 4 { batch.startTimestamps = [base - 4, base - 3] }
                _ = try await store.append(batch)
            }
            for _ in 0..<2 {
                let found = try await store.all()
                #expect(found[0].timestamps == [0, 10, 20, 30, 40, 50].map { base + $0 })
                #expect(found[1].timestamps == [0, 7, 14, 30, 40, 50].map { base + $0 })
                #expect(found[0].startTimestamps == [base - 5, base - 5, base - 5, 0, base - 4, 0])
                #expect(found[1].startTimestamps == [0, 0, 0, 0, base - 3, 0])
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func matchersChooseSeries(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let sets: [Labels] = [
                ["__name__": "up", "job": "a", "env": "x"], ["__name__": "up", "job": "b"],
                ["__name__": "down", "job": "a"], ["__name__": "down", "job": "ab", "env": "y"],
            ]
            for labels in sets { try await store.put(labels, [(base, 1)]) }
            let cases: [([(String, LabelMatcher.Operator, String)], [Int])] = [
                ([], [0, 1, 2, 3]),
                ([("__name__", .equal, "up")], [0, 1]),
                ([("__name__", .equal, "no")], []),
                ([("env", .equal, "")], [1, 2]),
                ([("env", .notEqual, "")], [0, 3]),
                ([("env", .notEqual, "x")], [1, 2, 3]),
                ([("job", .matches, "a.*")], [0, 2, 3]),
                ([("job", .matches, "a|b")], [0, 1, 2]),
                ([("job", .notMatches, "a")], [1, 3]),
                ([("env", .matches, "x|")], [0, 1, 2]),
                ([("env", .matches, ".*")], [0, 1, 2, 3]),
                ([("env", .matches, ".+")], [0, 3]),
                ([("absent", .equal, ""), ("job", .equal, "a")], [0, 2]),
                ([("__name__", .notEqual, "up"), ("job", .matches, "a.+"), ("env", .equal, "y")], [3]),
            ]
            for (matchers, expected) in cases {
                let built = try matchers.map { try LabelMatcher($0.0, $0.1, $0.2) }
                let found = try await store.all(built).map(\.labels)
                #expect(found == expected.map { sets[$0] }.sorted(), "\(matchers)")
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func labelsAreListedByTimeAndMatcher(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.put(["__name__": "a", "x": "1"], [(base, 1)])
            try await store.put(["__name__": "b", "y": "2"], [(base + 1000, 1)])
            for _ in 0..<2 {
                let a = [[LabelMatcher("__name__", equals: "a")]]
                let both = [[LabelMatcher("x", equals: "1")], [LabelMatcher("y", equals: "2")]]
                #expect(try await store.labelNames([], start: .min, end: .max) == ["__name__", "x", "y"])
                #expect(try await store.labelNames(a, start: .min, end: .max) == ["__name__", "x"])
                #expect(try await store.labelValues("__name__", [], start: base + 1, end: .max) == ["b"])
                #expect(try await store.labelValues("__name__", both, start: .min, end: .max) == ["a", "b"])
                #expect(try await store.labelValues("none", [], start: .min, end: .max).isEmpty)
                #expect(try await store.series(both, start: base, end: base + 999) == [["__name__": "a", "x": "1"]])
                #expect(try await store.series(a, start: base + 1, end: .max).isEmpty)
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func aLetterWrittenInTwoWaysIsTwo(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let (one, two) = ("\u{e9}", "e\u{301}")
            try await store.put(["__name__": "a", one: "1"], [(base, 1)])
            try await store.put(["__name__": "b", two: "2"], [(base, 1)])
            #expect(try await store.labelNames([], start: .min, end: .max).count == 3)
            #expect(try await store.labelValues(one, [], start: .min, end: .max) == ["1"])
            let present = [try LabelMatcher(two, .matches, ".+")]
            #expect(try await store.all(present).map(\.labels.name) == ["b"])
        }
    }

    @Test(arguments: StoreKind.allCases) func hintsOfCounterResetsAreForgotten(kind: StoreKind) async throws {
        let hints: [NativeHistogram.CounterResetHint] = [.reset, .notReset, .unknown, .gauge]
        try await kind.withStore { store in
            let series = try await store.resolve([["__name__": "h"]])
            for (step, hint) in hints.enumerated() {
                var batch = SampleBatch(timestamp: base + Int64(step))
                var histogram = NativeHistogram()
                histogram.counterResetHint = hint
                batch.histograms = [.init(series: series[0], timestamp: base + Int64(step), histogram: histogram)]
                #expect(try await store.append(batch).appended == 1)
            }
            for _ in 0..<2 {
                let found = try await store.all().first?.histograms.map(\.counterResetHint)
                #expect(found == [.unknown, .unknown, .unknown, .gauge])
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func histogramsOfAllKindsComeBack(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let series = try await store.resolve([["__name__": "h"]])
            var expected: [NativeHistogram] = []
            for step in 0..<12 {
                let histogram = Self.histogram(step)
                expected.append(histogram)
                var batch = SampleBatch(timestamp: base)
                batch.histograms = [
                    .init(
                        series: series[0],
                        timestamp: base + Int64(step),
                        startTimestamp: step > 5 ? base : 0,
                        histogram: histogram
                    )
                ]
                let report = try await store.append(batch)
                #expect(report.appended == 1, "\(report.rejectedHistograms)")
            }
            var wrong = Self.histogram(0)
            wrong.count += 1
            var batch = SampleBatch(timestamp: base)
            batch.histograms = [
                .init(series: series[0], timestamp: base + 100, histogram: wrong),
                .init(series: series[0], timestamp: base + 11, histogram: Self.histogram(3)),
                .init(series: series[0], timestamp: base + 11, histogram: Self.histogram(11)),
            ]
            let report = try await store.append(batch)
            #expect(report.appended == 1 && report.rejectedHistograms.map(\.index) == [0, 1])
            #expect(report.rejectedHistograms.last?.reason == .duplicate)
            #expect(
                report.rejectedHistograms.first?.reason
                    == .invalidHistogram(
                        "6 observations found in buckets, but the Count field is 7: histogram's observation count should "
                            + "equal the number of observations found in the buckets (in absence of NaN)"
                    )
            )
            for _ in 0..<2 {
                let found = try await store.all()
                #expect(found.count == 1 && found[0].histograms == expected)
                #expect(found[0].histogramTimestamps == (0..<12).map { base + Int64($0) })
                #expect(found[0].histogramStartTimestamps == (0..<12).map { $0 > 5 ? base : 0 })
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    /// Integer, float and custom-bucket histograms in turn.
    private static func histogram(_ step: Int) -> NativeHistogram {
        var histogram = NativeHistogram()
        histogram.positiveSpans = [.init(offset: -2, length: 2), .init(offset: 3, length: 1)]
        histogram.positiveBuckets = [1, 2, Double(3 + step)]
        histogram.count = Double(6 + step)
        histogram.sum = Double(step) * 1.5
        switch step / 4 {
        case 0: histogram.isInteger = true
        case 1:
            histogram.positiveBuckets[0] = 0.25
            histogram.negativeSpans = [.init(offset: 0, length: 1)]
            histogram.negativeBuckets = [0.5]
            histogram.zeroThreshold = 1e-128
            histogram.counterResetHint = .gauge
        default:
            histogram.schema = NativeHistogram.customBoundsSchema
            histogram.positiveSpans = [.init(offset: 0, length: 3)]
            histogram.customValues = [0.1, 1, 10]
        }
        return histogram
    }

    @Test(arguments: StoreKind.allCases) func exemplarsAreKeptUpToANumber(kind: StoreKind) async throws {
        var options = StoreOptions()
        options.exemplarCapacity = 3
        try await kind.withStore(options) { store in
            let series = try await store.resolve([["__name__": "a"], ["__name__": "b"]])
            func exemplar(_ index: Int, _ time: Timestamp?, _ id: String) -> SampleBatch.SeriesExemplar {
                .init(series: series[index], exemplar: Exemplar(labels: ["trace_id": id], value: 1, timestamp: time))
            }
            var batch = SampleBatch(timestamp: base)
            batch.exemplars = [
                exemplar(0, base - 10, "1"), exemplar(0, nil, "2"), exemplar(0, base, "2"), exemplar(0, base - 5, "3"),
                exemplar(1, base, String(repeating: "x", count: 121)), exemplar(1, base, "4"),
                exemplar(1, base + 1, "5"),
            ]
            #expect(try await store.append(batch).rejectedExemplars == 2)
            let found = try await store.exemplars([[]], start: .min, end: .max)
            #expect(found.map(\.labels.name) == ["a", "b"])
            #expect(found.map { $0.exemplars.map { $0.labels["trace_id"] } } == [["2"], ["4", "5"]])
            #expect(found[0].exemplars[0].timestamp == base)
            #expect(
                try await store.exemplars([[LabelMatcher("__name__", equals: "b")]], start: base + 1, end: .max)
                    .map(\.exemplars.count) == [1]
            )
        }
    }

    @Test(arguments: StoreKind.allCases) func deletedSamplesAreGoneAndLaterOnesStay(kind: StoreKind) async throws {
        var options = StoreOptions()
        options.outOfOrderWindow = 1_000_000
        try await kind.withStore(options) { store in
            let stream = try await store.openStream()
            for name in ["a", "b"] {
                try await store.put(["__name__": name], (0..<10).map { (base + Int64($0), Double($0)) }, stream: stream)
            }
            try await store.delete([[LabelMatcher("__name__", equals: "a")]], start: base + 2, end: base + 5)
            let rest = [0, 1, 6, 7, 8, 9].map { Point(base + Int64($0), Double($0)) }
            #expect(try await store.points("a") == rest)
            #expect(try await store.points("b").count == 10)
            // What comes after the deletion is seen, even in the deleted span.
            #expect(try await store.put(["__name__": "a"], [(base + 3, 33)]) == [nil])
            let with = rest[..<2] + [Point(base + 3, 33)] + rest[2...]
            #expect(try await store.points("a") == Array(with))
            try await store.cleanTombstones()
            #expect(try await store.points("a") == Array(with))
            try await store.delete([[LabelMatcher("__name__", equals: "b")]], start: .min, end: .max)
            try await store.cleanTombstones()
            #expect(try await store.all().map(\.labels.name) == ["a"])
            #expect(try await store.statistics(limit: 1).totalSeries == 1)
        }
    }

    @Test(arguments: StoreKind.allCases) func retentionDropsOldSamplesAndForgetsSeries(kind: StoreKind) async throws {
        var options = StoreOptions()
        options.retention = 3 * 86_400_000
        try await kind.withStore(options) { store in
            try await store.put(["__name__": "old"], [(base, 1)])
            try await store.maintain(now: base + 86_400_000)
            let later = base + 5 * 86_400_000
            try await store.put(["__name__": "new"], [(later, 1)])
            try await store.maintain(now: later)
            #expect(try await store.all().map(\.labels.name) == ["new"])
            try await store.maintain(now: later + 3_600_000)
            #expect(try await store.statistics(limit: 10).totalSeries == 1)
            let old = try await store.resolve([["__name__": "old"]])
            var batch = SampleBatch(timestamp: later)
            batch.series = old
            batch.values = [2]
            #expect(try await store.append(batch).appended == 1)
        }
    }

    @Test(arguments: StoreKind.allCases) func mergedBlocksHoldTheSame(kind: StoreKind) async throws {
        var options = StoreOptions()
        options.retention = nil
        try await kind.withStore(options) { store in
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<20).map { Labels(["__name__": "m", "i": "\($0)"]) })
            var generator = SplitMix(seed: 7)
            var values = [Double](repeating: 0, count: 20)
            var history: [[Double]] = []
            for step in 0..<400 {
                for index in values.indices { values[index] += Double(generator.next() % 7) }
                history.append(values)
                var batch = SampleBatch(
                    stream: stream,
                    timestamp: base + Int64(step) * 600_000 + Int64(generator.next() % 5)
                )
                batch.series = series
                batch.values = values
                _ = try await store.append(batch)
                if step % 6 == 5 { try await store.maintain(now: batch.timestamp + 3_600_000) }
            }
            let found = try await store.all()
            #expect(found.count == 20)
            for columns in found {
                let index = Int(columns.labels["i"] ?? "") ?? 0
                #expect(columns.values == history.map { $0[index] })
                #expect(columns.timestamps.count == 400 && columns.timestamps == columns.timestamps.sorted())
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func limitsUnknownSeriesAndFigures(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.put(["__name__": "a", "job": "x"], (0..<10).map { (base + Int64($0), 1) })
            try await store.put(["__name__": "b", "job": "x"], [(base, 1), (base - 1, 1)])
            await #expect {
                try await store.select(SelectRequest(matchers: [], start: .min, end: .max, sampleLimit: 10))
            } throws: { ($0 as? StorageError)?.code == .tooManySamples }
            #expect(
                try await store.select(SelectRequest(matchers: [], start: .min, end: .max, sampleLimit: 11)).count == 2
            )
            var batch = SampleBatch(timestamp: base + 100)
            batch.series = [SeriesRef(rawValue: 4_000_000)]
            batch.values = [1]
            #expect(try await store.append(batch).rejected.map(\.reason) == [.unknownSeries])
            let figures = try await store.statistics(limit: 10)
            #expect(figures.totalSeries == 2 && figures.labelPairs == 3 && figures.samplesAppended == 11)
            #expect(figures.outOfOrderSamples == 1 && figures.minTime == base && figures.maxTime == base + 9)
            #expect(figures.seriesByLabelPair.first == .init(name: "job=x", value: 2))
            #expect(figures.valuesByLabelName.first == .init(name: "__name__", value: 2))
        }
    }

    @Test(arguments: StoreKind.allCases) func recordsAndMetadataAreKept(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.apply([("t", [2], [20]), ("t", [1], []), ("u", [], [1])])
            try await store.apply([("t", [2], [21]), ("u", [], nil)])
            let records = try await store.records(in: "t")
            #expect(records.map(\.key) == [[1], [2]] && records.map(\.value) == [[], [21]])
            #expect(try await store.records(in: "u").isEmpty)
            try await store.record([("up", MetricMetadata(type: .gauge, help: "h", unit: ""))])
            try await store.record([("up", MetricMetadata(type: .counter, help: "i", unit: "s"))])
            #expect(try await store.metadata() == ["up": MetricMetadata(type: .counter, help: "i", unit: "s")])
        }
    }
}

/// A small generator with a seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
