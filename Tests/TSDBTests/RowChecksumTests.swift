import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Rows whose bytes changed on disk are told and left out, and files of the format before get their checksums.
@Suite(.timeLimit(.minutes(5))) struct RowChecksumTests {
    /// A store with something in every table that has checksums.
    private static func fill(_ path: String) async throws {
        let store = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
        let stream = try await store.openStream()
        for (name, factor) in [("a", 1.0), ("b", 2.0)] {
            try await store.put(
                ["__name__": name],
                (0..<20).map { (base + $0 * 1000, Double($0) * factor) },
                stream: stream
            )
        }
        var batch = SampleBatch(timestamp: base)
        batch.exemplars = [
            .init(
                series: try await store.resolve([["__name__": "a"]])[0],
                exemplar: Exemplar(labels: ["t": "1"], value: 2)
            )
        ]
        _ = try await store.append(batch)
        try await store.record([("a", MetricMetadata(type: .gauge, help: "ha", unit: "")), ("b", MetricMetadata())])
        try await store.apply([("t", [1], [10]), ("t", [2], [20]), ("u", [1], [30])])
        try await store.delete([[LabelMatcher("__name__", equals: "b")]], in: TimeSpan(start: base, end: base + 4000))
        try await store.close()
    }

    private static var options: StoreOptions {
        var options = StoreOptions()
        options.retention = nil
        return options
    }

    /// What a store has, in short, and how many problems it tells.
    private static func contents(_ path: String, isReadOnly: Bool) async throws -> (text: String, problems: Int) {
        let store =
            isReadOnly
            ? try TimeSeriesDatabase.openForReading(path: path, options: options, clock: ManualClock())
            : try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
        var text = try await store.all().map { "\($0.labels.name)\($0.values.count)" }
        text += try await store.metadata().keys.sorted()
        text += try await store.records(in: "t").map { "\($0.value)" }
        text += try await store.records(in: "u").map { "\($0.value)" }
        text += try await store.exemplars([], in: .ever).map { "e\($0.labels.name)" }
        let problems = try await store.problems().count
        try await store.close()
        return (text.joined(separator: " "), problems)
    }

    @Test(arguments: [
        ("", "a20 b15 a b [10] [20] [30] ea", 0),
        ("UPDATE metadata SET help = 'hb' WHERE family = 'a'", "a20 b15 b [10] [20] [30] ea", 1),
        ("UPDATE record SET value = x'15' WHERE value = x'14'", "a20 b15 a b [10] [30] ea", 1),
        ("UPDATE record SET checksum = NULL WHERE \"table\" = 't'", "a20 b15 a b [30] ea", 1),
        ("UPDATE tombstone SET \"end\" = \"end\" + 1", "a20 b20 a b [10] [20] [30] ea", 1),
        ("UPDATE block SET max_time = max_time + 1", "a b [10] [20] [30] ea", 1),
        ("UPDATE meta SET value = x'00' WHERE name = 'exemplars'", "a20 b15 a b [10] [20] [30]", 1),
    ])
    func damagedRowsAreToldAndLeftOut(_ damage: String, _ expected: String, _ problems: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            try await Self.fill(path)
            try executeSQL(path, damage)
            for isReadOnly in [true, false] {
                let found = try await Self.contents(path, isReadOnly: isReadOnly)
                #expect(found.text == expected && found.problems == problems, "\(damage)")
            }
        }
    }

    @Test func aFileOfTheFormatBeforeIsReadAndBroughtUp() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            try await Self.fill(path)
            try await SeriesGroupTests.ageToFormat3(path)
            let tables = ["block", "tombstone", "metadata", "record", "meta"]
            try executeSQL(
                path,
                tables.map { "ALTER TABLE \($0) DROP COLUMN checksum;" }.joined()
                    + "DROP TABLE outbox; PRAGMA user_version = 1"
            )
            let whole = "a20 b15 a b [10] [20] [30] ea"
            // A reader changes nothing, whoever writes brings the file up.
            for isReadOnly in [true, false, true, false] {
                let found = try await Self.contents(path, isReadOnly: isReadOnly)
                #expect(found.text == whole && found.problems == 0)
            }
            try executeSQL(path, "UPDATE record SET value = x'15' WHERE value = x'14'")
            #expect(try await Self.contents(path, isReadOnly: true).problems == 1)
        }
    }
}
