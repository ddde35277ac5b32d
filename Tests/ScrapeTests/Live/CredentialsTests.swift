import MetricModel
import NIOCore
import NIOHTTP1
import Scrape
import Synchronization
import Testing

@Suite("Credentials and headers of scrapes", .timeLimit(.minutes(5)))
struct CredentialsTests {
    private static let body = LiveServer.Answer(body: Array("a 1\n".utf8))

    @Test("files with names, passwords, tokens and headers are read before each scrape")
    func files() async throws {
        let folder = TemporaryFolder()
        let (name, secret) = (folder / "name", folder / "secret")
        let cases: [(header: String, first: String, second: String, change: (inout ScrapeConfig) -> Void)] = [
            (
                "Authorization", "Basic dTpvbmU=", "Basic dTp0d28=",
                {
                    var auth = HTTPClientConfig.BasicAuth()
                    auth.usernameFile = name
                    auth.passwordFile = secret
                    $0.client.basicAuth = auth
                }
            ),
            (
                "Authorization", "Token one", "Token two",
                {
                    var auth = HTTPClientConfig.Authorization()
                    auth.type = "Token"
                    auth.credentialsFile = secret
                    $0.client.authorization = auth
                }
            ),
            (
                "X-More", "one", "two",
                {
                    var header = HTTPClientConfig.Header()
                    header.files = [secret]
                    $0.client.headers = ["x-more": header]
                }
            ),
        ]
        for (header, first, second, change) in cases {
            let server = try await LiveServer { _ in Self.body }
            folder.write("u\n", to: name)
            folder.write(" one\n", to: secret)
            let scrape = await LiveScrape(server.port, change)
            await scrape.manager.scrapeNow()
            folder.write("two", to: secret)
            await scrape.manager.scrapeNow()
            #expect(server.requests.map { $0.headers[header] } == [[first], [second]])
            await scrape.manager.stop()
            try await server.close()
        }
        func error(of file: String) async -> String? {
            await LiveScrape.error(1) {
                var auth = HTTPClientConfig.Authorization()
                auth.credentialsFile = file
                $0.client.authorization = auth
            }
        }
        let problem = "Get \"http://127.0.0.1:1/metrics\": unable to read authorization credentials: "
        let missing = await error(of: folder / "none")
        #expect(missing == problem + "open \(folder / "none"): no such file or directory")
        folder.write(String(repeating: "\n", count: (64 << 10) + 1), to: secret)
        let large = await error(of: secret)
        #expect(large == problem + "read \(secret): larger than 64 KiB")
    }

    @Test(
        "OAuth 2: a token is asked for once, again when it ends, and with the credentials where the server wants them"
    )
    func oauth() async throws {
        let target = try await LiveServer { _ in Self.body }
        let count = Mutex(0)
        let issuer = try await LiveServer { head in
            // This server wants the credentials in the form.
            if head.headers.contains(name: "Authorization") {
                return .init(status: .unauthorized, headers: [], body: Array("{\"error\": \"invalid_client\"}".utf8))
            }
            let number = count.withLock { count in
                count += 1
                return count
            }
            let json = "{\"access_token\": \"t\(number)\", \"token_type\": \"bearer\", \"expires_in\": 70}"
            return .init(headers: [("Content-Type", "application/json")], body: Array(json.utf8))
        }
        let clock = ManualClock(now: 1_700_000_000_000)
        let scrape = await LiveScrape(target.port, clock: clock) {
            var oauth = HTTPClientConfig.OAuth2()
            oauth.clientID = "me"
            oauth.clientSecret = Secret("s&")
            oauth.scopes = ["a", "b"]
            oauth.endpointParams = ["audience": "x"]
            oauth.tokenURL = "http://127.0.0.1:\(issuer.port)/token"
            $0.client.oauth2 = oauth
        }
        for _ in 0..<2 { await scrape.manager.scrapeNow() }
        clock.advance(milliseconds: 61_000)
        await scrape.manager.scrapeNow()
        #expect(scrape.error == "")
        #expect(target.requests.map { $0.headers["Authorization"] } == [["Bearer t1"], ["Bearer t1"], ["Bearer t2"]])
        let form = "audience=x&client_id=me&client_secret=s%26&grant_type=client_credentials&scope=a+b"
        #expect(issuer.bodies == ["audience=x&grant_type=client_credentials&scope=a+b", form, form])
        #expect(issuer.requests.first?.headers["Authorization"] == ["Basic bWU6cyUyNg=="])
        await scrape.manager.stop()
        try await target.close()
        try await issuer.close()
    }

    @Test func `OAuth 2: a token that never ends is kept, however late it is`() async throws {
        let target = try await LiveServer { _ in Self.body }
        let json = #"{"access_token": "t", "expires_in": 9223372036854775807}"#
        let issuer = try await LiveServer { _ in
            .init(headers: [("Content-Type", "application/json")], body: Array(json.utf8))
        }
        let scrape = await LiveScrape(target.port, clock: ManualClock(now: 8_000_000_000_000)) {
            var oauth = HTTPClientConfig.OAuth2()
            oauth.clientID = "me"
            oauth.clientSecret = Secret("s")
            oauth.tokenURL = "http://127.0.0.1:\(issuer.port)/token"
            $0.client.oauth2 = oauth
        }
        for _ in 0..<2 { await scrape.manager.scrapeNow() }
        #expect(scrape.error == "")
        #expect(target.requests.count == 2 && issuer.requests.count == 1)
        await scrape.manager.stop()
        try await target.close()
        try await issuer.close()
    }

    @Test("OAuth 2: the secret goes along with a redirect to the same server only", arguments: [true, false])
    func movedIssuer(isNear: Bool) async throws {
        let target = try await LiveServer { _ in Self.body }
        let json = [("Content-Type", "application/json")]
        let token = LiveServer.Answer(headers: json, body: Array(#"{"access_token": "t"}"#.utf8))
        let other = try await LiveServer { _ in token }
        let issuer = try await LiveServer { head in
            let away = isNear ? "/new" : "http://127.0.0.1:\(other.port)/new"
            return head.uri == "/new"
                ? token : .init(status: .temporaryRedirect, headers: [("Location", away)], body: [])
        }
        let error = await LiveScrape.error(target.port) {
            var oauth = HTTPClientConfig.OAuth2()
            oauth.clientID = "me"
            oauth.clientSecret = Secret("s")
            oauth.endpointParams = ["password": "p"]
            oauth.tokenURL = "http://127.0.0.1:\(issuer.port)/token"
            $0.client.oauth2 = oauth
        }
        let form = "grant_type=client_credentials&password=p"
        if isNear {
            #expect(error == "" && issuer.bodies == [form, form])
        } else {
            #expect(error?.hasSuffix("leads to another server, which must not get what is sent") == true)
            #expect(issuer.bodies == [form])
        }
        #expect(other.requests.isEmpty)
        for server in [target, other, issuer] { try await server.close() }
    }

    @Test("OAuth 2: why there is no token")
    func refusals() async throws {
        let json = "application/json; charset=utf-8"
        let cases: [(HTTPResponseStatus, String, String, String)] = [
            (
                .unauthorized, json, #"{"error": "invalid_client", "error_description": "who?"}"#,
                #"oauth2: "invalid_client" "who?""#
            ), (.unauthorized, json, "[]", "oauth2: cannot fetch token: 401 Unauthorized\nResponse: []"),
            (
                .badRequest, json, #"{"access_token": "t"}"#,
                "oauth2: cannot fetch token: 400 Bad Request\nResponse: not shown, as it holds a token"
            ),
            (
                .ok, json, #"{"access_token": "t", "expires_in": "secret"}"#,
                "oauth2: cannot parse json: json: invalid number literal, trying to unmarshal expires_in into Number"
            ),
            (
                .ok, json, #"{"access_token": "t", "expires_in": -9223372036854775808}"#,
                "dial tcp 127.0.0.1:1: connect: connection refused"
            ),
            (.ok, json, #"{"error": "e", "access_token": "t"}"#, #"oauth2: "e""#),
            (.ok, json, "{}", "oauth2: server response missing access_token"),
            (.ok, json, "", "oauth2: cannot parse json: unexpected end of JSON input"),
            (
                .ok, json, #"{"access_token": 7}"#,
                "oauth2: cannot parse json: json: cannot unmarshal number into Go struct field .access_token of type string"
            ),
            (
                .ok, json, "{'access_token': 't'}",
                "oauth2: cannot parse json: invalid character '\\'' looking for beginning of object key string"
            ),
            (
                .ok, json, #"{"access_token": "t"},"#,
                "oauth2: cannot parse json: invalid character ',' after top-level value"
            ),
            (.ok, "text/plain", "access_token=&error=e+e&error_uri=u", #"oauth2: "e e" "u""#),
        ]
        for (status, type, body, words) in cases {
            let issuer = try await LiveServer { _ in
                .init(status: status, headers: [("Content-Type", type)], body: Array(body.utf8))
            }
            let error = await LiveScrape.error(1) {
                var oauth = HTTPClientConfig.OAuth2()
                oauth.clientID = "me"
                oauth.tokenURL = "http://127.0.0.1:\(issuer.port)/token"
                $0.client.oauth2 = oauth
            }
            #expect(error == "Get \"http://127.0.0.1:1/metrics\": \(words)")
            try await issuer.close()
        }
    }

    @Test("redirects take credentials along only to the same host, and tell where they come from")
    func redirects() async throws {
        let other = try await LiveServer { _ in Self.body }
        let server = try await LiveServer { head in
            switch head.uri {
            case "/away?token=t": .init(status: .found, headers: [("Location", "http://localhost:\(other.port)/x")])
            case "/near?token=t": .init(status: .permanentRedirect, headers: [("Location", "here?a=1")])
            default: Self.body
            }
        }
        for path in ["/away", "/near"] {
            let error = await LiveScrape.error(server.port) {
                $0.metricsPath = path
                var auth = HTTPClientConfig.Authorization()
                auth.credentials = Secret("s")
                $0.client.authorization = auth
                var header = HTTPClientConfig.Header()
                header.values = ["v"]
                var key = HTTPClientConfig.Header()
                key.secrets = [Secret("k")]
                $0.client.headers = ["X-More": header, "Cookie": header, "X-Api-Key": key]
                $0.params = ["token": ["t"]]
            }
            #expect(error == "")
        }
        let url = "http://127.0.0.1:\(server.port)"
        let away = try #require(other.requests.first)
        #expect(away.headers["Authorization"] == [] && away.headers["Cookie"] == [] && away.headers["X-More"] == ["v"])
        #expect(away.headers["X-Api-Key"] == [] && away.headers["Referer"] == [url + "/away"])
        let near = try #require(server.requests.last)
        #expect(near.uri == "/here?a=1" && near.headers["Authorization"] == ["Bearer s"])
        #expect(near.headers["Cookie"] == ["v"] && near.headers["Referer"] == [url + "/near?token=t"])
        #expect(near.headers["X-Api-Key"] == ["k"])
        try await other.close()
        try await server.close()
    }
}
