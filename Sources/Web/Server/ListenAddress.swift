/// Where a server listens, as Go writes it: `localhost:9090`, `0.0.0.0:9090`, `:9090` (every interface), `[::1]:9090`.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// The host; empty for every interface.
    public var host: String
    /// The port; 0 for a free one.
    public var port: Int
    /// What is spoken there: `http` or `https`.
    public var scheme = "http"

    /// An address.
    public init(host: String, port: Int, scheme: String = "http") {
        self.host = host
        self.port = port
        self.scheme = scheme
    }

    /// Reads `host:port` or `:port`.
    /// - Throws: ``ListenAddressError`` that says what is wrong with the text.
    public init(parsing text: String) throws(ListenAddressError) {
        guard let colon = text.lastIndex(of: ":") else {
            throw ListenAddressError(message: "address \(text): missing port in address")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw ListenAddressError(message: "address \(text): too many colons in address")
        }
        let digits = text[text.index(after: colon)...]
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = digits.isEmpty ? 0 : Int(digits) else {
            throw ListenAddressError(message: "address \(text): the port has to be a number")
        }
        guard port <= 65535 else { throw ListenAddressError(message: "address \(port): invalid port") }
        self.init(host: host, port: port)
    }

    /// `host:port`.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The host by which this machine reaches the address.
    public var reachableHost: String {
        switch host {
        case "", "0.0.0.0", "::": "localhost"
        default: host.contains(":") ? "[\(host)]" : host
        }
    }

    /// The origin of the server for whoever calls another server of this machine `authority`, in lower case.
    func origin(onHostOf authority: String) -> String {
        let name = AccessPolicy.host(of: authority).lowercased()
        return "\(scheme)://\(name.contains(":") ? "[\(name)]" : name):\(port)"
    }

    /// The base URL by which this machine reaches the address: `http://localhost:9090`.
    public var localURL: String { "\(scheme)://\(reachableHost):\(port)" }
}

/// Why a text is not an address to listen on.
public struct ListenAddressError: Error, Hashable, CustomStringConvertible {
    /// The message.
    public let message: String
    /// The message.
    public var description: String { message }
}
