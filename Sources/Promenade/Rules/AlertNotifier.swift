package import Logging
package import MetricModel
import PrometheusClient
package import Rules
package import Scrape
import Synchronization
import TSDB
package import Web

/// Tells Alertmanagers of alerts: a queue and a sender for each.
package final class AlertNotifier: Sendable {
    /// How alerts are queued.
    package struct Limits: Sendable {
        /// The most alerts that wait for one Alertmanager; the oldest beyond are dropped.
        package var capacity = 10_000
        /// The most alerts of one request.
        package var batch = 256
        /// Whether what waits is sent at the end.
        package var drains = true
        /// So many milliseconds it is sent then, at most.
        package var drainTime = AlertNotifier.longestDrain

        /// Prometheus's defaults.
        package init() {}
    }

    /// One Alertmanager.
    private final class Receiver: Sendable {
        let url: String
        let transport: HTTPTransport
        let timeout: Int64
        /// How it is talked to; another one takes its place where that changes.
        let job: ScrapeConfig
        /// What waits.
        let queue = Mutex<[AlertNotice]>([])
        let wake: AsyncStream<Void>.Continuation
        let signals: AsyncStream<Void>
        let task = Mutex<Task<Void, Never>?>(nil)
        /// What became of the last request.
        let delivery = Mutex<RuleSource.Delivery?>(nil)
        /// Whether nothing comes any more.
        private let isOver = Mutex(false)

        init(_ url: String, _ transport: HTTPTransport, _ config: AlertingConfig.Alertmanager) {
            self.url = url
            self.transport = transport
            timeout = config.timeout.milliseconds
            job = config.job
            (signals, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        }

        var isEnding: Bool { isOver.withLock { $0 } }

        /// Ends the sender: when what waits is sent, or at once.
        func end(drains: Bool) {
            isOver.withLock { $0 = true }
            wake.finish()
            if !drains { task.withLock { $0 }?.cancel() }
        }
    }

    private struct State {
        var config = AlertingConfig()
        var externalLabels: [Label] = []
        var externalURL = ""
        var receivers: [Place: Receiver] = [:]
        var isEnded = false
    }

    /// Who is told.
    private let state = Mutex(State())
    /// Finds Alertmanagers; its targets are never scraped.
    private let discovery: ScrapeManager
    private let limits: Limits
    /// What other programs take, they take by the machine's time.
    private let network = SystemClock()
    /// So many milliseconds what waits is sent at the end, at most; the process ends within five seconds.
    package static let longestDrain: Int64 = 1500
    private let clock: any StackClock
    private let environment: [String: String]
    private let logger: Logger
    private let latency: MetricVector<Summary>
    private let latencies: MetricVector<Histogram>
    private let sent: MetricVector<Counter>
    private let errors: MetricVector<Counter>
    private let dropped: MetricVector<Counter>

    package init(limits: Limits, clock: any StackClock, environment: [String: String], logger: Logger) {
        self.limits = limits
        self.clock = clock
        self.environment = environment
        self.logger = logger
        var options = ScrapeManagerOptions(logger: logger)
        options.environment = environment
        options.isDriven = true
        discovery = ScrapeManager(
            store: TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: clock),
            clock: clock,
            options: options
        )
        latency = MetricVector(
            "prometheus_notifications_latency_seconds",
            help: "Latency quantiles for sending alert notifications.",
            labelNames: ["alertmanager"],
            objectives: Summary.Objectives([0.5: 0.05, 0.9: 0.01, 0.99: 0.001]),
            clock: clock
        )
        latencies = MetricVector(
            "prometheus_notifications_latency_histogram_seconds",
            help: "Latency histogram for sending alert notifications.",
            labelNames: ["alertmanager"],
            buckets: [0.01, 0.1, 1, 10]
        )
        sent = MetricVector(
            "prometheus_notifications_sent_total",
            help: "Total number of alerts sent.",
            labelNames: ["alertmanager"]
        )
        errors = MetricVector(
            "prometheus_notifications_errors_total",
            help: "Total number of sent alerts affected by errors.",
            labelNames: ["alertmanager"]
        )
        dropped = MetricVector(
            "prometheus_notifications_dropped_total",
            help: "Total number of alerts dropped due to errors when sending to Alertmanager.",
            labelNames: ["alertmanager"]
        )
    }

    /// Takes over a configuration.
    package func apply(_ config: AlertingConfig, externalLabels: [Label], externalURL: String) async {
        state.withLock { state in
            state.config = config
            state.externalLabels = externalLabels
            state.externalURL = externalURL
        }
        await discovery.apply(jobs: config.alertmanagers.map(\.job))
        refresh()
    }

    /// Whether anybody is to be told.
    package var hasReceivers: Bool { state.withLock { !$0.config.alertmanagers.isEmpty } }

    /// The addresses that alerts are sent to, and those that relabelling dropped.
    package var addresses: (active: [String], dropped: [String]) {
        let pools = discovery.pools()
        let dropped = pools.flatMap(\.dropped).map { target in
            let labels = target.discoveredLabels
            return
                "\(labels["__scheme__"] ?? "http")://\(labels["__address__"] ?? "")\(labels["__metrics_path__"] ?? "")"
        }
        return (Self.places(pools).map(\.url), dropped)
    }

    /// What became of the last request to each, by address.
    package var deliveries: [String: RuleSource.Delivery] {
        let receivers = state.withLock { Array($0.receivers.values) }
        let known = receivers.compactMap { one in one.delivery.withLock { $0 }.map { (one.url, $0) } }
        return Dictionary(known) { $0.time < $1.time ? $1 : $0 }
    }

    /// An Alertmanager as one set of the configuration finds it: each set tells it by its own rules.
    private struct Place: Hashable {
        var pool: String
        var url: String
    }

    private static func places(_ pools: [PoolSnapshot]) -> [Place] {
        var seen: Set<Place> = []
        return pools.flatMap { pool in
            pool.active.map { Place(pool: pool.name, url: $0.target.url) }.filter { seen.insert($0).inserted }
        }
    }

    /// Starts senders for Alertmanagers that were found and ends those for others.
    private func refresh() {
        let places = Self.places(discovery.pools())
        let (configs, missing, gone) = state.withLock {
            state -> ([AlertingConfig.Alertmanager], [Place], [Receiver]) in
            if state.isEnded { return ([], [], []) }
            let configs = state.config.alertmanagers
            var gone: [Receiver] = []
            for (place, receiver) in state.receivers {
                let isThere = places.contains(place)
                let config = isThere ? configs.first { $0.job.jobName == place.pool } : nil
                if config?.job != receiver.job || config?.timeout.milliseconds != receiver.timeout {
                    gone.append(receiver)
                    state.receivers[place] = nil
                }
            }
            return (configs, places.filter { state.receivers[$0] == nil }, gone)
        }
        for receiver in gone { receiver.end(drains: limits.drains) }
        for place in missing {
            let url = place.url
            guard let config = configs.first(where: { $0.job.jobName == place.pool }) else { continue }
            do throws(TransportError) {
                // Certificates and keys are read here, so not under the lock.
                let transport = try HTTPTransport(config.job.client, clock: clock, environment: environment)
                let receiver = Receiver(url, transport, config)
                let isNew = state.withLock { state in
                    if state.isEnded || state.receivers[place] != nil { return false }
                    state.receivers[place] = receiver
                    return true
                }
                // There from the beginning, so that a first failure is an increase.
                if isNew { for vector in [sent, errors, dropped] { vector.labels(url).increment(by: 0) } }
                receiver.task.withLock {
                    $0 = Task { [self] in isNew ? await serve(receiver) : await transport.close() }
                }
            } catch {
                logger.error(
                    "Cannot talk to an Alertmanager",
                    metadata: ["alertmanager": "\(url)", "err": "\(error.message)"]
                )
            }
        }
    }

    /// Notices as they leave for whomever: with external labels, without those that `alert_relabel_configs` drops.
    package func leaving(_ notices: [AlertNotice]) -> [AlertNotice] {
        let (config, external) = state.withLock { ($0.config, $0.externalLabels) }
        return AlertMessage.relabelled(AlertMessage.labelled(notices, external: external), config.alertRelabelRules)
    }

    /// Notices as somebody gets them: an Alertmanager of any set, by the set's own `alert_relabel_configs`, or the inbox. What
    /// several get alike is there once.
    /// - Parameter besides: whether the inbox is told beside Alertmanagers.
    package func arriving(_ notices: [AlertNotice], besides: Bool) -> [AlertNotice] {
        let all = leaving(notices)
        let sets = state.withLock { $0.config.alertmanagers }.map(\.alertRelabelRules)
        if sets.allSatisfy(\.isEmpty) { return all }
        var seen: Set<AlertNotice> = []
        return ((besides ? [[]] : []) + sets).flatMap { AlertMessage.relabelled(all, $0) }
            .filter { seen.insert($0).inserted }
    }

    /// Queues notices for everybody.
    package func notify(_ notices: [AlertNotice]) {
        if notices.isEmpty { return }
        refresh()
        let (config, receivers) = state.withLock { ($0.config, $0.receivers) }
        if receivers.isEmpty { return }
        let all = leaving(notices)
        for place in Self.places(discovery.pools()) {
            guard let receiver = receivers[place],
                let rules = config.alertmanagers.first(where: { $0.job.jobName == place.pool })?.alertRelabelRules
            else { continue }
            let items = AlertMessage.relabelled(all, rules)
            if items.isEmpty { continue }
            let lost = receiver.queue.withLock { queue in
                queue += items
                let excess = max(0, queue.count - limits.capacity)
                queue.removeFirst(excess)
                return excess
            }
            if lost > 0 {
                dropped.labels(place.url).increment(by: Double(lost))
                logger.warning(
                    "Alert notification queue full, dropping alerts",
                    metadata: ["alertmanager": "\(place.url)", "count": "\(lost)"]
                )
            }
            receiver.wake.yield()
        }
    }

    private func serve(_ receiver: Receiver) async {
        for await _ in receiver.signals { await sendAll(receiver) }
        await sendAll(receiver)
        let left = receiver.queue.withLock { queue in
            defer { queue = [] }
            return queue.count
        }
        if left > 0 { dropped.labels(receiver.url).increment(by: Double(left)) }
        await receiver.transport.close()
        // One that is gone has no figures; one that took its place goes on with them.
        let isGone = state.withLock { !$0.isEnded && !$0.receivers.keys.contains { $0.url == receiver.url } }
        if isGone {
            for vector in [sent, errors, dropped] { vector.remove(receiver.url) }
            latency.remove(receiver.url)
            latencies.remove(receiver.url)
        }
    }

    private func sendAll(_ receiver: Receiver) async {
        while limits.drains || !receiver.isEnding {
            let batch = receiver.queue.withLock { queue in
                let batch = Array(queue.prefix(limits.batch))
                queue.removeFirst(batch.count)
                return batch
            }
            if batch.isEmpty { return }
            let isTaken = await send(batch, receiver)
            // At the end one that does not answer is not waited for again and again.
            if receiver.isEnding, !isTaken { return }
        }
    }

    /// Sends one request; whether the alerts were taken.
    private func send(_ batch: [AlertNotice], _ receiver: Receiver) async -> Bool {
        let externalURL = state.withLock { $0.externalURL }
        let request = TargetRequest(
            url: receiver.url,
            headers: [
                ("Content-Type", "application/json"), ("User-Agent", "Prometheus/\(StackVersion.build.version)"),
            ],
            timeoutMilliseconds: receiver.timeout,
            bodyLimit: 1 << 20
        )
        let started = clock.steadyNanoseconds
        var problem: String?
        do throws(TransportError) {
            let answer = try await receiver.transport.post(
                request,
                body: AlertMessage.body(batch, externalURL: externalURL)
            )
            if !(200..<300).contains(answer.status) {
                problem = "bad response status \(answer.status) \(answer.reason)"
            }
        } catch {
            problem = error.message
        }
        receiver.delivery.withLock {
            $0 = RuleSource.Delivery(time: clock.wallNanoseconds, alerts: batch.count, error: problem)
        }
        let count = Double(batch.count)
        guard let problem else {
            let seconds = Double(clock.steadyNanoseconds - started) / 1e9
            latency.labels(receiver.url).observe(seconds)
            latencies.labels(receiver.url).observe(seconds)
            sent.labels(receiver.url).increment(by: count)
            return true
        }
        // As in Prometheus, nothing is tried again: the rule tells of the alert again anyway.
        errors.labels(receiver.url).increment(by: count)
        dropped.labels(receiver.url).increment(by: count)
        logger.error(
            "Error sending alerts",
            metadata: ["alertmanager": "\(receiver.url)", "count": "\(batch.count)", "err": "\(problem)"]
        )
        return false
    }

    /// Finds Alertmanagers until the task is cancelled, and then sends what waits.
    package func run() async {
        try? await discovery.run()
        let receivers = state.withLock { state in
            state.isEnded = true
            return Array(state.receivers.values)
        }
        for receiver in receivers { receiver.end(drains: limits.drains) }
        // This task is cancelled, so that nothing waits in it.
        let timer = Task { [network, limits] in
            if (try? await network.sleep(milliseconds: limits.drainTime)) == nil { return }
            // One that does not answer does not hold up the end.
            for receiver in receivers { receiver.end(drains: false) }
        }
        for receiver in receivers { _ = await receiver.task.withLock { $0 }?.value }
        timer.cancel()
    }

    /// The figures, under Prometheus's names.
    package var families: [MetricFamily] {
        let receivers = state.withLock { Array($0.receivers.values) }
        let waiting = Dictionary(receivers.map { ($0.url, $0.queue.withLock { $0.count }) }, uniquingKeysWith: +)
        let lengths = waiting.sorted { $0.key < $1.key }.map { url, count in
            MetricFamily.Metric(labels: [Label(name: "alertmanager", value: url)], value: .gauge(Double(count)))
        }
        let length = MetricFamily(
            name: "prometheus_notifications_queue_length",
            help: "The number of alert notifications in the queue.",
            type: .gauge,
            metrics: lengths
        )
        return latency.collect() + latencies.collect() + sent.collect() + errors.collect() + dropped.collect()
            + [length].filter { !$0.metrics.isEmpty } + [
                StackMetrics.gauge(
                    "prometheus_notifications_queue_capacity",
                    "The capacity of the alert notifications queue.",
                    Double(limits.capacity)
                ),
                StackMetrics.gauge(
                    "prometheus_notifications_alertmanagers_discovered",
                    "The number of alertmanagers discovered and active.",
                    Double(addresses.active.count)
                ),
            ]
    }
}
