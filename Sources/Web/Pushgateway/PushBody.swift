import Exposition
import MetricModel
import Pushgateway

/// Reads the body of a push.
enum PushBody {
    /// Undoes the request's Content-Encoding, as far as there is room for what comes of it.
    /// - Throws: Go's message.
    static func decompressed(_ request: WebRequest, limit: Int) async throws(CompressionError) -> [UInt8] {
        if request.headers["Content-Encoding"]?.lowercased() == "gzip" {
            return try await GzipDecoder.decodeInPieces(request.body, limit: limit, room: request.hasRoom(unpacked:))
        }
        return try decompressedAtOnce(request, limit: limit)
    }

    /// The same for a short body, or for one that was taken before: there is no connection with it that would have to share memory.
    static func decompressedAtOnce(_ request: WebRequest, limit: Int) throws(CompressionError) -> [UInt8] {
        switch request.headers["Content-Encoding"]?.lowercased() {
        case "gzip": return try GzipDecoder.decode(request.body, limit: limit)
        case "snappy": return try SnappyFrames.decode(request.body, limit: limit, room: request.hasRoom(unpacked:))
        default: return request.body
        }
    }

    /// What is wrong with the beginning of a body that claims to be compressed; looked at before anything else.
    static func compressionProblem(_ request: WebRequest) -> String? {
        guard let coding = request.headers["Content-Encoding"], coding.lowercased() == "gzip" else { return nil }
        if request.body.isEmpty { return "EOF" }
        if request.body.count < 10 { return "unexpected EOF" }
        return request.body.starts(with: [0x1f, 0x8b, 8]) ? nil : "gzip: invalid header"
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
        _ isProtobuf: Bool,
        utf8Names: Bool
    ) throws(ExpositionError) -> [MetricFamily] {
        if isProtobuf {
            let families = try FamilyProtobuf.decode(body, metricLimit: PushRequest.metricLimit)
            // The original takes them, and from then on can expose nothing.
            if families.contains(where: \.name.isEmpty) { throw ExpositionError("invalid metric name: \"\"") }
            return families
        }
        return try PushRequest.parser(utf8Names: utf8Names).parse(body)
    }
}
