internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Threads of their own for whatever may compute for long: queries, rules, simulations, long texts that somebody sends.
///
/// Tasks that prefer them leave the threads alone that scrapes, pushes and health are served by; where the system knows a
/// priority for threads (Linux), these have a lower one, so that they also leave the cores to those. As many work
/// as there are cores: more would only take the cores from each other. Where what waits does not get on, because long work keeps them all,
/// one more comes in every few milliseconds, so that a short query does not wait for long ones to end: then the system divides the
/// cores among them. Threads are made as they are needed.
public final class EvaluationThreads: TaskExecutor, Sendable {
    /// For whom threads are, which says how many there are at most and how much they give way.
    public struct Lane: Sendable, Hashable {
        /// The most threads.
        public var limit: Int
        /// How much lower the threads' priority is than that of the process, in steps of `nice`.
        public var niceness: Int

        /// A lane.
        public init(limit: Int, niceness: Int) {
            self.limit = max(1, limit)
            self.niceness = max(0, niceness)
        }

        /// For what people ask: so many queries may run at a time (0 for any number), and each uses all cores. Never more than
        /// 64 threads.
        ///
        /// A little lower than rules and no more: on cores that a compiler keeps busy, too, somebody waits for the answer. With
        /// 40 heavy queries at a time `/-/healthy` is answered within 20 ms all the same.
        public static func queries(concurrency: Int) -> Lane {
            let queries = concurrency > 0 ? min(concurrency, 64) : 64
            return Lane(limit: min(64, queries + EvaluationThreads.cores), niceness: 3)
        }

        /// For rules: they come before queries, and after scrapes and pushes.
        /// More of them than cores: a group of short expressions does not wait for those with long ones.
        public static let rules = Lane(limit: EvaluationThreads.cores + 8, niceness: 2)

        /// For what others send, where it is long: it gives way to what is short.
        public static let reading = Lane(limit: EvaluationThreads.cores + 8, niceness: 2)
    }

    /// Where long bodies of requests and answers are read, and what they name is worked out: nobody else is served there.
    public static let reading = EvaluationThreads(.reading)

    /// Where folders and files of the configuration are looked at: a disk may not answer for long, and then keeps none of the others.
    package static let files = EvaluationThreads(.reading)

    /// Fewer bytes than that are read where they come: to wake another thread would take as long.
    package static let longText = 16 << 10

    /// How many cores the process may use.
    public static let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    /// For whom the threads are.
    public let lane: Lane
    private let queue: Queue

    /// No threads yet.
    public init(_ lane: Lane) {
        self.lane = lane
        queue = Queue(lane)
    }

    deinit { queue.close() }

    /// How many threads there are now.
    public var threadCount: Int { queue.threadCount }

    /// Runs a job on one of the threads as soon as one is free.
    public func enqueue(_ job: consuming ExecutorJob) {
        queue.add(Entry(job: UnownedJob(job), executor: self))
    }

    /// A job that waits; holds on to the executor, as jobs themselves do not.
    fileprivate struct Entry: Sendable {
        let job: UnownedJob
        let executor: EvaluationThreads

        func run() { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
    }

    /// What waits and who is there to take it; outlives the executor for as long as a thread looks at it.
    fileprivate final class Queue: Sendable {
        private struct Waiting {
            var entries: [Entry] = []
            /// Those before it were taken.
            var first = 0
            /// How many were taken since the start.
            var taken = 0
            var threads = 0
            var idle = 0
            /// How many threads may work at a time; more only while the work does not get on.
            var allowed = EvaluationThreads.cores
            /// Whether somebody looks again soon how the work gets on.
            var isWatched = false
            var isClosed = false

            var isEmpty: Bool { first == entries.count }
            var active: Int { threads - idle }

            /// How one more thread comes to work.
            mutating func help(_ limit: Int) -> Help {
                if idle > 0 {
                    idle -= 1
                    return .wake
                }
                guard threads < limit else { return .none }
                threads += 1
                return .thread
            }

            mutating func take() -> Entry? {
                guard first < entries.count else { return nil }
                let entry = entries[first]
                first += 1
                taken += 1
                if first == entries.count {
                    entries.removeAll(keepingCapacity: true)
                    first = 0
                } else if first >= 1024 {
                    entries.removeSubrange(..<first)
                    first = 0
                }
                return entry
            }
        }

        private enum Step {
            case run(Entry)
            case wait
            case end
        }

        private enum Help {
            case none
            case wake
            case thread
        }

        /// After so many seconds without work a thread ends.
        private static let patience = 10
        /// After so many milliseconds it is looked at how the work gets on, while some waits.
        private static let rhythm = 5

        let lane: Lane
        private let waiting = Mutex(Waiting())
        private let signal = ThreadSignal()

        init(_ lane: Lane) { self.lane = lane }

        var threadCount: Int { waiting.withLock { $0.threads } }

        func add(_ entry: Entry) {
            let (help, watched) = waiting.withLock { waiting -> (Help, Int?) in
                waiting.entries.append(entry)
                if waiting.active < waiting.allowed { return (waiting.help(lane.limit), nil) }
                guard !waiting.isWatched, lane.limit > EvaluationThreads.cores else { return (.none, nil) }
                waiting.isWatched = true
                return (.none, waiting.taken)
            }
            give(help)
            if let watched { watch(watched) }
        }

        private func give(_ help: Help) {
            switch help {
            case .none: break
            case .wake: signal.give()
            case .thread: if !ThreadStart.begin(self) { threadFailed() }
            }
        }

        private func watch(_ taken: Int) {
            ThreadSignal.after(milliseconds: Queue.rhythm) { self.look(taken) }
        }

        /// Lets one more thread work where nothing was taken since the last look, one less where it was.
        private func look(_ before: Int) {
            let (help, isOver, taken) = waiting.withLock { waiting -> (Help, Bool, Int) in
                var help = Help.none
                if !waiting.isEmpty && waiting.taken == before {
                    waiting.allowed = min(lane.limit, max(waiting.allowed, waiting.active) + 1)
                    if waiting.active < waiting.allowed { help = waiting.help(lane.limit) }
                } else {
                    waiting.allowed = max(EvaluationThreads.cores, waiting.allowed - 1)
                }
                waiting.isWatched = !waiting.isEmpty || waiting.allowed > EvaluationThreads.cores
                return (help, !waiting.isWatched, waiting.taken)
            }
            give(help)
            if !isOver { watch(taken) }
        }

        /// Where the system gives no thread: those that are there do the work, and if there is none, whoever brought it.
        private func threadFailed() {
            let left = waiting.withLock { waiting -> Entry? in
                waiting.threads -= 1
                return waiting.threads == 0 ? waiting.take() : nil
            }
            left?.run()
        }

        /// What a thread does all its life.
        func work() {
            while true {
                let step = waiting.withLock { waiting -> Step in
                    let isSurplus = waiting.active > waiting.allowed && !waiting.isClosed
                    if !isSurplus, let entry = waiting.take() { return .run(entry) }
                    if waiting.isClosed {
                        waiting.threads -= 1
                        return .end
                    }
                    waiting.idle += 1
                    return .wait
                }
                switch step {
                case .run(let entry): entry.run()
                case .wait: if !isNeeded() { return }
                case .end: return
                }
            }
        }

        /// Waits for work. What comes in bursts finds the threads of the last one: making a thread costs as much as a short query.
        /// More than there are cores end once nothing has come for a while.
        private func isNeeded() -> Bool {
            while !signal.wait(seconds: Queue.patience) {
                let isOver = waiting.withLock { waiting in
                    // Those that are not idle any more have a signal that is on its way.
                    guard waiting.idle > EvaluationThreads.cores else { return false }
                    waiting.idle -= 1
                    waiting.threads -= 1
                    return true
                }
                if isOver { return false }
            }
            return true
        }

        func close() {
            let idle = waiting.withLock { waiting -> Int in
                defer { waiting.idle = 0 }
                waiting.isClosed = true
                return waiting.idle
            }
            for _ in 0..<idle { signal.give() }
        }
    }

    /// Whether the calling thread is one of any such threads.
    package static var isCurrent: Bool { pthread_getspecific(ThreadStart.mark) != nil }

    /// Making a thread.
    private enum ThreadStart {
        /// Where each of the threads has something of its own, and others nothing.
        static let mark = {
            var key = pthread_key_t()
            pthread_key_create(&key, nil)
            return key
        }()

        static func begin(_ queue: Queue) -> Bool {
            let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
            defer { attributes.deallocate() }
            guard pthread_attr_init(attributes) == 0 else { return false }
            defer { pthread_attr_destroy(attributes) }
            pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
            // Expressions are walked by recursion, a thousand levels deep.
            pthread_attr_setstacksize(attributes, 8 << 20)
            let context = Unmanaged.passRetained(queue)
            #if canImport(Darwin)
                var thread: pthread_t?
            #else
                var thread = pthread_t()
            #endif
            let status = pthread_create(
                &thread,
                attributes,
                { context in
                    // Optional on one system, not on the other.
                    let pointer: UnsafeMutableRawPointer? = context
                    guard let pointer else { return nil }
                    let queue = Unmanaged<Queue>.fromOpaque(pointer).takeRetainedValue()
                    ThreadStart.giveWay(queue.lane)
                    pthread_setspecific(ThreadStart.mark, pointer)
                    queue.work()
                    return nil
                },
                context.toOpaque()
            )
            if status != 0 { context.release() }
            return status == 0
        }

        /// Lowers the priority of the thread that calls.
        static func giveWay(_ lane: Lane) {
            #if os(Linux)
                // 0 is PRIO_PROCESS, whose type differs between C libraries; process 0 is the calling thread on Linux.
                let present = getpriority(0, 0)
                _ = setpriority(0, 0, min(19, present + Int32(lane.niceness)))
            #else
                if lane.niceness > 0 { pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0) }
            #endif
        }
    }
}

extension EvaluationThreads {
    /// Runs `body` on these threads, unless its task runs on such threads already.
    @concurrent
    package static func run<Result: Sendable, Failure: Error>(
        on threads: EvaluationThreads?,
        _ body: @Sendable () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        guard let threads, !isCurrent else { return try await body() }
        let outcome = await withTaskExecutorPreference(threads) { await begun(body) }
        return try outcome.get()
    }

    /// A task looks at what it prefers where a function begins that is nobody's, and where it goes on after it has waited: without the
    /// first, all that `body` does before it waits would be done on the threads that it was to leave alone.
    @concurrent
    private static func begun<Result: Sendable, Failure: Error>(
        _ body: @Sendable () async throws(Failure) -> Result
    ) async -> Swift.Result<Result, Failure> {
        do throws(Failure) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
