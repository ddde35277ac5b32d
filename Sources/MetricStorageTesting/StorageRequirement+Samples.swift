import MetricModel

/// Samples go in and come out.
extension StorageRequirement {
    static func aStreamsBatchesComeBackAsColumns(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<5).map { Labels(["__name__": "m\($0)", "job": "j"]) })
            for step in 0..<100 {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
                batch.series = series
                batch.values = (0..<5).map { Double(step * $0) }
                let report = try await store.append(batch)
                try expect(report.appended, equals: 5)
                try expect(report.rejected.isEmpty)
            }
            let found = try await store.all([LabelMatcher("job", equals: "j")])
            try expect(found.map(\.labels.name), equals: ["m0", "m1", "m2", "m3", "m4"])
            for (index, columns) in found.enumerated() {
                try expect(columns.timestamps, equals: (0..<100).map { base + Int64($0) * 1000 })
                try expect(columns.values, equals: (0..<100).map { Double($0 * index) })
                try expect(columns.startTimestamps.isEmpty)
                try expect(columns.histograms.isEmpty)
            }
            let part = try await store.points("m3", start: base + 10_000, end: base + 12_000)
            try expect(
                part,
                equals: [ExactPoint(base + 10_000, 30), ExactPoint(base + 11_000, 33), ExactPoint(base + 12_000, 36)]
            )
        }
    }

    static func membersComeAndGo(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            let stream = try await store.openStream()
            let series = try await store.resolve(["a", "b", "c"].map { Labels(["__name__": $0]) })
            let present: [[Int]] = [[0, 1], [0, 1], [1], [1, 2], [2, 1, 0], [0]]
            for (step, members) in present.enumerated() {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step))
                batch.series = members.map { series[$0] }
                batch.values = members.map { Double($0 * 10 + step) }
                try expect(try await store.append(batch).rejected.isEmpty)
            }
            for pass in 0..<2 {
                for index in 0..<3 {
                    let expected = present.indices.filter { present[$0].contains(index) }
                        .map { ExactPoint(base + Int64($0), Double(index * 10 + $0)) }
                    try expect(try await store.points(["a", "b", "c"][index]), equals: expected)
                }
                if pass == 0 { try await store.maintain(now: base + 86_400_000) }
            }
        }
    }

    static func valuesComeBackBitForBit(_ factory: StorageFactory) async throws {
        let bits: [UInt64] = [
            SpecialValue.staleBits, SpecialValue.nanBits, 0x7ff8_0000_0000_0000, 0xfff8_0000_dead_beef,
            (-0.0).bitPattern, 0, 1, Double.infinity.bitPattern, (-Double.infinity).bitPattern,
            Double.greatestFiniteMagnitude.bitPattern, 0x7ff4_6162_7365_6e74, 0.1.bitPattern,
        ]
        try await factory.run(StorageSettings()) { store in
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
                try expect(try await store.points("s").map(\.bits), equals: bits)
                try expect(try await store.points("t").map(\.bits), equals: bits)
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    static func lateSamplesAreJudgedAsPrometheusDoes(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            let verdicts = try await store.put(
                ["__name__": "a"],
                [(base, 1), (base, 1), (base, 2), (base - 1, 1), (base + 1, 1), (base - 4_000_000, 1)]
            )
            try expect(verdicts, equals: [nil, nil, .duplicate, .outOfOrder, nil, .outOfBounds])
            // A new series may be up to an hour behind the newest sample of all.
            try expect(try await store.put(["__name__": "b"], [(base - 3_599_999, 1)]), equals: [nil])
            try expect(try await store.put(["__name__": "c"], [(base - 3_600_001, 1)]), equals: [.outOfBounds])
            try expect(try await store.points("a"), equals: [ExactPoint(base, 1), ExactPoint(base + 1, 1)])
        }
    }

    static func outOfOrderSamplesWithinTheWindowAreTaken(_ factory: StorageFactory) async throws {
        var options = StorageSettings()
        options.outOfOrderWindow = 60_000
        try await factory.run(options) { store in
            let stream = try await store.openStream()
            let verdicts = try await store.put(
                ["__name__": "a"],
                [
                    (base, 0), (base + 30_000, 3), (base + 10_000, 1), (base + 20_000, 2), (base + 10_000, 1),
                    (base + 10_000, 9), (base + 30_000, 9), (base - 30_001, 9), (base - 30_000, -3),
                ],
                stream: stream
            )
            try expect(verdicts, equals: [nil, nil, nil, nil, nil, .duplicate, .duplicate, .tooOld, nil])
            let expected = [-30_000, 0, 10_000, 20_000, 30_000].map { ExactPoint(base + $0, Double($0) / 10_000) }
            try expect(try await store.points("a"), equals: expected)
            // Who does not want late samples, or late stale markers, gets what is not late stored, and nothing else.
            for (refusesAll, values) in [(true, [7, SpecialValue.stale]), (false, [SpecialValue.stale])] {
                for value in values {
                    var batch = SampleBatch(timestamp: base + 25_000)
                    batch.series = try await store.resolve([["__name__": "a"], ["__name__": "b\(refusesAll)\(value)"]])
                    batch.values = [value, value]
                    (batch.refusesLate, batch.refusesLateMarkers) = (refusesAll, !refusesAll)
                    let report = try await store.append(batch)
                    try expect(report.appended, equals: 1)
                    try expect(report.rejected.map(\.index), equals: [0])
                }
            }
            try expect(try await store.points("a").count, equals: expected.count)
            try await store.maintain(now: base + 86_400_000)
            try expect(try await store.put(["__name__": "a"], [(base + 5_000, 0.5)]), equals: [nil])
            try expect(
                try await store.points("a"),
                equals: (expected[..<2] + [ExactPoint(base + 5_000, 0.5)] + expected[2...])
            )
        }
    }

    static func twoStreamsMayShareASeries(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            let streams = [try await store.openStream(), try await store.openStream()]
            let series = try await store.resolve([["__name__": "a"], ["__name__": "b"], ["__name__": "c"]])
            for step in 0..<20 {
                var batch = SampleBatch(stream: streams[step % 2], timestamp: base + Int64(step))
                batch.series = step % 2 == 0 ? [series[0], series[1]] : [series[2], series[0]]
                batch.values = [Double(step), Double(-step)]
                try expect(try await store.append(batch).appended, equals: 2)
            }
            for _ in 0..<2 {
                let expected = (0..<20).map { (step: Int) -> ExactPoint in
                    ExactPoint(base + Int64(step), step % 2 == 0 ? Double(step) : -Double(step))
                }
                try expect(try await store.points("a"), equals: expected)
                try expect(try await store.points("b").count, equals: 10)
                try expect(try await store.points("c").count, equals: 10)
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    static func samplesMayHaveTimesAndStartsOfTheirOwn(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
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
                try expect(found[0].timestamps, equals: [0, 10, 20, 30, 40, 50].map { base + $0 })
                try expect(found[1].timestamps, equals: [0, 7, 14, 30, 40, 50].map { base + $0 })
                try expect(found[0].startTimestamps, equals: [base - 5, base - 5, base - 5, 0, base - 4, 0])
                try expect(found[1].startTimestamps, equals: [0, 0, 0, 0, base - 3, 0])
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }
}
