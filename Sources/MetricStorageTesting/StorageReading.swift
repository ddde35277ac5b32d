package import MetricModel

/// A time that tests count from.
package let base: Timestamp = 1_700_000_000_000

extension SampleReader {
    /// All samples that satisfy the matchers, sorted by labels.
    package func all(
        _ matchers: [LabelMatcher] = [],
        start: Timestamp = .min,
        end: Timestamp = .max
    ) async throws -> [SeriesColumns] {
        let request = SelectRequest(matchers: matchers, start: start, end: end, isSorted: true)
        let all = try await select(request)
        try await expectInParts(all, request)
        try await expectNewest(all, request)
        return all
    }

    /// Whether a selection answers the same newest samples without columns.
    private func expectAlone(_ columns: [SeriesColumns], _ request: SelectRequest) async throws {
        let selection = try await selection(request)
        let middle = selection.count / 2
        var alone: [SeriesColumns] = []
        for part in [0..<middle, middle..<selection.count] {
            switch try selection.newest(part) {
            case .columns(let found): alone += found
            case .floats(let labels, let times, let values):
                for (index, labels) in labels.enumerated() {
                    alone.append(SeriesColumns(labels: labels, timestamps: [times[index]], values: [values[index]]))
                }
            }
        }
        alone.sort { $0.labels < $1.labels }
        try expect(alone.map(\.labels), equals: columns.map(\.labels))
        for (alone, columns) in zip(alone, columns) {
            try expect(alone.timestamps.last, equals: columns.timestamps.last)
            try expect(alone.values.last?.bitPattern, equals: columns.values.last?.bitPattern)
            try expect(alone.histogramTimestamps.last, equals: columns.histogramTimestamps.last)
        }
    }

    /// Whether the newest samples are the last ones of the columns, at the end of the span and at times within it.
    private func expectNewest(_ all: [SeriesColumns], _ request: SelectRequest) async throws {
        let times = Set(all.flatMap { $0.timestamps + $0.histogramTimestamps }).sorted()
        let inside = stride(from: 0, to: times.count, by: max(1, times.count / 8)).map { times[$0] }
        for end in inside + [request.end] {
            var request = request
            request.end = end
            request.needsOnlyNewest = true
            let newest = try await select(request)
            try await expectAlone(newest, request)
            var expected: [SeriesColumns] = []
            for columns in all {
                let floats = columns.timestamps.prefix { $0 <= end }.count
                let histograms = columns.histogramTimestamps.prefix { $0 <= end }.count
                if floats + histograms == 0 { continue }
                var last = SeriesColumns(labels: columns.labels)
                if floats > 0 {
                    last.timestamps = [columns.timestamps[floats - 1]]
                    last.values = [columns.values[floats - 1]]
                    last.startTimestamps = columns.startTimestamps.isEmpty ? [] : [columns.startTimestamps[floats - 1]]
                }
                if histograms > 0 {
                    last.histogramTimestamps = [columns.histogramTimestamps[histograms - 1]]
                    last.histograms = [columns.histograms[histograms - 1]]
                }
                expected.append(last)
            }
            try expect(newest.map(\.labels), equals: expected.map(\.labels))
            for (newest, expected) in zip(newest, expected) {
                // Of floats and histograms only the newer one has to be there.
                let float = expected.timestamps.last ?? .min
                let histogram = expected.histogramTimestamps.last ?? .min
                if float >= histogram {
                    try expect(newest.timestamps.last, equals: expected.timestamps.last)
                    try expect(newest.values.last?.bitPattern, equals: expected.values.last?.bitPattern)
                    try expect(newest.startTimestamps.last ?? 0, equals: expected.startTimestamps.last ?? 0)
                }
                if histogram >= float {
                    try expect(newest.histogramTimestamps.last, equals: expected.histogramTimestamps.last)
                    try expect(newest.histograms.last, equals: expected.histograms.last)
                }
            }
        }
    }

    /// Whether the same comes back where few series are read at a time.
    private func expectInParts(_ all: [SeriesColumns], _ request: SelectRequest) async throws {
        let selection = try await selection(request)
        var parts: [SeriesColumns] = []
        for first in stride(from: 0, to: selection.count, by: 3) {
            parts += try selection.read(first..<min(first + 3, selection.count))
        }
        parts.sort { $0.labels < $1.labels }
        try expect(parts.map(\.labels), equals: all.map(\.labels))
        for (part, whole) in zip(parts, all) {
            try expect(part.timestamps, equals: whole.timestamps)
            try expect(part.histogramTimestamps, equals: whole.histogramTimestamps)
            try expect(part.values.map(\.bitPattern), equals: whole.values.map(\.bitPattern))
            try expect(part.startTimestamps, equals: whole.startTimestamps)
            try expect(part.histograms, equals: whole.histograms)
        }
    }

    /// Times and values of the only series of that name.
    package func points(_ name: String, start: Timestamp = .min, end: Timestamp = .max) async throws -> [ExactPoint] {
        let found = try await all([LabelMatcher("__name__", equals: name)], start: start, end: end)
        guard let only = found.first else { return [] }
        return zip(only.timestamps, only.values).map { ExactPoint($0, $1) }
    }
}

/// A sample, compared bit for bit.
package struct ExactPoint: Equatable, CustomStringConvertible {
    package var time: Timestamp
    package var bits: UInt64

    package init(_ time: Timestamp, _ value: Double) {
        self.time = time
        bits = value.bitPattern
    }

    package var description: String { "\(Double(bitPattern: bits))@\(time)" }
}

extension MetricStore {
    /// Appends single samples of one series, one batch each; gives the rejections in order.
    @discardableResult
    package func put(
        _ labels: Labels,
        _ points: [(Timestamp, Double)],
        stream: StreamRef? = nil
    ) async throws -> [AppendReport.Rejection?] {
        let series = try await resolve([labels])
        var rejections: [AppendReport.Rejection?] = []
        for (time, value) in points {
            var batch = SampleBatch(stream: stream, timestamp: time)
            batch.series = series
            batch.values = [value]
            rejections.append(try await append(batch).rejected.first?.reason)
        }
        return rejections
    }
}
