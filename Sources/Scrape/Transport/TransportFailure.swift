import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Failures of connections in Go's words.
package enum TransportFailure {
    /// Why a URL could not be fetched.
    package static func text(_ error: any Error, url: String) -> String {
        text(error, address: URLParts(url)?.address ?? url, socket: "", isProxied: false)
    }

    /// Why there was no answer.
    /// - Parameters:
    ///   - address: host and port that were connected to.
    ///   - socket: the socket of this machine instead; empty for none.
    static func text(_ error: any Error, address: String, socket: String, isProxied: Bool) -> String {
        let proxied = isProxied ? "proxyconnect tcp: " : ""
        switch error {
        case let error as TransportError: return error.message
        case let error as NIOConnectionError: return proxied + connection(error, address)
        case let error as HTTPClientError: return client(error)
        case let error as IOError:
            if !socket.isEmpty { return "dial unix \(socket): connect: \(SystemText.error(error.errnoCode))" }
            return io(error.errnoCode, address, proxied)
        case is CancellationError: return "context canceled"
        case is StaleConnection: return "EOF"
        case let error as ChannelError:
            if case .connectTimeout = error { return "context deadline exceeded" }
            return "\(error)"
        case is NIOSSLExtraError, is NIOSSLError, is BoringSSLError: return tls("\(error)")
        case let error as HTTPParserError: return parser(error)
        default: return "\(error)"
        }
    }

    /// Why an answer that had begun did not end.
    static func bodyText(_ error: any Error) -> String {
        switch error {
        case is CancellationError: "context canceled"
        case let error as HTTPClientError:
            error == .remoteConnectionClosed ? "unexpected EOF" : client(error)
        case let error as HTTPParserError:
            error == .invalidChunkSize ? "invalid byte in chunk length" : "unexpected EOF"
        case let error as IOError: "read: " + SystemText.error(error.errnoCode)
        default: "\(error)"
        }
    }

    private static func parser(_ error: HTTPParserError) -> String {
        switch error {
        case .invalidEOFState: "EOF"
        case .headerOverflow:
            "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded"
        default: "net/http: HTTP/1.x transport connection broken: malformed response: \(error)"
        }
    }

    private static func tls(_ text: String) -> String {
        let known: [(part: String, words: String)] = [
            (
                "CERTIFICATE_VERIFY_FAILED",
                "tls: failed to verify certificate: it is out of date or not signed by a known authority"
            ),
            ("WRONG_VERSION_NUMBER", "http: server gave HTTP response to HTTPS client"),
            ("HTTP_REQUEST", "http: server gave HTTP response to HTTPS client"),
            ("CERTIFICATE_REQUIRED", "remote error: tls: certificate required"),
            ("UNKNOWN_CA", "remote error: tls: unknown certificate authority"),
            ("ALERT_BAD_CERTIFICATE", "remote error: tls: bad certificate"),
            ("ALERT_CERTIFICATE_EXPIRED", "remote error: tls: expired certificate"),
            ("PROTOCOL_VERSION", "remote error: tls: protocol version not supported"),
            ("ALERT_HANDSHAKE_FAILURE", "remote error: tls: handshake failure"),
            ("uncleanShutdown", "EOF"),
        ]
        if let start = text.firstRange(of: "Couldn't find "), let end = text.firstRange(of: " in certificate from peer")
        {
            let name = text[start.upperBound..<end.lowerBound]
            let wanted = name == "<none>" ? "the target's address" : "the name \(name)"
            return "tls: failed to verify certificate: it does not bear \(wanted)"
        }
        if let match = known.first(where: { text.contains($0.part) }) { return match.words }
        return "tls: \(text)"
    }

    private static func io(_ code: Int32, _ address: String, _ prefix: String) -> String {
        switch code {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL:
            return "\(prefix)dial tcp \(address): connect: \(SystemText.error(code))"
        default: return "read: " + SystemText.error(code)
        }
    }

    private static func connection(_ error: NIOConnectionError, _ address: String) -> String {
        guard let first = error.connectionErrors.first else {
            return "dial tcp: lookup \(error.host): no such host"
        }
        let dialled = "\(first.target.ipAddress ?? error.host):\(error.port)"
        if let system = first.error as? IOError {
            return "dial tcp \(dialled): connect: \(SystemText.error(system.errnoCode))"
        }
        return "dial tcp \(dialled): \(text(first.error, address: address, socket: "", isProxied: false))"
    }

    private static func client(_ error: HTTPClientError) -> String {
        switch error {
        case .deadlineExceeded, .connectTimeout, .readTimeout, .getConnectionFromPoolTimeout:
            "context deadline exceeded"
        case .remoteConnectionClosed: "EOF"
        case .tlsHandshakeTimeout: "net/http: TLS handshake timeout"
        case .cancelled: "context canceled"
        case .proxyAuthenticationRequired: "Proxy Authentication Required"
        case .invalidProxyResponse: "the proxy refuses to open a tunnel"
        default: "\(error)"
        }
    }
}
