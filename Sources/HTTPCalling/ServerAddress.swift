import MetricModel

/// The address of a server as people write it: `http://` and a slash at the end may be missing or there. The one place that decides
/// whether there can be such a server, before anybody is connected to.
package struct ServerAddress: Sendable, Hashable {
    /// The URL without a slash at its end.
    package let url: String

    /// Reads an address.
    /// - Throws: ``TransportError`` of the code `url`: what is wrong, and what would be right.
    package init(_ text: String) throws(TransportError) {
        func invalid(_ reason: String) -> TransportError {
            TransportError(
                "invalid server address \(GoText.quoted(text)): \(reason) (an address is written like http://localhost:9090)",
                code: .url
            )
        }
        if text.isEmpty { throw invalid("it is empty") }
        var url = text.contains("://") ? text : "http://" + text
        while url.hasSuffix("/") { url.removeLast() }
        if let extra = url.first(where: { "?#".contains($0) }) { throw invalid("there is a \(extra) in it") }
        let parts: URLParts
        do throws(URLProblem) {
            parts = try URLParts(parsing: url)
        } catch {
            throw invalid(error.reason)
        }
        guard parts.scheme == "http" || parts.scheme == "https" else {
            throw invalid("the scheme \(GoText.quoted(parts.scheme)) is neither http nor https")
        }
        if parts.host.isEmpty { throw invalid("there is no host in it") }
        if !parts.hasPossiblePort { throw invalid("port \(parts.port) is beyond the last one, 65535") }
        if let problem = parts.addressProblem { throw invalid(problem.reason) }
        self.url = url
    }

    /// The addresses below are told with it.
    package static func + (address: ServerAddress, path: String) -> String { address.url + path }
}
