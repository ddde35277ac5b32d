import HTTPCalling
package import Logging
public import MetricModel
public import Scrape
import Synchronization

/// Sends what a store gets to the receivers of a configuration (`remote_write`), each from where it was left off.
public final class RemoteWriter: Sendable {
    /// The way to a receiver that is not over the network.
    package typealias Post = @Sendable (TargetRequest, [UInt8]) async throws(TransportError) -> TargetResponse

    private struct Running {
        var sender: RemoteSender
        /// `nil` where somebody drives it.
        var task: Task<Void, Never>?
    }

    private struct State {
        var running: [Running] = []
        var isOpen = false
        var config: (writes: [RemoteWriteConfig], labels: [Label]) = ([], [])
    }

    private let source: any FeedSource
    private let around: RemoteSender.Surroundings
    private let state = Mutex(State())
    private let logger: Logger

    /// So many milliseconds what waits is sent on at the end, at most: the process ends within five seconds, and the store is closed
    /// after that.
    package static let longestFlush: Int64 = 3000

    /// A writer that sends once ``run()`` is called, or when it is told to: ``begin()``, then ``drive()`` after each append and when
    /// ``nextDue`` has come.
    /// - Parameters:
    ///   - version: what receivers are told in `User-Agent`.
    ///   - flushDeadline: how long what waits is sent on at the end, in milliseconds.
    ///   - metadata: what is known of families.
    ///   - post: the way to receivers; `nil` for that over the network.
    package init(
        source: any FeedSource,
        clock: any StackClock,
        logger: Logger,
        version: String,
        environment: [String: String] = [:],
        flushDeadline: Int64 = RemoteWriter.longestFlush,
        metadata: @escaping @Sendable () async -> [String: MetricMetadata],
        post: Post? = nil
    ) {
        self.source = source
        self.logger = logger
        around = RemoteSender.Surroundings(
            source: source,
            metadata: metadata,
            clock: clock,
            logger: logger,
            version: version,
            environment: environment,
            flushDeadline: flushDeadline,
            post: post
        )
    }

    /// Sends by a configuration from now on. Queues that it does not change go on.
    public func apply(_ writes: [RemoteWriteConfig], externalLabels: [Label]) async {
        let (isOpen, gone) = state.withLock { state -> (Bool, [Running]) in
            state.config = (writes, externalLabels)
            let gone = state.running.filter { running in
                !writes.contains(running.sender.config) || running.sender.externalLabels != externalLabels
            }
            state.running.removeAll { running in gone.contains { $0.sender === running.sender } }
            return (state.isOpen, gone)
        }
        // One after the other, those that do not answer would take their time each.
        for running in gone where running.task != nil { running.sender.end() }
        for running in gone { await end(running) }
        guard isOpen else { return }
        await forgetOthers(writes)
        await start(writes, externalLabels)
    }

    /// What nobody sends any more need not be kept.
    private func forgetOthers(_ writes: [RemoteWriteConfig]) async {
        do throws(StorageError) {
            for name in try await source.feedCursors().keys where !writes.contains(where: { $0.name == name }) {
                try await source.feedSave(name) { nil }
            }
        } catch {
            logger.error("Forgetting a remote storage failed", metadata: ["err": "\(error.message)"])
        }
    }

    private func end(_ running: Running) async {
        guard let task = running.task else { return await running.sender.leave() }
        running.sender.end()
        await task.value
    }

    private func start(_ writes: [RemoteWriteConfig], _ labels: [Label]) async {
        for config in writes {
            do throws(TransportError) {
                let sender = try RemoteSender(config, externalLabels: labels, around)
                let isDriven = around.post != nil
                let isNew = state.withLock { state in
                    guard state.isOpen, !state.running.contains(where: { $0.sender.config == config }) else {
                        return false
                    }
                    state.running.append(
                        Running(sender: sender, task: isDriven ? nil : Task { await sender.run() })
                    )
                    return true
                }
                guard isDriven, isNew else { continue }
                do throws(StorageError) {
                    try await sender.begin()
                } catch {
                    sender.note(error.message)
                }
            } catch {
                logger.error(
                    "A remote storage cannot be talked to",
                    metadata: ["remote": "\(config.name)", "err": "\(error.message)"]
                )
            }
        }
    }

    /// Sends until the task is cancelled, then what waits, for a while.
    public func run() async {
        let config = state.withLock { state in
            state.isOpen = true
            return state.config
        }
        await apply(config.writes, externalLabels: config.labels)
        // Nothing is ever told here: it ends with the task.
        let (never, continuation) = AsyncStream<Void>.makeStream()
        for await _ in never {}
        continuation.finish()
        let running = state.withLock { state in
            state.isOpen = false
            return state.running
        }
        for one in running { one.sender.end() }
        for one in running { await one.task?.value }
    }

    // MARK: Driving

    /// Begins, where somebody drives it.
    package func begin() async {
        let config = state.withLock { state in
            state.isOpen = true
            return state.config
        }
        await apply(config.writes, externalLabels: config.labels)
    }

    /// Remembers how far it is and ends, where somebody drives it.
    package func leave() async {
        let running = state.withLock { state in
            state.isOpen = false
            defer { state.running = [] }
            return state.running
        }
        for one in running { await one.sender.leave() }
    }

    /// When there is something to send, in steady nanoseconds; `nil` where nothing waits.
    package var nextDue: Int64? { state.withLock { $0.running }.compactMap { $0.sender.nextDue }.min() }

    /// Reads what came, and sends what is due.
    package func drive() async {
        for one in state.withLock({ $0.running }) { await one.sender.drive() }
    }

    /// The figures of all queues, under Prometheus's names.
    public var families: [MetricFamily] {
        var families = RemoteFamilies()
        for running in state.withLock({ $0.running }) { running.sender.addFamilies(to: &families) }
        return families.all
    }

    /// How the queues stand.
    public func status() async -> [RemoteStatus] {
        let running = state.withLock { $0.running }
        if running.isEmpty { return [] }
        let end = (try? await source.feedEnd()) ?? 0
        return running.map { $0.sender.status(end: end) }
    }
}
