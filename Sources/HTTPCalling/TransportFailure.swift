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

/// Failures of connections in Go's words. The one place that words them: no name of a Swift case reaches a person.
package enum TransportFailure {
    /// Why a URL could not be fetched.
    package static func text(_ error: any Error, url: String) -> String {
        failure(error, address: URLParts(url)?.address ?? url, socket: "", isProxied: false).message
    }

    /// Why there was no answer.
    /// - Parameters:
    ///   - address: host and port that were connected to.
    ///   - socket: the socket of this machine instead; empty for none.
    package static func failure(_ error: any Error, address: String, socket: String, isProxied: Bool) -> TransportError
    {
        let proxied = isProxied ? "proxyconnect tcp: " : ""
        switch error {
        case let error as TransportError: return error
        case let error as NIOConnectionError: return connection(error, address).during(proxied)
        case let error as HTTPClientError: return client(error)
        case let error as IOError:
            if !socket.isEmpty { return dial("unix \(socket)", error.errnoCode) }
            return io(error.errnoCode, address).during(proxied)
        case is CancellationError: return .cancelled()
        case is StaleConnection: return TransportError("EOF", code: .closed)
        case let error as ChannelError: return channel(error)
        case is NIOSSLExtraError, is NIOSSLError, is BoringSSLError: return tls("\(error)")
        case let error as HTTPParserError: return parser(error)
        default: return TransportError("the connection failed")
        }
    }

    /// Why an answer that had begun did not end.
    package static func ofBody(_ error: any Error) -> TransportError {
        let cut = TransportError("unexpected EOF", code: .closed)
        switch error {
        case is CancellationError: return .cancelled()
        case let error as HTTPClientError: return error == .remoteConnectionClosed ? cut : client(error)
        case let error as HTTPParserError:
            return error == .invalidChunkSize
                ? TransportError("invalid byte in chunk length", code: .malformed) : cut
        case let error as IOError: return TransportError("read: " + SystemText.error(error.errnoCode), code: .closed)
        case is NIOTooManyBytesError: return .bodyTooLarge
        case let error as TransportError: return error
        default: return cut
        }
    }

    private static func channel(_ error: ChannelError) -> TransportError {
        switch error {
        case .connectTimeout: .late()
        case .ioOnClosedChannel, .alreadyClosed, .outputClosed, .inputClosed, .eof: TransportError("EOF", code: .closed)
        default: TransportError("the connection failed")
        }
    }

    private static func parser(_ error: HTTPParserError) -> TransportError {
        let broken = "net/http: HTTP/1.x transport connection broken: "
        switch error {
        case .invalidEOFState: return TransportError("EOF", code: .closed)
        case .headerOverflow:
            return TransportError("net/http: server response headers exceeded", code: .malformed).during(broken)
        default: return TransportError("malformed response", code: .malformed).during(broken)
        }
    }

    private static func tls(_ text: String) -> TransportError {
        if let start = text.firstRange(of: "Couldn't find "), let end = text.firstRange(of: " in certificate from peer")
        {
            let name = text[start.upperBound..<end.lowerBound]
            let wanted = name == "<none>" ? "the target's address" : "the name \(name)"
            return TransportError("tls: failed to verify certificate: it does not bear \(wanted)", code: .tls)
        }
        // The names of BoringSSL's failures are the only way to tell them apart.
        let words = known.first { text.contains($0.part) }?.words ?? "tls: the connection failed"
        return TransportError(words, code: words == "EOF" ? .closed : .tls)
    }

    /// BoringSSL's names of failures, with Go's words.
    private static let known: [(part: String, words: String)] =
        [
            ("EOF during handshake", "EOF"), ("zeroReturn", "EOF"), ("uncleanShutdown", "EOF"),
            (
                "CERTIFICATE_VERIFY_FAILED",
                "tls: failed to verify certificate: it is out of date or not signed by a known authority"
            ),
            ("WRONG_VERSION_NUMBER", "http: server gave HTTP response to HTTPS client"),
            ("HTTP_REQUEST", "http: server gave HTTP response to HTTPS client"),
        ]
        + [
            ("CERTIFICATE_REQUIRED", "certificate required"), ("UNKNOWN_CA", "unknown certificate authority"),
            ("ALERT_BAD_CERTIFICATE", "bad certificate"), ("ALERT_CERTIFICATE_EXPIRED", "expired certificate"),
            ("ALERT_CERTIFICATE_REVOKED", "revoked certificate"),
            ("ALERT_CERTIFICATE_UNKNOWN", "unknown certificate"),
            ("ALERT_UNSUPPORTED_CERTIFICATE", "unsupported certificate"),
            ("PROTOCOL_VERSION", "protocol version not supported"),
            ("ALERT_HANDSHAKE_FAILURE", "handshake failure"), ("ALERT_BAD_RECORD_MAC", "bad record MAC"),
            ("ALERT_UNEXPECTED_MESSAGE", "unexpected message"), ("ALERT_ILLEGAL_PARAMETER", "illegal parameter"),
            ("ALERT_ACCESS_DENIED", "access denied"), ("ALERT_DECODE_ERROR", "error decoding message"),
            ("ALERT_DECRYPT_ERROR", "error decrypting message"), ("ALERT_RECORD_OVERFLOW", "record overflow"),
            ("ALERT_INSUFFICIENT_SECURITY", "insufficient security level"),
            ("ALERT_INTERNAL_ERROR", "internal error"), ("ALERT_USER_CANCELLED", "user canceled"),
            ("UNRECOGNIZED_NAME", "unrecognized name"),
            ("ALERT_NO_APPLICATION_PROTOCOL", "no application protocol"),
        ].map { ($0.0, "remote error: tls: " + $0.1) }

    private static func dial(_ place: String, _ code: Int32) -> TransportError {
        TransportError("dial \(place): connect: \(SystemText.error(code))", code: .refused)
    }

    private static func io(_ code: Int32, _ address: String) -> TransportError {
        switch code {
        case ECONNREFUSED, EAFNOSUPPORT, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL, EINVAL:
            dial("tcp \(address)", code)
        default: TransportError("read: " + SystemText.error(code), code: .closed)
        }
    }

    private static func connection(_ error: NIOConnectionError, _ address: String) -> TransportError {
        guard let first = error.connectionErrors.first else {
            // Whoever has no way to a name server need not look for a slip in the name.
            let answers = [error.dnsAError, error.dnsAAAAError].compactMap { $0 as? SocketAddressError.UnknownHost }
            let reason =
                answers.first { [EAI_AGAIN, EAI_FAIL, EAI_SYSTEM].contains(CInt($0.errorCode)) }?.errorDescription
                ?? "no such host"
            return TransportError("dial tcp: lookup \(error.host): \(reason)", code: .unknownHost)
        }
        // What no host was named for is told without one.
        let host = address.hasPrefix(":") ? "" : first.target.ipAddress ?? error.host
        // The address that was asked for may name a zone.
        let dialled = address.contains("%") ? address : (host.contains(":") ? "[\(host)]" : host) + ":\(error.port)"
        if let system = first.error as? IOError { return dial("tcp \(dialled)", system.errnoCode) }
        return failure(first.error, address: address, socket: "", isProxied: false).during("dial tcp \(dialled): ")
    }

    private static func client(_ error: HTTPClientError) -> TransportError {
        switch error {
        case .deadlineExceeded, .connectTimeout, .readTimeout, .getConnectionFromPoolTimeout: .late()
        case .remoteConnectionClosed, .uncleanShutdown: TransportError("EOF", code: .closed)
        case .tlsHandshakeTimeout: TransportError("net/http: TLS handshake timeout", code: .timeout)
        case .cancelled, .requestStreamCancelled: .cancelled()
        case .proxyAuthenticationRequired: TransportError("Proxy Authentication Required", code: .setup)
        case .invalidProxyResponse: TransportError("the proxy refuses to open a tunnel", code: .setup)
        case .socksHandshakeTimeout, .httpProxyHandshakeTimeout:
            TransportError("the proxy does not answer in time", code: .timeout)
        case .emptyHost: TransportError("http: no Host in request URL", code: .url)
        default: TransportError("http: " + error.shortDescription.lowercased())
        }
    }
}

/// The server had given up a connection that was kept, before it saw the request: another connection is to be tried.
package struct StaleConnection: Error {
    package init() {}
}

/// The system's words.
package enum SystemText {
    /// An error number in words, as Go writes it.
    package static func error(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }
}
