import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The files of this process that its connections take: those that come in and those that go out.
///
/// Some files are always left for the rest: the database, the configuration, names that are looked up. Where none is left, libraries end the
/// process.
public final class ConnectionFiles: Sendable {
    private struct Counts {
        var incoming = 0
        var outgoing = 0
        /// Those among them whose other end said nothing the last time.
        var doubtful = 0
    }

    /// Those of this process.
    public static let shared = ConnectionFiles()

    private let counts = Mutex(Counts())
    /// So many files there may be; `nil` for as many as the system says.
    private let fixed: Int?

    /// Files that are counted apart, for tests.
    package init(limit: Int? = nil) { fixed = limit }

    // MARK: The process

    /// Beyond so many, more files are of no use.
    private static let mostFiles: rlim_t = 65_536

    #if canImport(Darwin)
        private static let kind = RLIMIT_NOFILE
    #else
        private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif

    /// How many files this process may have open at a time.
    public static var limit: Int {
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return 1024 }
        return Int(clamping: min(limit.rlim_cur, 1 << 20))
    }

    /// Lets the process have as many files open as it may let itself, as programs in Go do.
    public static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0, limit.rlim_cur < min(limit.rlim_max, mostFiles) else { return }
        limit.rlim_cur = min(limit.rlim_max, mostFiles)
        _ = setrlimit(kind, &limit)
    }

    // MARK: Room

    private var limit: Int { fixed ?? Self.limit }

    /// What is left for the rest.
    private static func reserve(_ limit: Int) -> Int { min(128, limit / 4) }

    /// How many connections may come in while so many go out; a quarter of the files is theirs in any case.
    package var incomingRoom: Int {
        let limit = limit
        let outgoing = counts.withLock { $0.outgoing }
        return max(1, limit / 4, limit - Self.reserve(limit) - outgoing)
    }

    private static func outgoingRoom(_ limit: Int, _ counts: borrowing Counts) -> Int {
        max(1, limit - reserve(limit) - max(limit / 4, counts.incoming))
    }

    /// Whether few more can go out: then nobody should keep one for later.
    package var isTight: Bool {
        let limit = limit
        return counts.withLock { $0.outgoing * 4 > Self.outgoingRoom(limit, $0) * 3 }
    }

    /// Why there is no room for one more.
    package struct Full: Error {
        package let message: String
    }

    /// Room for connections that go out, until they are closed.
    package final class Outgoing: Sendable {
        private struct Taken {
            var count: Int
            var isDoubtful: Bool
        }

        private let files: ConnectionFiles
        private let taken: Mutex<Taken>

        fileprivate init(_ files: ConnectionFiles, _ count: Int, isDoubtful: Bool) {
            self.files = files
            taken = Mutex(Taken(count: count, isDoubtful: isDoubtful))
        }

        deinit { giveBack() }

        /// The other end has answered: they count as others do.
        package func trust() {
            taken.withLock { taken in
                guard taken.isDoubtful else { return }
                taken.isDoubtful = false
                files.counts.withLock { $0.doubtful -= taken.count }
            }
        }

        /// They are closed, or never came to be.
        package func giveBack() {
            trust()
            taken.withLock { taken in
                files.counts.withLock { $0.outgoing -= taken.count }
                taken.count = 0
            }
        }
    }

    /// Takes room for connections that go out.
    /// - Parameter isDoubtful: whether the other end said nothing the last time. All such take three quarters of the room at most: each
    ///   keeps its connection for as long as it may and asks for one again at that moment, so that others would never have one.
    /// - Throws: where there is none.
    package func takeOutgoing(_ count: Int = 1, isDoubtful: Bool = false) throws(Full) -> Outgoing {
        let limit = limit
        let open = counts.withLock { counts -> Int? in
            let room = Self.outgoingRoom(limit, counts)
            let isFull = isDoubtful && counts.doubtful + count > max(1, room * 3 / 4)
            if isFull || counts.outgoing + count > room { return counts.incoming + counts.outgoing }
            counts.outgoing += count
            if isDoubtful { counts.doubtful += count }
            return nil
        }
        guard let open else { return Outgoing(self, count, isDoubtful: isDoubtful) }
        throw Full(
            message: "no more connections: \(open) are open, and this process may have \(limit) files open (ulimit -n)"
        )
    }

    /// Room for a connection that is there and that nobody has asked for.
    package func addOutgoing() -> Outgoing {
        counts.withLock { $0.outgoing += 1 }
        return Outgoing(self, 1, isDoubtful: false)
    }

    /// A connection has come in.
    package func addIncoming() { counts.withLock { $0.incoming += 1 } }

    /// A connection that came in is closed.
    package func leaveIncoming() { counts.withLock { $0.incoming -= 1 } }
}
