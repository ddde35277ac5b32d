/// The parts of a URL that requests are made of.
package struct URLParts: Sendable, Hashable {
    /// `http` or `https`.
    package var scheme: String
    /// Host and port as they stand in the URL, without a user.
    package var authority: String
    /// Path and query, beginning with a slash.
    package var target: String

    /// Takes a URL apart; `nil` where it has no scheme or no host.
    package init?(_ url: String) {
        guard let colon = url.firstRange(of: "://") else { return nil }
        scheme = url[..<colon.lowerBound].lowercased()
        let rest = url[colon.upperBound...]
        var authority = rest.prefix { !"/?#".contains($0) }
        let target = rest[authority.endIndex...].prefix { $0 != "#" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        if scheme.isEmpty || authority.isEmpty { return nil }
        self.authority = String(authority)
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    /// Whether it is fetched over TLS.
    var isSecure: Bool { scheme == "https" }

    /// The host alone, without brackets.
    package var host: String { HostPort.split(authority[...])?.host ?? HostPort.withoutBrackets(authority[...]) }

    /// The port in the URL; empty without one.
    var port: String { HostPort.split(authority[...])?.port ?? "" }

    /// Host and port to connect to.
    var address: String { port.isEmpty ? authority + (isSecure ? ":443" : ":80") : authority }

    package var text: String { "\(scheme)://\(authority)\(target)" }

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
        guard let parts = resolved(reference) else { throw .malformed("http: no Host in request URL") }
        return parts
    }

    private func resolved(_ reference: Substring) -> URLParts? {
        if reference.contains("://"), !reference.hasPrefix("/"), !reference.hasPrefix("?") {
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
    static func isSameOrBelow(_ host: String, _ parent: String) -> Bool {
        let (host, parent) = (host.lowercased(), parent.lowercased())
        if host == parent { return true }
        return HostPort.address(host[...]) == nil && host.hasSuffix("." + parent)
    }
}
