public import MetricModel
import Synchronization

/// A number that goes up and down.
public final class Gauge: VectorElement {
    /// The value's bits.
    private let bits = Atomic<UInt64>(0)

    /// What the gauge is called, and which of its vector it is.
    public let identity: MetricIdentity

    /// The type of such metrics.
    public static let type = MetricType.gauge

    /// A gauge of a vector.
    public init(_ identity: MetricIdentity, configuration: Void) { self.identity = identity }

    /// The value now.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    /// Sets the value.
    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    /// Adds to the value.
    public func increment(by amount: Double = 1) { bits.add(amount) }

    /// Takes from the value.
    public func decrement(by amount: Double = 1) { bits.add(-amount) }

    /// Sets the value to the time in seconds since 1970.
    public func setToCurrentTime(clock: some StackClock = SystemClock()) { set(clock.seconds) }

    /// The gauge's metric as it is now.
    public func sample() -> MetricFamily.Value { .gauge(value) }
}
