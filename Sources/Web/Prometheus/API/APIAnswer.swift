/// What an endpoint of the API has to say, before it is put into the envelope.
struct APIAnswer: Sendable {
    /// The data, as JSON.
    enum Content: Sendable {
        /// All of it.
        case json([UInt8])
        /// Written piece by piece, because there is much of it.
        case stream(@Sendable (inout JSONStream) async throws -> Void)
        /// None: 204.
        case nothing
    }

    var content: Content
    var warnings: [String] = []
    var infos: [String] = []

    /// An answer whose data are written at once.
    static func json(warnings: [String] = [], infos: [String] = [], _ write: (inout JSONText) -> Void) -> APIAnswer {
        var text = JSONText()
        write(&text)
        return APIAnswer(content: .json(text.bytes), warnings: warnings, infos: infos)
    }

    /// An answer without data.
    static let nothing = APIAnswer(content: .nothing)

    /// The answer in its envelope: `status`, `data`, `warnings`, `infos`, empty ones left out.
    func response() -> WebResponse {
        let headers = [(name: "Content-Type", value: "application/json")]
        var end = JSONText()
        if !warnings.isEmpty {
            end.field("warnings")
            end.strings(warnings)
        }
        if !infos.isEmpty {
            end.field("infos")
            end.strings(infos)
        }
        end.raw("}")
        switch content {
        case .nothing: return WebResponse(status: 204)
        case .json(let data):
            var text = JSONText()
            text.bytes.reserveCapacity(data.count + end.bytes.count + 40)
            text.raw("{\"status\":\"success\",\"data\":")
            text.bytes.append(contentsOf: data)
            text.bytes.append(contentsOf: end.bytes)
            return WebResponse(headers: headers, body: .bytes(text.bytes))
        case .stream(let write):
            let tail = end.bytes
            return WebResponse(
                headers: headers,
                body: .stream { writer in
                    var stream = JSONStream(writer: copy writer)
                    stream.text.raw("{\"status\":\"success\",\"data\":")
                    try await write(&stream)
                    stream.text.bytes.append(contentsOf: tail)
                    try await stream.finish()
                }
            )
        }
    }
}

/// JSON that goes out in pieces while it is written.
struct JSONStream: Sendable {
    /// How much is collected before it is sent.
    static let pieceSize = 128 << 10

    /// Where to write.
    var text = JSONText()
    private let writer: WebBodyWriter

    init(writer: WebBodyWriter) { self.writer = writer }

    /// Sends what was written, if it is much. To be called now and then.
    mutating func flushIfFull() async throws {
        if text.bytes.count >= Self.pieceSize { try await flush() }
    }

    mutating func finish() async throws { try await flush() }

    private mutating func flush() async throws {
        try await writer.write(text.bytes)
        text.bytes.removeAll(keepingCapacity: true)
    }
}

extension APIFailure {
    /// The failure in its envelope.
    func response() -> WebResponse {
        var text = JSONText()
        text.raw("{\"status\":\"error\"")
        text.field("errorType")
        text.string(kind.rawValue)
        text.field("error")
        text.string(message)
        text.raw("}")
        return WebResponse(
            status: kind.status,
            headers: [("Content-Type", "application/json")],
            body: .bytes(text.bytes)
        )
    }
}
