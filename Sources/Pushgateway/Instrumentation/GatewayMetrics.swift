public import MetricModel
import Synchronization

/// What the gateway counts about itself, under the original's names.
public final class GatewayMetrics: Sendable {
    /// The name under which the requests of an endpoint are counted.
    public enum Handler: String, Sendable, CaseIterable {
        /// Pushes.
        case push
        /// Deletions of a group.
        case delete
        /// Deletion of everything.
        case wipe
        /// `/-/healthy`
        case healthy
        /// `/-/ready`
        case ready
        /// The files of the page.
        case `static`
        /// The page.
        case status
        /// `/api/v1/status`
        case apiStatus = "api/v1/status"
        /// `/api/v1/metrics`
        case apiMetrics = "api/v1/metrics"
        /// `OPTIONS` below `/api/v1`
        case apiOptions = "api/v1/options"
        /// `/api/v1/groups`, which the original has not.
        case apiGroups = "api/v1/groups"
        /// `/api/v1/pushes`, which the original has not.
        case apiPushes = "api/v1/pushes"
    }

    private struct Count {
        var handler: Handler
        var code: Int
        var method: String
        var value: UInt64
    }

    private struct PushSummary {
        var method: String
        var sizes: SlidingQuantiles
        var durations: SlidingQuantiles
    }

    private struct State {
        var counts: [Count] = []
        var summaries: [PushSummary] = []

        mutating func count(_ handler: Handler, _ code: Int, _ method: String) {
            for index in counts.indices
            where counts[index].handler == handler && counts[index].code == code && counts[index].method == method {
                counts[index].value += 1
                return
            }
            counts.append(Count(handler: handler, code: code, method: method, value: 1))
        }
    }

    /// Protects the counts.
    private let state = Mutex(State())
    private let clock: any StackClock
    private let buildLabels: [Label]
    /// Families about the process.
    private let processFamilies: @Sendable () -> [MetricFamily]

    /// Counts nothing yet.
    /// - Parameters:
    ///   - build: what `pushgateway_build_info` says, by label.
    ///   - processFamilies: gathers families about the process.
    public init(
        clock: any StackClock,
        build: [Label],
        processFamilies: @escaping @Sendable () -> [MetricFamily] = { [] }
    ) {
        self.clock = clock
        self.processFamilies = processFamilies
        buildLabels = build.sorted { ByteOrder.precedes($0.name, $1.name) }
    }

    /// Counts an answered request.
    public func count(_ handler: Handler, code: Int, method: String) {
        state.withLock { $0.count(handler, code, method) }
    }

    /// Counts an answered push, and remembers the size of the request in bytes and how long it took in seconds.
    public func observePush(method: String, size: Double, duration: Double, handler: Handler, code: Int) {
        let now = clock.steadyNanoseconds
        state.withLock { state in
            state.count(handler, code, method)
            let index: Int
            if let known = state.summaries.firstIndex(where: { $0.method == method }) {
                index = known
            } else {
                index = state.summaries.count
                let empty = SlidingQuantiles(now: now)
                state.summaries.append(PushSummary(method: method, sizes: empty, durations: empty))
            }
            state.summaries[index].sizes.observe(size, now: now)
            state.summaries[index].durations.observe(duration, now: now)
        }
    }

    /// Families that are there from the start.
    func constantFamilies() -> [MetricFamily] {
        let help =
            "A metric with a constant '1' value labeled by version, revision, branch, goversion from which pushgateway was built, "
            + "and the goos and goarch for the build."
        let metric = MetricFamily.Metric(labels: buildLabels, value: .gauge(1))
        return processFamilies() + [
            MetricFamily(name: "pushgateway_build_info", help: help, type: .gauge, metrics: [metric])
        ]
    }

    /// Families that come with the first request of their kind.
    func requestFamilies() -> [MetricFamily] {
        let now = clock.steadyNanoseconds
        return state.withLock { state in
            var families: [MetricFamily] = []
            if !state.summaries.isEmpty {
                var sizes: [MetricFamily.Metric] = []
                var durations: [MetricFamily.Metric] = []
                for index in state.summaries.indices {
                    let labels = [Label(name: "method", value: state.summaries[index].method)]
                    sizes.append(.init(labels: labels, value: .summary(state.summaries[index].sizes.summary(now: now))))
                    durations.append(
                        .init(labels: labels, value: .summary(state.summaries[index].durations.summary(now: now)))
                    )
                }
                families.append(Self.durationFamily(durations))
                families.append(Self.sizeFamily(sizes))
            }
            if !state.counts.isEmpty { families.append(Self.countFamily(state.counts.map(Self.metric))) }
            return families
        }
    }

    private static func metric(_ count: Count) -> MetricFamily.Metric {
        let labels = [
            Label(name: "code", value: String(count.code)), Label(name: "handler", value: count.handler.rawValue),
            Label(name: "method", value: count.method),
        ]
        return MetricFamily.Metric(labels: labels, value: .counter(Double(count.value)))
    }

    private static func countFamily(_ metrics: [MetricFamily.Metric]) -> MetricFamily {
        MetricFamily(
            name: "pushgateway_http_requests_total",
            help: "Total HTTP requests processed by the Pushgateway, excluding scrapes.",
            type: .counter,
            metrics: metrics
        )
    }

    private static func sizeFamily(_ metrics: [MetricFamily.Metric]) -> MetricFamily {
        MetricFamily(
            name: "pushgateway_http_push_size_bytes",
            help: "HTTP request size for pushes to the Pushgateway.",
            type: .summary,
            metrics: metrics
        )
    }

    private static func durationFamily(_ metrics: [MetricFamily.Metric]) -> MetricFamily {
        MetricFamily(
            name: "pushgateway_http_push_duration_seconds",
            help: "HTTP request duration for pushes to the Pushgateway.",
            type: .summary,
            metrics: metrics
        )
    }

    /// Which of the families about requests are there, without their values.
    func requestFamilyShapes() -> (hasCounts: Bool, hasSummaries: Bool) {
        state.withLock { (!$0.counts.isEmpty, !$0.summaries.isEmpty) }
    }

    static let countShape = countFamily([])
    static let summaryShapes = [sizeFamily([]), durationFamily([])]
}
