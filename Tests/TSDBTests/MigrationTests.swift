import Foundation
import MetricModel
import MetricStorageTesting
import StorageFaults
import TSDB
import Testing

/// Files of older versions are read, and brought up whole or not at all, whatever happens meanwhile.
@Suite(.timeLimit(.minutes(5))) struct MigrationTests {
    private static let seriesCount = 40
    private static let steps = 30

    private static func options(_ files: FaultyFiles? = nil) -> StoreOptions {
        var options = StoreOptions()
        options.retention = nil
        options.fileSystem = files?.name
        return options
    }

    private static func open(_ path: String, _ files: FaultyFiles? = nil) throws -> TimeSeriesDatabase {
        try TimeSeriesDatabase.open(path: path, options: options(files), clock: ManualClock())
    }

    /// Buckets that rise nearly together, gauges, some that know when they started, and a native histogram.
    private static func batch(_ series: [SeriesRef], _ step: Int) -> SampleBatch {
        var batch = SampleBatch(timestamp: base + Int64(step) * 1000)
        batch.series = series
        batch.values = series.indices.map { number in
            number < 20 ? Double((number + 1) * step * step + step % 3) : Double(number * step) / 8
        }
        if step % 2 == 0 { batch.startTimestamps = series.map { $0.rawValue % 2 == 0 ? base - 5 : 0 } }
        batch.histograms = [
            .init(series: series[30], timestamp: base + 500 + Int64(step) * 1000, histogram: NativeHistogram())
        ]
        return batch
    }

    private static func append(_ store: TimeSeriesDatabase, _ step: Int) async throws -> Int {
        let labels = (0..<seriesCount).map { Labels(["__name__": $0 < 20 ? "bucket" : "gauge", "le": "\($0)"]) }
        return try await store.append(batch(try await store.resolve(labels), step)).appended
    }

    /// What a store has, in a form that can be compared.
    private static func told(_ store: some MetricStore) async throws -> [String] {
        try await store.all().map { "\($0)" }
    }

    /// Makes the pages of a file such of version 1, in which each chunk has a header of its own.
    /// - Returns: how many chunks are given as differences from others.
    private static func agePages(_ path: String) async throws -> Int {
        var references = 0
        for row in try await SeriesGroupTests.rows(path, "SELECT id, data FROM page") {
            guard case .integer(let id) = row[0], case .blob(let bytes) = row[1], id & 1 << 23 == 0 else { continue }
            let aged = asVersion1(Array(bytes.dropLast(8)), &references)
            var writer = ByteWriter()
            writer.bytes = aged
            writer.fixed64(aged.withUnsafeBufferPointer(Hash64.hash))
            let literal = SeriesGroupTests.literal(.blob(writer.bytes))
            try executeSQL(path, "UPDATE page SET data = \(literal) WHERE id = \(id)")
        }
        return references
    }

    private static func asVersion1(_ page: [UInt8], _ references: inout Int) -> [UInt8] {
        page.withUnsafeBufferPointer { bytes in
            var reader = ByteReader(bytes)
            var writer = ByteWriter()
            #expect(reader.byte() == 2)
            writer.byte(1)
            let timelines = reader.count()
            writer.count(timelines)
            for _ in 0..<timelines { writer.field(Array(reader.field())) }
            let count = reader.count()
            writer.count(count)
            writer.count(reader.count())
            var written = 0
            while written < count {
                let step = reader.varint()
                let kind = reader.byte()
                let shape = (0..<3).map { _ in reader.count() }
                for place in 0..<reader.count() {
                    let code = reader.count()
                    let starts = kind & 2 == 0 ? nil : reader.count()
                    let reference = code & 1 == 0 ? nil : reader.count()
                    writer.varint(place == 0 ? step : 1)
                    writer.byte(reference == nil ? kind : kind | 4)
                    for number in shape { writer.count(number) }
                    writer.count(code >> 1)
                    if let starts { writer.count(starts) }
                    if let reference { writer.count(reference) }
                    references += reference == nil ? 0 : 1
                    written += 1
                }
            }
            #expect(!reader.isTruncated)
            writer.bytes.append(contentsOf: reader.slice(reader.remaining))
            return writer.bytes
        }
    }

    /// Runs `body` with a file of format 3 with pages of version 1, and what it holds.
    private static func withOldFile(_ body: (_ path: String, _ held: [String]) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/old.db"
            var store = try open(path)
            for step in 0..<steps { #expect(try await append(store, step) == seriesCount + 1) }
            try await store.close()
            store = try open(path)
            let held = try await told(store)
            #expect(held.count == seriesCount)
            try await store.close()
            #expect(try await agePages(path) > 10)
            try await SeriesGroupTests.ageToFormat3(path)
            try await body(path, held)
        }
    }

    @Test func pagesOfVersion1AreReadAndMerged() async throws {
        try await Self.withOldFile { path, held in
            let clock = ManualClock()
            let reader = try TimeSeriesDatabase.openForReading(path: path, options: Self.options(), clock: clock)
            #expect(try await Self.told(reader) == held)
            try await reader.close()
            var store = try Self.open(path)
            #expect(try await Self.told(store) == held)
            #expect(try await Self.append(store, Self.steps) == Self.seriesCount + 1)
            let more = try await Self.told(store)
            // The day has been over for long: old and new pages become those of one block.
            try await store.maintain(now: base + 3 * 86_400_000)
            #expect(try await store.report().blocks.count == 1)
            #expect(try await Self.told(store) == more)
            try await store.close()
            store = try Self.open(path)
            #expect(try await store.problems() == [])
            #expect(try await Self.told(store) == more)
            try await store.close()
        }
    }

    /// The disk fails at each of its operations in turn, for once, from then on, or so that nothing more gets to it, which is what
    /// a kill comes to.
    @Test(arguments: FaultyFiles.Fault.allCases)
    func aFileIsBroughtUpWholeOrNotAtAll(_ fault: FaultyFiles.Fault) async throws {
        let files = FaultyFiles()
        try await Self.withOldFile { old, held in
            var place = 0
            var failures = 0
            while true {
                var isTold = false
                var isOver = false
                let path = old + "-\(place)"
                try FileManager.default.copyItem(atPath: old, toPath: path)
                files.fail(fault, after: place)
                do {
                    let store = try Self.open(path, files)
                    do {
                        isTold = try await !store.problems().isEmpty
                    } catch {
                        // Who loads it may have it for a moment longer than this.
                        try? await store.close()
                        throw error
                    }
                    if isTold { failures += 1 }
                    let found: [String]?
                    do { found = try await Self.told(store) } catch { found = nil }
                    #expect(isTold || found == held || (found == nil && files.heal()), "\(fault) \(place)")
                    isOver = found == nil
                    try await store.close()
                } catch {
                    #expect(error is StorageError, "\(fault) \(place): \(error)")
                    failures += 1
                }
                isOver = files.heal() || isOver
                let store = try Self.open(path)
                #expect(try await store.problems() == [], "\(fault) \(place)")
                #expect(store.refusal == nil, "\(fault) \(place)")
                let found = try await Self.told(store)
                // Bytes that come as zeros are damage like any other: what they held is told as lost, and left behind.
                let mayLose = fault == .shortRead && isTold
                #expect(mayLose ? Set(found).isSubset(of: held) : found == held, "\(fault) \(place)")
                #expect(try await Self.append(store, Self.steps) == Self.seriesCount + 1)
                try await store.close()
                #expect(try await SeriesGroupTests.rows(path, "PRAGMA user_version") == [[.integer(4)]])
                if !isOver { break }
                place += 1
            }
            #expect(place > 3 && failures > 0, "\(fault): \(place) \(failures)")
        }
    }
}
