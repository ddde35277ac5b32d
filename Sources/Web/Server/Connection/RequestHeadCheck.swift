import MetricModel
import NIOHTTP1

/// What RFC 9112 asks of a request's head beyond its grammar, which the parser sees to: decides, does no input or output.
struct RequestHeadCheck {
    /// Not to be answered by anybody: what the client is told before the connection is closed.
    struct Refusal: Equatable {
        var status: Int
        var message: String
    }

    /// Why the request is refused; `nil` where it is not.
    var refusal: Refusal?
    /// Whether the connection ends with the answer.
    var closes = false
    /// How long the body is, where that is said; the parser has refused what is no length.
    var bodyLength: Int?
    /// Whether the client waits for `100 Continue` before it sends the body.
    var expectsContinue = false
    /// Whether the client speaks HTTP/1.0 and wants to go on.
    var isOldKeepAlive = false
    /// Whether the client speaks HTTP/1.0, which knows no chunks.
    let isOld: Bool

    /// Looks at a head, and brings its target into the form `/path?query`, its authority into the field `Host`.
    init(_ head: inout HTTPRequestHead) {
        isOld = head.version.major == 1 && head.version.minor == 0
        guard head.version.major == 1 else {
            refuse(505, "unsupported protocol version")
            return
        }
        checkFields(head.headers)
        if refusal == nil { checkTarget(&head) }
    }

    private mutating func refuse(_ status: Int, _ message: String) {
        if refusal == nil { refusal = Refusal(status: status, message: message) }
    }

    private mutating func checkFields(_ headers: HTTPHeaders) {
        var hosts = 0
        var transferCodings = 0
        var keepsAlive = !isOld
        var isClosed = false
        for (name, value) in headers {
            // Only these five mean something here; their lengths tell nearly all others apart.
            switch name.utf8.count {
            case 4 where name.equalsIgnoringCase("host"):
                hosts += 1
                if !Self.isHost(value.trimmed) { refuse(400, "malformed Host header") }
            case 6 where name.equalsIgnoringCase("expect"):
                if value.trimmed.equalsIgnoringCase("100-continue") {
                    expectsContinue = !isOld
                } else if !isOld {
                    refuse(417, "")
                }
            case 7 where name.equalsIgnoringCase("upgrade"):
                // No other protocol is spoken. The parser stops at what could be its beginning.
                isClosed = true
            case 10 where name.equalsIgnoringCase("connection"):
                for option in value.split(separator: ",") {
                    let option = String(option).trimmed
                    if option.equalsIgnoringCase("close") { isClosed = true }
                    if option.equalsIgnoringCase("keep-alive") { keepsAlive = true }
                }
            case 14 where name.equalsIgnoringCase("content-length"):
                // The parser takes lengths that no body here can have.
                bodyLength = Int(value.trimmed)
                if bodyLength == nil { refuse(400, "bad Content-Length") }
            case 17 where name.equalsIgnoringCase("transfer-encoding"):
                transferCodings += 1
                if !value.trimmed.equalsIgnoringCase("chunked") { refuse(501, "Unsupported transfer encoding") }
            default: break
            }
        }
        if transferCodings > 0 {
            // RFC 9112, 6.1: what frames a request twice may be read in two ways.
            if bodyLength != nil { refuse(400, "both Content-Length and Transfer-Encoding") }
            if transferCodings > 1 { refuse(400, "too many transfer encodings") }
            if isOld { refuse(400, "Transfer-Encoding in HTTP/1.0") }
        }
        if hosts > 1 { refuse(400, "too many Host headers") }
        if hosts == 0, !isOld { refuse(400, "missing required Host header") }
        closes = isClosed || !keepsAlive
        isOldKeepAlive = isOld && !closes
    }

    private mutating func checkTarget(_ head: inout HTTPRequestHead) {
        let target = head.uri
        switch target.utf8.first {
        case UInt8(ascii: "/"): break
        case UInt8(ascii: "*") where target == "*" && head.method == .OPTIONS: break
        default:
            guard let (host, origin) = Self.originForm(target) else { return refuse(400, "malformed request target") }
            guard Self.isHost(host) else { return refuse(400, "malformed Host header") }
            head.uri = origin
            // RFC 9112, 3.2.2: the authority of the target is the one that counts.
            head.headers.replaceOrAdd(name: "Host", value: host)
        }
        var isInPath = true
        var hasEscape = false
        for byte in head.uri.utf8 {
            if byte <= 0x20 || byte == 0x7f { return refuse(400, "malformed request target") }
            if byte == UInt8(ascii: "?") { isInPath = false }
            if byte == UInt8(ascii: "%"), isInPath { hasEscape = true }
        }
        // In a query it is a matter of the parameter that has it.
        if hasEscape, PercentCoding.decodedPathBytes(String(head.uri.prefix { $0 != "?" })) == nil {
            refuse(400, "malformed escape in the request target")
        }
    }

    /// Authority and path of a target as a proxy would get it: `http://host/path`.
    private static func originForm(_ target: String) -> (host: String, origin: String)? {
        for scheme in ["http://", "https://"] where target.prefix(scheme.count).lowercased() == scheme {
            let rest = target.dropFirst(scheme.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            let path = rest[end...]
            return (String(rest[..<end]), path.hasPrefix("/") ? String(path) : "/" + path)
        }
        return nil
    }

    /// Whether it is a host, and a port if anything (RFC 3986, 3.2): a name, or an address of IPv6 in brackets.
    static func isHost(_ text: String) -> Bool {
        enum Part { case start, name, address, zone, end, port }
        var part = Part.start
        var colons = 0
        for byte in text.utf8 {
            switch (part, byte) {
            case (.start, UInt8(ascii: "[")): part = .address
            case (.start, UInt8(ascii: ":")), (.name, UInt8(ascii: ":")), (.end, UInt8(ascii: ":")): part = .port
            case (.start, _), (.name, _):
                if !isNamed(byte) { return false }
                part = .name
            case (.address, UInt8(ascii: "]")), (.zone, UInt8(ascii: "]")):
                if colons < 2 { return false }
                part = .end
            case (.address, UInt8(ascii: ":")): colons += 1
            case (.address, UInt8(ascii: "%")): part = .zone
            case (.address, _): if !isHexadecimal(byte), byte != UInt8(ascii: ".") { return false }
            case (.zone, _): if !isNamed(byte) { return false }
            case (.port, _): if !isDigit(byte) { return false }
            case (.end, _): return false
            }
        }
        switch part {
        case .start, .name, .end, .port: return true
        case .address, .zone: return false
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private static func isHexadecimal(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") < 6 }

    /// Whether it may stand in the name of a host.
    private static func isNamed(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") < 26 || "-._~!$&'()*+,;=%".utf8.contains(byte)
    }
}

extension StringProtocol {
    /// Whether the texts are the same but for the case of ASCII letters.
    func equalsIgnoringCase(_ other: StaticString) -> Bool {
        guard utf8.count == other.utf8CodeUnitCount else { return false }
        var wanted = other.utf8Start
        for byte in utf8 {
            if WebHeaders.lowercase(byte) != WebHeaders.lowercase(wanted.pointee) { return false }
            wanted += 1
        }
        return true
    }
}
