/// An example observation attached to a sample: usually a trace id.
public struct Exemplar: Sendable, Hashable {
    /// The exemplar's own labels, such as `trace_id`.
    public var labels: Labels
    /// The observed value.
    public var value: Double
    /// When it was observed; `nil` where the exposition gave none.
    public var timestamp: Timestamp?

    /// An exemplar.
    public init(labels: Labels, value: Double, timestamp: Timestamp? = nil) {
        self.labels = labels
        self.value = value
        self.timestamp = timestamp
    }
}
