import HTTPTypes
import Hummingbird
import NIOCore

/// Compresses answers as the client can take them, however short they are, as Prometheus does. Of an empty one the headers say so.
struct BodyCompression: AnswerAmendment {
    func amend(_ response: inout Response, to request: Request) async throws {
        response.headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
        guard let coding = ContentCoding.negotiated(WebHeaders(fields: request.headers, host: nil)["Accept-Encoding"])
        else {
            return
        }
        response.headers.append(HTTPField(name: .contentEncoding, value: coding.name))
        let body = response.body
        guard let length = body.contentLength else {
            response.body = ResponseBody { writer in
                let deflater = Deflater(coding)
                let target = StreamTarget(writer: writer)
                try await body.write(
                    PieceWriter(
                        { piece in
                            let packed = deflater.compress(Array(buffer: piece), isLast: false)
                            try await target.write(ByteBuffer(bytes: packed))
                        },
                        end: { trailers in
                            try await target.write(ByteBuffer(bytes: deflater.compress([], isLast: true)))
                            try await target.finish(trailers)
                        }
                    )
                )
            }
            return
        }
        guard length > 0 else { return }
        var plain: [UInt8] = []
        try await body.write(PieceWriter { plain += Array(buffer: $0) })
        response.body = ResponseBody(
            byteBuffer: ByteBuffer(bytes: Deflater(coding, length: plain.count).compress(plain, isLast: true))
        )
    }
}
