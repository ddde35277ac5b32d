import ConfigTree
import Foundation
import HTTPCalling
import Logging
import MetricModel
import Promenade
import Simulation
import Synchronization
import Testing
import Web

/// Worlds that people look at: whatever they ask for, the program goes on.
@Suite(.timeLimit(.minutes(5))) struct ServedWorldTests {
    /// Whether all has been asked.
    private final class End: Sendable {
        let isThere = Mutex(false)
    }

    /// A world that is served, and how to ask it.
    private struct Served: Sendable {
        var addresses: StackAddresses

        /// What is answered to a wish that cannot be carried out.
        func refused(_ form: String, gateway: Bool = false) async throws -> String {
            let port = gateway ? addresses.pushgateway?.port ?? 0 : addresses.prometheus.port
            var call = HTTPCall("http://127.0.0.1:\(port)/api/v1/clock", timeoutMilliseconds: 60_000)
            call.post(form: form)
            let answer = try await HTTPCaller.shared.send(call)
            return "\(answer.status) \(answer.text)"
        }

        func get(_ path: String, gateway: Bool = false) async throws -> (status: Int, text: String) {
            let address = gateway ? addresses.pushgateway ?? addresses.prometheus : addresses.prometheus
            let call = HTTPCall("http://127.0.0.1:\(address.port)\(path)", timeoutMilliseconds: 60_000)
            let answer = try await HTTPCaller.shared.send(call)
            return (answer.status, answer.text)
        }

        /// Asks for something to be done with the time, and answers what is told of it then.
        @discardableResult
        func clock(_ form: String) async throws -> ConfigNode {
            var call = HTTPCall(
                "http://127.0.0.1:\(addresses.prometheus.port)/api/v1/clock",
                timeoutMilliseconds: 60_000
            )
            if !form.isEmpty { call.post(form: form) }
            let answer = try await HTTPCaller.shared.send(call)
            return try JSONReader.parse(Array(answer.text.utf8), file: "clock")["data"] ?? ConfigNode(.mapping([]))
        }

        /// How far the world is, in seconds.
        func now(_ form: String = "") async throws -> Int64 {
            let status = try await clock(form)
            func time(_ name: String) -> Int64 { Int64((Double(status[name]?.text ?? "") ?? 0).rounded()) }
            return time("now") - time("start")
        }
    }

    private static func with(
        _ text: String,
        until: Int64 = 1_000_000_000,
        keeping: SimulatedStack.Keeping = .memory,
        _ body: @Sendable (Served) async throws -> Void
    )
        async throws
    {
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var world = ServedWorld(logger: logger)
        for address in [\ServedWorld.prometheus, \.pushgateway, \.demo] {
            world[keyPath: address] = ListenAddress(host: "127.0.0.1", port: 0)
        }
        var options = World.Options(seed: 1)
        options.until = until
        options.keeping = keeping
        let (served, settled) = (world, options)
        let (ready, found) = AsyncStream<StackAddresses>.makeStream()
        let task = Task { try await served.run(scenario, settled) { found.yield($0) } }
        for await addresses in ready {
            do { try await body(Served(addresses: addresses)) } catch { Issue.record(error) }
            break
        }
        task.cancel()
        _ = await task.result
    }

    private static let shop = """
        seed: 1
        duration: 30m
        services: {shop: {metrics: {a: {type: gauge, value: 1}}}}
        batches: {b: {every: 2m, metrics: {m: {type: gauge, value: took}}}}

        """

    @Test func `a jump beyond the end goes to the end, and one before the start nowhere`() async throws {
        try await Self.with(Self.shop) { served in
            let seen1 = try await served.refused("to=1000-01-01T00:00:00Z")
            #expect(
                seen1.hasPrefix("400 ") && seen1.contains("time does not go back: it is 2026-01-05T09:00:0"),
                "\(seen1)"
            )
            let seen0 = try await served.now()
            #expect(seen0 <= 2)
            let seen2 = try await served.now("to=2400-01-01T00:00:00Z")
            #expect(seen2 == 1800)
            let seen3 = try await served.clock("")
            #expect(seen3["over"]?.text == "true")
            let seen4 = try await served.get("/api/v1/query?query=up")
            #expect(seen4.status == 200)
            // Where nothing passes any more nothing can be played, but to where one is one may go.
            for wish in ["action=play", "action=step", "advance=5m", "speed=60", "speed=60&action=pause"] {
                for gateway in [false, true] {
                    let seen5 = try await served.refused(wish, gateway: gateway)
                    #expect(
                        seen5.hasPrefix("400 ") && seen5.contains("the scenario is over since 2026-01-05T09:30:00Z"),
                        "\(wish) \(seen5)"
                    )
                }
            }
            for wish in ["action=pause", "to=2026-01-05T09:30:00Z", "to=2400-01-01T00:00:00Z"] {
                let seen6 = try await served.refused(wish)
                #expect(seen6.hasPrefix("200 "), "\(wish) \(seen6)")
            }
        }
    }

    @Test func `what only a fixture or a real stack does is said to be done by events`() async throws {
        try await Self.with(Self.shop) { served in
            for (verb, path, status, words) in [
                ("PUT", "faults/targets/demo", 403, "faults are injected by events of its scenario"),
                ("GET", "faults", 403, "do: fault, target:"), ("PUT", "targets/shop", 403, "do: scale, service:"),
                ("GET", "demo", 404, "what becomes of its demo server is told by events of its scenario"),
            ] {
                let url = "http://127.0.0.1:\(served.addresses.prometheus.port)/api/v1/\(path)"
                let answer = try await HTTPCaller.shared.send(HTTPCall(url, verb: verb, timeoutMilliseconds: 60_000))
                #expect(answer.status == status, "\(path)")
                #expect(answer.text.contains("this world is simulated: "), "\(answer.text)")
                #expect(answer.text.contains(words), "\(answer.text)")
            }
        }
    }

    @Test func `the status of the stack has what is known of a world`() async throws {
        let folder = NSTemporaryDirectory() + "/served-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Self.with(Self.shop, keeping: .folder(folder)) { served in
            let answer = try await served.get("/api/v1/status/stack")
            let data = try #require(try JSONReader.parse(Array(answer.text.utf8), file: "status")["data"])
            let configuration = try #require(data["configuration"])
            #expect(configuration["file"]?.text?.hasSuffix("/test.yml") == true)
            #expect(configuration["builtIn"]?.text == "false")
            #expect(configuration["loaded"]?.text == "2026-01-05T09:00:00Z")
            #expect(data["database"]?.text == StackPlaces.absolute(folder + "/stack.db"))
            for (name, address) in [
                ("prometheus", served.addresses.prometheus), ("pushgateway", served.addresses.pushgateway),
            ] {
                #expect(data["servers"]?[name]?.text == address?.localURL)
            }
        }
    }

    @Test func `of a wish that is refused in part nothing is done`() async throws {
        try await Self.with(Self.shop) { served in
            _ = try await served.now("action=pause")
            _ = try await served.now("to=2026-01-05T09:05:00Z")
            let before = try await served.clock("")
            for wish in [
                "speed=60&to=2026-01-05T09:01:00Z", "action=play&to=2026-01-05T09:01:00Z",
                "action=step&speed=60&to=2026-01-05T09:01:00Z", "speed=60&action=dance", "speed=60&advance=5x",
                "speed=60&advance=5m&to=2026-01-05T09:20:00Z", "action=play&to=soon", "speed=2&speed=3", "sped=60",
                "speed=60&x=1", "speed=&action=play", "action=play&action=pause", "speed=60&action=",
            ] {
                let answer = try await served.refused(wish)
                #expect(answer.hasPrefix("400 "), "\(wish) \(answer)")
                let after = try await served.clock("")
                #expect(after == before, "\(wish)")
            }
            // All of what can be done is done.
            let moved = try await served.clock("speed=60&advance=5m")
            #expect(moved["speed"]?.text == "60")
            let now = try await served.now()
            #expect(now == 600)
            _ = try await served.now("to=2400-01-01T00:00:00Z")
            let over = try await served.refused("speed=5&action=play")
            #expect(over.hasPrefix("400 "))
            let speed = try await served.clock("")["speed"]?.text
            #expect(speed == "60")
        }
    }

    private static let judged =
        shop + """
            events: [{at: 5m, do: kill, service: shop}]
            expect:
              - {at: 2m, that: 'up{job="shop"} == 1'}
              - {at: 6m, that: 'up{job="shop"} == 1'}
              - {from: 1m, to: 20m, never: a == 2}
            """

    /// Plays a world until it is stopped, and answers what it told, and what its database was left as.
    private static func played(_ until: String) async throws -> (told: [String], ends: Int, report: WorldReport?) {
        let scenario = try ScenarioFile.read(text: Array(judged.utf8), file: "test.yml")
        let player = WorldPlayer(scenario, until: .max, speed: 1, isPlaying: false, wall: SystemClock())
        let told = Mutex<(lines: [String], ends: Int)>(([], 0))
        let task = Task {
            try await WorldThread.run {
                try await player.run(
                    try await World(scenario, World.Options(seed: 1)),
                    observe: { event in told.withLock { $0.lines.append(event.line(start: scenario.start)) } },
                    onEnd: { _ in told.withLock { $0.ends += 1 } }
                )
            }
        }
        let moment = try #require(TimeText.parse(until, now: 0))
        try await player.control.command([.jump(moment)])
        // What was known at the end is told before anybody stops it.
        if moment > scenario.start + scenario.duration / 1_000_000 {
            while told.withLock({ $0.ends }) == 0, !Task.isCancelled { await Task.yield() }
        }
        player.stop()
        let report = try await task.value
        return told.withLock { ($0.lines, $0.ends, report) }
    }

    @Test func `a world that is played tells its verdicts at its end, and where it is stopped what is known by then`()
        async throws
    {
        func verdicts(_ report: WorldReport?) -> String {
            (report?.states ?? []).map { $0.isMet ? "+" : $0.isOpen ? "o" : "-" }.joined()
        }
        let whole = try await Self.played("2026-01-05T10:00:00Z")
        #expect(verdicts(whole.report) == "+-+" && whole.ends == 1, "\(whole)")
        #expect(whole.report?.isGood == false)
        #expect(whole.told.count { $0.contains(" expect ") } == 3 && whole.told.last?.contains(" end ") == true)
        let early = try await Self.played("2026-01-05T09:05:30Z")
        #expect(verdicts(early.report) == "+oo" && early.ends == 1, "\(early)")
        #expect(early.report?.isGood == true && early.report?.open == 2)
        #expect(early.told.contains { $0.contains("kill shop-1") } && early.told.last?.contains("+5m30s") == true)
        // Of the moment at which it stands everything has happened.
        let exact = try await Self.played("2026-01-05T09:06:00Z")
        #expect(verdicts(exact.report) == "+-o", "\(exact)")
    }

    @Test func `two who jump both get where they want to, and who pauses stops both`() async throws {
        let long = """
            duration: 300d
            stack: {global: {scrape_interval: 1s, scrape_timeout: 1s}}
            services: {shop: {instances: 20, metrics: {a: {type: gauge, walk: 1, labels: {n: 1..20}}}}}
            """
        try await Self.with(long) { served in
            async let second = served.now("to=2026-01-05T09:03:00Z")
            let seen5 = try await served.now("to=2026-01-05T09:02:00Z")
            #expect(seen5 >= 120)
            let reached = try await second
            #expect(reached >= 180)
            // Far away: the answer comes as somebody pauses.
            async let far = served.now("to=2026-10-05T09:00:00Z")
            var now = try await served.now()
            while now < 200 { now = try await served.now() }
            // What is told then is where the world stands, to both.
            let stopped = try await served.clock("action=pause")["now"]?.text
            let stop = try await far
            #expect(stop < 86400 * 200)
            let later = try await served.clock("")["now"]?.text
            #expect(later == stopped)
            let seen6 = try await served.clock("")
            #expect(seen6["playing"]?.text == "false")
        }
    }

    @Test func `of two who go on at once each goes on from where the one before ends`() async throws {
        try await Self.with(Self.shop) { served in
            let began = try await served.now()
            async let one = served.now("advance=4m")
            async let two = served.now("advance=5m")
            let first = try await min(one, two)
            #expect(first >= began + 240)
            let sum = try await served.now()
            #expect(sum == began + 540)
            // Beyond the end is the end.
            let end = try await served.now("advance=300d")
            #expect(end == 1800)
        }
    }

    @Test func `parts come and go while clients ask, and the servers listen all the time`() async throws {
        let text =
            Self.shop + """
                events:
                  - {at: 2m, do: restart, part: pushgateway}
                  - {at: 4m, do: restart, part: prometheus}
                  - {at: 6m, do: kill, part: pushgateway, for: 2m}
                  - {at: 10m, do: kill, part: prometheus, for: 1m}
                  - {at: 12m, do: restart, part: pushgateway}
                """
        try await Self.with(text) { served in
            let end = End()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for gateway in [false, true, true] {
                    group.addTask {
                        while !end.isThere.withLock({ $0 }) {
                            // An answer there is at any time; a down Pushgateway says that it is down.
                            let status = try await served.get("/-/ready", gateway: gateway).status
                            #expect([200, 503].contains(status))
                        }
                    }
                }
                for minute in 1...20 {
                    _ = try await served.now("to=2026-01-05T09:\(minute < 10 ? "0" : "")\(minute):30Z")
                }
                end.isThere.withLock { $0 = true }
                try await group.waitForAll()
            }
            let seen7 = try await served.get("/api/v1/query?query=up")
            #expect(seen7.text.contains("shop-1"))
        }
    }

    @Test func `a Pushgateway that is down in the world says so`() async throws {
        try await Self.with(Self.shop + "events: [{at: 2m, do: kill, part: pushgateway, for: 2m}]\n") { served in
            let seen8 = try await served.get("/metrics", gateway: true)
            #expect(seen8.status == 200)
            _ = try await served.now("to=2026-01-05T09:03:00Z")
            // The servers are told of it a moment after the world.
            var answer = try await served.get("/metrics", gateway: true)
            while answer.status == 200 { answer = try await served.get("/metrics", gateway: true) }
            #expect(answer.status == 503 && answer.text.contains("the Pushgateway is down since 2026-01-05T09:02:00"))
            // Who looks at its page goes on from there.
            let clock = try await served.get("/api/v1/clock", gateway: true)
            #expect(clock.status == 200 && clock.text.contains("\"playing\""))
            let page = try await served.get("/", gateway: true)
            #expect(page.status == 200)
            _ = try await served.now("to=2026-01-05T09:05:00Z")
            while answer.status == 503 { answer = try await served.get("/metrics", gateway: true) }
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [false, true]) func `a Prometheus server that is down in the world says so`(_ isStored: Bool)
        async throws
    {
        try await TestFolder.with { folder in
            let text = Self.shop + "events: [{at: 2m, do: kill, part: prometheus, for: 2m}]\n"
            try await Self.with(text, keeping: isStored ? .folder(folder) : .memory) { served in
                let query = "/api/v1/query?query=up"
                _ = try await served.now("to=2026-01-05T09:03:00Z")
                var answer = try await served.get(query)
                while answer.status != 503 { answer = try await served.get(query) }
                #expect(answer.text.contains("the Prometheus server is down since 2026-01-05T09:02:00"))
                for path in ["/-/ready", "/metrics", "/federate", "/api/v1/targets", "/api/v1/status/config"] {
                    let status = try await served.get(path).status
                    #expect(status == 503, "\(path)")
                }
                for path in ["/query", "/api/v1/clock", "/api/v1/clock/marks", "/assets/shared/timebar.js"] {
                    let status = try await served.get(path).status
                    #expect(status == 200, "\(path)")
                }
                _ = try await served.now("to=2026-01-05T09:05:00Z")
                while answer.status != 200 { answer = try await served.get(query) }
                #expect(answer.text.contains("shop-1"))
            }
        }
    }

    @Test func `the configuration and the times of the server are those that the world has now`() async throws {
        let text =
            Self.shop + """
                stack: {global: {scrape_interval: 15s, external_labels: {x: a}}}
                events: [{at: 5m, do: reload, stack: {global: {scrape_interval: 60s, external_labels: {x: b}}}}]
                """
        try await Self.with(text) { served in
            func config() async throws -> String { try await served.get("/api/v1/status/config").text }
            let before = try await config()
            #expect(before.contains("x: a"))
            _ = try await served.now("to=2026-01-05T09:06:00Z")
            let later = try await config()
            #expect(later.contains("x: b") && later.contains("scrape_interval: 1m"), "\(later)")
            let runtime = try await served.get("/api/v1/status/runtimeinfo").text
            #expect(runtime.contains("\"startTime\":\"2026-01-05T09:00:00Z\""), "\(runtime)")
            #expect(runtime.contains("\"lastConfigTime\":\"2026-01-05T09:05:00Z\""), "\(runtime)")
        }
    }
}
