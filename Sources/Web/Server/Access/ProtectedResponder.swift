import Synchronization

/// Lets only those in whom a ``WebConfig`` admits, and adds the headers that it asks for.
struct ProtectedResponder<Inner: WebResponder>: WebResponder {
    let inner: Inner
    /// Who knows the passwords; `nil` where nobody is asked.
    let guardian: PasswordGuardian?
    let headers: [(name: String, value: String)]

    init(_ inner: Inner, _ config: WebConfig) {
        self.inner = inner
        guardian = config.users.isEmpty ? nil : PasswordGuardian(users: config.users)
        headers = config.headers
    }

    func bodyLimit(for method: WebRequest.Method, rawPath: String) -> Int {
        inner.bodyLimit(for: method, rawPath: rawPath)
    }

    func refusal(before request: WebRequest) -> WebResponse? {
        if guardian != nil, BasicCredentials.read(request.headers["Authorization"] ?? "") == nil {
            return finished(.unauthorized)
        }
        return inner.refusal(before: request)
    }

    func respondAtOnce(to request: WebRequest) -> WebResponse? {
        if let guardian {
            guard let credentials = request.headers["Authorization"] else { return finished(.unauthorized) }
            guard guardian.isKnown(credentials) else { return nil }
        }
        guard let response = inner.respondAtOnce(to: request) else { return nil }
        return finished(response)
    }

    func isBrief(_ request: WebRequest) -> Bool { guardian == nil && inner.isBrief(request) }

    func threads(for request: WebRequest) -> (any TaskExecutor)? { inner.threads(for: request) }

    func respond(to request: WebRequest) async -> WebResponse {
        if let guardian {
            let credentials = request.headers["Authorization"] ?? ""
            if !guardian.isKnown(credentials), await !guardian.admits(credentials) { return finished(.unauthorized) }
            if let response = inner.respondAtOnce(to: request) { return finished(response) }
        }
        return finished(await inner.respond(to: request))
    }

    private func finished(_ response: WebResponse) -> WebResponse {
        guard !headers.isEmpty else { return response }
        var response = response
        for header in headers where response.header(header.name) == nil { response.headers.append(header) }
        return response
    }
}

extension WebResponse {
    /// What those get who have not said who they are.
    fileprivate static var unauthorized: WebResponse {
        var response = error("Unauthorized", status: 401)
        response.headers.append(("WWW-Authenticate", "Basic"))
        return response
    }
}

/// Verifies names and passwords. Hashing takes long on purpose, so it happens for one request at a time, and who was admitted
/// once is remembered.
actor PasswordGuardian {
    /// So many different credentials are remembered.
    private static let memory = 100

    private let users: [String: Bcrypt]
    /// The values of `Authorization` that were admitted.
    private nonisolated let known = Mutex<Set<String>>([])

    init(users: [String: Bcrypt]) { self.users = users }

    /// Whether these credentials were admitted before.
    nonisolated func isKnown(_ credentials: String) -> Bool { known.withLock { $0.contains(credentials) } }

    /// Whether these credentials (the value of `Authorization`) are right.
    func admits(_ credentials: String) -> Bool {
        if isKnown(credentials) { return true }
        guard let (name, password) = BasicCredentials.read(credentials) else { return false }
        // For an unknown name a password is hashed all the same, so that the time tells nothing.
        guard let hash = users[name] ?? users.values.first else { return false }
        guard hash.verify(password), users[name] != nil else { return false }
        known.withLock { known in
            if known.count >= Self.memory { known.removeAll() }
            known.insert(credentials)
        }
        return true
    }
}

/// `Authorization: Basic …`, read as Go's `Request.BasicAuth`.
enum BasicCredentials {
    static func read(_ header: String) -> (name: String, password: String)? {
        let scheme = "basic "
        guard header.utf8.count > scheme.utf8.count, header.prefix(scheme.count).lowercased() == scheme,
            let bytes = decode(header.utf8.dropFirst(scheme.utf8.count)),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        return (
            String(decoding: bytes[..<colon], as: UTF8.self), String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        )
    }

    /// Base64 with its padding; `nil` for anything else.
    private static func decode(_ text: Substring.UTF8View) -> [UInt8]? {
        let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard text.count % 4 == 0, padding <= 2 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text.dropLast(padding) {
            let value: UInt8
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
