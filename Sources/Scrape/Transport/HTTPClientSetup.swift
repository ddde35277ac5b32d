import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOSSL

/// Turns a job's configuration into that of the HTTP client.
enum HTTPClientSetup {
    static func configuration(
        tls: HTTPClientConfig.TLS,
        enableHTTP2: Bool
    ) throws(TransportError) -> HTTPClient.Configuration {
        var result = HTTPClient.Configuration()
        result.tlsConfiguration = try Self.tls(tls)
        // Redirects are followed where the headers of each request are known.
        result.redirectConfiguration = .disallow
        result.httpVersion = enableHTTP2 ? .automatic : .http1Only
        result.connectionPool.idleTimeout = .minutes(5)
        // A refused connection is the scrape's answer at once, not a reason to try again until the timeout.
        result.connectionPool.retryConnectionEstablishment = false
        result.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(30))
        return result
    }

    // MARK: TLS

    private static func tls(_ config: HTTPClientConfig.TLS) throws(TransportError) -> TLSConfiguration {
        var result = TLSConfiguration.makeClientConfiguration()
        if config.insecureSkipVerify { result.certificateVerification = .none }
        var part = "CA certificates"
        do {
            let authorities = try pem(config.ca, config.caFile)
            if !authorities.isEmpty {
                result.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authorities))
            }
            part = "client certificate and key"
            let certificate = try pem(config.cert, config.certFile)
            if !certificate.isEmpty {
                result.certificateChain = try NIOSSLCertificate.fromPEMBytes(certificate).map { .certificate($0) }
                let key = try NIOSSLPrivateKey(bytes: try pem(config.key.value, config.keyFile), format: .pem)
                result.privateKey = .privateKey(key)
            }
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError(
                "error creating HTTP client: unable to use the \(part): there is no PEM that can be read",
                code: .setup
            )
        }
        // Go's default.
        result.minimumTLSVersion = version(config.minVersion) ?? .tlsv12
        if let version = version(config.maxVersion) { result.maximumTLSVersion = version }
        return result
    }

    private static func pem(_ text: String, _ file: String) throws(TransportError) -> [UInt8] {
        if !text.isEmpty { return Array(text.utf8) }
        if file.isEmpty { return [] }
        switch FileSystem.read(file) {
        case .success(let bytes): return bytes
        case .failure(let error): throw TransportError("unable to read \(file): \(error.description)", code: .setup)
        }
    }

    private static func version(_ name: String) -> TLSVersion? {
        switch name {
        case "TLS10": .tlsv1
        case "TLS11": .tlsv11
        case "TLS12": .tlsv12
        case "TLS13": .tlsv13
        default: nil
        }
    }

    // MARK: Headers

    /// The header that makes the user known. Files are read anew each time.
    static func credentials(_ config: HTTPClientConfig) throws(TransportError) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        if let basic = config.basicAuth {
            let name =
                basic.usernameFile.isEmpty ? basic.username : try secret(basic.usernameFile, "basic auth username")
            let password =
                basic.passwordFile.isEmpty
                ? basic.password.value : try secret(basic.passwordFile, "basic auth password")
            result.append(("Authorization", "Basic " + Base64.encode(Array("\(name):\(password)".utf8))))
        }
        if let authorization = config.authorization {
            let value =
                authorization.credentialsFile.isEmpty
                ? authorization.credentials.value
                : try secret(authorization.credentialsFile, "authorization credentials")
            result.append(("Authorization", "\(authorization.type) \(value)"))
        }
        return result
    }

    /// The headers that `http_headers` adds. Files are read anew each time.
    static func additional(_ config: HTTPClientConfig) throws(TransportError) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        for (name, header) in config.headers {
            let shown = HTTPClientConfig.canonical(name)
            for value in header.values { result.append((shown, value)) }
            for value in header.secrets { result.append((shown, value.value)) }
            for file in header.files { result.append((shown, try secret(file, "headers file \(file)"))) }
        }
        return result
    }

    /// The names of those that hold secrets, in small letters.
    static func secretHeaders(_ config: HTTPClientConfig) -> Set<String> {
        if config.headers.isEmpty { return [] }
        return Set(
            config.headers.compactMap { name, header in
                header.secrets.isEmpty && header.files.isEmpty ? nil : name.lowercased()
            }
        )
    }

    private static func secret(_ file: String, _ what: String) throws(TransportError) -> String {
        do throws(FileError) {
            return try FileSystem.text(file)
        } catch {
            throw TransportError("unable to read \(what): \(error.description)", code: .setup)
        }
    }

    /// The order in which Go's client sends headers: the user agent first, the rest by name.
    static func sorted(_ headers: [(name: String, value: String)]) -> [(name: String, value: String)] {
        headers.enumerated().sorted { left, right in
            let (a, b) = (left.element.name, right.element.name)
            if (a == "User-Agent") != (b == "User-Agent") { return a == "User-Agent" }
            return a == b ? left.offset < right.offset : a < b
        }.map(\.element)
    }
}
