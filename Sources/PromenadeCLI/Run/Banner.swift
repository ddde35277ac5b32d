import Promenade
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What is told when the stack is ready.
struct Banner {
    var addresses: StackAddresses
    var options: StackOptions
    var milliseconds: Int64

    /// For people.
    func text(isColored: Bool) -> String {
        func bold(_ text: String) -> String { isColored ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
        func link(_ text: String) -> String { isColored ? "\u{1B}[36m\(text)\u{1B}[0m" : text }
        var lines = ["", bold("Promenade \(StackVersion.version)") + "  ready in \(milliseconds) ms", ""]
        let prefix = options.flags["web.route-prefix"]
        lines.append("  Prometheus   " + link(addresses.prometheus.localURL + prefix) + "  queries, targets, status")
        if let gateway = addresses.pushgateway {
            lines.append("  Pushgateway  " + link(gateway.localURL) + "  where batch jobs push")
        }
        if let demo = addresses.demo {
            lines.append("  Demo server  " + link(demo.localURL) + "  something to watch")
        }
        let place = options.dataFolder.map { "\($0)/\(StackOptions.databaseName)" } ?? "memory only"
        lines += ["", "  Samples      \(place)", "  Ctrl-C ends it.", "", ""]
        return lines.joined(separator: "\n")
    }

    /// For programs: one line.
    var json: String {
        var fields = ["\"ready\":true", "\"pid\":\(getpid())"]
        fields.append("\"prometheus\":\"\(addresses.prometheus.localURL)\"")
        if let gateway = addresses.pushgateway { fields.append("\"pushgateway\":\"\(gateway.localURL)\"") }
        if let demo = addresses.demo { fields.append("\"demo\":\"\(demo.localURL)\"") }
        return "{" + fields.joined(separator: ",") + "}"
    }
}
