import Logging
import MetricModel
import NIOPosix
import PromQL
import Pushgateway
import RemoteStorage
import Scrape
import ServiceLifecycle
import Synchronization
import Web

/// A loop that ends with the stack.
struct TaskService: Service {
    let name: String
    let body: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await body() }
        // Who ends while others shut down is a failure to the group; so work that is done waits for its turn.
        try? await gracefulShutdown()
    }
}

/// Closes the store when everything else has ended.
struct StoreService: Service {
    let stack: Stack

    func run() async throws {
        try? await gracefulShutdown()
        stack.state.enter(.stopping)
        if let error = await stack.gateway?.persist() {
            stack.logger.error("Writing pushed groups failed", metadata: ["err": "\(error.message)"])
        }
        await stack.reading.close()
        do throws(StorageError) {
            try await stack.store.close()
        } catch {
            stack.logger.error("Closing the store failed", metadata: ["err": "\(error.message)"])
        }
    }
}

/// Tells everybody at once that the end has begun, before the first server stops listening, and ends the queries, for which the
/// servers would wait.
struct StoppingService: Service {
    let state: StackState
    let queries: ActiveQueries
    let onEnding: @Sendable (StackAddresses) -> Void

    func run() async throws {
        try? await gracefulShutdown()
        state.enter(.stopping)
        queries.close()
        if let addresses = state.now.addresses { onEnding(addresses) }
    }
}

/// A server as a service.
struct ServerService: Service {
    let server: WebServer

    func run() async throws { try await server.run() }
}

/// The server for OpenTelemetry's clients without settings. Several fixtures cannot all have the one port that these send to: the
/// others look for one of their own.
struct OTLPService: Service {
    let wanted: WebServer
    let other: WebServer?

    func run() async throws {
        do {
            try await wanted.run()
        } catch {
            guard let other, (try? await wanted.listening()) == nil else { throw error }
            try await other.run()
        }
    }

    /// Where it listens; waits until it does.
    func listening() async throws -> ListenAddress {
        do {
            return try await wanted.listening()
        } catch {
            guard let other else { throw error }
            return try await other.listening()
        }
    }
}

/// Evaluates rules once everything listens and the store is ready.
struct RuleService: Service {
    let stack: Stack

    func run() async throws {
        await cancelWhenGracefulShutdown { await stack.rules.run() }
    }
}

/// The servers of a stack.
final class StackServers: Sendable {
    let services: [any Service]
    private let prometheus: WebServer
    private let gateway: WebServer?
    private let demo: DemoEngine?
    private let otlp: OTLPService?
    let web: PrometheusServer

    init(stack: Stack) throws(WebServerError) {
        let group = MultiThreadedEventLoopGroup.singleton
        let options = stack.options
        let slots = stack.slots
        web = PrometheusServer(
            settings: options.prometheus(listening: options.webAddress),
            environment: StackEnvironment.make(stack),
            store: stack.store,
            reader: stack.reader,
            engine: stack.engine,
            scraper: stack.scraper,
            clock: stack.clock,
            logger: stack.logger
        )
        prometheus = try WebServer(
            address: options.webAddress,
            router: web.makeRouter(),
            config: stack.access.prometheus,
            access: options.accessPolicy(
                url: "web.external-url",
                neighbour: { stack.survey.surroundings().demo?.listening }
            ),
            limits: options.connectionLimits,
            counts: stack.connections,
            slots: slots,
            clock: stack.clock,
            eventLoopGroup: group,
            logger: stack.logger
        )
        var services: [any Service] = [ServerService(server: prometheus)]
        if let address = options.gatewayAddress, let responder = stack.pushgateway {
            let server = try WebServer(
                address: address,
                router: responder.makeRouter(),
                config: stack.access.gateway,
                access: options.accessPolicy(url: "pushgateway.external-url"),
                limits: options.connectionLimits,
                slots: slots,
                clock: stack.clock,
                eventLoopGroup: group,
                logger: stack.logger
            )
            services.append(ServerService(server: server))
            gateway = server
        } else {
            gateway = nil
        }
        if let address = options.otlpAddress {
            let (web, quiet) = (web, Logger(label: "otlp") { _ in SwiftLogNoOpLogHandler() })
            func server(_ address: ListenAddress, _ logger: Logger) throws(WebServerError) -> WebServer {
                try WebServer(
                    address: address,
                    router: web.makeOTLPRouter(),
                    config: stack.access.prometheus,
                    access: options.accessPolicy(url: "web.external-url"),
                    limits: options.connectionLimits,
                    slots: slots,
                    clock: stack.clock,
                    eventLoopGroup: group,
                    logger: logger
                )
            }
            let isFixed = options.config.prometheus.otlp.listenAddress != nil
            let service = OTLPService(
                wanted: try server(address, isFixed ? stack.logger : quiet),
                other: isFixed ? nil : try server(ListenAddress(host: address.host, port: 0), stack.logger)
            )
            services.append(service)
            otlp = service
        } else {
            otlp = nil
        }
        demo = stack.demoEngine
        if let demo { services.append(demo) }
        self.services = services
    }

    /// Where they listen; waits until they do.
    func listening() async throws -> StackAddresses {
        var addresses = StackAddresses(prometheus: try await prometheus.listening())
        addresses.pushgateway = try await gateway?.listening()
        addresses.otlp = try await otlp?.listening()
        addresses.demo = try await demo?.listening()
        return addresses
    }
}

/// Scrapes once everything listens.
struct ScrapeService: Service {
    let stack: Stack
    let servers: StackServers
    let onReady: @Sendable (StackAddresses) async -> Void

    func run() async throws {
        let addresses: StackAddresses
        do {
            addresses = try await servers.listening()
        } catch {
            // The server itself tells why.
            return
        }
        stack.state.bound(addresses)
        await stack.rules.apply(
            stack.rulesAtStart,
            stack.options.config.prometheus,
            settings: stack.options.prometheus(listening: addresses.prometheus)
        )
        await stack.scraper.apply(stack.followingPorts(stack.options.config.prometheus, addresses))
        await cancelWhenGracefulShutdown {
            if stack.state.phase == .starting { stack.state.enter(.ready) }
            async let scraping: Void = scrape()
            await onReady(addresses)
            await scraping
        }
    }

    private func scrape() async {
        do {
            try await stack.scraper.run()
        } catch {
            stack.logger.error("Scraping ended", metadata: ["err": "\(error)"])
        }
    }
}
