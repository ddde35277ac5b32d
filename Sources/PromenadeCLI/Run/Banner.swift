import Promenade
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What is told when the stack is ready, and when it ends.
struct Banner {
    var addresses: StackAddresses
    var options: StackOptions
    /// Targets that have followed the stack's servers.
    var moves: [(job: String, from: String, to: String)]
    var milliseconds: Int64

    /// For people.
    func text(isColored: Bool) -> String {
        func bold(_ text: String) -> String { isColored ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
        func link(_ text: String) -> String { isColored ? "\u{1B}[36m\(text)\u{1B}[0m" : text }
        var lines = ["", bold("Promenade \(StackVersion.version)") + "  ready in \(milliseconds) ms", ""]
        let prefixes = options.routePrefixes
        let server = Self.url(addresses.prometheus) + prefixes.prometheus
        lines.append("  Prometheus   " + link(server) + "  queries, targets, status")
        if let gateway = addresses.pushgateway {
            lines.append("  Pushgateway  " + link(Self.url(gateway) + prefixes.pushgateway) + "  where batch jobs push")
        }
        if let demo = addresses.demo {
            lines.append("  Demo server  " + link(Self.url(demo)) + "  something to watch")
        } else if let way = options.demoGaveWay {
            let holder = way.holder.map { "\($0)" } ?? "another program"
            lines.append(
                "  Demo server  none: \(holder) answers at " + link(Self.url(way.address)) + " and is scraped instead"
            )
        }
        if let otlp = addresses.otlp {
            lines.append("  OpenTelemetry " + link(Self.url(otlp)) + "  where SDKs send metrics")
        }
        lines += ["", "  Configuration  \(configuration)", "  Samples        \(place)"]
        if !moves.isEmpty {
            let all = moves.map { "\($0.from) is \($0.to)" }.joined(separator: ", ")
            lines.append("  Targets        \(all): the stack's own servers (--no-targets.follow leaves them)")
        }
        lines += ["  Ctrl-C ends it.", "", ""]
        return lines.joined(separator: "\n")
    }

    /// What is told when it begins to end.
    var ending: String {
        "\nEnding: requests in flight finish"
            + (options.dataFolder == nil ? ".\n" : ", samples and pushes are written to \(place).\n")
    }

    private var configuration: String {
        guard !options.configFile.isEmpty else {
            let other = "prometheus.yml"
            let isThere = access(other, R_OK) == 0
            let hint = isThere ? "; --config.file=\(other) takes the one that is there" : ""
            return "built in (no stack.yml in \(StackPlaces.absolute("."))\(hint))"
        }
        let watched = options.watchesConfiguration ? ", read again when it changes" : ""
        return StackPlaces.absolute(options.configFile) + watched
    }

    private var place: String {
        options.dataFolder.map { StackPlaces.absolute("\($0)/\(StackOptions.databaseName)") } ?? "in memory only"
    }

    /// The URL as people type it.
    private static func url(_ address: ListenAddress) -> String {
        guard address.host == "127.0.0.1" else { return address.localURL }
        return ListenAddress(host: "localhost", port: address.port, scheme: address.scheme).localURL
    }

    /// For programs: one line.
    var json: String {
        var fields = ["\"ready\":true", "\"pid\":\(getpid())"]
        fields.append("\"prometheus\":\"\(addresses.prometheus.localURL)\"")
        if let gateway = addresses.pushgateway { fields.append("\"pushgateway\":\"\(gateway.localURL)\"") }
        if let demo = addresses.demo { fields.append("\"demo\":\"\(demo.localURL)\"") }
        if let otlp = addresses.otlp { fields.append("\"otlp\":\"\(otlp.localURL)\"") }
        return "{" + fields.joined(separator: ",") + "}"
    }
}
