import Exposition
import MetricModel
import Pushgateway

/// One request that a client sent to the Pushgateway, and what became of it.
package struct ClientPush: Sendable {
    package var method: String
    /// The path as it was sent, with its percent escapes.
    package var rawPath: String
    package var headers: [(name: String, value: String)]
    /// The body as it came.
    package var body: [UInt8]
    package var status: Int
    /// What the Pushgateway answered.
    package var answer: String

    package init(
        method: String,
        rawPath: String,
        headers: [(name: String, value: String)],
        body: [UInt8],
        status: Int,
        answer: String
    ) {
        self.method = method
        self.rawPath = rawPath
        self.headers = headers
        self.body = body
        self.status = status
        self.answer = answer
    }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The body without its compression; `nil` where it cannot be unpacked.
    var unpacked: [UInt8]? {
        switch header("Content-Encoding")?.lowercased() {
        case nil, "", "identity": body
        case "gzip": try? GzipDecoder.decode(body, limit: 1 << 28)
        case "snappy": try? Snappy.decode(body, limit: 1 << 28)
        default: nil
        }
    }

    /// The form in which the Pushgateway reads the body.
    var format: ScrapeFormat {
        let type = header("Content-Type").flatMap { try? MediaType(parsing: $0) }
        return type?.essence == "application/vnd.google.protobuf" ? .protobuf : .text
    }

    var isPush: Bool { method == "PUT" || method == "POST" }

    /// The group that the path names.
    func group() throws(GroupingKeyError) -> GroupingKey {
        guard rawPath.hasPrefix("/metrics/job") else { throw .malformed("not below /metrics/job") }
        guard let path = PercentCoding.decodedPathBytes(String(rawPath.dropFirst(9))) else {
            throw .malformed("an escape that is none")
        }
        return try GroupingKey(parsingPath: path, utf8Names: true)
    }
}
