/// The kind of a metric family, as in OpenMetrics.
public enum MetricType: String, Sendable, Hashable, CaseIterable {
    /// Counts up, or resets.
    case counter
    /// Goes up and down.
    case gauge
    /// Cumulative buckets, a sum and a count.
    case histogram
    /// Buckets that go up and down.
    case gaugehistogram
    /// Quantiles, a sum and a count.
    case summary
    /// Constant 1 with labels that inform.
    case info
    /// A set of booleans.
    case stateset
    /// Not told.
    case unknown
}

/// What an exposition says about a metric family.
public struct MetricMetadata: Sendable, Hashable {
    /// The kind.
    public var type: MetricType
    /// What it means, in words.
    public var help: String
    /// The unit, such as `seconds`; often empty.
    public var unit: String

    /// Metadata of a family.
    public init(type: MetricType = .unknown, help: String = "", unit: String = "") {
        self.type = type
        self.help = help
        self.unit = unit
    }
}
