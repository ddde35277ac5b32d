import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import Synchronization

/// An OAuth 2 token by client credentials, asked for when needed and kept while it is valid.
final class OAuthToken: Sendable {
    private struct Token {
        var header = ""
        var validUntil: Int64 = 0
    }

    private let config: HTTPClientConfig.OAuth2
    private let clients: HTTPClients
    private let clock: any StackClock
    private let parse: YAMLParser
    /// The token at hand.
    private let token = Mutex(Token())

    init(
        _ config: HTTPClientConfig.OAuth2,
        clock: any StackClock,
        environment: [String: String],
        parse: @escaping YAMLParser
    ) throws(TransportError) {
        self.config = config
        self.clock = clock
        self.parse = parse
        clients = try HTTPClients(
            tls: config.tls,
            proxy: config.proxy,
            followRedirects: true,
            enableHTTP2: true,
            environment: environment
        )
    }

    func close() async { await clients.close() }

    /// The value of the Authorization header.
    func header() async throws(TransportError) -> String {
        let now = clock.wallNanoseconds
        let current = token.withLock { $0 }
        if !current.header.isEmpty, now < current.validUntil { return current.header }
        let fresh = try await ask(now)
        token.withLock { $0 = fresh }
        return fresh.header
    }

    private func ask(_ now: Int64) async throws(TransportError) -> Token {
        var secret = config.clientSecret.value
        if !config.clientSecretFile.isEmpty {
            do throws(FileError) {
                secret = try FileSystem.text(config.clientSecretFile)
            } catch {
                throw TransportError("unable to read oauth2 client secret: \(error.description)")
            }
        }
        var form = config.endpointParams
        form["grant_type"] = "client_credentials"
        if !config.scopes.isEmpty { form["scope"] = config.scopes.joined(separator: " ") }
        let body = form.sorted { $0.key < $1.key }
            .map { URLText.query($0.key) + "=" + URLText.query($0.value) }
            .joined(separator: "&")
        let credentials = URLText.query(config.clientID) + ":" + URLText.query(secret)
        let response = try await HTTPFetch.run(
            clients,
            .POST,
            TargetRequest(url: config.tokenURL, bodyLimit: 1 << 20),
            headers: [
                ("Authorization", "Basic " + Base64.encode(Array(credentials.utf8))),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
            body: body
        )
        guard (200..<300).contains(response.status) else {
            throw TransportError("oauth2: cannot fetch token: \(response.status) \(response.reason)")
        }
        let text = Array(response.body.readableBytesView)
        guard let answer = try? parse(text, config.tokenURL), let value = answer["access_token"]?.text else {
            throw TransportError("oauth2: server response missing access_token")
        }
        var kind = answer["token_type"]?.text ?? "Bearer"
        if kind.lowercased() == "bearer" { kind = "Bearer" }
        // As Go's library, a token is renewed ten seconds before it ends.
        let seconds = answer["expires_in"]?.text.flatMap { Int64($0) } ?? 0
        let validUntil = seconds == 0 ? Int64.max : now + max(0, seconds - 10) * 1_000_000_000
        return Token(header: "\(kind) \(value)", validUntil: validUntil)
    }
}
