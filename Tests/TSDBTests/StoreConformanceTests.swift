import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Both kinds of database do what the contract asks of every store.
@Suite(.timeLimit(.minutes(5))) struct StoreConformanceTests {
    @Test(arguments: StoreKind.allCases, StorageRequirement.allCases)
    func requirement(kind: StoreKind, _ requirement: StorageRequirement) async throws {
        try await requirement.check(kind.factory)
    }

    /// A store that is not as the contract says is told so, with what was found and what would be right.
    @Test func violationsAreFound() async throws {
        let forgetful = StorageFactory(name: "forgetful") { _, body in
            try await body(Forgetful(TimeSeriesDatabase.inMemory(clock: ManualClock())))
        }
        var violated: [StorageRequirement] = []
        for requirement in StorageRequirement.allCases {
            do {
                try await requirement.check(forgetful)
            } catch let violation as StorageViolation {
                #expect(violation.requirement == requirement && violation.description.contains("forgetful: "))
                violated.append(requirement)
            }
        }
        #expect(
            violated == [
                .outOfOrderSamplesWithinTheWindowAreTaken, .exemplarsAreKeptUpToANumber,
                .deletedSamplesAreGoneAndLaterOnesStay, .retentionDropsOldSamplesAndForgetsSeries,
                .recordsAndMetadataAreKept,
            ]
        )
    }

    /// Series of one stream share their column of timestamps.
    @Test(arguments: StoreKind.allCases) func aStreamsSeriesShareTheirTimes(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<5).map { Labels(["__name__": "m\($0)"]) })
            for step in 0..<10 {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
                batch.series = series
                batch.values = (0..<5).map { Double(step * $0) }
                _ = try await store.append(batch)
            }
            let found = try await store.all()
            let addresses = found.map { $0.timestamps.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }
            #expect(found.count == 5 && Set(addresses).count == 1)
        }
    }
}

/// A store that knows no settings, deletes nothing and keeps no metadata.
private struct Forgetful: MetricStore, RecordStore, FrontReader {
    let store: TimeSeriesDatabase
    var base: any SampleReader { store }

    init(_ base: TimeSeriesDatabase) { store = base }

    func openStream() async throws(StorageError) -> StreamRef { try await store.openStream() }
    func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] { try await store.resolve(labels) }
    func releaseSeries(_ series: [SeriesRef]) async {}
    func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport { try await store.append(batch) }
    func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {}
    func metadata() async throws(StorageError) -> [String: MetricMetadata] { [:] }
    func delete(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) {}
    func cleanTombstones() async throws(StorageError) {}
    func snapshot(toFile path: String) async throws(StorageError) {}
    func maintain(now: Timestamp) async throws(StorageError) {}
    func close() async throws(StorageError) {}
    func apply(_ changes: [RecordChange]) async throws(StorageError) { try await store.apply(changes) }

    func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        try await store.statistics(limit: limit)
    }

    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        try await store.records(in: table)
    }
}
