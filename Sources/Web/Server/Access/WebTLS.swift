import ConfigTree
import MetricModel
import NIOSSL

/// A server's side of TLS: its certificate, and what it asks of clients.
public struct WebTLS: Sendable {
    /// What is asked of clients.
    enum ClientCertificates: Sendable {
        case unasked
        case verifiedIfGiven
        case required
    }

    /// The file of the certificate and those that vouch for it, in PEM; empty where ``certificateText`` has them.
    var certificateFile = ""
    var certificateText = ""
    var keyFile = ""
    var keyText = ""
    var clients = ClientCertificates.unasked
    /// Who may vouch for clients; by default the system's authorities.
    var clientAuthorityFile = ""
    var clientAuthorityText = ""
    var oldest = TLSVersion.tlsv12
    var newest: TLSVersion?

    /// Reads the section; `nil` where it says nothing, which is no TLS.
    init?(reading section: ConfigSection, folder: String) {
        func path(_ name: String) -> String {
            let path = section.string(name) ?? ""
            return path.isEmpty || path.hasPrefix("/") ? path : folder + path
        }
        certificateText = section.string("cert") ?? ""
        certificateFile = path("cert_file")
        keyText = section.string("key") ?? ""
        keyFile = path("key_file")
        clientAuthorityText = section.string("client_ca") ?? ""
        clientAuthorityFile = path("client_ca_file")
        let policy = section.string("client_auth_type") ?? ""
        let texts = [
            certificateText, certificateFile, keyText, keyFile, clientAuthorityText, clientAuthorityFile, policy,
        ]
        let isNothing = texts.allSatisfy(\.isEmpty)
        if !isNothing, certificateText.isEmpty, certificateFile.isEmpty {
            section.fail("missing one of cert or cert_file")
        }
        if !isNothing, keyText.isEmpty, keyFile.isEmpty { section.fail("missing one of key or key_file") }
        for (text, file) in [("cert", "cert_file"), ("key", "key_file"), ("client_ca", "client_ca_file")]
        where !(section.string(text) ?? "").isEmpty && !(section.string(file) ?? "").isEmpty {
            section.fail("only one of \(text) and \(file) can be given", at: file)
        }
        switch policy {
        case "", "NoClientCert": clients = .unasked
        case "VerifyClientCertIfGiven": clients = .verifiedIfGiven
        case "RequireAndVerifyClientCert": clients = .required
        case "RequestClientCert", "RequireAnyClientCert", "RequireClientCert":
            section.fail(
                "client_auth_type \(policy) is not supported: a certificate is verified or not asked for",
                at: "client_auth_type",
                hint: "VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            )
        default: section.fail("Invalid ClientAuth: \(policy)", at: "client_auth_type")
        }
        if policy.isEmpty || policy == "NoClientCert", !clientAuthorityFile.isEmpty || !clientAuthorityText.isEmpty {
            section.fail("Client CA's have been configured without a Client Auth Policy", at: "client_auth_type")
        }
        func version(_ name: String) -> TLSVersion? {
            guard let node = section.node(name), !node.isPassedOver, let text = section.string(name) else {
                return nil
            }
            switch text {
            case "TLS10": return .tlsv1
            case "TLS11": return .tlsv11
            case "TLS12": return .tlsv12
            case "TLS13": return .tlsv13
            default:
                section.fail("unknown TLS version: \(text)", at: name)
                return nil
            }
        }
        oldest = version("min_version") ?? oldest
        newest = version("max_version")
        _ = section.bool("prefer_server_cipher_suites")
        for name in ["cipher_suites", "curve_preferences"] { section.refuse(name, because: "the defaults are used") }
        section.refuse("client_allowed_sans", because: "any certificate that is vouched for is accepted")
        section.finish()
        if isNothing { return nil }
    }

    /// Reads the files.
    /// - Throws: ``WebServerError`` where one of them cannot be used.
    func configuration(_ address: ListenAddress) throws(WebServerError) -> TLSConfiguration {
        let chain = try certificates(certificateText, certificateFile, address)
        let key = try loading(keyFile.isEmpty ? "the key" : keyFile, address) {
            try keyFile.isEmpty
                ? NIOSSLPrivateKey(bytes: Array(keyText.utf8), format: .pem)
                : NIOSSLPrivateKey(file: keyFile, format: .pem)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = oldest
        configuration.maximumTLSVersion = newest
        configuration.applicationProtocols = ["http/1.1"]
        switch clients {
        case .unasked: configuration.certificateVerification = .none
        case .verifiedIfGiven: configuration.certificateVerification = .optionalVerification
        case .required: configuration.certificateVerification = .noHostnameVerification
        }
        if !clientAuthorityFile.isEmpty || !clientAuthorityText.isEmpty {
            configuration.trustRoots = .certificates(
                try certificates(clientAuthorityText, clientAuthorityFile, address)
            )
        }
        return configuration
    }

    private func certificates(_ text: String, _ file: String, _ address: ListenAddress) throws(WebServerError)
        -> [NIOSSLCertificate]
    {
        let found = try loading(file.isEmpty ? "the certificate" : file, address) {
            try file.isEmpty
                ? NIOSSLCertificate.fromPEMBytes(Array(text.utf8)) : NIOSSLCertificate.fromPEMFile(file)
        }
        if found.isEmpty { throw WebServerError(address: address, message: "there is no certificate in \(file)") }
        return found
    }

    private func loading<Value>(_ what: String, _ address: ListenAddress, _ load: () throws -> Value)
        throws(WebServerError) -> Value
    {
        do {
            return try load()
        } catch {
            throw WebServerError(address: address, message: "cannot load \(what) for TLS: \(error)")
        }
    }
}
