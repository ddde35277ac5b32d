package import NIOCore
import NIOSSL

/// Whether a certificate bears the name of the server that was asked for.
///
/// NIOSSL is content where the certificate bears the address that is connected to, or the name where nobody looks for it any more. As
/// Go's client, this one wants the name among those that the certificate is for.
package enum CertificateName {
    /// Looks at the certificate of a connection, and ends the connection where it is another server's.
    /// - Parameter name: the name; empty for an address, which NIOSSL has looked for.
    package static func check(_ channel: any Channel, _ name: String) -> EventLoopFuture<Void> {
        if name.isEmpty { return channel.eventLoop.makeSucceededVoidFuture() }
        return channel.eventLoop.makeCompletedFuture {
            let certificate = try channel.pipeline.syncOperations.nioSSL_peerCertificate()
            if let certificate, names(of: certificate).contains(where: { isMatch($0, name) }) { return }
            channel.close(promise: nil)
            throw TransportError(
                "tls: failed to verify certificate: it does not bear the name \(name)",
                code: .tls
            )
        }
    }

    private static func names(of certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().filter { $0.nameType == .dnsName }
            .map { String(decoding: $0.contents, as: UTF8.self) }
    }

    /// Whether a name, whose first label may be a star, stands for a host.
    package static func isMatch(_ pattern: String, _ host: String) -> Bool {
        func labels(_ text: String) -> [Substring] {
            var text = text.lowercased()[...]
            if text.last == "." { text.removeLast() }
            return text.split(separator: ".", omittingEmptySubsequences: false)
        }
        let (wanted, found) = (labels(pattern), labels(host))
        guard wanted.count == found.count, found != [""] else { return false }
        return zip(wanted, found).enumerated().allSatisfy { index, pair in
            pair.0 == pair.1 || index == 0 && pair.0 == "*"
        }
    }
}
