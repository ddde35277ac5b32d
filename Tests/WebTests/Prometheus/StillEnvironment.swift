import MetricModel
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
