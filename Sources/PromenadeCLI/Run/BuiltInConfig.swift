/// The configuration where there is no file: the three servers scrape each other every few seconds.
enum BuiltInConfig {
    static let text = """
        global:
          scrape_interval: 5s
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
