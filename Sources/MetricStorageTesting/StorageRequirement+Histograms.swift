import MetricModel

/// Native histograms.
extension StorageRequirement {
    static func hintsOfCounterResetsAreForgotten(_ factory: StorageFactory) async throws {
        let hints: [NativeHistogram.CounterResetHint] = [.reset, .notReset, .unknown, .gauge]
        try await factory.run(StorageSettings()) { store in
            let series = try await store.resolve([["__name__": "h"]])
            for (step, hint) in hints.enumerated() {
                var batch = SampleBatch(timestamp: base + Int64(step))
                var histogram = NativeHistogram()
                histogram.counterResetHint = hint
                batch.histograms = [.init(series: series[0], timestamp: base + Int64(step), histogram: histogram)]
                try expect(try await store.append(batch).appended, equals: 1)
            }
            for _ in 0..<2 {
                let found = try await store.all().first?.histograms.map(\.counterResetHint)
                try expect(found, equals: [.unknown, .unknown, .unknown, .gauge])
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    static func histogramsOfAllKindsComeBack(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            let series = try await store.resolve([["__name__": "h"]])
            var expected: [NativeHistogram] = []
            for step in 0..<12 {
                let histogram = histogram(step)
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
                try expect(report.appended, equals: 1)
            }
            var wrong = histogram(0)
            wrong.count += 1
            var batch = SampleBatch(timestamp: base)
            batch.histograms = [
                .init(series: series[0], timestamp: base + 100, histogram: wrong),
                .init(series: series[0], timestamp: base + 11, histogram: histogram(3)),
                .init(series: series[0], timestamp: base + 11, histogram: histogram(11)),
            ]
            let report = try await store.append(batch)
            try expect(report.appended, equals: 1)
            try expect(report.rejectedHistograms.map(\.index), equals: [0, 1])
            try expect(report.rejectedHistograms.last?.reason, equals: .duplicate)
            try expect(
                report.rejectedHistograms.first?.reason,
                equals: .invalidHistogram(
                    "6 observations found in buckets, but the Count field is 7: histogram's observation count should "
                        + "equal the number of observations found in the buckets (in absence of NaN)"
                )
            )
            for _ in 0..<2 {
                let found = try await store.all()
                try expect(found.count, equals: 1)
                try expect(found[0].histograms, equals: expected)
                try expect(found[0].histogramTimestamps, equals: (0..<12).map { base + Int64($0) })
                try expect(found[0].histogramStartTimestamps, equals: (0..<12).map { $0 > 5 ? base : 0 })
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
}
