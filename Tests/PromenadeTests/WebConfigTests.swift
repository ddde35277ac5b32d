import AsyncHTTPClient
import Foundation
import MetricModel
import NIOCore
import NIOHTTP1
import NIOSSL
import Promenade
import PromenadeTesting
import Testing
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `--web.config.file`: passwords, headers and TLS on live sockets.
@Suite(.timeLimit(.minutes(5))) struct WebConfigTests {
    private static let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl", "/opt/homebrew/bin/openssl"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "web-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    private func get(
        _ url: String,
        authorization: String? = nil,
        client: HTTPClient = .shared
    ) async throws -> (status: Int, headers: [String: String], body: String) {
        var request = HTTPClientRequest(url: url)
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        let response = try await client.execute(request, timeout: .seconds(120))
        let body = try await response.body.collect(upTo: 1 << 20)
        let headers = response.headers.map { ($0.name.lowercased(), $0.value) }
        return (
            Int(response.status.code), Dictionary(headers, uniquingKeysWith: { first, _ in first }),
            String(buffer: body)
        )
    }

    private func client(_ tls: TLSConfiguration) -> HTTPClient {
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// A connection that says nothing.
    private func connect(port: Int) -> Int32 {
        #if canImport(Darwin)
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                #if canImport(Darwin)
                    Darwin.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
                #else
                    Glibc.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
                #endif
            }
        }
        return status == 0 ? descriptor : -1
    }

    @Test func `who is silent too long makes room for others`() async throws {
        try await withStack(flags: ["--web.max-connections=1", "--web.read-timeout=100ms"]) { stack in
            let silent = connect(port: stack.addresses.prometheus.port)
            defer { close(silent) }
            #expect(silent >= 0)
            let answer = try await get(stack.url + "/-/healthy")
            #expect(answer.status == 200)
            // The answer came after the other connection had been closed.
            var byte: UInt8 = 0
            #expect(recv(silent, &byte, 1, Int32(MSG_DONTWAIT)) == 0)
        }
    }

    @Test func `passwords are asked for by each server that has a file`() async throws {
        try await withFolder { folder in
            try """
            basic_auth_users:
              alice: $2b$04$dR.LQ7jVJ4FOxQqty46J9uRpU9foyfJFmPZL0IYli1j8DC.VR3ZOi
            http_server_config:
              headers:
                X-Frame-Options: deny
            """.write(toFile: folder + "/web.yml", atomically: true, encoding: .utf8)
            let flags = ["--web.config.file=\(folder)/web.yml", "--pushgateway.config.file", folder + "/web.yml"]
            try await withStack(flags: flags) { stack in
                let alice = "Basic YWxpY2U6cHJvbWV0aGV1cw=="
                let cases: [(String?, Int)] = [
                    (nil, 401), (alice, 200), (alice, 200), ("Basic YWxpY2U6d3Jvbmc=", 401),
                    ("Basic Ym9iOnByb21ldGhldXM=", 401), ("Basic ???", 401), ("Bearer x", 401),
                    ("bAsIc YWxpY2U6cHJvbWV0aGV1cw==", 200), ("", 401),
                ]
                for url in [
                    stack.url + "/-/healthy", stack.url + "/api/v1/query?query=1", stack.pushgatewayURL + "/-/ready",
                    stack.pushgatewayURL + "/metrics",
                ] {
                    for (authorization, status) in cases {
                        let answer = try await get(url, authorization: authorization)
                        #expect(answer.status == status, "\(url) with \(authorization ?? "nothing")")
                        #expect(answer.headers["x-frame-options"] == "deny")
                        if status == 401 {
                            #expect(answer.headers["www-authenticate"] == "Basic")
                            #expect(answer.body == "Unauthorized\n")
                        }
                    }
                }
                let open = try await get(stack.demoURL + "/metrics")
                #expect(open.status == 200 && open.headers["x-frame-options"] == nil)
            }
        }
    }

    @Test func `who sends wrong passwords holds up nobody else`() async throws {
        try await withFolder { folder in
            try """
            basic_auth_users:
              alice: $2b$04$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC
              bob: $2b$10$abcdefghijklmnopqrstuu8xaCxxL82bnl.UY74PMksDxIJShppPC
            """.write(toFile: folder + "/web.yml", atomically: true, encoding: .utf8)
            try await withStack(flags: ["--web.config.file=\(folder)/web.yml"]) { stack in
                // Each takes a tenth of a second, so that the right one comes before they are over, on a busy machine too.
                let wrong = ["Ym9iOmE=", "Ym9iOmI=", "Ym9iOmM=", "Ym9iOmQ="]
                let url = stack.url + "/-/healthy"
                // In the order in which they are answered; the right one's user is asked about last.
                let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                    for credentials in wrong + ["YWxpY2U6cmlnaHQ="] {
                        group.addTask { try await get(url, authorization: "Basic \(credentials)").status }
                    }
                    return try await group.reduce(into: [Int]()) { $0.append($1) }
                }
                #expect(answers.sorted() == [200, 401, 401, 401, 401])
                #expect(answers.last == 401, "\(answers)")
            }
        }
    }

    @Test(
        arguments: [
            (
                "basic_auth_user: {}\n",
                ":1:1: basic_auth_user: field basic_auth_user not found in type web.Config (did you"
            ),
            (
                "basic_auth_users:\n  a: secret\n",
                #":1:1: basic_auth_users: the password of "a" has to be a bcrypt hash"#
            ),
            (
                "http_server_config:\n  headers: {X-Mine: a}\n",
                #":2:3: http_server_config.headers: HTTP header "X-Mine""#
            ),
            ("tls_server_config:\n  cert_file: a\n", ":2:3: tls_server_config: missing one of key or key_file"),
            ("tls_server_config:\n  min_version: SSL3\n", "tls_server_config.min_version: unknown TLS version: SSL3"),
            ("tls_server_config:\n  max_version: ''\n", "tls_server_config.max_version: unknown TLS version: "),
            (
                "tls_server_config:\n  cipher_suites: [a]\n",
                "tls_server_config.cipher_suites: field cipher_suites is not"
            ),
            ("tls_server_config:\n  cert_file: none.pem\n  key_file: none.key\n", "cannot load"),
        ]
    )
    func `mistakes are told before anything listens`(text: String, part: String) async throws {
        try await withFolder { folder in
            try text.write(toFile: folder + "/web.yml", atomically: true, encoding: .utf8)
            do {
                try await withStack(flags: ["--web.config.file=\(folder)/web.yml"]) { _ in }
                Issue.record("accepted: \(text)")
            } catch {
                #expect("\(error)".contains(part), "\(error)")
            }
        }
    }

    @Test(.enabled(if: openssl != nil))
    func `TLS, with certificates of clients where they are asked for`() async throws {
        try await withFolder { folder in
            for name in ["server", "client"] {
                let process = Process()
                process.executableURL = URL(filePath: try #require(Self.openssl))
                process.arguments = [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem",
                ]
                process.standardError = FileHandle.nullDevice
                try process.run()
                process.waitUntilExit()
                #expect(process.terminationStatus == 0)
            }
            try """
            tls_server_config:
              cert_file: server.pem
              key_file: server.key
              client_auth_type: RequireAndVerifyClientCert
              client_ca_file: client.pem
              min_version: TLS13
            """.write(toFile: folder + "/web.yml", atomically: true, encoding: .utf8)
            try await withStack(flags: ["--web.config.file=\(folder)/web.yml"]) { stack in
                #expect(stack.url.hasPrefix("https://127.0.0.1:"))
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .file(folder + "/server.pem")
                let stranger = client(tls)
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(folder + "/client.pem").map {
                    .certificate($0)
                }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: folder + "/client.key", format: .pem))
                let known = client(tls)
                tls.maximumTLSVersion = .tlsv12
                let old = client(tls)
                let url = stack.url + "/api/v1/query?query=vector(1)"
                let answer = try await get(url, client: known)
                #expect(answer.status == 200 && answer.body.contains("\"status\":\"success\""))
                await #expect(throws: (any Error).self) { _ = try await get(url, client: stranger) }
                await #expect(throws: (any Error).self) { _ = try await get(url, client: old) }
                for client in [stranger, known, old] { try await client.shutdown() }
                // As Go's server says it.
                let plain = connect(port: stack.addresses.prometheus.port)
                defer { close(plain) }
                let request = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
                #expect(write(plain, request, request.count) == request.count)
                var heard: [UInt8] = []
                var piece = [UInt8](repeating: 0, count: 1000)
                while case let count = read(plain, &piece, piece.count), count > 0 { heard += piece[..<count] }
                #expect(
                    String(decoding: heard, as: UTF8.self)
                        == "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
                )
            }
        }
    }
}
