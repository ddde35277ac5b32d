import MetricModel

/// Series and labels are found.
extension StorageRequirement {
    static func matchersChooseSeries(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            let sets: [Labels] = [
                ["__name__": "up", "job": "a", "env": "x"], ["__name__": "up", "job": "b"],
                ["__name__": "down", "job": "a"], ["__name__": "down", "job": "ab", "env": "y"],
            ]
            for labels in sets { try await store.put(labels, [(base, 1)]) }
            let cases: [([(String, LabelMatcher.Operator, String)], [Int])] = [
                ([], [0, 1, 2, 3]),
                ([("__name__", .equal, "up")], [0, 1]),
                ([("__name__", .equal, "no")], []),
                ([("env", .equal, "")], [1, 2]),
                ([("env", .notEqual, "")], [0, 3]),
                ([("env", .notEqual, "x")], [1, 2, 3]),
                ([("job", .matches, "a.*")], [0, 2, 3]),
                ([("job", .matches, "a|b")], [0, 1, 2]),
                ([("job", .notMatches, "a")], [1, 3]),
                ([("env", .matches, "x|")], [0, 1, 2]),
                ([("env", .matches, ".*")], [0, 1, 2, 3]),
                ([("env", .matches, ".+")], [0, 3]),
                ([("absent", .equal, ""), ("job", .equal, "a")], [0, 2]),
                ([("__name__", .notEqual, "up"), ("job", .matches, "a.+"), ("env", .equal, "y")], [3]),
            ]
            for (matchers, expected) in cases {
                let built = try matchers.map { try LabelMatcher($0.0, $0.1, $0.2) }
                let found = try await store.all(built).map(\.labels)
                try expect(found, equals: expected.map { sets[$0] }.sorted())
            }
        }
    }

    static func labelsAreListedByTimeAndMatcher(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            try await store.put(["__name__": "a", "x": "1"], [(base, 1)])
            try await store.put(["__name__": "b", "y": "2"], [(base + 1000, 1)])
            for _ in 0..<2 {
                let a = [[LabelMatcher("__name__", equals: "a")]]
                let both = [[LabelMatcher("x", equals: "1")], [LabelMatcher("y", equals: "2")]]
                try expect(try await store.labelNames([], in: .ever), equals: ["__name__", "x", "y"])
                try expect(try await store.labelNames(a, in: .ever), equals: ["__name__", "x"])
                try expect(
                    try await store.labelValues("__name__", [], in: TimeSpan(start: base + 1, end: .max)),
                    equals: ["b"]
                )
                try expect(try await store.labelValues("__name__", both, in: .ever), equals: ["a", "b"])
                try expect(try await store.labelValues("none", [], in: .ever).isEmpty)
                try expect(
                    try await store.series(both, in: TimeSpan(start: base, end: base + 999)),
                    equals: [["__name__": "a", "x": "1"]]
                )
                try expect(try await store.series(a, in: TimeSpan(start: base + 1, end: .max)).isEmpty)
                try await store.maintain(now: base + 86_400_000)
            }
        }
    }

    static func aLetterWrittenInTwoWaysIsTwo(_ factory: StorageFactory) async throws {
        try await factory.run(StorageSettings()) { store in
            let (one, two) = ("\u{e9}", "e\u{301}")
            try await store.put(["__name__": "a", one: "1"], [(base, 1)])
            try await store.put(["__name__": "b", two: "2"], [(base, 1)])
            try expect(try await store.labelNames([], in: .ever).count, equals: 3)
            try expect(try await store.labelValues(one, [], in: .ever), equals: ["1"])
            let present = [try LabelMatcher(two, .matches, ".+")]
            try expect(try await store.all(present).map(\.labels.name), equals: ["b"])
        }
    }
}
