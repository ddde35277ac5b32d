import ConfigTree
import MetricModel
import NIOCore
import NIOHTTP1
import Synchronization

/// An OAuth 2 token by client credentials, asked for when needed and kept while it is valid.
final class OAuthToken: Sendable {
    private struct Token {
        var header = ""
        var validUntil: Int64 = 0
        /// The secret that it was asked for with.
        var secret = ""
    }

    /// Where the client's name and secret are put; servers differ.
    private enum Style { case header, form }

    private struct State {
        var token = Token()
        var style: Style?
    }

    private let config: HTTPClientConfig.OAuth2
    private let clients: HTTPClients
    private let clock: any StackClock
    /// The token at hand, and what the server has accepted.
    private let state = Mutex(State())

    init(
        _ config: HTTPClientConfig.OAuth2,
        clock: any StackClock,
        environment: [String: String],
        loops: @escaping @Sendable () -> any EventLoopGroup
    ) throws(TransportError) {
        self.config = config
        self.clock = clock
        clients = try HTTPClients(
            tls: config.tls,
            proxy: config.proxy,
            enableHTTP2: true,
            environment: environment,
            loops: loops
        )
    }

    func close() async { await clients.close() }

    /// The value of the Authorization header.
    func header(until deadline: NIODeadline) async throws(TransportError) -> String {
        var secret = config.clientSecret.value
        if !config.clientSecretFile.isEmpty {
            do throws(FileError) {
                secret = try FileSystem.text(config.clientSecretFile)
            } catch {
                throw TransportError("unable to read oauth2 client secret: \(error.description)", code: .setup)
            }
        }
        let now = clock.wallNanoseconds
        let (current, style) = state.withLock { ($0.token, $0.style) }
        if !current.header.isEmpty, now < current.validUntil, secret == current.secret { return current.header }
        var answer = try await ask(secret, style ?? .header, until: deadline)
        var accepted = style ?? .header
        if style == nil, !Self.isGood(answer) {
            accepted = .form
            answer = try await ask(secret, .form, until: deadline)
        }
        let fresh = try token(answer, secret, now)
        state.withLock { $0 = State(token: fresh, style: accepted) }
        return fresh.header
    }

    private static func isGood(_ answer: TargetResponse) -> Bool { (200..<300).contains(answer.status) }

    private func ask(
        _ secret: String,
        _ style: Style,
        until deadline: NIODeadline
    ) async throws(TransportError) -> TargetResponse {
        var form = config.endpointParams
        form["grant_type"] = "client_credentials"
        if !config.scopes.isEmpty { form["scope"] = config.scopes.joined(separator: " ") }
        var headers = [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
        switch style {
        case .header:
            let credentials = URLText.query(config.clientID) + ":" + URLText.query(secret)
            headers.append(("Authorization", "Basic " + Base64.encode(Array(credentials.utf8))))
        case .form:
            form["client_id"] = config.clientID
            if !secret.isEmpty { form["client_secret"] = secret }
        }
        let body = form.sorted { $0.key < $1.key }
            .map { URLText.query($0.key) + "=" + URLText.query($0.value) }
            .joined(separator: "&")
        var fetch = HTTPFetch(clients: clients, method: .POST, followsRedirects: true, body: ByteBuffer(string: body))
        fetch.hasSecretBody = true
        return try await fetch.run(
            TargetRequest(url: config.tokenURL, bodyLimit: 1 << 20),
            at: try RequestWay.parts(of: config.tokenURL),
            until: deadline,
            headers: headers
        )
    }

    /// A refusal as it may be told, in the log and on pages: without a token that stands in it all the same.
    private static func shown(_ answer: [UInt8]) -> String {
        let text = String(decoding: answer.prefix(1024), as: UTF8.self)
        return text.contains("_token") ? "not shown, as it holds a token" : text
    }

    private func token(_ response: TargetResponse, _ secret: String, _ now: Int64) throws(TransportError) -> Token {
        let text = Array(response.body.readableBytesView)
        let refusal = TransportError(
            "oauth2: cannot fetch token: \(response.statusText)\nResponse: \(Self.shown(text))"
        )
        let answer: OAuthAnswer
        do throws(ConfigError) {
            answer = try OAuthAnswer(text, contentType: response.header("Content-Type"))
        } catch {
            throw Self.isGood(response)
                ? TransportError("oauth2: cannot parse json: \(error.reason)", code: .setup) : refusal
        }
        if !answer.problem.isEmpty {
            let all = [answer.problem, answer.problemDescription, answer.problemURI].filter { !$0.isEmpty }
            throw TransportError("oauth2: " + all.map(GoText.quoted).joined(separator: " "))
        }
        if !Self.isGood(response) { throw refusal }
        if answer.token.isEmpty { throw TransportError("oauth2: server response missing access_token", code: .setup) }
        var kind = answer.kind.isEmpty ? "Bearer" : answer.kind
        for known in ["Bearer", "MAC", "Basic"] where kind.lowercased() == known.lowercased() { kind = known }
        // As Go's library, a token is renewed ten seconds before it ends.
        let seconds = max(10, min(answer.seconds, 1 << 32)) - 10
        let validUntil = answer.seconds == 0 ? Int64.max : now.plus(seconds * 1_000_000_000)
        return Token(header: "\(kind) \(answer.token)", validUntil: validUntil, secret: secret)
    }
}
