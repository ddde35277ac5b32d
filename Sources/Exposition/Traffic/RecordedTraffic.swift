/// What may be remembered and shown of requests and answers that went over the wire. The one place that decides it.
///
/// Whoever sends credentials sends them to this program and not to everybody who can look at it. So headers are kept by a list of
/// those that are known to hold none, and URLs without what makes a user known.
public enum RecordedTraffic {
    /// What stands where something is not shown.
    public static let mask = "***"

    /// The names of the headers that are kept, in lower case. None of them can hold credentials.
    static let keptHeaders: Set<String> = [
        "accept", "accept-encoding", "accept-language", "age", "allow", "cache-control", "connection",
        "content-encoding",
        "content-language", "content-length", "content-location", "content-type", "date", "etag", "expect", "expires",
        "host",
        "last-modified", "location", "retry-after", "server", "te", "trailer", "transfer-encoding", "user-agent",
        "vary",
        "x-content-type-options", "x-prometheus-scrape-timeout-seconds", "x-pushgateway-ttl",
    ]

    /// Headers whose values are URLs or parts of them.
    private static let addressHeaders: Set<String> = ["content-location", "host", "location"]

    /// The headers that may be kept, in their order.
    public static func headers(_ all: [(name: String, value: String)]) -> [(name: String, value: String)] {
        all.compactMap { header in
            kept(header.value, of: header.name.lowercased()).map { (header.name, $0) }
        }
    }

    /// What may be kept of a header's value; `nil` where nothing may.
    /// - Parameter name: in lower case.
    package static func kept(_ value: String, of name: String) -> String? {
        guard keptHeaders.contains(name) else { return nil }
        return addressHeaders.contains(name) ? url(value) : value
    }

    /// An absolute or relative URL, without its user and without the values of parameters that are named like secrets.
    public static func url(_ text: String) -> String {
        guard text.utf8.contains(where: { "@?#&;".utf8.contains($0) }) else { return text }
        var rest = text[...]
        var result = ""
        if let start = rest.firstRange(of: "//"), !rest[..<start.lowerBound].contains(where: { "/?#".contains($0) }) {
            result += rest[..<start.upperBound]
            rest = rest[start.upperBound...]
        }
        let authority = rest.prefix { !"/?#".contains($0) }
        if let at = authority.lastIndex(of: "@") {
            result += mask
            rest = rest[at...]
        }
        while !rest.isEmpty {
            let part = rest.prefix { !"?#&;".contains($0) }
            result += result.isEmpty || !"?#&;".contains(result.last ?? "/") ? String(part) : parameter(part)
            rest = rest[part.endIndex...]
            if let separator = rest.popFirst() { result.append(separator) }
        }
        return result
    }

    private static func parameter(_ text: Substring) -> String {
        guard let equals = text.firstIndex(of: "="), isSecret(String(text[..<equals])) else { return String(text) }
        return text[...equals] + mask
    }

    /// Whether a parameter's name says that its value is to be kept secret.
    static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        let parts = ["token", "secret", "passw", "pwd", "auth", "credential", "apikey", "signature", "session", "jwt"]
        if parts.contains(where: name.contains) { return true }
        let words = name.split { !$0.isLetter }
        return words.contains { ["key", "sig", "pass", "sid"].contains($0) }
    }
}
