public import HTTPTypes
import Exposition
import MetricModel

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
    /// The body, at most as long as the route allows; not decompressed.
    public var body: [UInt8]
    /// Who asks: address and port of the client; empty where there is no connection.
    public var remoteAddress = ""
    /// The part that this request has of the memory for what is sent; `nil` without a connection.
    var share: BodyBudget.Share?

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

    /// A request as it came, without its body.
    init(method: Method, target: WebTarget, headers: WebHeaders, from remoteAddress: String) {
        self.method = method
        self.headers = headers
        self.remoteAddress = remoteAddress
        body = []
        rawPath = target.rawPath
        querySuffix = target.querySuffix
        rawQuery = querySuffix.isEmpty ? "" : String(querySuffix.dropFirst())
        routePath = target.path ?? ""
    }

    /// Whether there is room for so many bytes that its body unpacks to; it is taken then, until the answer is made.
    package func hasRoom(unpacked count: Int) -> Bool {
        count <= body.count || share?.grow(to: body.count + count) ?? true
    }

    /// Says whether there is room for what becomes of the body when it is read.
    /// - Parameter count: how many bytes it unpacked to.
    func room(besides count: Int) -> @Sendable (_ bytes: Int) -> Bool {
        { bytes in hasRoom(unpacked: count + bytes) }
    }

    /// The path with its escapes decoded; as sent where they are malformed.
    public var path: String {
        guard rawPath.utf8.contains(UInt8(ascii: "%")) else { return rawPath }
        return PercentCoding.decodedPath(rawPath) ?? rawPath
    }

    /// The path that routes are looked up by: decoded, without the prefix that all routes of a server have.
    public internal(set) var routePath = ""

    /// What stands in ``routePath`` between these two; a route's pattern has seen to it that something does.
    func captured(after start: String, before end: String = "") -> String {
        String(decoding: routePath.utf8.dropFirst(start.utf8.count).dropLast(end.utf8.count), as: UTF8.self)
    }
}

/// The header fields of a request; looked up without regard to case.
public struct WebHeaders: Sendable {
    /// The fields, in the order in which they came.
    public let fields: HTTPFields
    /// The authority, which the library keeps apart; `nil` where none was sent.
    private let host: String?

    /// Takes over the fields of a request, with what its field `Host` says.
    init(fields: HTTPFields, host: String?) {
        self.fields = fields
        self.host = host
    }

    /// Headers from pairs; those whose names cannot be names are left out.
    public init(_ pairs: [(name: String, value: String)] = []) {
        var fields = HTTPFields()
        var host: String?
        for pair in pairs {
            guard let name = HTTPField.Name(pair.name) else { continue }
            if name.canonicalName == "host" {
                host = host ?? pair.value
            } else {
                fields.append(HTTPField(name: name, value: pair.value))
            }
        }
        self.init(fields: fields, host: host)
    }

    /// The first value of a header; `nil` where it was not sent.
    public subscript(name: StaticString) -> String? {
        if let host, "host".equalsIgnoringCase(name) { return host }
        for field in fields where field.name.canonicalName.equalsIgnoringCase(name) { return field.value }
        return nil
    }

    /// All values of a header, in order.
    public func values(_ name: StaticString) -> [String] {
        if let host, "host".equalsIgnoringCase(name) { return [host] }
        return fields.compactMap { $0.name.canonicalName.equalsIgnoringCase(name) ? $0.value : nil }
    }

    /// All headers, in order; the host is the first.
    public var all: [(name: String, value: String)] {
        (host.map { [("Host", $0)] } ?? []) + fields.map { ($0.name.rawName, $0.value) }
    }

    /// Those that may be remembered, in order; the host is the first.
    var kept: [(name: String, value: String)] {
        var kept: [(name: String, value: String)] = []
        kept.reserveCapacity(fields.count + 1)
        if let value = host.flatMap({ RecordedTraffic.kept($0, of: "host") }) { kept.append(("Host", value)) }
        for field in fields {
            guard let value = RecordedTraffic.kept(field.value, of: field.name.canonicalName) else { continue }
            kept.append((field.name.rawName, value))
        }
        return kept
    }

    /// The length of all names and values together, as Go's instrumentation counts them.
    var approximateSize: Int {
        fields.reduce(host?.utf8.count ?? 0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count }
    }

    @inline(__always)
    static func lowercase(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
}
