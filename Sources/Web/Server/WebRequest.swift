/// A request, complete with its body.
public struct WebRequest: Sendable {
    /// The methods that some route of the house knows; any other is `other`.
    public enum Method: String, Sendable, Hashable {
        /// `GET`
        case get = "GET"
        /// `HEAD`
        case head = "HEAD"
        /// `POST`
        case post = "POST"
        /// `PUT`
        case put = "PUT"
        /// `DELETE`
        case delete = "DELETE"
        /// `OPTIONS`
        case options = "OPTIONS"
        /// Any other.
        case other = ""
    }

    /// The method.
    public var method: Method
    /// The path as it was sent, with its percent escapes.
    public var rawPath: String
    /// What stands after the question mark, as it was sent; empty where there is none.
    public var rawQuery: String
    /// The query with its question mark, which may stand alone; empty where there is none.
    public let querySuffix: String
    /// The headers.
    public var headers: WebHeaders
    /// The body, at most as long as the responder allows; not decompressed.
    public var body: [UInt8]
    /// Who asks: address and port of the client; empty where there is no connection.
    public var remoteAddress = ""

    /// A request. `target` is the path with the query.
    public init(
        method: Method,
        target: String,
        headers: WebHeaders = WebHeaders(),
        body: [UInt8] = []
    ) {
        self.method = method
        self.headers = headers
        self.body = body
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            rawPath = String(target[..<mark])
            rawQuery = String(target[target.index(after: mark)...])
            querySuffix = String(target[mark...])
        } else {
            rawPath = target
            rawQuery = ""
            querySuffix = ""
        }
    }

    /// The path with its escapes decoded; as sent where they are malformed.
    public var path: String {
        guard rawPath.utf8.contains(UInt8(ascii: "%")) else { return rawPath }
        return PercentCoding.decodedPath(rawPath) ?? rawPath
    }
}

/// The header lines of a request, kept as the bytes that came; looked up without regard to case.
public struct WebHeaders: Sendable {
    /// Lines `Name: value` that each end in CRLF.
    let bytes: [UInt8]

    /// Takes over header lines.
    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Headers from pairs.
    public init(_ fields: [(name: String, value: String)] = []) {
        var bytes: [UInt8] = []
        for field in fields { bytes.append(contentsOf: "\(field.name): \(field.value)\r\n".utf8) }
        self.bytes = bytes
    }

    /// The first value of a header; `nil` where it was not sent.
    public subscript(name: StaticString) -> String? {
        var found: Range<Int>?
        name.withUTF8Buffer { wanted in
            bytes.withUnsafeBufferPointer { lines in
                found = WebHeaders.find(wanted, in: lines, from: 0)?.value
            }
        }
        return found.map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    /// All values of a header, in order.
    public func values(_ name: StaticString) -> [String] {
        var result: [String] = []
        name.withUTF8Buffer { wanted in
            bytes.withUnsafeBufferPointer { lines in
                var position = 0
                while let (value, next) = WebHeaders.find(wanted, in: lines, from: position) {
                    result.append(String(decoding: UnsafeBufferPointer(rebasing: lines[value]), as: UTF8.self))
                    position = next
                }
            }
        }
        return result
    }

    /// All headers, in order.
    public var all: [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        bytes.withUnsafeBufferPointer { lines in
            var position = 0
            while let line = WebHeaders.line(in: lines, from: position) {
                result.append(
                    (
                        String(decoding: UnsafeBufferPointer(rebasing: lines[line.name]), as: UTF8.self),
                        String(decoding: UnsafeBufferPointer(rebasing: lines[line.value]), as: UTF8.self)
                    )
                )
                position = line.next
            }
        }
        return result
    }

    private static func find(
        _ wanted: UnsafeBufferPointer<UInt8>,
        in lines: UnsafeBufferPointer<UInt8>,
        from start: Int
    ) -> (value: Range<Int>, next: Int)? {
        var position = start
        while let line = line(in: lines, from: position) {
            if equalIgnoringCase(lines, line.name, wanted) { return (line.value, line.next) }
            position = line.next
        }
        return nil
    }

    /// The line at `start`: where its name and its value (without blanks around) stand, and where the next one begins.
    static func line(
        in lines: UnsafeBufferPointer<UInt8>,
        from start: Int
    ) -> (name: Range<Int>, value: Range<Int>, next: Int)? {
        guard start < lines.count else { return nil }
        var end = start
        while end < lines.count, lines[end] != 0x0a { end += 1 }
        let next = min(end + 1, lines.count)
        if end > start, lines[end - 1] == 0x0d { end -= 1 }
        var colon = start
        while colon < end, lines[colon] != UInt8(ascii: ":") { colon += 1 }
        var first = min(colon + 1, end)
        while first < end, lines[first] == 0x20 || lines[first] == 0x09 { first += 1 }
        var last = end
        while last > first, lines[last - 1] == 0x20 || lines[last - 1] == 0x09 { last -= 1 }
        return (start..<colon, first..<last, next)
    }

    static func equalIgnoringCase(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        _ wanted: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard range.count == wanted.count else { return false }
        for offset in 0..<wanted.count where lowercase(bytes[range.lowerBound + offset]) != lowercase(wanted[offset]) {
            return false
        }
        return true
    }

    @inline(__always)
    static func lowercase(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
}

extension WebHeaders {
    /// The length of all names and values together, as Go's instrumentation counts them.
    var approximateSize: Int {
        var size = 0
        bytes.withUnsafeBufferPointer { lines in
            var position = 0
            while let line = WebHeaders.line(in: lines, from: position) {
                size += line.name.count + line.value.count
                position = line.next
            }
        }
        return max(0, size - "Host".utf8.count)
    }
}
