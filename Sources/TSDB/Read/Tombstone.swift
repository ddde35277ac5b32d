import MetricModel

/// A deleted span of a series, for the blocks that were there when it was deleted.
struct Tombstone: Sendable, Hashable {
    /// The series.
    var series: UInt32
    /// The first deleted time.
    var start: Timestamp
    /// The last deleted time.
    var end: Timestamp
    /// Blocks with a lower number have the deleted samples.
    var before: Int64
}
