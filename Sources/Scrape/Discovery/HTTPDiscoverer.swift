import ConfigTree
import Exposition
import MetricModel
import NIOCore

/// Asks a server for targets.
struct HTTPDiscoverer: Sendable {
    let config: DiscoveryConfig.HTTPDiscovery
    let transport: any TargetTransport
    let userAgent: String

    /// The groups that the server names.
    func refresh() async throws(DiscoveryError) -> [TargetGroup] {
        let request = TargetRequest(
            url: config.url,
            headers: [
                ("User-Agent", userAgent),
                ("Accept", "application/json"),
                ("X-Prometheus-Refresh-Interval-Seconds", GoNumber.text(config.refreshInterval.seconds, .fixed)),
            ],
            timeoutMilliseconds: config.refreshInterval.milliseconds,
            bodyLimit: 64 << 20
        )
        let response: TargetResponse
        do throws(TransportError) {
            response = try await transport.fetch(request)
        } catch {
            throw DiscoveryError(error.message)
        }
        guard response.status == 200 else {
            throw DiscoveryError("server returned HTTP status \(response.statusText)")
        }
        let type = response.header("Content-Type")
        guard Self.isJSON(type) else { throw DiscoveryError("unsupported content type \(GoText.quoted(type))") }
        do throws(ConfigError) {
            return try TargetGroupFile.groups(
                Array(response.body.readableBytesView),
                source: config.url,
                file: RecordedTraffic.url(config.url),
                format: .json,
                metaLabel: "__meta_url"
            )
        } catch {
            throw DiscoveryError(error.description)
        }
    }

    /// Whether the media type is JSON, in UTF-8 if it says.
    static func isJSON(_ type: String) -> Bool {
        let parts = type.lowercased().split(separator: ";", omittingEmptySubsequences: false).map { part in
            var text = part.drop { $0 == " " }
            while text.last == " " { text.removeLast() }
            return String(text)
        }
        guard parts.first == "application/json", parts.count <= 2 else { return false }
        return parts.count == 1 || parts[1] == "charset=utf-8" || parts[1] == "charset=\"utf-8\""
    }
}
