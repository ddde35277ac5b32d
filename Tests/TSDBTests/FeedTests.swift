import Foundation
import MetricModel
import TSDB
import Testing

/// Whoever follows a store gets what was stored, from wherever it is read.
@Suite(.timeLimit(.minutes(5))) struct FeedTests {
    private static let base: Timestamp = 1_700_000_000_000

    /// What an entry says.
    private struct Told: Hashable {
        var row: Int64
        var series: [[SeriesRef]]
        var values: [[UInt64]]
        var times: [[Timestamp]]
        var starts: [[Timestamp]]
        var exemplars: [[Exemplar]]

        init(_ entry: FeedEntry) {
            row = entry.row
            series = entry.batches.map(\.series)
            values = entry.batches.map { $0.values.map(\.bitPattern) }
            times = entry.batches.map { batch in
                batch.timestamps.isEmpty ? batch.series.map { _ in batch.timestamp } : batch.timestamps
            }
            starts = entry.batches.map(\.startTimestamps)
            exemplars = entry.batches.map { $0.exemplars.map(\.exemplar) }
        }
    }

    /// Appends rows of a stream, batches of none, samples that come late, exemplars, and what is refused.
    private static func append(_ store: any MetricStore, _ stream: StreamRef, steps: Range<Int>) async throws {
        let series = try await store.resolve((0..<20).map { Labels(["__name__": "m", "i": "\($0)"]) })
        for step in steps {
            let time = base + Int64(step) * 1000
            var batch = SampleBatch(stream: step % 5 == 4 ? nil : stream, timestamp: time)
            batch.series = step % 7 == 6 ? Array(series.dropLast(step % 3)) : series
            batch.values = batch.series.indices.map { Double(step * $0) / ($0 % 2 == 0 ? 1 : 7) }
            if step % 4 == 3 { batch.startTimestamps = batch.series.map { _ in base } }
            if step % 5 == 4 { batch.timestamps = batch.series.indices.map { time + Int64($0) } }
            if step % 3 == 2 {
                batch.exemplars = [
                    .init(series: series[3], exemplar: Exemplar(labels: ["id": "\(step)"], value: 1, timestamp: time))
                ]
            }
            _ = try await store.append(batch)
            // The same again: nothing of it is stored, and the next one has the number after.
            _ = try await store.append(batch)
        }
    }

    private static func rest(_ reader: any FeedReader) async throws -> [Told] {
        var told: [Told] = []
        while true {
            let entries = try await reader.next(limit: 3)
            if entries.isEmpty { return told }
            told += entries.map { Told($0) }
        }
    }

    @Test func `what is told as it came is what the journal says, and one goes on where the other stopped`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("feed-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/stack.db"
        let store = try TimeSeriesDatabase.open(path: path, clock: SystemClock())
        let start = try await store.feedEnd()
        try await store.feedSave("r") { FeedCursor(row: start) }
        let stream = try await store.openStream()
        let reader = try await store.feed(after: start)
        // Nobody listens: from the journal.
        try await Self.append(store, stream, steps: 0..<10)
        var told = try await Self.rest(reader)
        // As it came, now and then.
        store.feedNotify("r") {}
        for step in 10..<30 {
            try await Self.append(store, stream, steps: step..<step + 1)
            if step % 4 != 0 { told += try await Self.rest(reader) }
        }
        // More than is kept goes through the journal again.
        store.feedNotify("r", nil)
        try await Self.append(store, stream, steps: 30..<40)
        store.feedNotify("r") {}
        try await Self.append(store, stream, steps: 40..<44)
        told += try await Self.rest(reader)
        #expect(try await Self.rest(reader).isEmpty)
        try await store.close()
        // All of it from the journal.
        let again = try TimeSeriesDatabase.open(path: path, clock: SystemClock())
        let journal = try await Self.rest(try await again.feed(after: start))
        #expect(told.map(\.row) == journal.map(\.row))
        #expect(told == journal)
        #expect(told.count == 44)
        #expect(told.contains { $0.exemplars.contains { !$0.isEmpty } })
        try await again.close()
    }
}
