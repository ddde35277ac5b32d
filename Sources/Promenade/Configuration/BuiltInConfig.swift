internal import CStackFile

/// The configuration where there is no file.
package enum BuiltInConfig {
    /// The shipped `stack.yml`: whoever has the program alone has the stack that lessons and tutorial speak of.
    package static var shipped: [UInt8] {
        Array(UnsafeBufferPointer(start: stack_file, count: stack_file_count))
    }

    /// The three servers scrape each other, with these global settings.
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
}
