import NIOSSL

/// Certificates for servers and clients of this machine, valid for a hundred years: an authority, a server's for 127.0.0.1,
/// a server's for `target.example`, and a client's.
enum Certificates {
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBiTCCAS+gAwIBAgIUIk6RFbmw6G398dYL+w0EpOGZFCMwCgYIKoZIzj0EAwIw
        GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIyMTcyMzIwWhgPMjEy
        NjEwMjkxNzIzMjBaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
        zj0CAQYIKoZIzj0DAQcDQgAEP1/nrw2FcRid+5eRWgezBwLNMo7fORpgEkKZOMKX
        Kin8YUweX6fHZKQ3C8m0AykU/LSYzZOuRebb2bHB+B09RaNTMFEwHQYDVR0OBBYE
        FONL/GDI7PTB9ORpJ+99R2o9+W1jMB8GA1UdIwQYMBaAFONL/GDI7PTB9ORpJ+99
        R2o9+W1jMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAL1mSkIY
        6GCvydj0ReBg7Aj5SXnXeAOVkHlnQS4BWqJyAiBCpwX4A8bDu3rG6rF9Biz9oNxq
        aDFIWxZLo73ED+W48w==
        -----END CERTIFICATE-----
        """

    static let server = """
        -----BEGIN CERTIFICATE-----
        MIIBgjCCASegAwIBAgIUJR6Iiui6yhR2YGskejOBKxlAAggwCgYIKoZIzj0EAwIw
        GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIyMTcyMzIwWhgPMjEy
        NjEwMjkxNzIzMjBaMBExDzANBgNVBAMMBnNlcnZlcjBZMBMGByqGSM49AgEGCCqG
        SM49AwEHA0IABFQUbmHwv3Qtla2wdh70z0E4QH/NIA0Kfh+qKTE6DvvxV+zWJrcB
        VkBOQ8wgGIPnOGh+EoRZH8g/XRxgJXWHqL6jUzBRMA8GA1UdEQQIMAaHBH8AAAEw
        HQYDVR0OBBYEFBSTf18df6eGnNAc147E7CLL16+IMB8GA1UdIwQYMBaAFONL/GDI
        7PTB9ORpJ+99R2o9+W1jMAoGCCqGSM49BAMCA0kAMEYCIQC/xOJK8PehjLAW1R0k
        3A8QIPCrhMbp/9SZogkyexNJugIhAJeDmsQh14lbdkUDsnVrcT7EfPHwl55tOAGa
        0zsv56lh
        -----END CERTIFICATE-----
        """

    static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgl572ZRH3ev8qTVvV
        D3Mr4xzSuN8YS6uRzrj9un7OtgihRANCAARUFG5h8L90LZWtsHYe9M9BOEB/zSAN
        Cn4fqikxOg778Vfs1ia3AVZATkPMIBiD5zhofhKEWR/IP10cYCV1h6i+
        -----END PRIVATE KEY-----
        """

    static let named = """
        -----BEGIN CERTIFICATE-----
        MIIBijCCATCgAwIBAgIUJR6Iiui6yhR2YGskejOBKxlAAgkwCgYIKoZIzj0EAwIw
        GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIyMTcyMzIwWhgPMjEy
        NjEwMjkxNzIzMjBaMBAxDjAMBgNVBAMMBW5hbWVkMFkwEwYHKoZIzj0CAQYIKoZI
        zj0DAQcDQgAEfWYjhsM3VT5a9K3jkltQBKP9M33tJZWBpxEnmwB+DnqcgyxiZ4iv
        9PXUtECVOma/OSWT1E0ZU/yCHk6X0L3ML6NdMFswGQYDVR0RBBIwEIIOdGFyZ2V0
        LmV4YW1wbGUwHQYDVR0OBBYEFNmlELpJLJimBRgYnYxKNf5B2HYRMB8GA1UdIwQY
        MBaAFONL/GDI7PTB9ORpJ+99R2o9+W1jMAoGCCqGSM49BAMCA0gAMEUCIQD82TMM
        dCMw01AKlsY4EPjY0ne5RDldVYfrZJKp/4RgQQIgHN46JF/tzSQNjyXHicWZGTxs
        kWTIMwSPvsnUttsh2RQ=
        -----END CERTIFICATE-----
        """

    static let namedKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFaKkTyQnC4QhSKEV
        zAB+/+5GWFide9qKoFFwuLyDd82hRANCAAR9ZiOGwzdVPlr0reOSW1AEo/0zfe0l
        lYGnESebAH4OepyDLGJniK/09dS0QJU6Zr85JZPUTRlT/IIeTpfQvcwv
        -----END PRIVATE KEY-----
        """

    static let client = """
        -----BEGIN CERTIFICATE-----
        MIIBhDCCASugAwIBAgIUJR6Iiui6yhR2YGskejOBKxlAAgowCgYIKoZIzj0EAwIw
        GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIyMTcyMzIwWhgPMjEy
        NjEwMjkxNzIzMjBaMBExDzANBgNVBAMMBmNsaWVudDBZMBMGByqGSM49AgEGCCqG
        SM49AwEHA0IABA6D9wAeGvbC+NsPbnZPpnsbQ1BTfJqejL/SIfAw8iUtSKdyXhrp
        Ifitqsv2M5tz9Q9vOhWJc+S0lTyJR0bzkYijVzBVMBMGA1UdJQQMMAoGCCsGAQUF
        BwMCMB0GA1UdDgQWBBRT9EMO6c4snejdMJWixxFXHqzO0TAfBgNVHSMEGDAWgBTj
        S/xgyOz0wfTkaSfvfUdqPfltYzAKBggqhkjOPQQDAgNHADBEAiBiF6+12mHT41yI
        oujgIKRQ7Hukbt4+NCa3RiXDQy2fZwIgHQCQOzhW1yRQjJuTNpx/E590yW37VpJY
        qBq/KWwNQ4k=
        -----END CERTIFICATE-----
        """

    static let clientKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYrI7/FmV62wsp3RM
        rC/YnmOhdpeSH8ooqUIgHJ385V+hRANCAAQOg/cAHhr2wvjbD252T6Z7G0NQU3ya
        noy/0iHwMPIlLUincl4a6SH4rarL9jObc/UPbzoViXPktJU8iUdG85GI
        -----END PRIVATE KEY-----
        """

    /// What a server needs.
    /// - Parameter asksClients: whether clients have to show a certificate of the authority.
    static func context(_ certificate: String = server, key: String = serverKey, asksClients: Bool = false) throws
        -> NIOSSLContext
    {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
        )
        if asksClients {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
            configuration.certificateVerification = .noHostnameVerification
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
