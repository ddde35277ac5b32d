import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A signal that ends a command which has something to close before: the first one is noted, the next one ends the program as ever.
enum Interruption {
    private static let number = Atomic<Int32>(0)

    /// The signal that came; `nil` for none.
    static var signal: Int32? {
        let number = number.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Its name.
    static var name: String? { signal.map { $0 == SIGINT ? "SIGINT" : "SIGTERM" } }

    /// From now on signals are noted.
    static func begin() {
        for number in [SIGINT, SIGTERM] {
            #if canImport(Darwin)
                Darwin.signal(number, noted)
            #else
                Glibc.signal(number, noted)
            #endif
        }
    }

    private static let noted: @convention(c) (Int32) -> Void = { number in
        Interruption.number.store(number, ordering: .relaxed)
        for each in [SIGINT, SIGTERM] { reset(each) }
    }

    private static func reset(_ number: Int32) {
        #if canImport(Darwin)
            Darwin.signal(number, SIG_DFL)
        #else
            Glibc.signal(number, SIG_DFL)
        #endif
    }

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
