import MetricModel
import NIOCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Asks the name servers of the system's configuration, as Prometheus does: without the hosts file, with the search path.
package struct DNSResolver: Sendable {
    /// What `/etc/resolv.conf` says.
    package struct Settings: Sendable, Hashable {
        var servers: [String] = []
        var search: [String] = []
        var dots = 1
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
    /// So many seconds a server has to answer.
    package var patience = 2

    /// A resolver with the given settings; without any the system's file is read at each look.
    package init(settings: Settings? = nil) { self.settings = settings }

    /// So many names are asked for at a time. Each blocks a thread, for seconds where nobody answers; names of one section wait for one another.
    private static let askingLimit = 64
    /// No server is asked any more after so many milliseconds, from the first one on.
    private static let lookupLimit: Int64 = 60_000
    /// So many milliseconds a name waits for others at most.
    private static let waitingLimit: Int64 = 3_600_000
    private static let threads = EvaluationThreads(.init(limit: askingLimit, niceness: 0))

    /// The records of a name. A name that does not exist has none.
    /// - Throws: where no server could say.
    package func lookup(_ name: String, _ kind: DNSMessage.Kind) async throws(DiscoveryError) -> [DNSMessage.Record] {
        let found = await Self.threads.wait(milliseconds: Self.waitingLimit + Self.lookupLimit, isPatient: true) {
            Result { () throws(DiscoveryError) in try self.ask(name, kind) }
        }
        guard let found else { throw DiscoveryError("context canceled") }
        return try found.get()
    }

    private func ask(
        _ name: String,
        _ kind: DNSMessage.Kind
    ) throws(DiscoveryError) -> [DNSMessage.Record] {
        var settings = settings
        if settings == nil {
            guard case .success(let bytes) = FileSystem.read("/etc/resolv.conf") else {
                throw DiscoveryError("could not load resolv.conf: open /etc/resolv.conf: no such file or directory")
            }
            settings = Settings(String(decoding: bytes, as: UTF8.self))
        }
        guard let settings else { return [] }
        let machine = SystemClock()
        let end = machine.steadyNanoseconds.plus(Self.lookupLimit * 1_000_000)
        let isOver = { TaskLimit.isOver || machine.steadyNanoseconds > end }
        var areAllValid = true
        for candidate in settings.names(name) {
            guard let answer = askAnyServer(candidate, kind, settings, unless: isOver) else {
                if isOver() {
                    throw DiscoveryError("could not resolve \(GoText.quoted(name)): no server has answered in time")
                }
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

    private func askAnyServer(
        _ name: String,
        _ kind: DNSMessage.Kind,
        _ settings: Settings,
        unless isOver: () -> Bool
    ) -> DNSMessage? {
        for server in settings.servers where !isOver() {
            let id = UInt16.random(in: 0...UInt16.max)
            let question = DNSMessage.question(name, kind, id: id)
            let socket = DNSSocket(server: server, port: settings.port, seconds: patience)
            guard let bytes = socket.exchange(question, isStream: false),
                var answer = DNSMessage(bytes, id: id)
            else { continue }
            if answer.isTruncated {
                guard let all = socket.exchange(question, isStream: true),
                    let whole = DNSMessage(all, id: id)
                else { continue }
                answer = whole
            }
            if answer.code == 0 || answer.code == 3 { return answer }
        }
        return nil
    }
}

/// One question over a socket. Blocks, but never longer than some times its seconds.
struct DNSSocket {
    let server: String
    let port: UInt16
    let seconds: Int
    /// So many datagrams that answer something else are passed over.
    private static let forgeryLimit = 16

    func exchange(_ question: [UInt8], isStream: Bool) -> [UInt8]? {
        guard let address = try? SocketAddress(ipAddress: server, port: Int(port)) else { return nil }
        #if canImport(Darwin)
            let kind = isStream ? SOCK_STREAM : SOCK_DGRAM
        #else
            let kind = Int32(isStream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
        #endif
        let family: Int32 = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var limit = timeval()
        limit.tv_sec = seconds
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let isConnected = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) == 0 }
        guard isConnected else { return nil }
        var outgoing = question
        if isStream { outgoing = [UInt8(question.count >> 8), UInt8(question.count & 255)] + question }
        guard send(descriptor, outgoing, outgoing.count, 0) == outgoing.count else { return nil }
        if !isStream {
            // Datagrams with other numbers are late or forged.
            for _ in 0..<Self.forgeryLimit {
                guard let bytes = Self.receive(descriptor, atMost: 65_535) else { return nil }
                if bytes.starts(with: question.prefix(2)) { return bytes }
            }
            return nil
        }
        guard let head = Self.receive(descriptor, exactly: 2) else { return nil }
        return Self.receive(descriptor, exactly: Int(head[0]) << 8 | Int(head[1]))
    }

    private static func receive(_ descriptor: Int32, atMost size: Int, flags: Int32 = 0) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: size)
        let count = recv(descriptor, &buffer, size, flags)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// In one call, whose time is limited as a whole: of a server that sends a byte now and then no more is awaited.
    private static func receive(_ descriptor: Int32, exactly size: Int) -> [UInt8]? {
        guard let bytes = receive(descriptor, atMost: size, flags: Int32(MSG_WAITALL)) else { return nil }
        return bytes.count == size ? bytes : nil
    }
}
