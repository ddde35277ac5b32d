import Logging
import MetricModel
import PromQL
import Web

extension PrometheusEnvironment {
    /// Surroundings in which nothing happens: ready, with a configuration that cannot be read again.
    static func still(
        configuration: String = "global: {}\n",
        externalLabels: [Label] = [],
        reload: String? = "no"
    ) -> PrometheusEnvironment {
        PrometheusEnvironment(
            phase: { .ready },
            configuration: { configuration },
            externalLabels: { externalLabels },
            runtime: { RuntimeInfo() },
            reload: { reload },
            quit: {},
            metrics: { [] },
            createFolder: { _ in nil }
        )
    }
}

extension PrometheusServer {
    /// A server that logs nothing.
    static func still(
        _ store: any MetricStore,
        clock: any StackClock,
        options: PromQLEngine.Options = PromQLEngine.Options(),
        settings: PrometheusSettings = PrometheusSettings(),
        environment: PrometheusEnvironment = .still()
    ) -> PrometheusServer {
        PrometheusServer(
            settings: settings,
            environment: environment,
            store: store,
            engine: PromQLEngine(options: options, clock: clock),
            clock: clock,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }
}
