import MetricModel

/// `Authorization: Basic …`, read as Go's `Request.BasicAuth`.
enum BasicCredentials {
    static func read(_ header: String) -> (name: String, password: String)? {
        let scheme = "basic "
        guard header.utf8.count > scheme.utf8.count, header.prefix(scheme.count).lowercased() == scheme,
            let bytes = Base64.decode(String(header.dropFirst(scheme.count))),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        return (
            String(decoding: bytes[..<colon], as: UTF8.self), String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        )
    }
}
