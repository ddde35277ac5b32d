/// Takes requests out of the bytes of a connection: decides, does no input or output.
///
/// HTTP/1.0 and 1.1, bodies of known length and in chunks. Everything has a limit.
package struct RequestParser {
    /// What the bytes so far amount to.
    package enum Outcome {
        /// More bytes are needed.
        case needMore
        /// The head has come, the client waits for `100 Continue` before it sends the body; call again with what follows.
        case expectsContinue
        /// A whole request.
        case request(WebRequest, keepAlive: Bool)
        /// Not to be read to its end: the answer after which the connection is closed.
        case turnedAway(WebRequest, WebResponse)
        /// Not a request: the answer after which the connection is closed.
        case refused(status: Int, String)
    }

    /// The longest head, as in Go.
    package static let headLimit = 1 << 20

    private enum Framing {
        case length(Int)
        case chunked
    }

    private struct Pending {
        var request: WebRequest
        var keepAlive: Bool
        var framing: Framing
        var limit: Int
        var remainingInChunk = 0
        var state = ChunkState.size
    }

    private enum ChunkState {
        case size, data, dataEnd, trailer
    }

    private var pending: Pending?
    private var scanned = 0

    package init() {}

    /// Looks at the bytes, which start where the last call left off.
    /// - Parameters:
    ///   - consumed: is set to how many of them are done with.
    ///   - refusal: what to answer to a request with a body before it is read; `nil` to read it.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer,
        consumed: inout Int,
        refusal: (WebRequest) -> WebResponse? = { _ in nil },
        bodyLimit: (WebRequest.Method, String) -> Int
    ) -> Outcome {
        consumed = 0
        if pending != nil { return parseBody(bytes, consumed: &consumed) }
        let bytes8 = bytes.bindMemory(to: UInt8.self)
        var start = 0
        // A line's end or two before a request are forgiven, as RFC 9112 asks for.
        while start < bytes8.count, bytes8[start] == 0x0d || bytes8[start] == 0x0a { start += 1 }
        guard let end = headEnd(bytes8, from: max(start, scanned)) else {
            scanned = max(start, bytes8.count - 3)
            if bytes8.count > Self.headLimit { return .refused(status: 431, "") }
            return .needMore
        }
        scanned = 0
        consumed = end
        switch parseHead(UnsafeBufferPointer(rebasing: bytes8[start..<end])) {
        case .refused(let status, let text): return .refused(status: status, text)
        case .head(let request, let keepAlive, let framing, let expectsContinue):
            if case .length(0) = framing { return .request(request, keepAlive: keepAlive) }
            if let response = refusal(request) { return .turnedAway(request, response) }
            let limit = bodyLimit(request.method, request.rawPath)
            if case .length(let length) = framing, length > limit { return tooLarge }
            pending = Pending(request: request, keepAlive: keepAlive, framing: framing, limit: limit)
            if case .length(let length) = framing { pending?.request.body.reserveCapacity(length) }
            if expectsContinue { return .expectsContinue }
            var more = 0
            let outcome = parseBody(UnsafeRawBufferPointer(rebasing: bytes[end...]), consumed: &more)
            consumed += more
            return outcome
        }
    }

    private var tooLarge: Outcome { .refused(status: 413, "http: request body too large") }

    /// Just after the blank line; `nil` where it has not come yet.
    private func headEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] == 0x0a {
                if index + 1 < bytes.count, bytes[index + 1] == 0x0a { return index + 2 }
                if index + 2 < bytes.count, bytes[index + 1] == 0x0d, bytes[index + 2] == 0x0a { return index + 3 }
            }
            index += 1
        }
        return nil
    }

    private enum Head {
        case head(WebRequest, keepAlive: Bool, Framing, expectsContinue: Bool)
        case refused(Int, String)
    }

    private func parseHead(_ bytes: UnsafeBufferPointer<UInt8>) -> Head {
        var lineEnd = 0
        while bytes[lineEnd] != 0x0a { lineEnd += 1 }
        let next = lineEnd + 1
        if lineEnd > 0, bytes[lineEnd - 1] == 0x0d { lineEnd -= 1 }
        guard let firstBlank = bytes[..<lineEnd].firstIndex(of: 0x20),
            let secondBlank = bytes[(firstBlank + 1)..<lineEnd].firstIndex(of: 0x20),
            lineEnd - secondBlank == 9
        else { return .refused(400, "malformed HTTP request") }
        let version = UnsafeBufferPointer(rebasing: bytes[(secondBlank + 1)..<lineEnd])
        guard String(decoding: version.prefix(7), as: UTF8.self) == "HTTP/1.", version[7] == 0x30 || version[7] == 0x31
        else { return .refused(505, "unsupported protocol version") }
        let isOld = version[7] == 0x30
        guard var target = targetText(UnsafeBufferPointer(rebasing: bytes[(firstBlank + 1)..<secondBlank])) else {
            return .refused(400, "malformed request target")
        }
        if !target.utf8.starts(with: "/".utf8) { target = originForm(target) }
        let methodName = String(decoding: UnsafeBufferPointer(rebasing: bytes[..<firstBlank]), as: UTF8.self)
        let method = WebRequest.Method(rawValue: methodName) ?? .other

        var length: Int?
        var isChunked = false
        var keepAlive = !isOld
        var hosts = 0
        var expectsContinue = false
        let blankLine = bytes[bytes.count - 2] == 0x0d ? 2 : 1
        let lines = UnsafeBufferPointer(rebasing: bytes[next..<(bytes.count - blankLine)])
        var position = 0
        while let line = WebHeaders.line(in: lines, from: position) {
            position = line.next
            guard isToken(lines, line.name) else { return .refused(400, "malformed MIME header") }
            switch line.name.count {
            case 4 where Self.named("host", lines, line.name): hosts += 1
            case 14 where Self.named("content-length", lines, line.name):
                guard let value = decimal(lines, line.value), length == nil || length == value else {
                    return .refused(400, "bad Content-Length")
                }
                length = value
            case 17 where Self.named("transfer-encoding", lines, line.name):
                guard Self.named("chunked", lines, line.value) else {
                    return .refused(501, "Unsupported transfer encoding")
                }
                isChunked = true
            case 10 where Self.named("connection", lines, line.name):
                if Self.named("close", lines, line.value) { keepAlive = false }
                if Self.named("keep-alive", lines, line.value) { keepAlive = true }
            case 6 where Self.named("expect", lines, line.name):
                expectsContinue = Self.named("100-continue", lines, line.value)
            default: break
            }
        }
        if hosts != 1, !isOld { return .refused(400, "missing required Host header") }
        let request = WebRequest(method: method, target: target, headers: WebHeaders(bytes: Array(lines)))
        let framing = isChunked ? Framing.chunked : .length(length ?? 0)
        return .head(request, keepAlive: keepAlive, framing, expectsContinue: expectsContinue && !isOld)
    }

    private func targetText(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The path of a target that a proxy would get: `http://host/path`.
    private func originForm(_ target: String) -> String {
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.dropFirst(scheme.count)
            guard let slash = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) else { return "/" }
            return rest[slash] == "/" ? String(rest[slash...]) : "/" + rest[slash...]
        }
        return target
    }

    private static func named(_ name: StaticString, _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        WebHeaders.equalIgnoringCase(
            bytes,
            range,
            UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        )
    }

    private func isToken(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return false }
        for index in range where bytes[index] <= 0x20 || bytes[index] >= 0x7f { return false }
        // A line without a colon has its name up to the end.
        return range.upperBound < bytes.count && bytes[range.upperBound] == UInt8(ascii: ":")
    }

    private func decimal(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
        guard !range.isEmpty, range.count < 18 else { return nil }
        var value = 0
        for index in range {
            guard bytes[index] >= 0x30, bytes[index] <= 0x39 else { return nil }
            value = value * 10 + Int(bytes[index] - 0x30)
        }
        return value
    }

    private mutating func parseBody(_ bytes: UnsafeRawBufferPointer, consumed: inout Int) -> Outcome {
        guard var current = pending else { return .needMore }
        pending = nil
        switch current.framing {
        case .length(let length):
            let wanted = min(length - current.request.body.count, bytes.count)
            current.request.body.append(contentsOf: bytes[..<wanted])
            consumed = wanted
            if current.request.body.count == length {
                return .request(current.request, keepAlive: current.keepAlive)
            }
            pending = current
            return .needMore
        case .chunked:
            switch Self.parseChunks(bytes.bindMemory(to: UInt8.self), &current, consumed: &consumed) {
            case .done: return .request(current.request, keepAlive: current.keepAlive)
            case .malformed: return .refused(status: 400, "malformed chunked encoding")
            case .tooLarge: return tooLarge
            case .needMore:
                pending = current
                return .needMore
            }
        }
    }

    private enum ChunkOutcome {
        case done, needMore, malformed, tooLarge
    }

    private static func parseChunks(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ current: inout Pending,
        consumed: inout Int
    ) -> ChunkOutcome {
        while consumed < bytes.count {
            if case .data = current.state {
                let count = min(current.remainingInChunk, bytes.count - consumed)
                current.request.body.append(contentsOf: bytes[consumed..<(consumed + count)])
                consumed += count
                current.remainingInChunk -= count
                if current.remainingInChunk == 0 { current.state = .dataEnd }
                continue
            }
            guard let end = bytes[consumed...].firstIndex(of: 0x0a) else {
                return bytes.count - consumed > 4096 ? .malformed : .needMore
            }
            var line = bytes[consumed..<end]
            if line.last == 0x0d { line = line.dropLast() }
            consumed = end + 1
            switch current.state {
            case .data: return .malformed
            case .dataEnd:
                guard line.isEmpty else { return .malformed }
                current.state = .size
            case .trailer:
                if line.isEmpty { return .done }
            case .size:
                let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 }
                guard !digits.isEmpty, digits.count < 16,
                    let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
                    size >= 0
                else { return .malformed }
                if current.request.body.count + size > current.limit { return .tooLarge }
                current.remainingInChunk = size
                current.state = size == 0 ? .trailer : .data
            }
        }
        return .needMore
    }
}
