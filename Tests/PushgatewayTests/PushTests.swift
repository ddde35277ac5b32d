import MetricModel
import Pushgateway
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct PushTests {
    @Test func labelsOfTheGroupWin() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a/x/1", "m{job=\"b\",x=\"2\",a=\"3\"} 1\nn{instance=\"i\"} 2\n")
        #expect(
            await gateway.lines() == [
                "m{a=\"3\",instance=\"\",job=\"a\",x=\"1\"} 1", "n{instance=\"i\",job=\"a\",x=\"1\"} 2",
                "push_failure_time_seconds{instance=\"\",job=\"a\",x=\"1\"} 0",
                "push_time_seconds{instance=\"\",job=\"a\",x=\"1\"} 1.7e+09",
            ]
        )
    }

    /// Ten times the families take ten times as long, not a hundred times: the whole is bound by the suite's limit.
    @Test(.timeLimit(.minutes(1))) func aGroupMayHaveManyFamilies() async throws {
        let gateway = Fixture()
        let body = { (value: Int) in (0..<20_000).map { "rows_\($0) \(value)\n" }.joined() }
        for value in 1...2 { try await gateway.push("job/a", body(value)) }
        try await gateway.push("job/a", body(3), mode: .replaceFamilies)
        #expect(await gateway.lines("rows_19999") == ["rows_19999{instance=\"\",job=\"a\"} 3"])
    }

    @Test func aLetterWrittenInTwoWaysIsTwo() async throws {
        let gateway = Fixture()
        let (one, two) = ("\u{e9}", "e\u{301}")
        try await gateway.push("job/a", "{\"\(one)\"} 1\n{\"\(two)\"} 2\n")
        #expect(await gateway.lines().count { $0.hasSuffix("} 1") || $0.hasSuffix("} 2") } == 2)
        try await gateway.push("job/a", "{\"\(one)\"} 3\n", mode: .replaceFamilies)
        #expect(await gateway.lines().count { $0.hasSuffix("} 3") || $0.hasSuffix("} 2") } == 2)
    }

    @Test func putReplacesTheGroupAndPostTheFamilies() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "m{l=\"1\"} 1\nm{l=\"2\"} 2\nn 3\n")
        try await gateway.push("job/a", "m{l=\"1\"} 4\n", mode: .replaceFamilies)
        #expect(await gateway.lines("m") == ["m{instance=\"\",job=\"a\",l=\"1\"} 4"])
        #expect(await gateway.lines("n") == ["n{instance=\"\",job=\"a\"} 3"])
        gateway.clock.advance(milliseconds: 1500)
        try await gateway.push("job/a", "")
        #expect(
            await gateway.lines() == [
                "push_failure_time_seconds{instance=\"\",job=\"a\"} 0",
                "push_time_seconds{instance=\"\",job=\"a\"} 1.7000000015e+09",
            ]
        )
        await gateway.store.delete(try Fixture.key("job/a"))
        #expect(await gateway.lines().isEmpty)
        #expect(gateway.store.groupCount == 0)
    }

    @Test func seriesAreSortedByTheirValues() async throws {
        let gateway = Fixture()
        for job in ["b", "a", "c"] { try await gateway.push("job/\(job)", "m 1\nm{z=\"0\"} 2\n") }
        #expect(
            await gateway.lines("m").map { $0.filter { $0 != "\"" } } == [
                "m{instance=,job=a} 1", "m{instance=,job=b} 1", "m{instance=,job=c} 1",
                "m{instance=,job=a,z=0} 2", "m{instance=,job=b,z=0} 2", "m{instance=,job=c,z=0} 2",
            ]
        )
    }

    @Test(arguments: [
        (
            "job/b", "# TYPE m counter\nm 1\n",
            "collected metric \"m\" { label:{name:\"instance\"  value:\"\"}  label:{name:\"job\"  value:\"b\"}  counter:{value:1}} is not a GAUGE"
        ),
        (
            "job/a", "# TYPE m gauge\nm{instance=\"i\"} 1\n",
            "collected metric \"m\" { label:{name:\"instance\"  value:\"i\"}  label:{name:\"job\"  value:\"a\"}  gauge:{value:1}} was collected before with the same name and label values"
        ),
        (
            "job/b", "n 1\nn 2\n",
            "collected metric \"n\" { label:{name:\"instance\"  value:\"\"}  label:{name:\"job\"  value:\"b\"}  untyped:{value:2}} was collected before with the same name and label values"
        ),
        ("job/b", "n 1 2\n", "pushed metrics must not have timestamps"),
        (
            "job/b", "# TYPE m_count gauge\ns_count 1\n",
            "collected metric named \"s_count\" collides with previously collected summary named \"s\""
        ),
        (
            "job/b", "# TYPE go_goroutines counter\ngo_goroutines 1\n",
            "gathered metric family go_goroutines has type COUNTER but should have GAUGE"
        ),
        ("job/b", "push_time_seconds{a=\"b\"} 1\npush_failure_time_seconds 3\n", nil),
        ("job/b", "go_goroutines 1\n", "gathered metric family go_goroutines has type UNTYPED but should have GAUGE"),
        ("job/a", "# TYPE m counter\nm 1\n", nil),
        ("job/a", "m_bucket 1\n", nil),
    ])
    func consistency(_ path: String, _ text: String, _ message: String?) async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "# TYPE m gauge\nm 1\n")
        try await gateway.push("job/a/instance/i", "# TYPE m gauge\nm 1\n# TYPE s summary\ns_sum 1\ns_count 2\n")
        if path == "job/a", text.contains("counter") { await gateway.store.delete(try Fixture.key("job/a/instance/i")) }
        let before = await gateway.lines("m")
        let outcome = try await gateway.push(path, text)
        if let message {
            #expect(outcome == .refused("pushed metrics are invalid or inconsistent with existing metrics: \(message)"))
            #expect(await gateway.lines("m") == before)
            let failure = await gateway.lines("push_failure_time_seconds").filter { $0.hasSuffix(" 1.7e+09") }
            #expect(failure.count == 1)
        } else {
            #expect(outcome == .accepted)
        }
    }

    @Test func aValueMayHaveZeroBytes() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "m{k=\"x\0\",l=\"c\"} 1\nm{k=\"x\",l=\"d\"} 2\n")
        #expect(await gateway.lines("m").map { $0.suffix(1) } == ["2", "1"])
    }

    @Test(arguments: [
        (true, "positive_span:{offset:0  length:2}  positive_delta:2  positive_delta:-1"),
        (false, "positive_span:{offset:0  length:2}  positive_count:2  positive_count:1"),
    ])
    func nativeHistogramsAreTold(isInteger: Bool, expected: String) async throws {
        let gateway = Fixture()
        var native = NativeHistogram()
        native.isInteger = isInteger
        native.positiveSpans = [.init(offset: 0, length: 2)]
        native.positiveBuckets = [2, 1]
        let metric = MetricFamily.Metric(value: .histogram(MetricFamily.Histogram(sum: 1, count: 3, native: native)))
        let family = MetricFamily(name: "h", type: .histogram, metrics: [metric, metric])
        let outcome = await gateway.store.push(
            PushRequest(key: try Fixture.key("job/a"), families: [family], mode: .replaceGroup)
        )
        guard case .refused(let message) = outcome.verdict else {
            Issue.record("\(outcome)")
            return
        }
        #expect(message.contains(expected), "\(message)")
    }

    /// Pushes and deletions that come at once: each is told what it met.
    @Test func ofPushesAtOnceOneMakesTheGroup() async throws {
        let gateway = Fixture()
        let (key, body) = (try Fixture.key("job/a"), Array("m 1\n".utf8))
        for _ in 0..<20 {
            let made = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await !gateway.store.push(text: body, to: key, mode: .replaceGroup).wasThere }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(made == 1)
            #expect(try await gateway.store.push(text: Array("m 1 1\n".utf8), to: key, mode: .replaceGroup).wasThere)
            let deleted = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 { group.addTask { await gateway.store.delete(key).wasThere } }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(deleted == 1)
        }
    }

    /// A failed push leaves a group that says only when.
    @Test func aGroupOfFailuresHoldsNothing() async throws {
        let gateway = Fixture()
        let key = try Fixture.key("job/a")
        #expect(try await !gateway.store.push(text: Array("m 1 1\n".utf8), to: key, mode: .replaceGroup).wasThere)
        #expect(try await !gateway.store.push(text: Array("m 1\n".utf8), to: key, mode: .replaceGroup).wasThere)
    }

    @Test func severalErrorsAreListed() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "# TYPE m gauge\nm 1\n")
        guard case .refused(let message) = try await gateway.push("job/b", "m{a=\"1\"} 1\nm{a=\"2\"} 1\n") else {
            Issue.record("accepted")
            return
        }
        #expect(
            message.hasPrefix(
                "pushed metrics are invalid or inconsistent with existing metrics: 2 error(s) occurred:\n* collected"
            )
        )
    }

    /// Both groups' metrics have `instance=""`, so that their push times would have the same labels.
    @Test(arguments: [("job/a", "job/a/instance@base64/="), ("job/a/instance@base64/=", "job/a")])
    func groupsThatDifferInAnEmptyInstanceExcludeEachOther(_ first: String, _ second: String) async throws {
        let gateway = Fixture()
        try await gateway.push(first, "m 1\n")
        let before = await gateway.lines()
        let labels = "label:{name:\"instance\"  value:\"\"}  label:{name:\"job\"  value:\"a\"}"
        let end = "was collected before with the same name and label values"
        #expect(
            try await gateway.push(second, "n 1\n")
                == .refused(
                    """
                    pushed metrics are invalid or inconsistent with existing metrics: 2 error(s) occurred:
                    * collected metric "push_failure_time_seconds" { \(labels)  gauge:{value:0}} \(end)
                    * collected metric "push_time_seconds" { \(labels)  gauge:{value:1.7e+09}} \(end)
                    """
                )
        )
        try await gateway.push(second, "n 1 1\n")
        #expect(await gateway.lines() == before)
        await gateway.store.delete(try Fixture.key(first))
        #expect(try await gateway.push(second, "n 1\n") == .accepted)
    }

    @Test func withoutCheckTheExpositionTells() async throws {
        var options = PushgatewayOptions()
        options.checksConsistency = false
        let gateway = Fixture(options)
        #expect(try await gateway.push("job/a", "# TYPE m gauge\nm 1\n") == .acceptedUnchecked)
        #expect(try await gateway.push("job/b", "# TYPE m counter\nm 1\n") == .acceptedUnchecked)
        guard case .inconsistent(let problem) = await gateway.store.exposition() else {
            Issue.record("consistent")
            return
        }
        #expect(problem.contains("is not a"))
        await gateway.store.delete(try Fixture.key("job/b"))
        #expect(await gateway.lines("m") == ["m{instance=\"\",job=\"a\"} 1"])
    }

    @Test func groupsSurviveARestart() async throws {
        let gateway = Fixture()
        try await gateway.push(
            "job/a/l/ü\"\\",
            "# HELP m A \\\\ help\\n.\n# TYPE m counter\nm{q=\"a\\\\b\\\"c\\nd\"} 1e+20\n"
        )
        try await gateway.push(
            "job/b",
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
        )
        try await gateway.push("job/b", "m 1 1\n")
        await gateway.store.delete(try Fixture.key("job/a/l/nowhere"))
        let again = Fixture.store(PushgatewayOptions(), gateway.clock, gateway.records)
        #expect(try await again.restore() == 0)
        let restored = await Fixture.groupsJSON(again)
        #expect(await Fixture.groupsJSON(gateway.store) == restored)
        guard case .text(let before) = await gateway.store.exposition(),
            case .text(let after) = await again.exposition()
        else {
            return
        }
        #expect(String(decoding: after.bytes, as: UTF8.self) == String(decoding: before.bytes, as: UTF8.self))
    }

    /// Things that change groups, and whether they are told to have failed.
    enum Change: String, CaseIterable, Sendable {
        case newGroup, sameShape, otherShape, fewerFamilies, addUp, refused, delete, deleteMatching, wipe

        func make(_ gateway: Fixture) async throws -> Bool {
            let full = "# TYPE c counter\nc 1\n# TYPE m gauge\nm 1\n"
            switch self {
            case .newGroup: return try await gateway.push("job/new", "m 5\n").isFailed
            case .sameShape:
                let body = Array(full.replacing("1", with: "2").utf8)
                let outcome = try await gateway.store.push(text: body, to: Fixture.key("job/a"), mode: .replaceGroup)
                return outcome.verdict.isFailed
            case .otherShape: return try await gateway.push("job/a", "m{l=\"1\"} 5\n").isFailed
            case .fewerFamilies: return try await gateway.push("job/a", "", mode: .replaceGroup).isFailed
            case .addUp: return try await gateway.push("job/a", full, mode: .addUp).isFailed
            case .refused: return try await gateway.push("job/b", "# TYPE m counter\nm 5\n").isFailed
            case .delete: return await gateway.store.delete(try Fixture.key("job/a")).error != nil
            case .deleteMatching:
                return await gateway.store.delete(matching: [[LabelMatcher("job", equals: "a")]]).error != nil
            case .wipe: return await gateway.store.wipe() != nil
            }
        }
    }

    @Test func aGroupOfWhichOnlyARefusalIsKnownIsDeletedWithTheOthers() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "# TYPE m gauge\nm 1\n")
        try await gateway.push("job/b", "# TYPE m counter\nm 5\n")
        #expect(await gateway.lines().contains { $0.hasPrefix("push_failure_time_seconds{instance=\"\",job=\"b\"} 1") })
        let found = await gateway.store.delete(matching: [[LabelMatcher("job", equals: "b")]])
        #expect(found.count == 1 && found.error == nil)
        #expect(await !gateway.lines().contains { $0.contains("job=\"b\"") })
    }

    @Test(arguments: Change.allCases)
    func whatCannotBeStoredIsTakenBackAndTakenTheNextTime(_ change: Change) async throws {
        let gateway = Fixture()
        let full = "# TYPE c counter\nc 1\n# TYPE m gauge\nm 1\n"
        _ = try await gateway.store.push(text: Array(full.utf8), to: Fixture.key("job/a"), mode: .replaceGroup)
        try await gateway.push("job/b", "# TYPE m gauge\nm 1\n")
        let before = (await gateway.lines(), await gateway.groupsJSON)
        gateway.clock.advance(milliseconds: 1000)
        for _ in 0..<2 {
            gateway.records.state.withLock { $0.failure = StorageError(.diskFull, "no space left") }
            #expect(try await change.make(gateway))
            #expect(gateway.store.problem == "storing pushed metrics failed: no space left")
            #expect(await gateway.lines() == before.0)
            #expect(await Fixture.groupsJSON(gateway.store) == before.1)
            gateway.records.state.withLock { $0.failure = nil }
        }
        #expect(try await !change.make(gateway))
        #expect(gateway.store.problem == nil)
        #expect(await Fixture.groupsJSON(gateway.store) != before.1)
        let again = Fixture.store(PushgatewayOptions(), gateway.clock, gateway.records)
        #expect(try await again.restore() == 0)
        let restored = await Fixture.groupsJSON(again)
        #expect(await Fixture.groupsJSON(gateway.store) == restored)
    }

    /// Pushes that wait together, of which one batch is refused: who is told that a push is stored finds it, who is not does not,
    /// and no reader in between sees what is not.
    @Test(.timeLimit(.minutes(5))) func onlyWhatIsStoredIsSeen() async throws {
        for failing in 1..<12 {
            let gateway = Fixture()
            gateway.records.state.withLock { $0.failingBatch = failing }
            let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let outcome = try? await gateway.push("job/\(number % 8)", "m \(number)\n")
                        return (number, outcome == .accepted)
                    }
                    group.addTask {
                        let seen = await gateway.lines("m").count
                        let stored = gateway.records.state.withLock { $0.tables.values.first?.count ?? 0 }
                        #expect(seen <= stored)
                        return (-1, true)
                    }
                }
                return await group.reduce(into: [(Int, Bool)]()) { $0.append($1) }
            }
            let again = Fixture.store(PushgatewayOptions(), gateway.clock, gateway.records)
            #expect(try await again.restore() == 0)
            let restored = await Fixture.groupsJSON(again)
            #expect(await Fixture.groupsJSON(gateway.store) == restored)
            for job in 0..<8 where outcomes.contains(where: { $0.0 % 8 == job && $0.0 >= 0 && $0.1 }) {
                #expect(await gateway.lines("m{instance=\"\",job=\"\(job)\"").count == 1)
            }
        }
    }

    /// A batch that fails takes back what was built on it: whoever came meanwhile is told so, too.
    @Test(.timeLimit(.minutes(5))) func nobodyIsToldThatWhatWasTakenBackIsStored() async {
        let gateway = Fixture()
        gateway.records.state.withLock { $0.failure = StorageError(.diskFull, "no space left") }
        let taken = await withTaskGroup(of: Int.self) { group in
            for job in 0..<8 {
                group.addTask {
                    var taken = 0
                    for number in 0..<500 {
                        let verdict = try? await gateway.push("job/\(job)", "m \(number)\n")
                        if verdict != .failed("no space left") { taken += 1 }
                    }
                    return taken
                }
            }
            return await group.reduce(0, +)
        }
        #expect(taken == 0)
    }

    @Test func aTimeToLiveOfCenturiesIsOne() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "m 1\n", timeToLive: .max)
        gateway.clock.advance(milliseconds: 1000)
        #expect(gateway.store.groupCount == 1)
    }

    @Test(.timeLimit(.minutes(5))) func readinessComesBackByItself() async throws {
        let gateway = Fixture()
        gateway.records.state.withLock { $0.failure = StorageError(.diskFull, "no space left") }
        try await gateway.push("job/a", "m 1\n")
        await gateway.store.tryStoringAgain()
        #expect(gateway.store.problem != nil)
        gateway.records.state.withLock { $0.failure = nil }
        await gateway.store.tryStoringAgain()
        #expect(gateway.store.problem == nil)
    }

    @Test func groupsWithATimeToLiveGoAway() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "m 1\n", timeToLive: 2_000_000_000)
        try await gateway.push("job/b", "m 1\n")
        gateway.clock.advance(milliseconds: 1999)
        #expect(await gateway.lines("m").count == 2)
        gateway.clock.advance(milliseconds: 1)
        #expect(gateway.store.groupCount == 1)
        #expect(await gateway.lines("m") == ["m{instance=\"\",job=\"b\"} 1"])
    }

    @Test func countersAddUpWhereAsked() async throws {
        let gateway = Fixture()
        let text =
            "# TYPE c counter\nc{a=\"1\"} 2\n# TYPE g gauge\ng 5\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
        try await gateway.push("job/a", text, mode: .addUp)
        try await gateway.push("job/a", text + "c{a=\"2\"} 7\n", mode: .addUp)
        #expect(await gateway.lines("c").map { $0.suffix(2) } == [" 4", " 7"])
        #expect(await gateway.lines("g") == ["g{instance=\"\",job=\"a\"} 5"])
        #expect(await gateway.lines("h_").map { $0.suffix(2) } == [" 4", " 6", " 4"])
    }

    @Test func changesAreToldSinceANumber() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "m 1\n")
        try await gateway.push("job/b", "m 1\n")
        await gateway.store.delete(try Fixture.key("job/a"))
        let changes = String(decoding: await gateway.store.changesJSON(since: 2), as: UTF8.self)
        #expect(changes.hasPrefix("{\"sequence\":3,\"complete\":false,"))
        #expect(changes.hasSuffix("\"groups\":[],\"removed\":[\"metrics/job@base64/YQ=\"]}"))
        #expect(
            await String(decoding: gateway.store.changesJSON(since: 9), as: UTF8.self).contains("\"complete\":true")
        )
    }

    @Test func theGroupsThatHoldAMetricAreFound() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "m 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 2\nh_count 1\n")
        gateway.clock.advance(milliseconds: 1500)
        try await gateway.push("job/a/x/1", "m 1\nm_count 2\n")
        let rows: [(name: String, limit: Int, count: Int, groups: [String])] = [
            ("m", 9, 2, ["job/a/x/1", "job/a"]), ("m", 1, 2, ["job/a/x/1"]), ("m_count", 9, 1, ["job/a/x/1"]),
            ("h", 9, 1, ["job/a"]), ("h_bucket", 9, 1, ["job/a"]), ("h_sum", 9, 1, ["job/a"]), ("m_sum", 9, 0, []),
            ("h_total", 9, 0, []), ("", 9, 0, []), ("push_time_seconds", 9, 2, ["job/a/x/1", "job/a"]),
        ]
        for row in rows {
            let found = await gateway.store.holders(of: row.name, limit: row.limit)
            #expect(found.count == row.count, "\(row.name)")
            #expect(found.groups.map(\.key) == (try row.groups.map { try Fixture.key($0) }), "\(row.name)")
        }
        #expect(await gateway.store.holders(of: "m", limit: 1).groups.first?.pushed == 1_700_000_001_500)
    }
}

extension PushOutcome.Verdict {
    /// Whether it could not be stored.
    fileprivate var isFailed: Bool {
        switch self {
        case .failed: true
        case .accepted, .acceptedUnchecked, .refused: false
        }
    }
}
