public import CoreMetrics
import Synchronization

/// Puts what a program reports through swift-metrics into a registry, under names that Prometheus accepts.
///
/// Labels with dots or dashes become underscores, counters get `_total`, timers become histograms in seconds with `_seconds`.
/// A name that is taken by another kind is counted in ``refused`` and its metrics go nowhere, as swift-metrics has no errors.
///
/// ```swift
/// MetricsSystem.bootstrap(PrometheusMetricsFactory(registry: registry))
/// ```
public final class PrometheusMetricsFactory: MetricsFactory {
    private struct Key: Hashable {
        var name: String
        var labelNames: [String]
    }

    private struct State {
        var counters: [Key: MetricVector<Counter>] = [:]
        var gauges: [Key: MetricVector<Gauge>] = [:]
        var histograms: [Key: MetricVector<Histogram>] = [:]
        var refused = 0
    }

    private let registry: CollectorRegistry
    private let buckets: [Double]
    /// The vectors made so far.
    private let state = Mutex(State())

    /// A factory for a registry.
    /// - Parameters:
    ///   - registry: where its metrics are registered.
    ///   - buckets: bounds for timers (in seconds) and recorders.
    public init(registry: CollectorRegistry, buckets: [Double] = Histogram.defaultBuckets) {
        self.registry = registry
        self.buckets = buckets
    }

    /// How many metrics could not be registered.
    public var refused: Int { state.withLock { $0.refused } }

    /// A counter named `label` with `_total`.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let name = Self.sanitized(label).addingSuffix("_total")
        return CounterAdapter(vector(\.counters, name, dimensions, MetricVector<Counter>.init(bridged:labelNames:)))
    }

    /// A counter that takes fractions.
    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        let name = Self.sanitized(label).addingSuffix("_total")
        return CounterAdapter(vector(\.counters, name, dimensions, MetricVector<Counter>.init(bridged:labelNames:)))
    }

    /// A gauge, or a histogram for a recorder that aggregates.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let name = Self.sanitized(label)
        guard aggregate else {
            return GaugeAdapter(vector(\.gauges, name, dimensions, MetricVector<Gauge>.init(bridged:labelNames:)))
        }
        return HistogramAdapter(histogram(name, dimensions), scale: 1)
    }

    /// A gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        let name = Self.sanitized(label)
        return GaugeAdapter(vector(\.gauges, name, dimensions, MetricVector<Gauge>.init(bridged:labelNames:)))
    }

    /// A histogram of seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        HistogramAdapter(histogram(Self.sanitized(label).addingSuffix("_seconds"), dimensions), scale: 1e-9)
    }

    /// Nothing to do: metrics stay registered.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Nothing to do: metrics stay registered.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    /// Nothing to do: metrics stay registered.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Nothing to do: metrics stay registered.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Nothing to do: metrics stay registered.
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func histogram(_ name: String, _ dimensions: [(String, String)]) -> Histogram {
        let buckets = buckets
        return vector(\.histograms, name, dimensions) { MetricVector(bridged: $0, labelNames: $1, buckets: buckets) }
    }

    private func vector<Element: VectorElement>(
        _ path: WritableKeyPath<State, [Key: MetricVector<Element>]>,
        _ name: String,
        _ dimensions: [(String, String)],
        _ make: (String, [String]) -> MetricVector<Element>
    ) -> Element {
        let labels = Dictionary(
            dimensions.map { (Self.sanitized($0.0).replacing(":", with: "_"), $0.1) },
            uniquingKeysWith: { $1 }
        )
        let key = Key(name: name, labelNames: labels.keys.sorted())
        let vector = state.withLock { state in
            if let known = state[keyPath: path][key] { return known }
            let new = make(name, key.labelNames)
            do {
                try registry.register(new)
            } catch {
                state.refused += 1
            }
            state[keyPath: path][key] = new
            return new
        }
        return vector.labels(labels)
    }

    private static func sanitized(_ label: String) -> String {
        var name = String(
            label.unicodeScalars.map { scalar -> Character in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_"
                        || scalar == ":")
                    ? Character(scalar) : "_"
            }
        )
        if name.first?.isNumber ?? true { name = "_" + name }
        return name
    }
}

extension String {
    fileprivate func addingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? self : self + suffix }
}

extension MetricVector where Element == Counter {
    fileprivate convenience init(bridged name: String, labelNames: [String]) {
        self.init(name, help: "Counter reported through swift-metrics.", labelNames: labelNames)
    }
}

extension MetricVector where Element == Gauge {
    fileprivate convenience init(bridged name: String, labelNames: [String]) {
        self.init(name, help: "Gauge reported through swift-metrics.", labelNames: labelNames)
    }
}

extension MetricVector where Element == Histogram {
    fileprivate convenience init(bridged name: String, labelNames: [String], buckets: [Double]) {
        self.init(name, help: "Distribution reported through swift-metrics.", labelNames: labelNames, buckets: buckets)
    }
}

private final class CounterAdapter: CounterHandler, FloatingPointCounterHandler {
    private let counter: Counter

    init(_ counter: Counter) { self.counter = counter }

    func increment(by amount: Int64) { counter.increment(by: Double(amount)) }
    func increment(by amount: Double) { counter.increment(by: amount) }
    /// Counters of Prometheus are never reset by hand.
    func reset() {}
}

private final class GaugeAdapter: RecorderHandler, MeterHandler {
    private let gauge: Gauge

    init(_ gauge: Gauge) { self.gauge = gauge }

    func record(_ value: Int64) { gauge.set(Double(value)) }
    func record(_ value: Double) { gauge.set(value) }
    func set(_ value: Int64) { gauge.set(Double(value)) }
    func set(_ value: Double) { gauge.set(value) }
    func increment(by amount: Double) { gauge.increment(by: amount) }
    func decrement(by amount: Double) { gauge.decrement(by: amount) }
}

private final class HistogramAdapter: RecorderHandler, TimerHandler {
    private let histogram: Histogram
    private let scale: Double

    init(_ histogram: Histogram, scale: Double) {
        self.histogram = histogram
        self.scale = scale
    }

    func record(_ value: Int64) { histogram.observe(Double(value) * scale) }
    func record(_ value: Double) { histogram.observe(value * scale) }
    func recordNanoseconds(_ duration: Int64) { histogram.observe(Double(duration) * scale) }
}
