import MetricModel

/// The parts of a URL that requests are made of, taken apart as Go's `net/url` does it.
package struct URLParts: Sendable, Hashable {
    /// The scheme in lower case; only `http` and `https` can be fetched.
    package var scheme: String
    /// Host and port as they stand in the URL, escaped and without a user.
    package var authority: String
    /// Path and query, beginning with a slash.
    package var target: String
    /// The user in front of the host, escaped; empty without one.
    package var user = ""

    /// Takes a URL apart; `nil` where that cannot be.
    package init?(_ url: String) {
        do throws(URLProblem) {
            try self.init(parsing: url)
        } catch {
            return nil
        }
    }

    /// Takes a URL apart.
    /// - Throws: ``URLProblem`` in Go's words.
    package init(parsing url: String) throws(URLProblem) {
        func malformed(_ reason: String) -> URLProblem {
            URLProblem("parse \(GoText.quoted(url)): \(reason)", reason: reason, isMalformed: true)
        }
        func unfetched(_ reason: String) -> URLProblem {
            URLProblem("Get \(GoText.quoted(url)): \(reason)", reason: reason, isMalformed: false)
        }
        if url.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            throw malformed("net/url: invalid control character in URL")
        }
        let text = url.prefix { $0 != "#" }
        if text.first == ":" { throw malformed("missing protocol scheme") }
        guard let name = Self.scheme(of: text) else {
            if text.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") {
                throw malformed("first path segment in URL cannot contain colon")
            }
            throw unfetched("unsupported protocol scheme \"\"")
        }
        scheme = name.lowercased()
        let rest = text[name.endIndex...].dropFirst()
        guard rest.hasPrefix("//") else {
            throw unfetched("http: no Host in request URL")
        }
        var authority = rest.dropFirst(2).prefix { !"/?".contains($0) }
        let target = rest[authority.endIndex...]
        if let at = authority.lastIndex(of: "@") {
            user = String(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        if let reason = Self.problem(of: authority) ?? Self.problem(ofUser: user) { throw malformed(reason) }
        if authority.last == ":" { authority.removeLast() }
        if authority.isEmpty, !rest.dropFirst(2).hasPrefix(":") {
            throw unfetched("http: no Host in request URL")
        }
        self.authority = String(authority)
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    /// What stands before the colon of a URL that is a whole one; `nil` for one that begins with something else.
    private static func scheme(of text: Substring) -> Substring? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let isScheme = text[..<colon].utf8.enumerated().allSatisfy { index, byte in
            let isLetter = byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
            let isOther = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "+-.".utf8.contains(byte)
            return isLetter || index > 0 && isOther
        }
        return isScheme ? text[..<colon] : nil
    }

    /// Why Go's `net/url` takes a text for no URL, in its words; `nil` where it takes it, even if nothing can be fetched there.
    package static func malformation(of text: String) -> String? {
        let path: Substring
        do throws(URLProblem) {
            let target = try URLParts(parsing: text).target
            path = target.prefix { $0 != "?" }
        } catch {
            if error.isMalformed { return error.reason }
            path = text.prefix { $0 != "?" && $0 != "#" }
        }
        return brokenEscape(in: path)
    }

    private static func brokenEscape(in text: Substring) -> String? {
        var rest = text
        while let percent = rest.firstIndex(of: "%") {
            let escape = rest[percent...].prefix(3)
            guard escape.utf8.count == 3, escape.dropFirst().allSatisfy(\.isHexDigit) else {
                return "invalid URL escape \(GoText.quoted(String(escape)))"
            }
            rest = rest[escape.endIndex...]
        }
        return nil
    }

    /// What is wrong with a user's name and password.
    private static func problem(ofUser user: String) -> String? {
        let isValid = user.unicodeScalars.allSatisfy { scalar in
            let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || "0"..."9" ~= scalar)
            return isWord || "-._:~!$&'()*+,;=%@".unicodeScalars.contains(scalar)
        }
        return isValid ? brokenEscape(in: user[...]) : "net/url: invalid userinfo"
    }

    /// What is wrong with a host and port.
    private static func problem(of authority: Substring) -> String? {
        if authority.first == "[" {
            guard let end = authority.lastIndex(of: "]") else { return "missing ']' in host" }
            let after = authority[authority.index(after: end)...]
            if !isPort(after) { return "invalid port \(GoText.quoted(String(after))) after host" }
            let literal = authority[authority.index(after: authority.startIndex)..<end]
            let zone = literal.firstRange(of: "%25")
            let address = zone.map { literal[..<$0.lowerBound] } ?? literal
            let text = String(address) + (zone.map { "%\(literal[$0.upperBound...])" } ?? "")
            if let problem = AddressLiteral.problem(of: text) {
                return "invalid host: ParseAddr(\(GoText.quoted(text))): \(problem)"
            }
            if HostPort.address(address).map({ $0.count == 4 && !address.contains(":") }) ?? false {
                return "invalid IP-literal"
            }
            return nil
        }
        if let colon = authority.lastIndex(of: ":"), !isPort(authority[colon...]) {
            return "invalid port \(GoText.quoted(String(authority[colon...]))) after host"
        }
        var rest = authority
        while let percent = rest.firstIndex(of: "%") {
            let escape = rest[percent...].prefix(3)
            guard escape.count == 3, let code = UInt8(escape.dropFirst(), radix: 16) else {
                return "invalid URL escape \(GoText.quoted(String(escape)))"
            }
            // Only what is not ASCII may be escaped in a host, and the percent sign itself.
            if code < 0x80, code != 0x25 { return "invalid URL escape \(GoText.quoted(String(escape)))" }
            rest = rest[escape.endIndex...]
        }
        let allowed = "-_.~!$&'()*+,;=:[]<>\"%"
        for scalar in authority.unicodeScalars where scalar.isASCII {
            let character = Character(scalar)
            if character.isLetter || character.isNumber || allowed.contains(character) { continue }
            return "invalid character \(GoText.quoted(String(character))) in host name"
        }
        return nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || text.first == ":" && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Whether it is fetched over TLS.
    package var isSecure: Bool { scheme == "https" }

    /// Host and port apart, as they stand.
    private var parts: (host: Substring, port: String) {
        guard let colon = authority.lastIndex(of: ":"), Self.isPort(authority[colon...]),
            authority.first != "[" || authority.lastIndex(of: "]").map({ $0 < colon }) ?? false
        else { return (authority[...], "") }
        return (authority[..<colon], String(authority[authority.index(after: colon)...]))
    }

    /// The host alone, without brackets and escapes.
    package var host: String {
        let host = HostPort.withoutBrackets(parts.host)
        return URLText.unescaped(host[...]) ?? host
    }

    /// The port in the URL; empty without one.
    package var port: String { parts.port }

    /// The host to connect to, in ASCII; empty where the URL names none. Zones say something about link-local addresses only.
    package var dialledHost: String {
        let bare = Self.withoutZone(host)
        guard let address = HostPort.address(bare) else { return Punycode.ascii(host) }
        let isLinkLocal = address.count == 16 && address[0] == 0xfe && address[1] & 0xc0 == 0x80
        return isLinkLocal && bare.endIndex != host.endIndex ? host : HostPort.text(address)
    }

    /// An address without its zone, which only those with colons have.
    private static func withoutZone(_ host: String) -> Substring {
        host.contains(":") ? host.prefix { $0 != "%" } : host[...]
    }

    /// Whether another URL leads to the same server in the same way: by scheme, host and port.
    package func hasSameOrigin(as other: URLParts) -> Bool {
        scheme == other.scheme && address.lowercased() == other.address.lowercased()
    }

    /// Host and port to connect to.
    package var address: String { Self.address(dialledHost, Int(port).map { "\($0)" } ?? port, isSecure) }

    private static func address(_ host: String, _ port: String, _ isSecure: Bool) -> String {
        (host.contains(":") ? "[\(host)]" : host) + ":" + (port.isEmpty ? (isSecure ? "443" : "80") : port)
    }

    /// Connects to one after the other of the addresses that the URL's host stands for, until somebody listens there. As in Go, none
    /// and `0.0.0.0` are this machine by IPv4, `::` is this machine by IPv6, then by IPv4. Names are looked up by whoever connects.
    /// - Throws: what went wrong first.
    package func dial<Answer>(
        _ attempt: (URLParts) async throws(TransportError) -> Answer
    ) async throws(TransportError) -> Answer {
        let (name, all) = (dialledHost, "0.0.0.0")
        if !name.isEmpty, name != "::" { return try await attempt(self) }
        var byFour = self
        byFour.authority = Self.address(all, port, isSecure)
        if name.isEmpty { return try await attempt(byFour) }
        do throws(TransportError) {
            return try await attempt(self)
        } catch let first {
            guard first.code == .refused else { throw first }
            do throws(TransportError) {
                return try await attempt(byFour)
            } catch {
                throw error.code == .refused ? first : error
            }
        }
    }

    /// The `Host` header: in ASCII, without the zone of an address.
    package var hostHeader: String {
        let name = Punycode.ascii(String(host.prefix { $0 != "%" || !host.contains(":") }))
        return (authority.first == "[" ? "[\(name)]" : name) + (port.isEmpty ? "" : ":" + port)
    }

    /// The user as basic authentication has it; `nil` without one.
    package var authorization: String? {
        if user.isEmpty { return nil }
        let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        func plain(_ part: Substring) -> String { URLText.unescaped(part) ?? String(part) }
        let credentials = plain(parts[0]) + ":" + (parts.count > 1 ? plain(parts[1]) : "")
        return "Basic " + Base64.encode(Array(credentials.utf8))
    }

    package var text: String { "\(scheme)://\(authority)\(target)" }

    /// The URL as Go's client tells it: without the user's password.
    package var shown: String {
        if user.isEmpty { return text }
        let name = user.prefix { $0 != ":" }
        return "\(scheme)://\(name)\(name.endIndex == user.endIndex ? "" : ":***")@\(authority)\(target)"
    }

    /// Whether its port, where it names one, is one that can be connected to; more digits than a number has are none.
    package var hasPossiblePort: Bool { port.isEmpty || Int(port).map { $0 <= 65_535 } ?? false }

    /// Why there can be no such host or port, so that nobody has to be asked; `nil` where there may be.
    package var addressProblem: TransportError? {
        if authority.isEmpty { return TransportError("http: no Host in request URL", code: .url) }
        if !hasPossiblePort {
            return TransportError("dial tcp: address \(Int(port).map { "\($0)" } ?? port): invalid port", code: .url)
        }
        let name = dialledHost
        if name.isEmpty || HostPort.address(Self.withoutZone(name)) != nil || HostPort.isName(name) { return nil }
        return TransportError("dial tcp: lookup \(name): no such host", code: .unknownHost)
    }

    /// Why a reference cannot be followed.
    package enum ReferenceProblem: Error, Hashable {
        /// It is no URL, for a reason.
        case malformed(String)
        /// It is one of another kind.
        case unsupportedScheme(String)
    }

    /// What a reference (the `Location` of a redirect) means here.
    package func resolve(_ whole: String) throws(ReferenceProblem) -> URLParts {
        let reference = whole.prefix { $0 != "#" }
        if whole.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            throw .malformed("net/url: invalid control character in URL")
        }
        if let colon = reference.firstIndex(of: ":"), !reference[..<colon].contains(where: { "/?".contains($0) }) {
            let scheme = reference[..<colon].lowercased()
            if scheme.isEmpty { throw .malformed("missing protocol scheme") }
            guard ["http", "https"].contains(scheme) else { throw .unsupportedScheme(scheme) }
        }
        if let start = reference.firstRange(of: "//"), reference[..<start.lowerBound].allSatisfy({ $0 != "/" }) {
            let authority = reference[start.upperBound...].prefix { !"/?".contains($0) }
            if authority.contains("["), !authority.contains("]") { throw .malformed("missing ']' in host") }
            if authority.contains(" ") { throw .malformed("invalid character \" \" in host name") }
        }
        guard let parts = resolved(reference) else {
            throw .malformed(Self.malformation(of: whole) ?? "http: no Host in request URL")
        }
        return parts
    }

    private func resolved(_ reference: Substring) -> URLParts? {
        if Self.scheme(of: reference) != nil {
            return URLParts(String(reference))
        }
        if reference.hasPrefix("//") { return URLParts("\(scheme):\(reference)") }
        var result = self
        let path = target.prefix { $0 != "?" }
        if reference.isEmpty {
            return result
        } else if reference.hasPrefix("?") {
            result.target = String(path) + reference
        } else if reference.hasPrefix("/") {
            result.target = Self.withoutDots(reference)
        } else {
            let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
            result.target = Self.withoutDots(folder + reference)
        }
        return result
    }

    /// A path with `.` and `..` carried out.
    private static func withoutDots(_ target: Substring) -> String {
        let path = target.prefix { $0 != "?" }
        var parts: [Substring] = []
        let all = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in all.enumerated() {
            let isLast = index == all.count - 1
            switch part {
            case ".": if isLast { parts.append("") }
            case "..":
                if !parts.isEmpty { parts.removeLast() }
                if isLast { parts.append("") }
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/") + target[path.endIndex...]
    }

    /// Whether a host is another one or lies below it.
    package static func isSameOrBelow(_ host: String, _ parent: String) -> Bool {
        let (host, parent) = (host.lowercased(), parent.lowercased())
        if host == parent { return true }
        return HostPort.address(host[...]) == nil && host.hasSuffix("." + parent)
    }
}

/// Why a text is no URL that can be fetched.
package struct URLProblem: Error, Hashable {
    /// In Go's words, with the URL.
    package let message: String
    /// The same without the URL.
    package let reason: String
    /// Whether Go's `net/url` refuses it, not only its client.
    package let isMalformed: Bool

    init(_ message: String, reason: String, isMalformed: Bool) {
        self.message = message
        self.reason = reason
        self.isMalformed = isMalformed
    }
}
