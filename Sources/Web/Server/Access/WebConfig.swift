public import ConfigTree
import MetricModel

/// Who may talk to a server and how: what a file for `--web.config.file` says, in the form of Prometheus's exporter toolkit.
public struct WebConfig: Sendable {
    /// Names with the hashes of their passwords; empty to let everybody in.
    public var users: [String: Bcrypt] = [:]
    /// Headers that every answer gets.
    public var headers: [(name: String, value: String)] = []
    /// The server's certificate and what it asks of clients; `nil` to serve without TLS.
    public var tls: WebTLS?

    /// Everybody, in the clear.
    public init() {}

    /// Reads a file's contents.
    /// - Parameters:
    ///   - node: what the file says.
    ///   - file: the file, for messages; the files that it names are relative to its folder.
    /// - Throws: ``ConfigError`` with everything that is wrong in it.
    public init(reading node: ConfigNode, file: String) throws(ConfigError) {
        let problems = ConfigProblems(file: file)
        let root = ConfigSection(node, type: "web.Config", path: "", problems: problems)
        if let section = root.section("tls_server_config", type: "web.TLSConfig") {
            let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
            tls = WebTLS(reading: section, folder: folder)
        }
        if let section = root.section("http_server_config", type: "web.HTTPConfig") {
            // Only HTTP/1.1 is spoken, which every client of HTTP/2 speaks as well.
            _ = section.bool("http2")
            for (name, value) in section.stringMap("headers", type: "map[string]string") ?? [] {
                if let problem = Self.problem(ofHeader: name, value) {
                    section.fail(problem, at: "headers")
                } else {
                    headers.append((name, value))
                }
            }
            section.finish()
        }
        for (name, hash) in root.stringMap("basic_auth_users", type: "map[string]config.Secret") ?? [] {
            if let hash = Bcrypt(hash) {
                users[name] = hash
            } else {
                root.fail(
                    "the password of \(GoText.quoted(name)) has to be a bcrypt hash such as $2y$10$…, with a cost of "
                        + "\(Bcrypt.costLimit) at most",
                    at: "basic_auth_users"
                )
            }
        }
        root.refuse("rate_limit", because: "requests are not limited by rate")
        root.finish()
        try problems.throwIfAny()
    }

    /// The headers that may be set, with the values that they may have where not all are.
    private static let settableHeaders: [String: [String]] = [
        "Strict-Transport-Security": [], "X-Content-Type-Options": ["nosniff"],
        "X-Frame-Options": ["deny", "sameorigin"], "X-XSS-Protection": [], "Content-Security-Policy": [],
    ]

    private static func problem(ofHeader name: String, _ value: String) -> String? {
        guard let allowed = settableHeaders[name] else {
            return "HTTP header \(GoText.quoted(name)) can not be configured"
        }
        if !allowed.isEmpty, !allowed.contains(value) {
            let list = allowed.map { GoText.quoted($0) }.joined(separator: " ")
            return "invalid value for \(name). Expected one of: [\(list)], but got: \(GoText.quoted(value))"
        }
        if value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) {
            return "the value of \(name) contains characters that a header cannot have"
        }
        return nil
    }
}
