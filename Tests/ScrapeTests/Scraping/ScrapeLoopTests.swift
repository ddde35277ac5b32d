import MetricModel
import Scrape
import Synchronization
import Testing

@Suite("When targets are scraped", .timeLimit(.minutes(5)))
struct ScrapeLoopTests {
    private let start = ScrapeHarness.start

    @Test("the first scrape is at once, the next at the target's place, then one an interval")
    func schedule() async {
        let harness = await ScrapeHarness("a 1\n")
        await harness.manager.start()
        await harness.settle(scrapes: 1, sleepers: 1)
        #expect(harness.transport.requests.count == 1)
        for count in 2...5 {
            harness.clock.advance(nanoseconds: harness.clock.nextDeadline! - harness.clock.steadyNanoseconds)
            await harness.settle(scrapes: count, sleepers: 1)
            #expect(harness.transport.requests.count == count)
        }
        let times = harness.store.samples(#"up{instance="a:1",job="j"}"#).map(\.time)
        #expect(times.first == start)
        #expect(zip(times.dropFirst(), times.dropFirst(2)).allSatisfy { $1 - $0 == 10_000 })
        let lengths = harness.manager.metricFamilies.first { $0.name == "prometheus_target_interval_length_seconds" }
        #expect(lengths?.metrics.first?.labels == [Label(name: "interval", value: "10s")])
        guard case .summary(let summary) = lengths?.metrics.first?.value else {
            Issue.record("no lengths of intervals")
            return
        }
        #expect(summary.count == 4)
        #expect(summary.quantiles.map(\.quantile) == [0.01, 0.05, 0.5, 0.9, 0.99])
        #expect(summary.quantiles.last?.value == 10)
        await harness.manager.stop()
        #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#).allSatisfy { !SpecialValue.isStale($0.value) })
    }

    @Test("a scrape on demand waits for the one under way, and its samples are later")
    func turns() async {
        let harness = await ScrapeHarness()
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        let running = Mutex((now: 0, most: 0))
        harness.transport.set { (_) throws(TransportError) in
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            arrival.yield()
            for await _ in gate { break }
            running.withLock { $0.now -= 1 }
            return try await ScriptedTransport.text("a 1\n")(TargetRequest(url: ""))
        }
        await harness.manager.start()
        for await _ in arrivals { break }
        async let second: Void = harness.manager.scrapeNow()
        opening.finish()
        await second
        #expect(running.withLock { $0.most } == 1)
        #expect(harness.store.samples(#"a{instance="a:1",job="j"}"#).map(\.time) == [start, start + 1])
        await harness.manager.stop()
    }

    @Test("a target that hangs fails when its time is up")
    func timeout() async {
        let harness = await ScrapeHarness { $0.scrapeTimeout = PrometheusDuration(milliseconds: 3000) }
        let clock = harness.clock
        harness.transport.set { (_) throws(TransportError) in
            try? await clock.sleep(milliseconds: 1_000_000)
            throw TransportError("cancelled")
        }
        await harness.manager.start()
        await harness.settle(sleepers: 2)
        harness.clock.advance(milliseconds: 3000)
        await harness.settle(scrapes: 1, sleepers: 1)
        #expect(harness.target?.report.lastError == #"Get "http://a:1/metrics": context deadline exceeded"#)
        #expect(harness.store.last("scrape_duration_seconds") == 3)
        await harness.manager.stop()
    }

    @Test("what could not be stored is told again: stale markers, metadata, exemplars", arguments: 1...2)
    func failedCommit(failures: Int) async {
        func body(_ value: Int, _ rest: String) -> String {
            "# TYPE m counter\n# HELP m \(value)\nm_total \(value) # {t=\"\(value)\"} 1\n\(rest)# EOF\n"
        }
        let type = "application/openmetrics-text; version=1.0.0"
        let harness = await ScrapeHarness(body(1, "gone 1\nback 1\n"), type: type)
        await harness.scrape()
        for _ in 0..<failures {
            harness.store.state.withLock { $0.failure = StorageError(.diskFull, "no space left") }
            harness.transport.set(ScriptedTransport.text(body(2, ""), type: type))
            await harness.scrape()
        }
        harness.store.state.withLock { $0.failure = nil }
        harness.transport.set(ScriptedTransport.text(body(2, "back 2\n"), type: type))
        await harness.scrape()
        await harness.scrape()
        let last = start + Int64(failures + 1) * 10_000
        let labels = #"{instance="a:1",job="j"}"#
        #expect(harness.store.samples("gone" + labels).map(\.description) == ["1.0@\(start)", "stale@\(last)"])
        #expect(harness.store.samples("back" + labels).map(\.value) == [1, 2, 2])
        #expect(harness.store.state.withLock { $0.metadata["m"]?.help } == "2")
        let exemplars = harness.store.state.withLock { state in
            state.exemplars.values.flatMap { $0.map { $0.labels["t"] } }
        }
        #expect(exemplars == ["1", "2"])
    }

    @Test("a target that is gone goes stale two intervals later; a whole job does not")
    func removal() async {
        let harness = await ScrapeHarness("a 1\n")
        await harness.manager.start()
        await harness.settle(scrapes: 1, sleepers: 1)
        var job = harness.job
        job.discovery = [.fixed([TargetGroup(source: "0", targets: [[Label(name: "__address__", value: "b:1")]])])]
        await harness.manager.apply(jobs: [job])
        #expect(harness.manager.pools().first?.active.map(\.target.url) == ["http://b:1/metrics"])
        let series = #"a{instance="a:1",job="j"}"#
        await harness.settle(scrapes: 2, sleepers: 2)
        harness.clock.advance(milliseconds: 10_000)
        await harness.settle(scrapes: 3, sleepers: 2)
        harness.clock.advance(milliseconds: 10_999)
        await harness.settle(scrapes: 4, sleepers: 2)
        #expect(harness.store.samples(series).count == 1)
        harness.clock.advance(milliseconds: 1)
        #expect(await ScrapeHarness.eventually { harness.store.samples(series).count >= 2 })
        #expect(harness.store.samples(series).last?.description == "stale@\(start + 10_000)")
        #expect(harness.store.samples(#"up{instance="a:1",job="j"}"#).last?.description == "stale@\(start + 10_000)")
        await harness.manager.apply(jobs: [])
        await harness.settle(sleepers: 0)
        #expect(harness.store.samples(#"a{instance="b:1",job="j"}"#).allSatisfy { !SpecialValue.isStale($0.value) })
        await harness.manager.stop()
    }

    @Test("pools that did not change go on undisturbed; a changed one keeps what it knows where it can")
    func reload() async {
        let harness = await ScrapeHarness("a 1\n")
        await harness.manager.start()
        await harness.settle(scrapes: 1, sleepers: 1)
        let deadline = harness.clock.nextDeadline
        await harness.manager.apply(jobs: [harness.job])
        #expect(harness.clock.nextDeadline == deadline)
        #expect(harness.transport.requests.count == 1)
        var job = harness.job
        job.limits.samples = 100
        await harness.manager.apply(jobs: [job])
        await harness.settle(scrapes: 1, sleepers: 1)
        harness.clock.advance(milliseconds: 10_000)
        await harness.settle(scrapes: 2, sleepers: 1)
        #expect(harness.store.state.withLock { $0.resolved } == 6)
        #expect(harness.store.last("scrape_series_added") == 0)
        await harness.manager.stop()
    }

    @Test(
        "places in the interval, aligned times and missed ticks",
        arguments: [
            (0, 1_000, 1_000), (1_000, 0, 1_000), (999, 500, 501), (500, 999, 499), (1_500, 2, 502), (1, 1, 1_000),
        ] as [(Int64, UInt64, Int64)]
    )
    func offsets(wall: Int64, hash: UInt64, expected: Int64) {
        #expect(ScrapeSchedule.offset(interval: 1_000, hash: hash, wall: wall) == expected)
    }

    @Test("times within two milliseconds or a hundredth of the ideal are moved to it")
    func alignment() {
        var schedule = ScrapeSchedule(interval: 1_000_000_000, steady: 0, wall: 5_000_000_000)
        #expect(schedule.sampleTime(wall: 5_000_000_000) == 5_000_000_000)
        #expect(schedule.sampleTime(wall: 6_002_000_000) == 6_000_000_000)
        #expect(schedule.sampleTime(wall: 7_002_000_001) == 7_002_000_001)
        #expect(schedule.sampleTime(wall: 10_001_000_000) == 10_000_000_000)
        var short = ScrapeSchedule(interval: 100_000_000, steady: 0, wall: 0)
        #expect(short.sampleTime(wall: 101_000_001) == 101_000_001)
    }

    @Test("a tick that was missed is made up for once")
    func ticks() {
        var schedule = ScrapeSchedule(interval: 10, steady: 100, wall: 0)
        #expect(schedule.takeTick(steady: 105) == 110)
        #expect(schedule.takeTick(steady: 112) == 120)
        #expect(schedule.takeTick(steady: 155) == 130)
        #expect(schedule.takeTick(steady: 156) == 160)
    }

    @Test("a stop does not wait for the scrapes of jobs that are being removed")
    func stopDuringRemoval() async {
        let harness = await ScrapeHarness()
        let asked = OneAnswer<Void>()
        harness.transport.set { _ throws(TransportError) in
            asked.give(())
            await OneAnswer<Void>().wait(or: ())
            throw .cancelled()
        }
        await harness.manager.start()
        await asked.wait(or: ())
        let removal = Task { await harness.manager.apply(jobs: []) }
        #expect(await ScrapeHarness.eventually { harness.manager.poolNames.isEmpty })
        await harness.manager.stop()
        await removal.value
    }
}
