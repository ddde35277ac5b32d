import HTTPTypes
import Hummingbird
import NIOCore

/// The connection is to be closed without an answer.
struct ConnectionAbort: Error {}

extension WebResponse {
    /// The answer in the library's form. Here, and nowhere else, everything that leaves as a header is looked at: a value loses
    /// the control characters that it may have, a redirect stays on this host.
    /// - Throws: ``ConnectionAbort`` where nothing is to be answered.
    /// - Parameter threads: where a streamed body is made; `nil` for wherever everything else is.
    func hummingbird(_ context: WebContext, writtenOn threads: (any TaskExecutor)? = nil) throws -> Response {
        var fields = HTTPFields()
        fields.reserveCapacity(headers.count + 6)
        for header in headers {
            guard let name = HeaderNames.name(header.name) else { continue }
            let value = name == .location ? Location.local(header.value) : header.value
            // This initialiser makes blanks of whatever cannot stand in a value.
            fields.append(HTTPField(name: name, value: value))
        }
        let body: ResponseBody
        switch self.body {
        case .bytes(let bytes):
            body = bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .buffer(let buffer): body = ResponseBody(byteBuffer: buffer)
        case .none: throw ConnectionAbort()
        case .stream(let produce):
            let connection = context.connection
            body = ResponseBody { writer in
                let target = StreamTarget(writer: writer)
                try await connection.working(on: threads) {
                    try await produce(WebBodyWriter { bytes in try await target.write(ByteBuffer(bytes: bytes)) })
                    try await target.finish()
                }
            }
        }
        return Response(
            status: HTTPResponse.Status(code: status, reasonPhrase: HTTPStatus.reason(status)),
            headers: fields,
            body: body
        )
    }

    /// What an answer in the library's form says. A body whose length is known is made at once.
    init(_ response: Response) async throws {
        let body = response.body
        let headers = response.headers.compactMap { field in
            field.name == .contentLength ? nil : (name: field.name.rawName, value: field.value)
        }
        guard body.contentLength == nil else {
            var bytes: [UInt8] = []
            try await body.write(PieceWriter { bytes += Array(buffer: $0) })
            self.init(status: response.status.code, headers: headers, body: .bytes(bytes))
            return
        }
        self.init(
            status: response.status.code,
            headers: headers,
            body: .stream { writer in
                let target = copy writer
                try await body.write(PieceWriter { try await target.write(Array(buffer: $0)) })
            }
        )
    }
}

/// Where those write who make a body piece by piece.
final class StreamTarget: @unchecked Sendable {
    // Unchecked: one task writes at a time, and whoever made it waits meanwhile; the library's writer is a value that may move.
    private var writer: any ResponseBodyWriter

    init(writer: any ResponseBodyWriter) { self.writer = writer }

    @concurrent
    func write(_ piece: ByteBuffer) async throws {
        if piece.readableBytes > 0 { try await writer.write(piece) }
    }

    @concurrent
    func finish(_ trailers: HTTPFields? = nil) async throws { try await writer.finish(trailers) }
}

/// Hands each piece of a body on, and what is to come after the last.
struct PieceWriter: ResponseBodyWriter {
    private let send: (ByteBuffer) async throws -> Void
    private let end: (HTTPFields?) async throws -> Void

    init(
        _ send: @escaping (ByteBuffer) async throws -> Void,
        end: @escaping (HTTPFields?) async throws -> Void = { _ in }
    ) {
        self.send = send
        self.end = end
    }

    mutating func write(_ buffer: ByteBuffer) async throws { try await send(buffer) }

    consuming func finish(_ trailers: HTTPFields?) async throws { try await end(trailers) }
}

extension Array<UInt8> {
    /// What can be read in a buffer.
    init(buffer: ByteBuffer) { self.init(buffer.readableBytesView) }
}

/// Where a redirect may lead.
enum Location {
    /// The location, as a path on this host: nothing in it can be read as another host, or ends the header.
    static func local(_ location: String) -> String {
        let bytes = Array(location.utf8)
        let isSlash = { (byte: UInt8) in byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }
        var result = Array("/".utf8)
        for byte in bytes.drop(while: isSlash) {
            if byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "\\") {
                let hex = Array("0123456789ABCDEF".utf8)
                result += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 0xf)]]
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// The names of headers that answers have, made once.
private enum HeaderNames {
    private static let known: [String: HTTPField.Name] = {
        let names = [
            "Content-Type", "Content-Encoding", "X-Content-Type-Options", "Content-Security-Policy", "Vary", "Allow",
            "Location",
            "Cache-Control", "ETag", "Referrer-Policy", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods",
            "Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "WWW-Authenticate", "Retry-After",
        ]
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in HTTPField.Name(name).map { (name, $0) } })
    }()

    static func name(_ text: String) -> HTTPField.Name? { known[text] ?? HTTPField.Name(text) }
}
