import MetricModel
package import NIOCore
import NIOPosix
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Looks up names of hosts where nobody else waits for it.
///
/// The system's lookup blocks its thread, and cannot be given up: a name that no name server answers takes ten seconds and more. So
/// lookups have threads of their own, one for each name at a time, and whoever waits for one gives up when its time is over. A name that was
/// answered soon waits neither for those that were not nor for those that nobody has asked for yet.
package final class HostNames: Sendable {
    /// The names that everybody who connects asks for.
    package static let shared = HostNames(lookUp: SystemLookup.addresses)

    /// What became of a lookup.
    package typealias Answer = Result<[SocketAddress], TransportError>

    /// So many names that were answered soon are looked up at a time, and so many that were not.
    private static let lookupLimit = 16
    /// So many names that nobody has asked for before are looked up at a time.
    private static let newLimit = 64
    /// So many names are remembered that nobody asks for now.
    private static let nameLimit = 10_000
    /// So long an answer counts as a rule, and so long that of a name may take that does not wait for others.
    package static let second: Int64 = 1_000_000_000

    private struct Waiter {
        var deadline: Int64
        var then: @Sendable (Answer) -> Void
    }

    private struct Name {
        var waiting: [Waiter] = []
        /// When there are so many, those whose time is over are left out.
        var nextSweep = 16
        var isUnderWay = false
        var answer: Answer?
        var answeredAt: Int64 = 0
        /// Whether it was answered soon; `nil` where it was not asked for yet.
        var isQuick: Bool?
    }

    private struct State {
        var names: [String: Name] = [:]
        /// When there are so many, those that nobody asks for are forgotten.
        var nextSweep = HostNames.nameLimit

        /// Forgets names, now and then.
        mutating func sweep() {
            guard names.count >= nextSweep else { return }
            names = names.filter { $0.value.isUnderWay }
            nextSweep = max(HostNames.nameLimit, 2 * names.count)
        }
    }

    private let lookUp: @Sendable (String) -> Answer
    private let network = SystemClock()
    /// Who asks for which name.
    private let state = Mutex(State())
    private let quick = EvaluationThreads(.init(limit: lookupLimit, niceness: 0))
    private let new = EvaluationThreads(.init(limit: newLimit, niceness: 0))
    private let slow = EvaluationThreads(.init(limit: lookupLimit, niceness: 0))

    /// So many nanoseconds an answer counts.
    private let kept: Int64

    /// - Parameters:
    ///   - kept: so many nanoseconds an answer counts.
    ///   - lookUp: looks a name up, and may block for long.
    package init(kept: Int64 = HostNames.second, lookUp: @escaping @Sendable (String) -> Answer) {
        self.kept = kept
        self.lookUp = lookUp
    }

    /// Looks a name up.
    /// - Parameters:
    ///   - deadline: whoever asks does not wait for longer (steady nanoseconds).
    ///   - then: gets the answer, on any thread; not called where it comes too late.
    package func find(_ name: String, until deadline: Int64, then: @escaping @Sendable (Answer) -> Void) {
        let now = network.steadyNanoseconds
        let (known, threads) = state.withLock { state -> (Answer?, EvaluationThreads?) in
            state.sweep()
            var entry = state.names[name] ?? Name()
            if let answer = entry.answer, now < entry.answeredAt + kept { return (answer, nil) }
            if entry.waiting.count >= entry.nextSweep {
                entry.waiting.removeAll { $0.deadline <= now }
                entry.nextSweep = max(16, 2 * entry.waiting.count)
            }
            entry.waiting.append(Waiter(deadline: deadline, then: then))
            let begins = !entry.isUnderWay
            entry.isUnderWay = true
            state.names[name] = entry
            return (nil, begins ? entry.isQuick.map { $0 ? quick : slow } ?? new : nil)
        }
        if let known { return then(known) }
        guard let threads else { return }
        Task(executorPreference: threads) { self.look(name) }
    }

    private func look(_ name: String) {
        let begin = network.steadyNanoseconds
        // Its turn may come when everybody has given up.
        let isWanted = state.withLock { state in
            if state.names[name]?.waiting.contains(where: { $0.deadline > begin }) ?? false { return true }
            state.names[name]?.waiting = []
            state.names[name]?.isUnderWay = false
            return false
        }
        guard isWanted else { return }
        let answer = lookUp(name)
        let end = network.steadyNanoseconds
        let waiting = state.withLock { state in
            var entry = state.names[name] ?? Name()
            defer { state.names[name] = entry }
            entry.answer = answer
            entry.answeredAt = end
            entry.isQuick = end - begin < Self.second
            entry.isUnderWay = false
            defer { entry.waiting = [] }
            return entry.waiting
        }
        for waiter in waiting where waiter.deadline > end { waiter.then(answer) }
    }

    /// The addresses of a host, without ports.
    /// - Throws: that there is none, or that the time is over.
    package func addresses(of name: String, until deadline: NIODeadline) async throws(TransportError) -> [SocketAddress]
    {
        let answer = OneAnswer<Answer>()
        let end = Int64(clamping: deadline.uptimeNanoseconds)
        find(name, until: end) { answer.give($0) }
        let timer = Task {
            if (try? await network.sleep(untilSteady: end)) != nil { answer.give(.failure(.late())) }
        }
        let found = await answer.wait(or: .failure(.cancelled()))
        timer.cancel()
        return try found.get()
    }
}

/// Names as the system looks them up.
private enum SystemLookup {
    static func addresses(of name: String) -> HostNames.Answer {
        var wanted = addrinfo()
        #if canImport(Glibc)
            wanted.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            wanted.ai_socktype = SOCK_STREAM
        #endif
        wanted.ai_protocol = Int32(IPPROTO_TCP)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, nil, &wanted, &found)
        defer { if let found { freeaddrinfo(found) } }
        guard status == 0 else {
            // Whoever has no way to a name server need not look for a slip in the name.
            let hasNoWay = [EAI_AGAIN, EAI_FAIL, EAI_SYSTEM].contains(status)
            let reason = hasNoWay ? String(cString: gai_strerror(status)) : "no such host"
            return .failure(TransportError("dial tcp: lookup \(name): \(reason)", code: .unknownHost))
        }
        var addresses: [SocketAddress] = []
        var next = found
        while let info = next {
            if let address = info.pointee.ai_addr {
                let bytes = UnsafeRawPointer(address)
                switch info.pointee.ai_family {
                case AF_INET: addresses.append(SocketAddress(bytes.loadUnaligned(as: sockaddr_in.self), host: name))
                case AF_INET6: addresses.append(SocketAddress(bytes.loadUnaligned(as: sockaddr_in6.self), host: name))
                default: break
                }
            }
            next = info.pointee.ai_next
        }
        if addresses.isEmpty {
            return .failure(TransportError("dial tcp: lookup \(name): no such host", code: .unknownHost))
        }
        return .success(addresses)
    }
}

/// Addresses that are known already, for whoever connects to the first of them that answers.
package struct FoundAddresses: Resolver, Sendable {
    private let loop: any EventLoop
    private let addresses: [SocketAddress]

    package init(_ addresses: [SocketAddress], on loop: any EventLoop) {
        self.addresses = addresses
        self.loop = loop
    }

    package func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        answer(port) { if case .v4 = $0 { true } else { false } }
    }

    package func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        answer(port) { if case .v6 = $0 { true } else { false } }
    }

    package func cancelQueries() {}

    /// Later: whoever asks is not ready for an answer before it has asked for both kinds.
    private func answer(_ port: Int, where isMeant: (SocketAddress) -> Bool) -> EventLoopFuture<[SocketAddress]> {
        let found = addresses.filter(isMeant).map { address in
            var address = address
            address.port = port
            return address
        }
        return loop.submit { found }
    }
}
