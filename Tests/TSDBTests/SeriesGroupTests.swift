import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Labels and series stand in groups: they come back, old files get them, and a damaged one takes no other along.
@Suite(.timeLimit(.minutes(5))) struct SeriesGroupTests {
    private static var options: StoreOptions {
        var options = StoreOptions()
        options.retention = nil
        options.outOfOrderWindow = 1 << 40
        return options
    }

    private static func open(_ path: String, isReadOnly: Bool = false) throws -> TimeSeriesDatabase {
        isReadOnly
            ? try TimeSeriesDatabase.openForReading(path: path, options: options, clock: ManualClock())
            : try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
    }

    /// Labels of many kinds: few and many, shared and their own, empty, long and in any bytes.
    private static func labels(_ number: Int) -> Labels {
        var labels = [Label(name: "__name__", value: "m\(number % 7)"), Label(name: "i", value: "\(number)")]
        if number % 3 == 0 { labels.append(Label(name: "ž\(number % 5)", value: "ü\u{1F600}\(number / 10)")) }
        if number % 50 == 1 {
            for extra in 0..<130 { labels.append(Label(name: "l\(extra)", value: "\(extra % (number % 9 + 1))")) }
        }
        if number % 97 == 2 { labels.append(Label(name: "long", value: String(repeating: "ab", count: number * 20))) }
        return Labels(labels)
    }

    private static func append(_ store: TimeSeriesDatabase, _ numbers: Range<Int>, at time: Timestamp) async throws {
        var batch = SampleBatch(timestamp: time)
        batch.series = try await store.resolve(numbers.map(labels))
        batch.values = numbers.map(Double.init)
        _ = try await store.append(batch)
    }

    /// Runs `body` with the file of a store that these series were appended to, one range after the other.
    private static func withFile(
        of ranges: [Range<Int>],
        _ body: (_ path: String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try open(path)
            for range in ranges { try await append(store, range, at: base) }
            try await store.close()
            try await body(path)
        }
    }

    /// The numbers of the series that the store has, by the value that belongs to the labels.
    private static func numbers(_ store: TimeSeriesDatabase) async throws -> [Int] {
        var numbers: [Int] = []
        for series in try await store.all() {
            let number = try #require(series.labels["i"].flatMap { Int($0) })
            #expect(series.labels == labels(number) && series.values.allSatisfy { $0 == Double(number) })
            numbers.append(number)
        }
        return numbers.sorted()
    }

    static func rows(_ path: String, _ sql: String) async throws -> [[SQLValue]] {
        let session = try await SQLSession.open(path: path, clock: ManualClock())
        var rows: [[SQLValue]] = []
        try session.run(sql, header: { _ in }) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    static func literal(_ value: SQLValue) -> String {
        switch value {
        case .integer(let number): "\(number)"
        case .text(let text): "'\(text)'"
        case .blob(let bytes):
            "x'" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "'"
        case .null, .real: "NULL"
        }
    }

    /// Makes a file one of format 3, in which each pair and each series had a row.
    static func ageToFormat3(_ path: String) async throws {
        var sql = """
            BEGIN; CREATE TABLE label_pair (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL);
            CREATE TABLE series (id INTEGER PRIMARY KEY, pairs BLOB NOT NULL);
            """
        for table in ["label_pair", "series"] {
            for row in try await rows(path, "SELECT * FROM \(table)") {
                sql += "INSERT INTO \(table) VALUES (\(row.map(literal).joined(separator: ", ")));"
            }
        }
        try executeSQL(path, sql + "DROP TABLE series_group; PRAGMA user_version = 3; COMMIT")
    }

    @Test func manySeriesComeBackAndTheirRowsCanBeRead() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            var store = try Self.open(path)
            // More than a row holds, then some at a time.
            try await Self.append(store, 0..<9000, at: base)
            for start in stride(from: 9000, to: 9200, by: 9) {
                try await Self.append(store, start..<start + 9, at: base)
            }
            try await store.close()
            store = try Self.open(path)
            #expect(try await store.problems() == [])
            #expect(try await Self.numbers(store) == Array(0..<9207))
            try await store.close()
            let found = try await Self.rows(
                path,
                "SELECT count(*), min(id), max(id), sum(series_labels(pairs) ->> 'i' IS NOT NULL) FROM series"
            )
            #expect(found == [[.integer(9207), .integer(1), .integer(9207), .integer(9207)]])
            let pairs = try await Self.rows(path, "SELECT value FROM label_pair WHERE name = '__name__' ORDER BY id")
            #expect(pairs == (0..<7).map { [.text("m\($0)")] })
        }
    }

    /// A series or a pair is looked up by its number, without a look at all the others.
    @Test func numbersAreLookedUp() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try Self.open(path)
            try await Self.append(store, 0..<300, at: base)
            try await store.close()
            for table in ["series", "label_pair"] {
                let plan = try await Self.rows(path, "EXPLAIN QUERY PLAN SELECT * FROM \(table) WHERE id = 5")
                #expect(plan.first?.last == .text("SCAN \(table) VIRTUAL TABLE INDEX 1:"))
                for (wanted, found) in [
                    ("5", 1), ("'5'", 1), ("5.0", 1), ("5.5", 0), ("'x'", 0), ("NULL", 0), ("-1", 0), ("1e30", 0),
                    ("100000", 0),
                ] {
                    let rows = try await Self.rows(path, "SELECT id FROM \(table) WHERE id = \(wanted)")
                    #expect(rows == (0..<found).map { _ in [.integer(5)] }, "\(table) \(wanted)")
                }
                let twice = "SELECT count(*) FROM \(table) AS a JOIN \(table) AS b ON a.id = b.rowid"
                #expect(try await Self.rows(path, twice) == Self.rows(path, "SELECT count(*) FROM \(table)"))
            }
        }
    }

    /// A series with as many labels as there are bits in a mask, one less or more, and many more; the one that is last in its row as
    /// it is, with one label less, or alone in its run.
    @Test(arguments: [1, 24, 25, 33, 55, 56, 57, 100, 112, 113, 250])
    func seriesOfManyLabelsComeBack(_ width: Int) async throws {
        func labels(_ name: String, _ count: Int) -> Labels {
            Labels(
                [Label(name: "__name__", value: name)] + (1..<max(1, count)).map { Label(name: "l\($0)", value: "v") }
            )
        }
        for sets in [
            [labels("a", width + 1), labels("a", width)], [labels("a", width), labels("b", 3), labels("c", width)],
            [labels("a", width), labels("b", width), labels("c", width)],
        ] {
            try await withTemporaryFolder { folder in
                let path = folder + "/stack.db"
                var store = try Self.open(path)
                var batch = SampleBatch(timestamp: base)
                batch.series = try await store.resolve(sets)
                batch.values = sets.map { _ in 1 }
                _ = try await store.append(batch)
                try await store.close()
                // What is left out of a row is written anew.
                for gone in [nil, "b"] {
                    store = try Self.open(path)
                    #expect(try await store.problems() == [])
                    let left = sets.filter { $0.name != gone }
                    if let gone {
                        try await store.delete([[LabelMatcher("__name__", equals: gone)]], in: .ever)
                        try await store.cleanTombstones()
                        try await store.close()
                        store = try Self.open(path)
                        #expect(try await store.problems() == [])
                    }
                    #expect(Set(try await store.all().map(\.labels)) == Set(left))
                    try await store.close()
                }
            }
        }
    }

    @Test(arguments: [
        "UPDATE series_group SET pairs = x'0102030405060708090a' WHERE id <= 2",
        "DELETE FROM series_group WHERE id <= 2",
    ])
    func aLargeGroupThatIsLostDoesNotKeepTheOthersWaiting(_ damage: String) async throws {
        try await Self.withFile(of: [0..<9000, 9000..<18_000]) { path in
            try executeSQL(path, damage)
            let store = try Self.open(path)
            #expect(try await store.problems() != [])
            try await Self.append(store, 0..<18_000, at: base + 1000)
            #expect(try await Self.numbers(store) == Array(0..<18_000))
            try await store.close()
        }
    }

    @Test func theNumberOfADamagedLastSeriesIsNobodyElses() async throws {
        try await Self.withFile(of: [0..<20]) { path in
            try await Self.ageToFormat3(path)
            try executeSQL(path, "UPDATE series SET pairs = x'00' WHERE id = 20")
            let store = try Self.open(path)
            try await Self.append(store, 20..<21, at: base + 1000)
            #expect(try await Self.numbers(store) == Array(0..<19) + [20])
            let new = try #require(try await store.all().first { $0.labels["i"] == "20" })
            #expect(new.values == [20])
            try await store.close()
        }
    }

    @Test func aFileOfFormat3IsReadAndBroughtUp() async throws {
        try await Self.withFile(of: [0..<500]) { path in
            try await Self.ageToFormat3(path)
            let aged = try await Self.rows(path, "SELECT id, hex(pairs), series_labels(pairs) FROM series ORDER BY id")
            for isReadOnly in [true, false, true, false] {
                let store = try Self.open(path, isReadOnly: isReadOnly)
                #expect(try await store.problems() == [])
                #expect(try await Self.numbers(store) == Array(0..<500))
                try await store.close()
            }
            #expect(
                try await Self.rows(path, "SELECT id, hex(pairs), series_labels(pairs) FROM series ORDER BY id") == aged
            )
            var store = try Self.open(path)
            try await Self.append(store, 400..<600, at: base + 1000)
            try await store.close()
            store = try Self.open(path)
            #expect(try await Self.numbers(store) == Array(0..<600))
            try await store.close()
        }
    }

    @Test func damagedSeriesOfFormat3AreToldOnceAndLeftOut() async throws {
        try await Self.withFile(of: [0..<20]) { path in
            try await Self.ageToFormat3(path)
            try executeSQL(path, "UPDATE series SET pairs = x'00' WHERE id = 3")
            for problems in [1, 0] {
                let store = try Self.open(path)
                #expect(try await store.problems().count == problems)
                try await store.close()
            }
            // Where a pair is missing, nothing may build on the rest.
            try await Self.ageToFormat3(path)
            try executeSQL(path, "DELETE FROM label_pair WHERE id = 1")
            let store = try Self.open(path)
            #expect(store.refusal?.code == .corrupt)
            try await store.close()
        }
    }

    @Test(arguments: [
        ("UPDATE series_group SET series = zeroblob(length(series)) WHERE id = 2", 100..<200),
        ("UPDATE series_group SET series = x'00' WHERE id = 3", 200..<300),
        ("UPDATE series_group SET series = substr(series, 1, 20) WHERE id = 1", 0..<100),
        ("UPDATE series_group SET pairs = x'0102030405060708090a' WHERE id = 3", 200..<300),
    ])
    func aDamagedGroupTakesNoOtherAlong(_ damage: String, _ lost: Range<Int>) async throws {
        try await Self.withFile(of: [0..<100, 100..<200, 200..<300]) { path in
            try executeSQL(path, damage)
            // Pairs that are lost, and the series that have them.
            let problems = damage.contains("SET pairs") ? 2 : 1
            var store = try Self.open(path, isReadOnly: true)
            #expect(try await store.problems().count == problems)
            try await store.close()
            // The same series come again under other numbers, and no samples of the lost ones are theirs.
            for time in [base + 1000, base + 2000] {
                store = try Self.open(path)
                #expect(try await store.problems().count == problems && store.refusal == nil)
                try await Self.append(store, 0..<320, at: time)
                #expect(try await Self.numbers(store) == Array(0..<320))
                try await store.close()
            }
            store = try Self.open(path)
            for series in try await store.all() {
                let number = try #require(series.labels["i"].flatMap { Int($0) })
                #expect(series.values.count == (lost.contains(number) || number >= 300 ? 2 : 3), "\(number)")
            }
            try await store.close()
        }
    }

    @Test(arguments: [
        "UPDATE series_group SET next_pair = next_pair + 1 WHERE id = 1",
        "UPDATE series_group SET next_series = next_series - 1 WHERE id = 2", "DELETE FROM series_group WHERE id = 1",
    ])
    func whereNumbersAreLostNothingIsTaken(_ damage: String) async throws {
        try await Self.withFile(of: [0..<100, 100..<200]) { path in
            try executeSQL(path, damage)
            let store = try Self.open(path)
            #expect(try await store.problems() != [])
            let isRefused = store.refusal?.code == .corrupt
            // A row that is not there at all has only left its pairs, and those that have them.
            #expect(isRefused == !damage.hasPrefix("DELETE"))
            try await store.close()
        }
    }

    /// A row that is gone, or whose numbers are damaged so that nothing can be written: what does not need it can be read.
    @Test(arguments: [
        ("DELETE FROM series_group WHERE id = 1", false, ["2", "3"]),
        ("UPDATE series_group SET next_pair = next_pair + 1 WHERE id = 1", true, ["1", "2", "3"]),
        ("UPDATE series_group SET next_series = 1 << 40, pairs = x'00' WHERE id = 1", true, ["2", "3"]),
    ])
    func whatDoesNotNeedALostRowIsRead(_ damage: String, _ isRefused: Bool, _ left: [String]) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            var store = try Self.open(path)
            for (number, labels) in [["a": "1"], ["b": "2"], ["b": "2", "c": "3"]].enumerated() {
                var batch = SampleBatch(timestamp: base)
                batch.series = try await store.resolve([Labels(labels)])
                batch.values = [Double(number + 1)]
                _ = try await store.append(batch)
            }
            try await store.close()
            try executeSQL(path, damage)
            store = try Self.open(path)
            #expect(try await !store.problems().isEmpty)
            #expect((store.refusal?.code == .corrupt) == isRefused)
            let found = try await store.all()
            let told = found.compactMap { series in ["c", "b", "a"].compactMap { series.labels[$0] }.first }
            #expect(told.sorted() == left)
            #expect(found.allSatisfy { series in series.values.map { "\(Int($0))" }.allSatisfy(left.contains) })
            try await store.close()
        }
    }

    @Test func forgottenSeriesLeaveTheirGroups() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            var store = try Self.open(path)
            try await Self.append(store, 0..<300, at: base)
            for start in stride(from: 300, to: 320, by: 1) { try await Self.append(store, start..<start + 1, at: base) }
            let gone = LabelMatcher("__name__", equals: "m3")
            try await store.delete([[gone]], in: .ever)
            try await store.cleanTombstones()
            let rest = (0..<320).filter { $0 % 7 != 3 }
            for _ in 0..<2 {
                #expect(try await Self.numbers(store) == rest)
                #expect(try await store.problems() == [])
                try await store.close()
                let count = try await Self.rows(path, "SELECT count(*) FROM series")
                #expect(count == [[.integer(Int64(rest.count))]])
                store = try Self.open(path)
            }
            try await Self.append(store, 0..<320, at: base + 1000)
            #expect(try await Self.numbers(store) == Array(0..<320))
            try await store.delete([], in: .ever)
            try await store.close()
        }
    }
}
