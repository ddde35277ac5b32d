public import MetricModel
import Synchronization

/// What a metric is called, and which of its vector it is.
public struct MetricIdentity: Sendable {
    /// What the metric is called.
    public let descriptor: MetricDescriptor
    /// The metric's labels, sorted by name.
    public let labels: [Label]

    /// A metric with these values of the descriptor's label names.
    init(_ descriptor: MetricDescriptor, labelValues: [String] = []) {
        self.descriptor = descriptor
        labels = descriptor.labels(labelValues)
    }
}

/// A metric that can stand on its own or in a vector of metrics that differ in their labels.
public protocol VectorElement: MetricCollector {
    /// What all the metrics of a vector share beyond their name: bounds of buckets, say.
    associatedtype Configuration: Sendable
    /// The type of such metrics.
    static var type: MetricType { get }
    /// What the metric is called, and which of its vector it is.
    var identity: MetricIdentity { get }
    /// A metric of a vector.
    init(_ identity: MetricIdentity, configuration: Configuration)
    /// The value now.
    func sample() -> MetricFamily.Value
}

extension VectorElement {
    /// What the metric is called.
    public var descriptor: MetricDescriptor { identity.descriptor }

    /// The metric's labels, sorted by name.
    public var labels: [Label] { identity.labels }

    /// The metric's own descriptor.
    public var descriptors: [MetricDescriptor] { [descriptor] }

    /// The metric as a family of one.
    public func collect() -> [MetricFamily] {
        [
            MetricFamily(
                name: descriptor.name,
                help: descriptor.help,
                type: descriptor.type,
                metrics: [.init(labels: labels, value: sample())]
            )
        ]
    }

    /// A metric of its own.
    init(alone name: String, help: String, constantLabels: [String: String], configuration: Configuration) {
        let descriptor = MetricDescriptor(name: name, help: help, type: Self.type, constantLabels: constantLabels)
        self.init(MetricIdentity(descriptor), configuration: configuration)
    }
}

extension VectorElement where Configuration == Void {
    /// A metric of its own.
    public init(_ name: String, help: String, constantLabels: [String: String] = [:]) {
        self.init(alone: name, help: help, constantLabels: constantLabels, configuration: ())
    }
}

/// Metrics of one name that differ in the values of their labels.
public final class MetricVector<Element: VectorElement>: MetricCollector {
    private let descriptor: MetricDescriptor
    private let configuration: Element.Configuration
    /// The metrics by their label values.
    private let elements = Mutex<[[String]: Element]>([:])

    init(_ descriptor: MetricDescriptor, configuration: Element.Configuration) {
        self.descriptor = descriptor
        self.configuration = configuration
    }

    /// The metric with these values, in the order of the vector's label names; made where it is not there yet.
    ///
    /// Missing values count as empty, those too many are left out. Keep the result where speed matters.
    public func labels(_ values: String...) -> Element { element(values) }

    /// The metric with these labels; made where it is not there yet. Names that the vector does not have are left out.
    public func labels(_ labels: [String: String]) -> Element {
        element(descriptor.labelNames.map { labels[$0] ?? "" })
    }

    /// Forgets the metric with these values.
    public func remove(_ values: String...) {
        elements.withLock { _ = $0.removeValue(forKey: completed(values)) }
    }

    /// Forgets all metrics.
    public func removeAll() { elements.withLock { $0.removeAll() } }

    private func completed(_ values: [String]) -> [String] {
        let names = descriptor.labelNames.count
        return Array(values.prefix(names)) + [String](repeating: "", count: max(0, names - values.count))
    }

    private func element(_ values: [String]) -> Element {
        let values = completed(values)
        return elements.withLock { elements in
            if let known = elements[values] { return known }
            let new = Element(MetricIdentity(descriptor, labelValues: values), configuration: configuration)
            elements[values] = new
            return new
        }
    }

    /// The vector's descriptor.
    public var descriptors: [MetricDescriptor] { [descriptor] }

    /// All the metrics as one family.
    public func collect() -> [MetricFamily] {
        let metrics = elements.withLock { Array($0.values) }.map {
            MetricFamily.Metric(labels: $0.labels, value: $0.sample())
        }
        return [MetricFamily(name: descriptor.name, help: descriptor.help, type: descriptor.type, metrics: metrics)]
    }
}

extension MetricVector {
    private convenience init(
        named name: String,
        _ help: String,
        _ labelNames: [String],
        constantLabels: [String: String],
        configuration: Element.Configuration
    ) {
        let descriptor = MetricDescriptor(
            name: name,
            help: help,
            type: Element.type,
            labelNames: labelNames,
            constantLabels: constantLabels
        )
        self.init(descriptor, configuration: configuration)
    }
}

extension MetricVector where Element.Configuration == Void {
    /// Metrics that differ in these labels.
    public convenience init(_ name: String, help: String, labelNames: [String], constantLabels: [String: String] = [:])
    {
        self.init(named: name, help, labelNames, constantLabels: constantLabels, configuration: ())
    }
}

extension MetricVector where Element == Histogram {
    /// Histograms that differ in these labels.
    public convenience init(
        _ name: String,
        help: String,
        labelNames: [String],
        buckets: [Double] = Histogram.defaultBuckets,
        constantLabels: [String: String] = [:]
    ) {
        self.init(named: name, help, labelNames, constantLabels: constantLabels, configuration: buckets)
    }
}

extension MetricVector where Element == Summary {
    /// Summaries that differ in these labels.
    public convenience init(
        _ name: String,
        help: String,
        labelNames: [String],
        objectives: Summary.Objectives = Summary.Objectives(),
        constantLabels: [String: String] = [:],
        clock: any StackClock = SystemClock()
    ) {
        let configuration = Summary.Configuration(objectives: objectives, clock: clock)
        self.init(named: name, help, labelNames, constantLabels: constantLabels, configuration: configuration)
    }
}
