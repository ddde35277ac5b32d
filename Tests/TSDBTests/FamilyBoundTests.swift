import MetricModel
import TSDB
import Testing

/// What is said of metric families has a bound, whoever sends ever new ones.
@Suite(.timeLimit(.minutes(5))) struct FamilyBoundTests {
    private static func said(_ names: [String], help: String = "h") -> [(family: String, metadata: MetricMetadata)] {
        names.map { ($0, MetricMetadata(type: .counter, help: help)) }
    }

    @Test(arguments: StoreKind.allCases) func `those without series go first`(kind: StoreKind) async throws {
        try await kind.withStore { store in
            _ = try await store.resolve([["__name__": "kept"], ["__name__": "old_total"], ["__name__": "wide_bucket"]])
            try await store.record(Self.said(["kept", "old", "wide"]))
            for round in 0..<6 {
                try await store.record(Self.said((0..<30_000).map { "strange_\(round)_\($0)" }))
                let known = try await store.metadata()
                #expect(known.count <= 100_000)
                for name in ["kept", "old", "wide", "strange_\(round)_0"] { #expect(known[name] != nil, "\(name)") }
            }
        }
    }

    @Test(arguments: StoreKind.allCases) func `texts have one, too, and what is more is left out`(
        kind: StoreKind
    ) async throws {
        try await kind.withStore { store in
            let long = String(repeating: "h", count: 1 << 20)
            for round in 0..<60 {
                try await store.record(Self.said(["strange_\(round)"], help: long))
                let known = try await store.metadata()
                #expect(known["strange_\(round)"] != nil && known.count <= 32)
            }
            try await store.record(Self.said(["endless"], help: String(repeating: "h", count: 17 << 20)))
            #expect(try await store.metadata()["endless"] == nil)
            try await store.record(Self.said((0..<200_000).map { "many_\($0)" }))
            #expect(try await store.metadata().count <= 100_000)
        }
    }

    @Test func `what was forgotten is not in the file either`() async throws {
        try await withTemporaryFolder { folder in
            func open() throws -> TimeSeriesDatabase {
                try TimeSeriesDatabase.open(path: folder + "/stack.db", options: StoreOptions(), clock: ManualClock())
            }
            let store = try open()
            for round in 0..<4 {
                try await store.record(Self.said((0..<40_000).map { "strange_\(round)_\($0)" }))
            }
            let known = try await store.metadata()
            try await store.close()
            let again = try open()
            #expect(try await again.metadata() == known)
            try await again.close()
        }
    }
}
