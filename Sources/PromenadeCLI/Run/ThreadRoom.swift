import NIOCore
import Scrape

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Whether a stack can have the threads that it runs on. Where the system makes none, whatever needs one waits for ever or ends the
/// program, both without a word.
enum ThreadRoom {
    /// The main one, two for connections, those for scrapes, some of the pool, what writes and keeps time beside them, and eight that
    /// evaluate: where these had the last ones, the pool would get none to end on.
    private static let needed = 3 + LoopExecutor.threadCount + min(4, System.coreCount) + 4 + 8

    /// What to tell where this process cannot have so many.
    static func complaint() -> String? {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        defer { gate.deallocate() }
        pthread_mutex_init(gate, nil)
        pthread_mutex_lock(gate)
        var threads: [pthread_t] = []
        while threads.count < needed - 1 {
            #if canImport(Darwin)
                var thread: pthread_t?
            #else
                var thread = pthread_t()
            #endif
            // None ends before all are there.
            let number = pthread_create(
                &thread,
                nil,
                { context in
                    // Optional on one system, not on the other.
                    let pointer: UnsafeMutableRawPointer? = context
                    guard let gate = pointer?.assumingMemoryBound(to: pthread_mutex_t.self) else { return nil }
                    pthread_mutex_lock(gate)
                    pthread_mutex_unlock(gate)
                    return nil
                },
                gate
            )
            let made: pthread_t? = thread
            guard number == 0, let made else { break }
            threads.append(made)
        }
        pthread_mutex_unlock(gate)
        for thread in threads { pthread_join(thread, nil) }
        pthread_mutex_destroy(gate)
        if threads.count == needed - 1 { return nil }
        return "no more than \(threads.count + 1) threads could be had, and a stack needs \(needed) at least: "
            + "ulimit -u, pids.max of its control group or more memory gives it room"
    }
}
