import MetricModel
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Verifies names and passwords.
///
/// Hashing takes long on purpose, up to minutes. It happens on one thread of its own, which nobody else waits for, one after
/// the other; those who wait take turns by client and name, so that wrong passwords of one do not hold up the right one of another.
/// Whoever was admitted once is known from then on by a digest.
final class PasswordKeeper: Sendable {
    /// What a request with these credentials gets.
    enum Verdict: Sendable, Equatable {
        case admitted
        case refused
        /// Too many wait already.
        case busy
    }

    /// So many different credentials are remembered, right ones and wrong ones.
    private static let memory = 100
    /// So many of one client and name wait: behind a proxy, and on one machine, all are one client, and who guesses passwords must not
    /// keep the right one out.
    static let patience = 32
    /// So many wait in all.
    static let queueLimit = 128

    /// Whose turn it may be.
    private struct Turn: Hashable {
        var client: String
        /// The name, where there is such a user; all others are one.
        var user: String?
    }

    /// Who waits for an answer, and gets one.
    private final class Asker: Sendable {
        private let continuation: Mutex<CheckedContinuation<Bool?, Never>?>

        init(_ continuation: CheckedContinuation<Bool?, Never>) { self.continuation = Mutex(continuation) }

        /// Whether the password is right; `nil` where nobody looks any more.
        func answer(_ isRight: Bool?) {
            let continuation = continuation.withLock { known in
                defer { known = nil }
                return known
            }
            continuation?.resume(returning: isRight)
        }
    }

    private struct Waiting {
        var hash: Bcrypt
        var password: String
        var asker: Asker
    }

    /// Those who wait, and whether somebody is served.
    private struct Queue {
        var lines: [Turn: [Waiting]] = [:]
        /// Whose turn is next.
        var turns: [Turn] = []
        var count = 0
        var isWorking = false
        /// Whose password is being hashed.
        var served: Asker?
        /// Whether the server ends.
        var isClosed = false
    }

    private struct Known {
        var admitted: Set<[UInt8]> = []
        var refused: Set<[UInt8]> = []
    }

    private let users: [String: Bcrypt]
    /// Digests of credentials.
    private let known = Mutex(Known())
    private let queue = Mutex(Queue())

    init(users: [String: Bcrypt]) { self.users = users }

    /// What is known of these credentials (the value of `Authorization`) without hashing; `nil` where nothing is.
    func verdict(_ credentials: String) -> Verdict? {
        guard BasicCredentials.read(credentials) != nil else { return .refused }
        let digest = SHA256.digest(Array(credentials.utf8))
        return known.withLock { known in
            if known.admitted.contains(digest) { return .admitted }
            return known.refused.contains(digest) ? .refused : nil
        }
    }

    /// Hashes the password, when it is its turn.
    func verify(_ credentials: String, from client: String) async -> Verdict {
        guard let (name, password) = BasicCredentials.read(credentials) else { return .refused }
        // For an unknown name a password is hashed all the same, so that the time tells nothing.
        guard let hash = users[name] ?? users.values.first else { return .refused }
        let isUser = users[name] != nil
        let turn = Turn(client: AccessPolicy.host(of: client), user: isUser ? name : nil)
        let isRight = await withGracefulShutdownHandler {
            await withCheckedContinuation { continuation in
                let waiting = Waiting(hash: hash, password: password, asker: Asker(continuation))
                let isFull = queue.withLock { queue in
                    guard !queue.isClosed, queue.count < Self.queueLimit,
                        queue.lines[turn, default: []].count < Self.patience
                    else { return true }
                    if queue.lines[turn] == nil { queue.turns.append(turn) }
                    queue.lines[turn, default: []].append(waiting)
                    queue.count += 1
                    return false
                }
                if isFull { waiting.asker.answer(nil) } else { work() }
            }
        } onGracefulShutdown: {
            self.close()
        }
        guard let isRight else { return .busy }
        remember(SHA256.digest(Array(credentials.utf8)), isAdmitted: isRight && isUser)
        return isRight && isUser ? .admitted : .refused
    }

    /// Sends away all who wait, also whose password is being hashed, which may take a minute: the end does not wait for that.
    func close() {
        let askers = queue.withLock { queue in
            defer {
                queue = Queue()
                queue.isClosed = true
            }
            return queue.lines.values.flatMap { $0.map(\.asker) } + (queue.served.map { [$0] } ?? [])
        }
        for asker in askers { asker.answer(nil) }
    }

    private func remember(_ digest: [UInt8], isAdmitted: Bool) {
        known.withLock { known in
            if isAdmitted {
                if known.admitted.count >= Self.memory { known.admitted.removeAll() }
                known.admitted.insert(digest)
            } else {
                if known.refused.count >= Self.memory { known.refused.removeAll() }
                known.refused.insert(digest)
            }
        }
    }

    /// Serves the next one, unless somebody is served.
    private func work() {
        guard let next = next() else { return }
        Self.threads.submit { _ in
            next.asker.answer(next.hash.verify(next.password))
            self.queue.withLock { queue in
                queue.isWorking = false
                queue.served = nil
            }
            self.work()
        }
    }

    private func next() -> Waiting? {
        queue.withLock { queue in
            guard !queue.isWorking, let turn = queue.turns.first, var line = queue.lines[turn] else { return nil }
            queue.isWorking = true
            queue.turns.removeFirst()
            queue.count -= 1
            let next = line.removeFirst()
            queue.served = next.asker
            queue.lines[turn] = line.isEmpty ? nil : line
            if !line.isEmpty { queue.turns.append(turn) }
            return next
        }
    }

    /// One thread for all servers of the process, which is there from the first password on.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        return threads
    }()
}
