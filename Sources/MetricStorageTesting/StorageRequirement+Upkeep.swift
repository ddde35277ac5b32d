import MetricModel

/// What happens to what is stored: exemplars, deletion, retention, merging, figures, records.
extension StorageRequirement {
    static func exemplarsAreKeptUpToANumber(_ factory: StorageFactory) async throws {
        var options = StorageSettings()
        options.exemplarCapacity = 3
        try await factory.run(options) { store in
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
            try expect(try await store.append(batch).rejectedExemplars, equals: 2)
            let found = try await store.exemplars([[]], in: .ever)
            try expect(found.map(\.labels.name), equals: ["a", "b"])
            try expect(found.map { $0.exemplars.map { $0.labels["trace_id"] } }, equals: [["2"], ["4", "5"]])
            try expect(found[0].exemplars[0].timestamp, equals: base)
            try expect(
                try await store.exemplars(
                    [[LabelMatcher("__name__", equals: "b")]],
                    in: TimeSpan(start: base + 1, end: .max)
                )
                .map(\.exemplars.count),
                equals: [1]
            )
        }
    }

    static func deletedSamplesAreGoneAndLaterOnesStay(_ factory: StorageFactory) async throws {
        var options = StorageSettings()
        options.outOfOrderWindow = 1_000_000
        try await factory.run(options) { store in
            let stream = try await store.openStream()
            for name in ["a", "b"] {
                try await store.put(["__name__": name], (0..<10).map { (base + Int64($0), Double($0)) }, stream: stream)
            }
            try await store.delete(
                [[LabelMatcher("__name__", equals: "a")]],
                in: TimeSpan(start: base + 2, end: base + 5)
            )
            let rest = [0, 1, 6, 7, 8, 9].map { ExactPoint(base + Int64($0), Double($0)) }
            try expect(try await store.points("a"), equals: rest)
            try expect(try await store.points("b").count, equals: 10)
            // What comes after the deletion is seen, even in the deleted span.
            try expect(try await store.put(["__name__": "a"], [(base + 3, 33)]), equals: [nil])
            let with = rest[..<2] + [ExactPoint(base + 3, 33)] + rest[2...]
            try expect(try await store.points("a"), equals: Array(with))
            try await store.cleanTombstones()
            try expect(try await store.points("a"), equals: Array(with))
            try await store.delete([[LabelMatcher("__name__", equals: "b")]], in: .ever)
            try await store.cleanTombstones()
            try expect(try await store.all().map(\.labels.name), equals: ["a"])
            try expect(try await store.statistics(limit: 1).totalSeries, equals: 1)
        }
    }

    static func retentionDropsOldSamplesAndForgetsSeries(_ factory: StorageFactory) async throws {
        var options = StorageSettings()
        options.retention = 3 * 86_400_000
        try await factory.run(options) { store in
            try await store.put(["__name__": "old"], [(base, 1)])
            try await store.maintain(now: base + 86_400_000)
            let later = base + 5 * 86_400_000
            try await store.put(["__name__": "new"], [(later, 1)])
            try await store.maintain(now: later)
            try expect(try await store.all().map(\.labels.name), equals: ["new"])
            try await store.maintain(now: later + 3_600_000)
            try expect(try await store.statistics(limit: 10).totalSeries, equals: 1)
            let old = try await store.resolve([["__name__": "old"]])
            var batch = SampleBatch(timestamp: later)
            batch.series = old
            batch.values = [2]
            try expect(try await store.append(batch).appended, equals: 1)
        }
    }

    static func mergedBlocksHoldTheSame(_ factory: StorageFactory) async throws {
        var options = StorageSettings()
        options.retention = nil
        try await factory.run(options) { store in
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<20).map { Labels(["__name__": "m", "i": "\($0)"]) })
            var generator = SeededGenerator(seed: 7)
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
            try expect(found.count, equals: 20)
            for columns in found {
                let index = Int(columns.labels["i"] ?? "") ?? 0
                try expect(columns.values, equals: history.map { $0[index] })
                try expect(columns.timestamps.count, equals: 400)
                try expect(columns.timestamps, equals: columns.timestamps.sorted())
            }
        }
    }

    static func limitsUnknownSeriesAndFigures(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            try await store.put(["__name__": "a", "job": "x"], (0..<10).map { (base + Int64($0), 1) })
            try await store.put(["__name__": "b", "job": "x"], [(base, 1), (base - 1, 1)])
            var refusal: StorageError?
            do throws(StorageError) {
                _ = try await store.select(SelectRequest(matchers: [], start: .min, end: .max, sampleLimit: 10))
            } catch {
                refusal = error
            }
            try expect(refusal?.code, equals: .tooManySamples)
            try expect(
                try await store.select(SelectRequest(matchers: [], start: .min, end: .max, sampleLimit: 11)).count,
                equals: 2
            )
            var batch = SampleBatch(timestamp: base + 100)
            batch.series = [SeriesRef(rawValue: 4_000_000)]
            batch.values = [1]
            try expect(try await store.append(batch).rejected.map(\.reason), equals: [.unknownSeries])
            let figures = try await store.statistics(limit: 10)
            try expect(figures.totalSeries, equals: 2)
            try expect(figures.labelPairs, equals: 3)
            try expect(figures.samplesAppended, equals: 11)
            try expect(figures.outOfOrderSamples, equals: 1)
            try expect(figures.minTime, equals: base)
            try expect(figures.maxTime, equals: base + 9)
            try expect(figures.seriesByLabelPair.first, equals: .init(name: "job=x", value: 2))
            try expect(figures.valuesByLabelName.first, equals: .init(name: "__name__", value: 2))
        }
    }

    static func recordsAndMetadataAreKept(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            try await store.apply([("t", [2], [20]), ("t", [1], []), ("u", [], [1])])
            try await store.apply([("t", [2], [21]), ("u", [], nil)])
            let records = try await store.records(in: "t")
            try expect(records.map(\.key), equals: [[1], [2]])
            try expect(records.map(\.value), equals: [[], [21]])
            try expect(try await store.records(in: "u").isEmpty)
            try await store.record([("up", MetricMetadata(type: .gauge, help: "h", unit: ""))])
            try await store.record([("up", MetricMetadata(type: .counter, help: "i", unit: "s"))])
            try expect(try await store.metadata(), equals: ["up": MetricMetadata(type: .counter, help: "i", unit: "s")])
        }
    }
}
