import Exposition
import MetricModel

/// Reads the body of a push.
enum PushBody {
    /// Undoes the request's Content-Encoding.
    /// - Throws: Go's message.
    static func decompressed(_ request: WebRequest, limit: Int) throws(ExpositionError) -> [UInt8] {
        switch request.headers["Content-Encoding"]?.lowercased() {
        // TODO gzip, snappy
        default: return request.body
        }
    }

    /// Whether the body is in protobuf; anything else is text.
    static func isProtobuf(_ request: WebRequest) -> Bool {
        guard let header = request.headers["Content-Type"], header.utf8.first == UInt8(ascii: "a"),
            let type = try? MediaType(parsing: header)
        else { return false }
        return type.essence == "application/vnd.google.protobuf" && type.parameters["encoding"] == "delimited"
            && type.parameters["proto"] == "io.prometheus.client.MetricFamily"
    }

    /// The families of a decompressed body.
    static func families(
        _ body: [UInt8],
        isProtobuf: Bool,
        utf8Names: Bool
    ) throws(ExpositionError) -> [MetricFamily] {
        if isProtobuf { return try FamilyProtobuf.decode(body) }
        return try FamilyTextParser(validation: utf8Names ? .utf8 : .legacy).parse(body)
    }
}
