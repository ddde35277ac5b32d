public import MetricModel

/// A counter or gauge whose value is asked for when it is gathered.
public final class FunctionMetric: MetricCollector {
    private let descriptor: MetricDescriptor
    private let labels: [Label]
    private let value: @Sendable () -> Double

    /// A metric of the descriptor's type (counter, gauge or unknown) with the value that the function answers.
    public init(_ descriptor: MetricDescriptor, value: @escaping @Sendable () -> Double) {
        self.descriptor = descriptor
        self.value = value
        labels = descriptor.labels([])
    }

    /// The metric's descriptor.
    public var descriptors: [MetricDescriptor] { [descriptor] }

    /// The metric as a family of one.
    public func collect() -> [MetricFamily] {
        let number = value()
        let sample: MetricFamily.Value =
            switch descriptor.type {
            case .counter: .counter(number)
            case .unknown: .untyped(number)
            case .gauge, .histogram, .gaugehistogram, .summary, .info, .stateset: .gauge(number)
            }
        return [
            MetricFamily(
                name: descriptor.name,
                help: descriptor.help,
                type: descriptor.type,
                metrics: [.init(labels: labels, value: sample)]
            )
        ]
    }
}

/// Families that somebody else keeps, asked for when they are gathered: a snapshot of a room's figures.
public final class FunctionCollector: MetricCollector {
    /// What it can answer.
    public let descriptors: [MetricDescriptor]
    private let function: @Sendable () -> [MetricFamily]

    /// A collector that calls the function.
    public init(_ descriptors: [MetricDescriptor] = [], _ function: @escaping @Sendable () -> [MetricFamily]) {
        self.descriptors = descriptors
        self.function = function
    }

    /// What the function answers now.
    public func collect() -> [MetricFamily] { function() }
}
