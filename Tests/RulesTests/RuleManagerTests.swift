import MetricModel
import PromQL
import Rules
import Synchronization
import TSDB
import Testing

/// Groups by a clock that is moved, over a store in memory.
@Suite(.timeLimit(.minutes(5))) struct RuleManagerTests {
    /// What was told.
    private final class Told: Sendable {
        let notices = Mutex<[AlertNotice]>([])
        let changes = Mutex<[AlertChange]>([])
        /// The names of the alerts that were told together, as soon as they were found.
        let early = Mutex<[[String?]]>([])
    }

    /// A store to write to that may fail.
    private final class FaultySink: RuleSink {
        let store: StoreSink
        let isFailing = Mutex(false)

        init(_ store: any MetricStore) { self.store = StoreSink(store) }

        func write(
            _ samples: [RuleSample],
            group: String
        ) async throws(RuleFailure) -> [(index: Int, reason: String)] {
            if isFailing.withLock({ $0 }) { throw RuleFailure(.storage, "the disk is full") }
            return try await store.write(samples, group: group)
        }
    }

    /// A store to write to that waits.
    private final class SlowSink: RuleSink {
        let store: StoreSink
        let (entered, enter) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()

        init(_ store: any MetricStore) { self.store = StoreSink(store) }

        func write(
            _ samples: [RuleSample],
            group: String
        ) async throws(RuleFailure) -> [(index: Int, reason: String)] {
            enter.yield()
            for await _ in released {}
            return try await store.write(samples, group: group)
        }
    }

    /// A manager with all around it.
    private final class Bench: Sendable {
        let clock = ManualClock(now: 1_700_000_100_000)
        let store: TimeSeriesDatabase
        let engine: PromQLEngine
        let manager: RuleManager
        let sink: FaultySink
        let told: Told

        init(concurrency: Int = 1) {
            store = TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: clock)
            engine = PromQLEngine(clock: clock)
            sink = FaultySink(store)
            var environment = RuleEnvironment(engine: engine, reader: store, sink: sink, clock: clock)
            environment.concurrency = concurrency
            var options = RuleManagerOptions()
            options.isDriven = true
            let told = Told()
            self.told = told
            environment.tell = { notices in
                told.early.withLock { $0.append(notices.map { $0.labels["alertname"] }) }
            }
            manager = RuleManager(environment, options: options) { report in
                told.notices.withLock { $0 += report.notices }
                told.changes.withLock { $0 += report.changes }
            }
        }

        func apply(_ json: String) async throws {
            let file = try RuleScript.rules(json)
            let groups = file.groups.map { $0.definition(file: "r.yml", interval: 30_000) }
            await manager.apply(groups, surroundings: RuleSurroundings())
        }

        /// Evaluates what falls due next, so many times.
        func step(_ times: Int = 1) async {
            for _ in 0..<times {
                guard let due = manager.nextDue(until: .max) else { return }
                clock.advance(nanoseconds: max(0, due - clock.wallNanoseconds))
                await manager.evaluate(dueAt: due)
            }
        }

        func write(_ labels: Labels, _ value: Double, at time: Timestamp) async throws {
            var batch = SampleBatch(timestamp: time)
            batch.series = try await store.resolve([labels])
            batch.values = [value]
            _ = try await store.append(batch)
        }

        func count(_ query: String) async throws -> Int {
            let result = try await engine.instant(query: query, at: clock.now, reader: store)
            if case .vector(let rows) = result.value { return rows.count }
            return -1
        }

        func value(_ query: String) async throws -> Double? {
            let result = try await engine.instant(query: query, at: clock.now, reader: store)
            if case .vector(let rows) = result.value, rows.count == 1 { return rows.values.first }
            return nil
        }

        var alerts: [Alert] { manager.snapshots.flatMap { $0.rules.flatMap(\.alerts) } }
    }

    @Test func `series of a group that is gone end after two intervals, those of others go on`() async throws {
        let bench = Bench()
        let kept = #"{"name": "kept", "rules": [{"record": "a", "expr": "vector(1)"}]}"#
        try await bench.apply(
            #"{"groups": [\#(kept), {"name": "gone", "rules": [{"record": "b", "expr": "vector(1)"}]}]}"#
        )
        await bench.step()
        #expect(try await bench.count("b") == 1)
        try await bench.apply(#"{"groups": [\#(kept)]}"#)
        await bench.step()
        #expect(try await bench.count("b") == 1)
        await bench.step(3)
        #expect(try await bench.count("b") == 0)
        #expect(try await bench.count("a") == 1)
        #expect(bench.manager.snapshots.map(\.counts.iterations) == [5])
    }

    @Test func `a changed group takes over its alerts, and a vanished rule's series end`() async throws {
        let bench = Bench()
        func rules(_ hold: String, _ more: String) -> String {
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)", "for": "\#(hold)"}\#(more)]}]}"#
        }
        try await bench.apply(rules("10m", #", {"record": "b", "expr": "vector(1)"}"#))
        await bench.step(3)
        let since = try #require(bench.alerts.first?.activeAt)
        #expect(try await bench.count("b") == 1)
        try await bench.apply(rules("1m", ""))
        await bench.step()
        #expect(bench.alerts.first?.activeAt == since)
        #expect(bench.alerts.first?.state == .firing)
        #expect(try await bench.count("b") == 0)
        #expect(bench.told.notices.withLock { $0.count } == 1)
    }

    @Test func `each change of a state is told once, of many alerts a few`() async throws {
        let bench = Bench()
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "m > 1", "for": "1m"}]}]}"#
        )
        for value in [2.0, 2, 2, 2, 0, 0] {
            try await bench.write(["__name__": "m"], value, at: bench.clock.now)
            await bench.step()
        }
        #expect(bench.told.changes.withLock { $0 }.map(\.state) == [.pending, .firing, .inactive])
        bench.told.changes.withLock { $0 = [] }
        for index in 0..<50 { try await bench.write(["__name__": "m", "i": "\(index)"], 5, at: bench.clock.now) }
        await bench.step()
        #expect(bench.alerts.count == 50)
        #expect(bench.told.changes.withLock { $0.count } == 20)
    }

    @Test func `what is found again is written again, whatever changes in between`() async throws {
        let bench = Bench()
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"record": "r", "expr": "m * 2", "labels": {"k": "v"}}]}]}"#
        )
        // Series come and go: what a rule remembers of the evaluation before must never be taken for what it finds.
        for present in [["a", "b"], ["a", "b"], ["b"], ["b", "c"], ["a", "b", "c"], [], ["c", "b"], ["c", "b"]] {
            for name in ["a", "b", "c"] {
                let value = present.contains(name) ? 1 : SpecialValue.stale
                try await bench.write(["__name__": "m", "i": name], value, at: bench.clock.now)
            }
            await bench.step()
            #expect(try await bench.count("r{k=\"v\"}") == present.count)
            for name in present { #expect(try await bench.count("r{i=\"\(name)\"}") == 1) }
        }
        #expect(bench.manager.snapshots.map(\.counts.failures) == [0])
    }

    @Test func `alerts go on after a restart`() async throws {
        let bench = Bench()
        let start = bench.clock.now
        // Found an hour ago and last seen half an hour ago, so that the time between does not count.
        try await bench.write(
            ["__name__": "ALERTS_FOR_STATE", "alertname": "A"],
            Double(start / 1000 - 3600),
            at: start - 1_800_000
        )
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)", "for": "2h"}]}]}"#
        )
        await bench.step()
        #expect(try await bench.count("ALERTS") == 0)
        await bench.step()
        let alert = try #require(bench.alerts.first)
        #expect(alert.activeAt / 1_000_000 == start - 3_600_000 + (bench.clock.now - start) + 1_800_000)
        await bench.step()
        #expect(try await bench.count("ALERTS{alertstate=\"pending\"}") == 1)
    }

    @Test func `a rule that fails keeps its series, and tells why`() async throws {
        let bench = Bench()
        try await bench.write(["__name__": "m", "a": "1"], 1, at: bench.clock.now)
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"record": "r", "expr": "m", "labels": {"a": ""}}]}]}"#
        )
        await bench.step()
        #expect(try await bench.count("r") == 1)
        try await bench.write(["__name__": "m", "a": "2"], 1, at: bench.clock.now)
        await bench.step()
        let rule = try #require(bench.manager.snapshots.first?.rules.first)
        #expect(rule.health == .err)
        #expect(rule.lastError == "vector contains metrics with the same labelset after applying rule labels")
        #expect(try await bench.count("r") == 1)
        #expect(bench.manager.snapshots.first?.counts.failures == 1)
    }

    @Test(arguments: [1, 2, 4])
    func `rules that are evaluated at once find what they would find one after the other`(concurrency: Int) async throws
    {
        let bench = Bench(concurrency: concurrency)
        // Groups of the first load write no alerts until those of before the start were looked for.
        try await bench.apply(#"{"groups": []}"#)
        let plain = (0..<20).map { #"{"record": "r\#($0)", "expr": "m + \#($0)"}"# }
        let chained = [
            #"{"record": "sum", "expr": "r0 + r19"}"#, #"{"record": "all", "expr": "sum({__name__=~\"r.*|sum\"})"}"#,
            #"{"alert": "A", "expr": "m > 0"}"#, #"{"record": "alerts", "expr": "count(ALERTS)"}"#,
            #"{"record": "bad", "expr": "m + on() n"}"#, #"{"record": "after", "expr": "m"}"#,
        ]
        for value in 1...2 {
            try await bench.write(["__name__": "m", "a": "1"], Double(value), at: bench.clock.now)
            try await bench.write(["__name__": "n", "a": "1"], 1, at: bench.clock.now)
            try await bench.write(["__name__": "n", "a": "2"], 1, at: bench.clock.now)
            try await bench.apply(
                #"{"groups": [{"name": "g", "rules": [\#((plain + chained).joined(separator: ","))]}]}"#
            )
            await bench.step()
            let (first, last) = (Double(value), Double(value + 19))
            #expect(try await bench.value("r7") == first + 7)
            #expect(try await bench.value("sum") == first + last)
            #expect(try await bench.value("all") == (0..<20).reduce(0) { $0 + first + Double($1) } + first + last)
            #expect(try await bench.value("alerts") == 1)
            #expect(try await bench.value("after") == first)
        }
        let group = try #require(bench.manager.snapshots.first)
        #expect(group.rules.map(\.health).filter { $0 == .err }.count == 1)
        #expect(group.counts.evaluations == 52)
        #expect(group.counts.failures == 2)
    }

    @Test func `alerts are told rule by rule, also where nothing can be written`() async throws {
        let bench = Bench()
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)"}, {"record": "r", "expr": "vector(1)"}, "#
                + #"{"alert": "B", "expr": "ALERTS"}, {"alert": "C", "expr": "vector(1)"}]}]}"#
        )
        bench.sink.isFailing.withLock { $0 = true }
        await bench.step()
        #expect(bench.told.early.withLock { $0 } == [["A"], ["C"]])
        #expect(bench.told.notices.withLock { $0.map { $0.labels["alertname"] } } == ["A", "C"])
    }

    @Test func `many alerts of a rule come, stay and go`() async throws {
        let bench = Bench()
        try await bench.apply(#"{"groups": []}"#)
        var batch = SampleBatch(timestamp: bench.clock.now)
        let count = 12_000
        batch.series = try await bench.store.resolve((0..<count).map { ["__name__": "m", "n": "\($0)"] })
        batch.values = (0..<count).map { _ in 1 }
        _ = try await bench.store.append(batch)
        try await bench.apply(
            #"{"groups": [{"name": "g", "interval": "2m", "rules": [{"alert": "A", "expr": "m", "for": "1m", "annotations": {"n": "{{ $labels.n }}"}}]}]}"#
        )
        await bench.step()
        let rule = try #require(bench.manager.snapshots.first?.rules.first)
        #expect(rule.alertCount == count)
        #expect(rule.state == .pending)
        let sorted = rule.alerts
        #expect(sorted.count == count)
        for first in [0, 1, 10, 5000, count, count + 1] {
            #expect(rule.alerts(first: first).map(\.labels) == sorted.prefix(first).map(\.labels))
        }
        await bench.step()
        #expect(bench.told.notices.withLock { $0.map(\.labels) } == sorted.map(\.labels))
        #expect(bench.told.notices.withLock { $0.first?.annotations } == [Label(name: "n", value: "0")])
        #expect(try await bench.value("count(ALERTS{alertstate=\"firing\"})") == Double(count))
        #expect(try await bench.count("ALERTS{alertstate=\"pending\"}") == 0)
        // Found two minutes ago at the latest, and not any more after five.
        await bench.step(2)
        #expect(bench.manager.snapshots.first?.rules.first?.alertCount == 0)
        #expect(try await bench.count("ALERTS") == 0)
        #expect(bench.told.notices.withLock { $0.suffix(count).allSatisfy { $0.isResolved } })
    }

    @Test func `templates that ask for each alert are expanded once each`() async throws {
        let bench = Bench()
        try await bench.apply(#"{"groups": []}"#)
        for number in 0..<50 {
            try await bench.write(["__name__": "m", "n": "\(number)"], Double(number), at: bench.clock.now)
        }
        let query = #"{{ with query (printf `m{n=\"%s\"}` $labels.n) }}{{ . | first | value }}{{ end }}"#
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "m", "annotations": {"a": "\#(query)", "b": "\#(query)"}}]}]}"#
        )
        await bench.step()
        #expect(bench.alerts.map { Set($0.annotations.map(\.value)) }.allSatisfy { $0.count == 1 })
        #expect(Set(bench.alerts.map { $0.annotations[0].value }) == Set((0..<50).map(String.init)))
        #expect(bench.manager.snapshots.first?.expansions.all == 100)
        #expect(bench.manager.snapshots.first?.expansions.failed == 0)
    }

    @Test func `templates that would keep a core busy end the rule, and the rules after it go on`() async throws {
        let bench = Bench()
        try await bench.apply(#"{"groups": []}"#)
        for number in 0..<40 {
            try await bench.write(["__name__": "m", "n": "\(number)"], 1, at: bench.clock.now)
        }
        let busy = String(repeating: #"{{ len (printf \"%999999s\" \"\") }}"#, count: 14)
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "m", "annotations": {"a": "\#(busy)"}}, {"record": "r", "expr": "m"}]}]}"#
        )
        await bench.step()
        let rules = try #require(bench.manager.snapshots.first?.rules)
        #expect(rules[0].lastError == "the templates of all alerts take more than 10080000 steps")
        #expect(rules[0].alertCount == 0)
        #expect(rules[1].health == .ok)
        #expect(try await bench.count("r") == 40)
    }

    /// The pods that are found by one evaluation after the other, and what is told of alerts that follow each other.
    private static let courses: [(hold: String, found: [String], told: String?)] = [
        ("5m", ["a", "b", "c"], nil), ("5m", ["a", "b", "c", "d"], "abcd, each evaluation"),
        ("0s", ["a", "b", "c", "d"], "abcd, each evaluation"),
        ("1m", ["a", "a", "b", "b", "c", "c", "d"], "abcd, 30 s"),
        ("1m", ["a", "a", "b", "b", "c", "c", "d", "d", "e"], "bcde, 30 s"),
        ("2m", ["a", "ab", "b", "bc", "c", "cd", "d"], "abcd, 60 s"),
        // Not long enough all together, with a gap, over where that is nothing special, and one that fires at last.
        ("5m", ["a", "a", "b", "b", "c", "c", "d"], nil), ("1m", ["a", "", "b", "", "c", "", "d"], nil),
        ("0s", ["ab", "b", "bc", "c", "cd", "d", "de", "e"], nil), ("1m", ["a", "b", "c", "d", "d", "d"], nil),
    ]

    @Test(arguments: courses.indices)
    func `alerts that follow each other so fast that none stays are told`(_ course: Int) async throws {
        let ((hold, found, expected), bench) = (Self.courses[course], Bench())
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "m > 0", "for": "\#(hold)"}]}]}"#
        )
        for pods in found {
            for pod in "abcde" {
                let labels: Labels = ["__name__": "m", "job": "j", "pod": "\(pod)"]
                try await bench.write(labels, pods.contains(pod) ? 1 : 0, at: bench.clock.now)
            }
            await bench.step()
        }
        let unsteady = bench.manager.snapshots.first?.rules.first?.unsteady
        let told = unsteady.map { one in
            one.recent.map { $0["pod"] ?? "" }.joined()
                + (one.isEveryEvaluation ? ", each evaluation" : ", \(one.longest / 1_000_000_000) s")
        }
        #expect(told == expected && (unsteady?.names ?? ["pod"]) == ["pod"])
    }

    @Test func `an alert that went before it fired is remembered, and when it was`() async throws {
        let bench = Bench()
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "m > 0", "for": "1m"}]}]}"#
        )
        for value in [1.0, 1, 0, 1, 0] {
            try await bench.write(["__name__": "m"], value, at: bench.clock.now)
            await bench.step()
        }
        let span = try #require(bench.manager.snapshots.first?.rules.first?.lastPending)
        #expect(span.labels == ["alertname": "A"] && span.times == 2)
        #expect([span.to - span.from, span.longest] == [0, 30_000_000_000])
    }

    @Test func `an alert that is not found any more after a reload is over at once`() async throws {
        let bench = Bench()
        func rules(_ bound: Int) -> String {
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "m > \#(bound)"}]}]}"#
        }
        try await bench.write(["__name__": "m"], 3, at: bench.clock.now)
        try await bench.apply(rules(1))
        await bench.step()
        #expect(bench.alerts.map(\.state) == [.firing])
        try await bench.apply(rules(5))
        await bench.step()
        #expect(bench.alerts == [])
        #expect(bench.told.notices.withLock { $0.map(\.isResolved) } == [false, true])
    }

    @Test func `what could not be written is written in the next evaluation`() async throws {
        let bench = Bench()
        try await bench.apply(#"{"groups": []}"#)
        try await bench.write(["__name__": "m"], 1, at: bench.clock.now)
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "m > 0", "for": "1m"}]}]}"#
        )
        await bench.step(2)
        #expect(try await bench.count("ALERTS{alertstate=\"pending\"}") == 1)
        bench.sink.isFailing.withLock { $0 = true }
        await bench.step()
        #expect(bench.manager.snapshots.first?.rules.first?.lastError == "the disk is full")
        bench.sink.isFailing.withLock { $0 = false }
        await bench.step()
        #expect(try await bench.count("ALERTS{alertstate=\"firing\"}") == 1)
        #expect(try await bench.count("ALERTS{alertstate=\"pending\"}") == 0)
    }

    @Test func `times that do not fit end nothing`() async throws {
        let bench = Bench()
        let forState: Labels = ["__name__": "ALERTS_FOR_STATE", "alertname": "A"]
        try await bench.write(forState, -8.9e9, at: bench.clock.now - 60_000)
        try await bench.apply(
            #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)", "for": "2h"}]}, {"name": "long", "interval": "290y", "rules": []}]}"#
        )
        await bench.step(3)
        #expect(bench.alerts.count == 1)
        try await bench.apply(#"{"groups": [{"name": "long", "interval": "150y", "rules": []}]}"#)
        try await bench.apply(#"{"groups": []}"#)
        #expect(bench.manager.snapshots.isEmpty)
    }

    /// A group of one alert that is always found.
    private static func always(interval: Int64) throws -> RuleGroupDefinition {
        let file = try RuleScript.rules(#"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)"}]}]}"#)
        var definition = RuleGroupDefinition(file: "r.yml", name: "g", interval: interval)
        definition.rules = file.groups[0].rules
        return definition
    }

    @Test func `a group that is named twice is one`() async throws {
        let bench = Bench()
        let group = try Self.always(interval: 30_000)
        for _ in 0..<2 { await bench.manager.apply([group, group], surroundings: RuleSurroundings()) }
        #expect(bench.manager.snapshots.count == 1)
        await bench.step()
        #expect(bench.told.notices.withLock { $0.count } == 1)
    }

    @Test func `a reload waits for the evaluation that is under way`() async throws {
        let clock = ManualClock(now: 1_700_000_100_000)
        let store = TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: clock)
        let sink = SlowSink(store)
        let environment = RuleEnvironment(
            engine: PromQLEngine(clock: clock),
            reader: store,
            sink: sink,
            clock: clock
        )
        let notices = Mutex<[AlertNotice]>([])
        let manager = RuleManager(environment) { report in notices.withLock { $0 += report.notices } }
        await manager.apply([], surroundings: RuleSurroundings())
        await manager.apply([try Self.always(interval: 30_000)], surroundings: RuleSurroundings())
        let running = Task { await manager.run() }
        // The group's next slot, and groups that are gone.
        try await clock.waitForSleepers(2)
        clock.advance(nanoseconds: 30_000_000_000)
        var entered = sink.entered.makeAsyncIterator()
        _ = await entered.next()
        let changed = try Self.always(interval: 20_000)
        let reload = Task { await manager.apply([changed], surroundings: RuleSurroundings()) }
        sink.release.finish()
        await reload.value
        let rule = try #require(manager.snapshots.first?.rules.first)
        let since = try #require(rule.alerts.first?.activeAt)
        #expect(rule.alerts.map(\.state) == [.firing])
        #expect(notices.withLock { $0.count } == 1)
        // The new group goes on with it: what was told is not told again at once.
        try await clock.waitForSleepers(2)
        clock.advance(nanoseconds: 20_000_000_000)
        _ = await entered.next()
        running.cancel()
        await running.value
        #expect(manager.snapshots.first?.rules.first?.alerts.map(\.activeAt) == [since])
        #expect(notices.withLock { $0.count } == 1)
    }

    /// As Prometheus 3.5.3 evaluated them.
    static let slots: [(file: String, offset: Int64)] = [
        ("f.yml", 8_284_976_183),
        (String(repeating: "l", count: 140) + ".yml", 2_092_105_668),
        (
            String(repeating: "m", count: 100) + String(repeating: "n", count: 140) + "/"
                + String(repeating: "o", count: 60) + ".yml", 6_961_779_713
        ),
    ]

    @Test(arguments: slots) func `slots are spread by a hash`(_ file: String, _ offset: Int64) {
        let group = RuleGroupDefinition(file: file, name: "g", interval: 10_000)
        #expect(RuleSlots.offset(group, interval: 10_000_000_000) == offset)
    }
}
