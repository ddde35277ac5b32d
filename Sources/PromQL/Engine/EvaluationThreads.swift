internal import Dispatch
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Threads of their own for whatever may compute for long: queries, rules, simulations.
///
/// Tasks that prefer them leave the threads alone that scrapes, pushes and health are served by; where the system knows a
/// priority for threads (Linux), these have a lower one, so that they also leave the cores to those. There are more threads than
/// cores, so that a short query does not wait for long ones to end: the system divides the cores among them. Threads are made as
/// they are needed.
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
        public static func queries(concurrency: Int) -> Lane {
            let queries = concurrency > 0 ? min(concurrency, 64) : 64
            return Lane(limit: min(64, queries + EvaluationThreads.cores), niceness: 10)
        }

        /// For rules: they come before queries, and after scrapes and pushes.
        /// More of them than cores: a group of short expressions does not wait for those with long ones.
        public static let rules = Lane(limit: EvaluationThreads.cores + 8, niceness: 2)
    }

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
            var threads = 0
            var idle = 0
            var isClosed = false

            mutating func take() -> Entry? {
                guard first < entries.count else { return nil }
                let entry = entries[first]
                first += 1
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

        let lane: Lane
        private let waiting = Mutex(Waiting())
        private let signal = DispatchSemaphore(value: 0)

        init(_ lane: Lane) { self.lane = lane }

        var threadCount: Int { waiting.withLock { $0.threads } }

        func add(_ entry: Entry) {
            let help = waiting.withLock { waiting -> Help in
                waiting.entries.append(entry)
                if waiting.idle > 0 {
                    waiting.idle -= 1
                    return .wake
                }
                guard waiting.threads < lane.limit else { return .none }
                waiting.threads += 1
                return .thread
            }
            switch help {
            case .none: break
            case .wake: signal.signal()
            case .thread: if !ThreadStart.begin(self) { threadFailed() }
            }
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
                    if let entry = waiting.take() { return .run(entry) }
                    if waiting.isClosed || waiting.idle >= EvaluationThreads.cores {
                        waiting.threads -= 1
                        return .end
                    }
                    waiting.idle += 1
                    return .wait
                }
                switch step {
                case .run(let entry): entry.run()
                case .wait: signal.wait()
                case .end: return
                }
            }
        }

        func close() {
            let idle = waiting.withLock { waiting -> Int in
                defer { waiting.idle = 0 }
                waiting.isClosed = true
                return waiting.idle
            }
            for _ in 0..<idle { signal.signal() }
        }
    }

    /// Whether the calling thread is one of any such threads.
    static var isCurrent: Bool { pthread_getspecific(ThreadStart.mark) != nil }

    /// Making a thread.
    private enum ThreadStart {
        /// Where each of the threads has something of its own, and others nothing.
        static let mark = {
            var key = pthread_key_t()
            pthread_key_create(&key, nil)
            return key
        }()

        static func begin(_ queue: Queue) -> Bool {
            var attributes = pthread_attr_t()
            guard pthread_attr_init(&attributes) == 0 else { return false }
            defer { pthread_attr_destroy(&attributes) }
            pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
            // Expressions are walked by recursion, a thousand levels deep.
            pthread_attr_setstacksize(&attributes, 8 << 20)
            let context = Unmanaged.passRetained(queue)
            #if canImport(Darwin)
                var thread: pthread_t?
            #else
                var thread = pthread_t()
            #endif
            let status = pthread_create(
                &thread,
                &attributes,
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
    static func run<Result: Sendable, Failure: Error>(
        on threads: EvaluationThreads?,
        _ body: @Sendable () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        guard let threads, !isCurrent else { return try await body() }
        let outcome = await withTaskExecutorPreference(threads) { () async -> Swift.Result<Result, Failure> in
            do throws(Failure) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
