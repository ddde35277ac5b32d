import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A signal that ends a command which has something to close before: the first one is noted, the next one ends the program as ever.
enum Interruption {
    private static let number = Atomic<Int32>(0)
    /// The signals that are noted, a bit each.
    private static let noticed = Atomic<UInt32>(0)

    /// The signal that came; `nil` for none.
    static var signal: Int32? {
        let number = number.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Its name.
    static var name: String? { signal.map { $0 == SIGINT ? "SIGINT" : $0 == SIGHUP ? "SIGHUP" : "SIGTERM" } }

    /// Whether none came.
    static var isQuiet: Bool { signal == nil }

    /// What ends a command: a key, whoever started it, a terminal that is closed.
    private static let ending = [SIGINT, SIGTERM, SIGHUP]

    /// From now on signals are noted. One that is to be ignored, as a shell has it for what runs in the background, still is.
    static func begin() {
        for number in ending {
            noticed.bitwiseOr(1 << UInt32(number), ordering: .relaxed)
            let before = set(number, to: noted)
            if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
                noticed.bitwiseAnd(~(1 << UInt32(number)), ordering: .relaxed)
                _ = set(number, to: SIG_IGN)
            }
        }
    }

    #if canImport(Darwin)
        private typealias Handler = (@convention(c) (Int32) -> Void)?
    #else
        private typealias Handler = __sighandler_t?
    #endif

    private static func set(_ number: Int32, to handler: Handler) -> Handler {
        #if canImport(Darwin)
            Darwin.signal(number, handler)
        #else
            Glibc.signal(number, handler)
        #endif
    }

    private static let noted: @convention(c) (Int32) -> Void = { number in
        Interruption.number.store(number, ordering: .relaxed)
        for each in ending where Interruption.noticed.load(ordering: .relaxed) & 1 << UInt32(each) != 0 {
            reset(each)
        }
    }

    private static func reset(_ number: Int32) { _ = set(number, to: SIG_DFL) }

    /// Ends the program by the signal that came, if one did, so that who started it sees what ended it.
    static func endBySignal() {
        guard let signal else { return }
        reset(signal)
        // Threads of tasks take no signals; the one that does is woken by it.
        kill(getpid(), signal)
        sleep(1)
        exit(128 + signal)
    }
}
