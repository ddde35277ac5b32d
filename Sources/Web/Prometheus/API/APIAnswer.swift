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

    /// Writes an array, each piece of it made by a task of its own, a few ahead of the one that goes out.
    mutating func array(
        _ pieces: [Range<Int>],
        _ write: @escaping @Sendable (Range<Int>, inout JSONText) -> Void
    ) async throws {
        text.raw("[")
        try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
            var started = 0
            var made: [Int: [UInt8]] = [:]
            for next in pieces.indices {
                while started < min(pieces.count, next + 3) {
                    let (number, piece) = (started, pieces[started])
                    group.addTask { @concurrent in
                        var text = JSONText()
                        text.bytes.reserveCapacity(Self.pieceSize + Self.pieceSize / 2)
                        write(piece, &text)
                        return (number, text.bytes)
                    }
                    started += 1
                }
                while made[next] == nil, let (number, bytes) = try await group.next() { made[number] = bytes }
                if let bytes = made.removeValue(forKey: next) { try await append(bytes) }
            }
        }
        text.raw("]")
    }

    private mutating func append(_ bytes: [UInt8]) async throws {
        if text.bytes.count + bytes.count < Self.pieceSize / 4 {
            text.bytes += bytes
            return
        }
        try await flush()
        try await writer.write(bytes)
    }

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
