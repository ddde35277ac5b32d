import MetricModel

/// Asks the name servers of the system's configuration, as Prometheus does: without the hosts file, with the search path.
package struct DNSResolver: Sendable {
    /// What `/etc/resolv.conf` says.
    package struct Settings: Sendable, Hashable {
        package var servers: [String] = []
        package var search: [String] = []
        package var dots = 1
        package var port: UInt16 = 53

        /// Reads the file's text.
        package init(_ text: String) {
            for line in text.split(whereSeparator: \.isNewline) {
                let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
                guard let key = words.first, words.count > 1 else { continue }
                switch key {
                case "nameserver": servers.append(words[1])
                case "domain": search = [words[1]]
                case "search": search = Array(words.dropFirst())
                case "options":
                    for option in words.dropFirst() where option.hasPrefix("ndots:") {
                        dots = Int(option.dropFirst(6)) ?? dots
                    }
                default: break
                }
            }
        }

        /// The names to try, in order.
        func names(_ name: String) -> [String] {
            if name.hasSuffix(".") { return [name] }
            let rooted = name + "."
            let searched = search.map { "\(name).\($0.hasSuffix(".") ? $0 : $0 + ".")" }
            let hasEnoughDots = name.utf8.filter { $0 == UInt8(ascii: ".") }.count >= dots
            return hasEnoughDots ? [rooted] + searched : searched + [rooted]
        }
    }

    var settings: Settings?

    /// A resolver with the given settings; without any the system's file is read at each look.
    package init(settings: Settings? = nil) { self.settings = settings }

    /// The records of a name. A name that does not exist has none.
    /// - Throws: where no server could say.
    package func lookup(_ name: String, _ kind: DNSMessage.Kind) async throws(DiscoveryError) -> [DNSMessage.Record] {
        var settings = settings
        if settings == nil {
            guard case .success(let bytes) = FileSystem.read("/etc/resolv.conf") else {
                throw DiscoveryError("could not load resolv.conf: open /etc/resolv.conf: no such file or directory")
            }
            settings = Settings(String(decoding: bytes, as: UTF8.self))
        }
        guard let settings else { return [] }
        var areAllValid = true
        for candidate in settings.names(name) {
            guard let answer = await askAnyServer(candidate, kind, settings) else {
                areAllValid = false
                continue
            }
            if answer.code == 0 { return answer.records }
        }
        if areAllValid { return [] }
        throw DiscoveryError(
            "could not resolve \(GoText.quoted(name)): all servers responded with errors to at least one search domain"
        )
    }

    private func askAnyServer(_ name: String, _ kind: DNSMessage.Kind, _ settings: Settings) async -> DNSMessage? {
        for server in settings.servers where !Task.isCancelled {
            let exchange = DNSExchange(name, kind, server: server, port: settings.port)
            guard var answer = await exchange.answer(overStream: false) else { continue }
            if answer.isTruncated {
                guard let whole = await exchange.answer(overStream: true) else { continue }
                answer = whole
            }
            if answer.code == 0 || answer.code == 3 { return answer }
        }
        return nil
    }
}
