import ConfigTree
import HTTPCalling
import MetricModel

/// A text that is never shown.
public struct Secret: Sendable, Hashable, CustomStringConvertible {
    /// The text itself.
    public var value: String

    /// A secret.
    public init(_ value: String = "") { self.value = value }

    /// What is shown instead of it.
    public var description: String { value.isEmpty ? "" : "<secret>" }
}

/// How targets are talked to, beyond plain HTTP.
public struct HTTPClientConfig: Sendable, Hashable {
    /// A user's name and password.
    public struct BasicAuth: Sendable, Hashable {
        /// The name.
        public var username = ""
        /// A file that holds the name.
        public var usernameFile = ""
        /// The password.
        public var password = Secret()
        /// A file that holds the password.
        public var passwordFile = ""
        /// No credentials.
        public init() {}
    }

    /// The Authorization header.
    public struct Authorization: Sendable, Hashable {
        /// The scheme.
        public var type = "Bearer"
        /// What comes after it.
        public var credentials = Secret()
        /// A file that holds it.
        public var credentialsFile = ""
        /// No credentials.
        public init() {}
    }

    /// OAuth 2 by client credentials.
    public struct OAuth2: Sendable, Hashable {
        /// The client.
        public var clientID = ""
        /// Its secret.
        public var clientSecret = Secret()
        /// A file that holds it.
        public var clientSecretFile = ""
        /// What to ask for.
        public var scopes: [String] = []
        /// Where to ask.
        public var tokenURL = ""
        /// Further parameters of the request.
        public var endpointParams: [String: String] = [:]
        /// TLS towards the token's server.
        public var tls = TLS()
        /// The proxy towards the token's server.
        public var proxy = Proxy()
        /// Nothing.
        public init() {}
    }

    /// TLS towards a server.
    public struct TLS: Sendable, Hashable {
        /// Certificate authorities, as PEM text.
        public var ca = ""
        /// The client's certificate, as PEM text.
        public var cert = ""
        /// The client's key, as PEM text.
        public var key = Secret()
        /// A file with certificate authorities.
        public var caFile = ""
        /// A file with the client's certificate.
        public var certFile = ""
        /// A file with the client's key.
        public var keyFile = ""
        /// The name that the server's certificate has to bear; empty for the host's.
        public var serverName = ""
        /// Whether the server's certificate is not checked.
        public var insecureSkipVerify = false
        /// The oldest version to speak: `TLS10` … `TLS13`; empty for the default.
        public var minVersion = ""
        /// The newest version to speak.
        public var maxVersion = ""
        /// The default.
        public init() {}
    }

    /// A proxy on the way.
    public struct Proxy: Sendable, Hashable {
        /// Its address; empty for none.
        public var url = ""
        /// Hosts that are talked to directly, separated by commas.
        public var noProxy = ""
        /// Whether the environment's variables name the proxy.
        public var fromEnvironment = false
        /// Headers for it.
        public var connectHeader: [String: [Secret]] = [:]
        /// No proxy.
        public init() {}
    }

    /// The values of one additional header.
    public struct Header: Sendable, Hashable {
        /// Values.
        public var values: [String] = []
        /// Values that are not shown.
        public var secrets: [Secret] = []
        /// Files that hold values.
        public var files: [String] = []
        /// No value.
        public init() {}
    }

    /// A user's name and password.
    public var basicAuth: BasicAuth?
    /// The Authorization header.
    public var authorization: Authorization?
    /// OAuth 2.
    public var oauth2: OAuth2?
    /// TLS.
    public var tls = TLS()
    /// Whether redirects are followed.
    public var followRedirects = true
    /// Whether HTTP/2 is spoken over TLS.
    public var enableHTTP2 = true
    /// The proxy.
    public var proxy = Proxy()
    /// Additional headers.
    public var headers: [String: Header] = [:]

    /// The default.
    public init() {}

    static let reservedHeaders: Set<String> = [
        "authorization", "host", "content-encoding", "content-length", "content-type", "user-agent", "connection",
        "keep-alive", "proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding",
        "x-prometheus-remote-write-version", "x-prometheus-remote-read-version",
        "x-prometheus-scrape-timeout-seconds", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256",
    ]
}

// MARK: Reading

extension HTTPClientConfig {
    /// Reads the fields that are part of a larger section, and checks that they go together.
    init(reading section: ConfigSection, context: ConfigContext) {
        self.init()
        if let part = section.section("basic_auth", type: "config.plain") {
            basicAuth = BasicAuth(reading: part, context: context)
        }
        var kind: String?
        if let part = section.section("authorization", type: "config.Authorization") {
            (authorization, kind) = Authorization.read(part, context: context)
        }
        if let part = section.section("oauth2", type: "config.plain") {
            oauth2 = OAuth2(reading: part, context: context)
        }
        let token = section.secret("bearer_token").value
        let tokenFile = context.path(section.string("bearer_token_file") ?? "")
        if let part = section.section("tls_config", type: "config.plain") {
            tls = TLS(reading: part, context: context)
        }
        followRedirects = section.bool("follow_redirects") ?? true
        enableHTTP2 = section.bool("enable_http2") ?? true
        proxy = Proxy(reading: section)
        headers = HTTPClientConfig.headers(section, context: context)
        checkCredentials(section, token: token, tokenFile: tokenFile, kind: kind)
        if authorization == nil, !token.isEmpty || !tokenFile.isEmpty {
            var bearer = Authorization()
            bearer.credentials = Secret(token)
            bearer.credentialsFile = tokenFile
            authorization = bearer
        }
    }

    private func checkCredentials(_ section: ConfigSection, token: String, tokenFile: String, kind: String?) {
        let hasToken = !token.isEmpty || !tokenFile.isEmpty
        if !token.isEmpty, !tokenFile.isEmpty {
            section.fail("at most one of bearer_token & bearer_token_file must be configured", at: "bearer_token")
        } else if basicAuth != nil || oauth2 != nil, hasToken {
            section.fail(
                "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
                at: token.isEmpty ? "bearer_token_file" : "bearer_token"
            )
        }
        if let basicAuth {
            if !basicAuth.username.isEmpty, !basicAuth.usernameFile.isEmpty {
                section.fail(
                    "at most one of basic_auth username, username_file & username_ref must be configured",
                    at: "basic_auth"
                )
            }
            if !basicAuth.password.value.isEmpty, !basicAuth.passwordFile.isEmpty {
                section.fail(
                    "at most one of basic_auth password, password_file & password_ref must be configured",
                    at: "basic_auth"
                )
            }
        }
        if let authorization {
            if hasToken {
                section.fail(
                    "authorization is not compatible with bearer_token & bearer_token_file",
                    at: "authorization"
                )
            }
            if !authorization.credentials.value.isEmpty, !authorization.credentialsFile.isEmpty {
                section.fail(
                    "at most one of authorization credentials & credentials_file must be configured",
                    at: "authorization"
                )
            }
            if kind?.lowercased() == "basic" {
                section.fail(
                    "authorization type cannot be set to \"basic\", use \"basic_auth\" instead",
                    at: "authorization"
                )
            }
            if basicAuth != nil || oauth2 != nil {
                section.fail(
                    "at most one of basic_auth, oauth2 & authorization must be configured",
                    at: "authorization"
                )
            }
        }
        if let oauth2 {
            if basicAuth != nil {
                section.fail("at most one of basic_auth, oauth2 & authorization must be configured", at: "oauth2")
            }
            if oauth2.clientID.isEmpty { section.fail("oauth2 client_id must be configured", at: "oauth2") }
            if oauth2.tokenURL.isEmpty { section.fail("oauth2 token_url must be configured", at: "oauth2") }
        }
    }

    private static func headers(_ section: ConfigSection, context: ConfigContext) -> [String: Header] {
        var result: [String: Header] = [:]
        for (name, part) in section.namedSections(
            "http_headers",
            type: "config.Headers",
            sectionType: "config.Header"
        ) {
            var header = Header()
            header.values = part.strings("values") ?? []
            header.secrets = (part.strings("secrets", type: "[]config.Secret", itemType: Secret.plainType) ?? [])
                .map { Secret($0) }
            header.files = (part.strings("files") ?? []).map { context.path($0) }
            part.finish()
            if reservedHeaders.contains(name.lowercased()) {
                section.fail("setting header \(GoText.quoted(canonical(name))) is not allowed", at: "http_headers")
            }
            result[name] = header
        }
        return result
    }

    /// A header's name as Go writes it: `X-My-Header`; what is no name stays as it is.
    static func canonical(_ name: String) -> String {
        guard FieldName.isValid(name) else { return name }
        return name.split(separator: "-", omittingEmptySubsequences: false)
            .map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }
            .joined(separator: "-")
    }
}

extension Secret {
    /// Secrets read themselves.
    static let plainType = "config.plain"
}

extension ConfigSection {
    /// A text that is not shown; empty where absent or wrong.
    func secret(_ name: String) -> Secret { Secret(string(name, type: Secret.plainType) ?? "") }
}

extension HTTPClientConfig.BasicAuth {
    init(reading section: ConfigSection, context: ConfigContext) {
        self.init()
        username = section.string("username") ?? ""
        usernameFile = context.path(section.string("username_file") ?? "")
        password = section.secret("password")
        passwordFile = context.path(section.string("password_file") ?? "")
        for name in ["username_ref", "password_ref"] {
            section.refuse(name, because: "there is no secret manager; use the field itself or its _file form")
        }
        section.finish()
    }
}

extension HTTPClientConfig.Authorization {
    static func read(_ section: ConfigSection, context: ConfigContext) -> (Self, kind: String?) {
        var result = Self()
        let kind = section.string("type").map { String($0.drop { $0 == " " }) }
        var trimmed = kind?[...] ?? ""
        while trimmed.last == " " { trimmed.removeLast() }
        if !trimmed.isEmpty { result.type = String(trimmed) }
        result.credentials = section.secret("credentials")
        result.credentialsFile = context.path(section.string("credentials_file") ?? "")
        section.refuse("credentials_ref", because: "there is no secret manager; use credentials or credentials_file")
        section.finish()
        return (result, String(trimmed))
    }
}

extension HTTPClientConfig.OAuth2 {
    init(reading section: ConfigSection, context: ConfigContext) {
        self.init()
        clientID = section.string("client_id") ?? ""
        clientSecret = section.secret("client_secret")
        clientSecretFile = context.path(section.string("client_secret_file") ?? "")
        scopes = section.strings("scopes") ?? []
        tokenURL = section.string("token_url") ?? ""
        for (key, value) in section.stringMap("endpoint_params", type: "map[string]string") ?? [] {
            endpointParams[key] = value
        }
        if let part = section.section("tls_config", type: "config.plain") {
            tls = HTTPClientConfig.TLS(reading: part, context: context)
        }
        proxy = HTTPClientConfig.Proxy(reading: section)
        let grant = section.string("grant_type") ?? ""
        if !grant.isEmpty, grant != "client_credentials" {
            section.refuse("grant_type", because: "only client_credentials is")
        }
        for name in [
            "client_secret_ref", "client_certificate_key_id", "client_certificate_key", "client_certificate_key_file",
            "client_certificate_key_ref", "signature_algorithm", "iss", "audience", "claims",
        ] {
            section.refuse(name, because: "only client credentials with a secret or its file are")
        }
        if !clientSecret.value.isEmpty, !clientSecretFile.isEmpty {
            section.fail(
                "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using "
                    + "grant-type=client_credentials"
            )
        }
        section.finish()
    }
}

extension HTTPClientConfig.TLS {
    init(reading section: ConfigSection, context: ConfigContext) {
        self.init()
        ca = section.string("ca") ?? ""
        cert = section.string("cert") ?? ""
        key = section.secret("key")
        caFile = context.path(section.string("ca_file") ?? "")
        certFile = context.path(section.string("cert_file") ?? "")
        keyFile = context.path(section.string("key_file") ?? "")
        for name in ["ca_ref", "cert_ref", "key_ref"] {
            section.refuse(name, because: "there is no secret manager; use the field itself or its _file form")
        }
        serverName = section.string("server_name") ?? ""
        if HostPort.address(serverName[...]) != nil {
            section.refuse(
                "server_name",
                because: "it is an address; a name is wanted, and certificates for the target's own address need none"
            )
        }
        insecureSkipVerify = section.bool("insecure_skip_verify") ?? false
        minVersion = Self.version(section, "min_version")
        maxVersion = Self.version(section, "max_version")
        section.finish()
        if !ca.isEmpty, !caFile.isEmpty { section.fail("at most one of ca, ca_file & ca_ref must be configured") }
        if !cert.isEmpty, !certFile.isEmpty {
            section.fail("at most one of cert, cert_file & cert_ref must be configured")
        }
        if !key.value.isEmpty, !keyFile.isEmpty {
            section.fail("at most one of key and key_file must be configured")
        }
        let hasCert = !cert.isEmpty || !certFile.isEmpty
        let hasKey = !key.value.isEmpty || !keyFile.isEmpty
        if hasCert, !hasKey {
            section.fail("exactly one of key or key_file must be configured when a client certificate is configured")
        } else if hasKey, !hasCert {
            section.fail("exactly one of cert or cert_file must be configured when a client key is configured")
        }
    }

    private static func version(_ section: ConfigSection, _ name: String) -> String {
        guard let node = section.node(name), !node.isPassedOver, let version = section.string(name) else { return "" }
        if !["TLS10", "TLS11", "TLS12", "TLS13"].contains(version) {
            section.fail("unknown TLS version: \(version)", at: name)
        }
        return version
    }
}

extension HTTPClientConfig.Proxy {
    init(reading section: ConfigSection) {
        self.init()
        url = section.url("proxy_url") ?? ""
        noProxy = section.string("no_proxy") ?? ""
        fromEnvironment = section.bool("proxy_from_environment") ?? false
        let lists = section.stringLists(
            "proxy_connect_header",
            type: "config.ProxyHeader",
            listType: "[]config.Secret",
            itemType: Secret.plainType
        )
        for (name, values) in lists ?? [] { connectHeader[name] = values.map { Secret($0) } }
        if !connectHeader.isEmpty, !fromEnvironment, url.isEmpty {
            section.fail(
                "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
                at: "proxy_connect_header"
            )
        }
        if fromEnvironment, !url.isEmpty {
            section.fail(
                "if proxy_from_environment is configured, proxy_url must not be configured",
                at: "proxy_from_environment"
            )
        }
        if fromEnvironment, !noProxy.isEmpty {
            section.fail(
                "if proxy_from_environment is configured, no_proxy must not be configured",
                at: "proxy_from_environment"
            )
        }
        if url.isEmpty, !noProxy.isEmpty, !fromEnvironment {
            section.fail("if no_proxy is configured, proxy_url must also be configured", at: "no_proxy")
        }
    }
}
