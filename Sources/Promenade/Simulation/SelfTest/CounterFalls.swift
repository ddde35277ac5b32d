package import MetricModel

/// Where what counts went down.
package struct CounterFalls {
    /// Two samples, one after the other, the later of which is less.
    package struct Fall: Hashable {
        package var from: Timestamp
        package var to: Timestamp

        package init(from: Timestamp, to: Timestamp) { (self.from, self.to) = (from, to) }
    }

    /// How much later than its scrape a body may be made, in milliseconds.
    private static let slack: Int64 = 15_000

    package let falls: [Fall]

    /// The falls of a series; marks of staleness are no samples.
    package init(_ timestamps: [Timestamp], _ values: [Double]) {
        var falls: [Fall] = []
        var last: (time: Timestamp, value: Double)?
        for (time, value) in zip(timestamps, values) where !SpecialValue.isStale(value) {
            if let last, value < last.value { falls.append(Fall(from: last.time, to: time)) }
            last = (time, value)
        }
        self.falls = falls
    }

    /// The first that nothing explains.
    /// - Parameter beginnings: when the process that counts began anew, or seemed to.
    package func unexplained(by beginnings: [ClosedRange<Timestamp>]) -> Fall? {
        falls.first { fall in !beginnings.contains { $0.overlaps(fall.from...fall.to + Self.slack) } }
    }
}
