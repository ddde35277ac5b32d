/// The configuration where there is no file: the three servers scrape each other.
package enum BuiltInConfig {
    /// The configuration with these global settings.
    package static func text(globals: [(name: String, value: String)]) -> String {
        """
        global:
        \(globals.map { "  \($0.name): \($0.value)" }.joined(separator: "\n"))
        scrape_configs:
          - job_name: prometheus
            static_configs:
              - targets: [localhost:9090]
          - job_name: pushgateway
            honor_labels: true
            static_configs:
              - targets: [localhost:9091]
          - job_name: demo
            static_configs:
              - targets: [localhost:8080]
        """
    }

    /// For people: they scrape each other every few seconds.
    package static let text = text(globals: [("scrape_interval", "5s")])
}
