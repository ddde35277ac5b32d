public import MetricModel
import Synchronization

/// A number that goes up, and back to zero only when the program starts anew.
public final class Counter: VectorElement {
    /// The value's bits.
    private let bits = Atomic<UInt64>(0)
    /// The latest exemplar.
    private let exemplar = Mutex<Exemplar?>(nil)

    /// What the counter is called, and which of its vector it is.
    public let identity: MetricIdentity

    /// The type of such metrics.
    public static let type = MetricType.counter

    /// A counter of a vector.
    public init(_ identity: MetricIdentity, configuration: Void) { self.identity = identity }

    /// The value now.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    /// Adds to the counter. An amount below zero, or NaN, is left out: counters do not go down.
    public func increment(by amount: Double = 1, exemplar new: Exemplar? = nil) {
        guard amount >= 0 else { return }
        bits.add(amount)
        if let new { exemplar.withLock { $0 = new } }
    }

    /// The counter's metric as it is now.
    public func sample() -> MetricFamily.Value {
        .counter(value, exemplar: exemplar.withLock { $0 })
    }
}

extension Atomic where Value == UInt64 {
    /// Adds to the double that the bits stand for.
    func add(_ amount: Double) {
        var old = load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, original) = weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}
