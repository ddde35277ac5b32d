/// What an endpoint of the API has to say, before it is put into the envelope.
struct APIAnswer: Sendable {
    /// The data, as JSON.
    enum Content: Sendable {
        /// The whole answer, in its envelope.
        case json([UInt8])
        /// The data, written piece by piece, because there is much of them.
        case stream(@Sendable (inout JSONStream) async throws -> Void, end: [UInt8])
        /// None: 204.
        case nothing
    }

    private let content: Content

    /// An answer whose data are written at once.
    static func json(warnings: [String] = [], infos: [String] = [], _ write: (inout JSONText) -> Void) -> APIAnswer {
        var text = JSONText()
        text.raw(envelope)
        write(&text)
        text.endEnvelope(warnings, infos)
        return APIAnswer(content: .json(text.bytes))
    }

    /// An answer whose data are written while they go out.
    static func stream(
        warnings: [String] = [],
        infos: [String] = [],
        _ write: @escaping @Sendable (inout JSONStream) async throws -> Void
    ) -> APIAnswer {
        var end = JSONText()
        end.endEnvelope(warnings, infos)
        return APIAnswer(content: .stream(write, end: end.bytes))
    }

    /// An answer whose data are written part by part: at once where they are short, else while they go out.
    static func parts(_ parts: JSONParts) -> APIAnswer {
        var begin = JSONText()
        var written = 0
        while written < parts.all.count, begin.bytes.count < JSONStream.pieceSize {
            parts.all[written](&begin)
            written += 1
        }
        let (bytes, rest) = (begin.bytes, parts.all[written...])
        if rest.isEmpty { return .json { $0.bytes += bytes } }
        return .stream { stream in
            stream.text.bytes += bytes
            for part in rest {
                try await stream.flushIfFull()
                part(&stream.text)
            }
        }
    }

    /// An answer without data.
    static let nothing = APIAnswer(content: .nothing)

    private static let envelope: StaticString = "{\"status\":\"success\",\"data\":"

    /// The answer in its envelope: `status`, `data`, `warnings`, `infos`, empty ones left out.
    func response() -> WebResponse {
        let headers = [(name: "Content-Type", value: "application/json")]
        switch content {
        case .nothing: return WebResponse(status: 204)
        case .json(let bytes): return WebResponse(headers: headers, body: .bytes(bytes))
        case .stream(let write, let end):
            return WebResponse(
                headers: headers,
                body: .stream { writer in
                    var stream = JSONStream(writer: copy writer)
                    stream.text.raw(Self.envelope)
                    try await write(&stream)
                    stream.text.bytes.append(contentsOf: end)
                    try await stream.finish()
                }
            )
        }
    }
}

extension JSONText {
    /// What follows the data of an answer.
    fileprivate mutating func endEnvelope(_ warnings: [String], _ infos: [String]) {
        if !warnings.isEmpty {
            field("warnings")
            strings(warnings)
        }
        if !infos.isEmpty {
            field("infos")
            strings(infos)
        }
        raw("}")
    }
}

/// JSON in parts, each of them short, of which all together may be long.
struct JSONParts: Sendable {
    private(set) var all: [@Sendable (inout JSONText) -> Void]

    /// What begins with a text.
    init(_ begin: StaticString) { all = [{ $0.raw(begin) }] }

    mutating func raw(_ text: StaticString) { add { $0.raw(text) } }

    mutating func add(_ part: @escaping @Sendable (inout JSONText) -> Void) { all.append(part) }
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
    mutating func array<Piece: Sendable>(
        _ pieces: [Piece],
        _ write: @escaping @Sendable (Piece, inout JSONText) -> Void
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
