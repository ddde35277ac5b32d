package import Logging
import MetricModel
import NIOPosix
import PromQL
import Rules
import Scrape
import ServiceLifecycle
package import Simulation
import UnixSignals
package import Web

/// A world with its servers: all pages and APIs on the simulated clock.
///
/// The servers listen all the time, whatever becomes of the parts in the scenario: they answer from the parts that there are.
package struct ServedWorld: Sendable {
    /// Where the servers listen.
    package var prometheus = ListenAddress(host: "localhost", port: 9090)
    package var pushgateway = ListenAddress(host: "localhost", port: 9091)
    package var demo = ListenAddress(host: "localhost", port: 8080)
    /// Simulated seconds in a second.
    package var speed = 1.0
    /// Where messages of the servers go.
    package var logger: Logger

    package init(logger: Logger) { self.logger = logger }

    /// What servers answer from, until a part ends or begins.
    struct Parts: Sendable {
        /// What the Prometheus server is made of.
        struct Prometheus: Sendable {
            var store: any MetricStore & RecordStore
            var engine: PromQLEngine
            var scraper: ScrapeManager
            var rules: StackRules
        }

        /// `nil` while it is down.
        var prometheus: Prometheus?
        /// `nil` while it is down.
        var pushgateway: PushgatewayResponder?
        /// Since when a part is down, in milliseconds since 1970.
        var downSince: (prometheus: Timestamp?, gateway: Timestamp?) = (nil, nil)
        var demo: DemoServer?
        var options: StackOptions
        var clock: ManualClock
        var pages: WorldPages
    }

    /// Runs the world and serves it until the task is cancelled or a signal comes.
    /// - Parameters:
    ///   - observe: is told of each event as it happens.
    ///   - onEnd: is told what the world came to, once: at its end, which is not that of the servers, or where it is ended before.
    ///   - onReady: is told where the servers listen, once.
    /// - Returns: what the world came to; `nil` where the task was cancelled before that was known.
    @discardableResult
    package func run(
        _ scenario: Scenario,
        _ options: World.Options,
        observe: @escaping @Sendable (WorldEvent) -> Void = { _ in },
        onEnd: @escaping @Sendable (WorldReport) -> Void = { _ in },
        onReady: @escaping @Sendable (StackAddresses) -> Void
    ) async throws -> WorldReport? {
        let player = WorldPlayer(
            scenario,
            until: options.until,
            speed: speed,
            isPlaying: options.until >= scenario.duration,
            wall: SystemClock()
        )
        var whole = options
        whole.until = .max
        let (control, run) = (player.control, SystemClock().now)
        var files = (configuration: scenario.stackFile, database: "")
        if case .folder(let folder) = options.keeping { files.database = folder + "/" + StackOptions.databaseName }
        let places = files
        whole.taps.pages = { clock in
            let time = ClockControl(
                now: { clock.wallNanoseconds },
                advance: { _ = try? await control.command([.advance($0)]) },
                player: control
            )
            return WorldPages(clock, run: run, clock: time, files: places)
        }
        let settled = whole
        // Lessons have worlds of their own.
        let classroom = Classroom(try Stack.course("", logger), clock: SystemClock())
        return try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                do {
                    let report = try await WorldThread.run {
                        try await player.run(try await World(scenario, settled), observe: observe, onEnd: onEnd)
                    }
                    return .world(report)
                } catch is CancellationError {
                    return .world(nil)
                }
            }
            group.addTask {
                do { try await serve(player, classroom, onReady) } catch is CancellationError {}
                return .servers
            }
            // Who ends first ends the other; what was wrong with either is told. The world still says what it came to.
            var report: WorldReport?
            while let end = try await group.next() {
                switch end {
                case .servers: player.stop()
                case .world(let found):
                    report = found
                    group.cancelAll()
                }
            }
            return report
        }
    }

    /// What has ended.
    private enum End: Sendable {
        case servers
        case world(WorldReport?)
    }

    /// Serves until the program shall end.
    private func serve(
        _ player: WorldPlayer,
        _ classroom: Classroom,
        _ onReady: @escaping @Sendable (StackAddresses) -> Void
    ) async throws {
        var changes = player.parts.makeAsyncIterator()
        guard let first = await changes.next(), let pages = router(first, classroom) else { return }
        let gatewayPages = first.pushgateway?.makeRouter()
        let slots = ConnectionSlots(clock: SystemClock())
        let web = try server(prometheus, pages, slots)
        let gateway = try gatewayPages.map { try server(pushgateway, $0, slots) }
        let demo = try first.demo.map { try server(self.demo, $0.makeRouter(), slots) }
        let events = first.pages.events
        var configuration = ServiceGroupConfiguration(
            services: [web, gateway, demo].compactMap(\.self).map { .init(service: ServerService(server: $0)) },
            gracefulShutdownSignals: [.sigint, .sigterm],
            logger: quiet
        )
        // The last of the services is the first to end. Who listens or waits would hold up the end; pages come back by themselves.
        let goodbye = TaskService(name: "events") {
            try? await gracefulShutdown()
            events.sendAway()
            player.release()
        }
        configuration.services.append(.init(service: goodbye))
        configuration.maximumGracefulShutdownDuration = .seconds(4)
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var addresses = StackAddresses(prometheus: try await web.listening())
                addresses.pushgateway = try await gateway?.listening()
                addresses.demo = try await demo?.listening()
                first.pages.listen(at: addresses)
                onReady(addresses)
                // While a part is down, its pages still hold the bar of time.
                var (own, other) = (pages, gatewayPages)
                for await parts in player.parts {
                    own = router(parts, classroom) ?? own
                    let words = Self.words("the Prometheus server", parts.downSince.prometheus)
                    web.answer(by: words.map(own.closed) ?? own)
                    other = parts.pushgateway?.makeRouter() ?? other
                    guard let other else { continue }
                    let more = Self.words("the Pushgateway", parts.downSince.gateway)
                    gateway?.answer(by: more.map(other.closed) ?? other)
                }
            }
            defer { tasks.cancelAll() }
            // The server's end is that of all; the world's end is told by who runs it.
            _ = try await tasks.next()
        }
    }

    private func router(_ parts: Parts, _ classroom: Classroom) -> WebRouter? {
        guard let own = parts.prometheus else { return nil }
        return PrometheusServer(
            settings: parts.options.prometheus(listening: prometheus),
            environment: environment(parts, own.rules, classroom),
            store: own.store,
            engine: own.engine,
            scraper: own.scraper,
            clock: parts.clock,
            logger: logger
        ).makeRouter()
    }

    /// What is told while a part is down; `nil` where it is not.
    private static func words(_ part: String, _ since: Timestamp?) -> String? {
        since.map { "\(part) is down since \(WorldEvent.moment($0))" }
    }

    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = .critical
        return quiet
    }

    private func server(
        _ address: ListenAddress,
        _ router: WebRouter,
        _ slots: ConnectionSlots
    ) throws(WebServerError) -> WebServer {
        try WebServer(
            address: address,
            router: router,
            slots: slots,
            clock: SystemClock(),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: quiet
        )
    }

    private func environment(
        _ parts: Parts,
        _ rules: StackRules,
        _ classroom: Classroom
    ) -> PrometheusEnvironment {
        let pages = parts.pages
        var environment = PrometheusEnvironment(
            phase: { .ready },
            configuration: { pages.standing?.config.prometheus.yaml ?? "" },
            externalLabels: { pages.standing?.config.prometheus.global.externalLabels ?? [] },
            runtime: {
                var info = PrometheusEnvironment.RuntimeInfo()
                info.startNanoseconds = (pages.standing?.started ?? 0) * 1_000_000
                info.lastReload = (pages.standing?.loaded ?? 0) / 1000
                info.workingFolder = ProcessEnvironment.workingFolder
                info.hostName = "localhost"
                info.processors = ProcessEnvironment.processors
                info.threads = ProcessEnvironment.threads
                return info
            },
            reload: { "a simulated server is reloaded by an event of its scenario" },
            quit: {},
            metrics: { rules.families },
            createFolder: { FileAccess.createFolder($0) ? nil : StackError.system(lastErrorNumber()) }
        )
        environment.rules = rules.source
        environment.clock = pages.clock
        environment.events = pages.events
        environment.learn = classroom.control
        environment.survey = pages.survey(parts.clock)
        environment.stack = { pages.status }
        return environment
    }
}

extension SimulatedStack {
    /// What servers answer from now; there have to be pages.
    var parts: ServedWorld.Parts? {
        guard let pages else { return nil }
        var parts = ServedWorld.Parts(options: options, clock: clock, pages: pages)
        if let scraper, let rules {
            parts.prometheus = .init(store: store, engine: engine, scraper: scraper, rules: rules)
        }
        parts.downSince = downSince
        parts.pushgateway = responder
        parts.demo = targets.demo?.server
        return parts
    }
}
