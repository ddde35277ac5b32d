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
/// A restart of the Prometheus server in the scenario is one of the real server, too: what it answers from is another thing then.
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

    /// What servers answer from, between two restarts.
    struct Parts: Sendable {
        var store: any MetricStore & RecordStore
        var engine: PromQLEngine
        var scraper: ScrapeManager
        var rules: StackRules
        var options: StackOptions
        var config: StackConfig
        var clock: ManualClock
        var pushgateway: PushgatewayResponder?
        var demo: DemoServer?
        var pages: WorldPages
    }

    /// Runs the world and serves it until the task is cancelled or a signal comes.
    /// - Parameter onReady: is told where the servers listen, once.
    package func run(
        _ scenario: Scenario,
        _ options: World.Options,
        onReady: @escaping @Sendable (StackAddresses) -> Void
    ) async throws {
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
        whole.taps.pages = { clock in
            let time = ClockControl(
                now: { clock.wallNanoseconds },
                advance: { await control.command(.jump(clock.now + $0)) },
                player: control
            )
            return WorldPages(clock, run: run, clock: time)
        }
        let settled = whole
        // Lessons have worlds of their own.
        let classroom = Classroom(try Stack.course("", logger), clock: SystemClock())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await WorldThread.run {
                    try await player.run(try await World(scenario, settled))
                }
            }
            group.addTask {
                let silent: @Sendable (StackAddresses) -> Void = { _ in }
                var tell = onReady
                for await parts in player.parts {
                    if try await serve(parts, player, classroom, tell) { return }
                    tell = silent
                }
            }
            _ = try await group.next()
            group.cancelAll()
        }
    }

    /// Serves until other parts come (`false`) or the program shall end (`true`).
    private func serve(
        _ parts: Parts,
        _ player: WorldPlayer,
        _ classroom: Classroom,
        _ onReady: @escaping @Sendable (StackAddresses) -> Void
    ) async throws -> Bool {
        let slots = ConnectionSlots(clock: SystemClock())
        let web = PrometheusServer(
            settings: parts.options.prometheus(listening: prometheus),
            environment: environment(parts, classroom),
            store: parts.store,
            engine: parts.engine,
            scraper: parts.scraper,
            clock: parts.clock,
            logger: logger
        )
        var servers = [try server(prometheus, web.makeRouter(), slots)]
        if let responder = parts.pushgateway { servers.append(try server(pushgateway, responder.makeRouter(), slots)) }
        if let demoServer = parts.demo { servers.append(try server(demo, demoServer.makeRouter(), slots)) }
        let listening = servers
        let events = parts.pages.events
        var configuration = ServiceGroupConfiguration(
            services: listening.map { .init(service: ServerService(server: $0)) },
            gracefulShutdownSignals: [.sigint, .sigterm],
            logger: quiet
        )
        // The last of the services is the first to end. Pages that listen would hold up the end; they come back by themselves.
        let goodbye = TaskService(name: "events") {
            try? await gracefulShutdown()
            events.sendAway()
        }
        configuration.services.append(.init(service: goodbye))
        configuration.maximumGracefulShutdownDuration = .seconds(5)
        let group = ServiceGroup(configuration: configuration)
        let generation = player.generation
        return try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try await group.run()
                return player.generation == generation
            }
            tasks.addTask {
                var addresses = StackAddresses(prometheus: try await listening[0].listening())
                if parts.pushgateway != nil { addresses.pushgateway = try await listening[1].listening() }
                if parts.demo != nil { addresses.demo = try await listening[listening.count - 1].listening() }
                parts.pages.listen(at: addresses)
                onReady(addresses)
                while player.generation == generation { try await SystemClock().sleep(milliseconds: 50) }
                await group.triggerGracefulShutdown()
                return false
            }
            defer { tasks.cancelAll() }
            for try await isOver in tasks { if isOver || player.generation != generation { return isOver } }
            return true
        }
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

    private func environment(_ parts: Parts, _ classroom: Classroom) -> PrometheusEnvironment {
        let (clock, rules, config) = (parts.clock, parts.rules, parts.config)
        var environment = PrometheusEnvironment(
            phase: { .ready },
            configuration: { config.prometheus.yaml },
            externalLabels: { config.prometheus.global.externalLabels },
            runtime: {
                var info = PrometheusEnvironment.RuntimeInfo()
                info.startNanoseconds = clock.wallNanoseconds
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
        environment.clock = parts.pages.clock
        environment.events = parts.pages.events
        environment.learn = classroom.control
        environment.survey = parts.pages.survey(clock)
        return environment
    }
}

extension SimulatedStack {
    /// What servers answer from now; `nil` while the Prometheus server is down.
    var parts: ServedWorld.Parts? {
        guard let scraper, let rules, let pages else { return nil }
        return ServedWorld.Parts(
            store: store,
            engine: engine,
            scraper: scraper,
            rules: rules,
            options: options,
            config: config,
            clock: clock,
            pushgateway: responder,
            demo: targets.demo?.server,
            pages: pages
        )
    }
}
