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

    /// Whether a name, whose first label of several may be a star, stands for a host; the case of ASCII letters does not count.
    package static func isMatch(_ pattern: String, _ host: String) -> Bool {
        func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
        let (pattern, whole) = (pattern.utf8.map(lowercased), host.utf8.map(lowercased))
        if pattern == whole { return !whole.isEmpty && pattern != [dot] }
        let host = whole.last == dot ? whole.dropLast() : whole[...]
        let wanted = pattern.split(separator: dot, omittingEmptySubsequences: false)
        let found = host.split(separator: dot, omittingEmptySubsequences: false)
        // An empty label is no name's, so neither is a dot at the end of a pattern.
        guard wanted.count == found.count, !wanted.contains([]), pattern != [star] else { return false }
        return zip(wanted, found).enumerated().allSatisfy { index, pair in
            pair.0 == pair.1 || index == 0 && pair.0 == [star]
        }
    }

    private static let (dot, star) = (UInt8(ascii: "."), UInt8(ascii: "*"))
}
