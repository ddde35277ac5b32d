import MetricModel
import PrometheusClient
import Testing

#if os(Linux)
    import Glibc
#endif

@Suite(.timeLimit(.minutes(5))) struct RegistryTests {
    @Test func `gathers families by name and metrics by labels`() throws {
        let registry = CollectorRegistry()
        let requests = MetricVector<Counter>("requests_total", help: "Requests.", labelNames: ["method", "code"])
        let busy = Gauge("busy", help: "Busy.", constantLabels: ["zone": "a"])
        try registry.register(requests, busy)
        requests.labels("put", "200").increment()
        requests.labels(["code": "500", "method": "get"]).increment(by: 2.5)
        requests.labels("get", "500").increment(by: -1)
        busy.increment(by: 3)
        busy.decrement()
        let families = try registry.gather()
        #expect(families.map(\.name) == ["busy", "requests_total"])
        #expect(families[0].metrics == [.init(labels: [Label(name: "zone", value: "a")], value: .gauge(2))])
        #expect(
            families[1].metrics == [
                .init(
                    labels: [Label(name: "code", value: "200"), Label(name: "method", value: "put")],
                    value: .counter(1)
                ),
                .init(
                    labels: [Label(name: "code", value: "500"), Label(name: "method", value: "get")],
                    value: .counter(2.5)
                ),
            ]
        )
        #expect(registry.unregister(busy))
        #expect(try registry.gather().count == 1)
    }

    @Test func `refuses what contradicts`() throws {
        let registry = CollectorRegistry()
        let counter = Counter("a_total", help: "A.")
        try registry.register(counter)
        func code(_ collector: any MetricCollector) -> MetricRegistrationError.Code? {
            do {
                try registry.register(collector)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(counter) == .alreadyRegistered)
        #expect(code(Counter("a_total", help: "A.")) == .alreadyRegistered)
        #expect(code(Gauge("a_total", help: "A.")) == .conflict)
        #expect(code(Counter("a_total", help: "B.")) == .conflict)
        #expect(code(MetricVector<Counter>("a_total", help: "A.", labelNames: ["x"])) == .conflict)
        #expect(code(MetricVector<Counter>("b_total", help: "B.", labelNames: ["__x"])) == .invalid)
        #expect(code(Counter("a_total", help: "A.", constantLabels: ["zone": "b"])) == nil)
    }

    @Test func `histograms count cumulatively, with the bound included`() {
        let histogram = Histogram("h", help: "", buckets: [1, 0.5, .infinity])
        for value in [0.5, 0.7, 1, 3] { histogram.observe(value) }
        guard case .histogram(let value) = histogram.sample() else { return #expect(Bool(false)) }
        #expect(value.buckets.map(\.upperBound) == [0.5, 1, .infinity])
        #expect(value.buckets.map(\.cumulativeCount) == [1, 3, 4])
        #expect(value.sum == 5.2)
        #expect(value.count == 4)
    }

    @Test func `summaries follow quantiles within their error, and forget`() {
        let clock = ManualClock()
        let summary = Summary(
            "s",
            help: "",
            objectives: .init([0.5: 0.05, 0.9: 0.01, 0.99: 0.001], maximumAge: 10_000, ageBuckets: 2),
            clock: clock
        )
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            summary.observe(Double(state >> 33) / Double(UInt64(1) << 31))
        }
        func quantiles() -> [Double] {
            guard case .summary(let value) = summary.sample() else { return [] }
            return value.quantiles.map(\.value)
        }
        for ((quantile, error), value) in zip([(0.5, 0.05), (0.9, 0.01), (0.99, 0.001)], quantiles()) {
            #expect(abs(value - quantile) <= error * 1.5, "\(quantile): \(value)")
        }
        clock.advance(milliseconds: 20_000)
        #expect(quantiles().filter(\.isNaN).count == 3)
        guard case .summary(let value) = summary.sample() else { return #expect(Bool(false)) }
        #expect(value.count == 20_000)
    }

    @Test func `counts from many tasks at once`() async {
        let counter = Counter("c_total", help: "")
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<1000 { counter.increment(by: 0.5) } }
            }
        }
        #expect(counter.value == 4000)
    }

    #if os(Linux)
        @Test func `reads about the process once a second at most`() throws {
            let clock = ManualClock(now: 0)
            let collector = ProcessCollector(clock: clock)
            func openFiles() -> Double? {
                guard
                    case .gauge(let value) = collector.collect().first(where: { $0.name == "process_open_fds" })?
                        .metrics
                        .first?.value
                else { return nil }
                return value
            }
            let before = try #require(openFiles())
            let opened = (0..<100).map { _ in open("/dev/null", O_RDONLY) }
            defer { for descriptor in opened { close(descriptor) } }
            clock.advance(milliseconds: 999)
            #expect(openFiles() == before)
            clock.advance(milliseconds: 1)
            #expect(try #require(openFiles()) > before + 50)
        }
    #endif

    @Test func `tells about the process`() throws {
        let families = ProcessCollector().collect()
        func value(_ name: String) -> Double? {
            switch families.first(where: { $0.name == name })?.metrics.first?.value {
            case .counter(let value, _, _), .gauge(let value): value
            default: nil
            }
        }
        #if os(Linux)
            #expect(try #require(value("process_resident_memory_bytes")) > 1e6)
            #expect(try #require(value("process_open_fds")) >= 3)
            let started = try #require(value("process_start_time_seconds"))
            #expect(abs(started - SystemClock().seconds) < 7200)
        #endif
        #expect(try #require(value("process_cpu_seconds_total")) >= 0)
    }
}
