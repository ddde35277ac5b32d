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
        return try GroupingKey(parsingPath: PercentText.decoded(rawPath.dropFirst(9)), utf8Names: true)
    }
}

/// Percent escapes in paths.
enum PercentText {
    /// The bytes behind the escapes; what is no escape stays as it is.
    static func decoded(_ text: some StringProtocol) -> [UInt8] {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                result.append(byte)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }
}
