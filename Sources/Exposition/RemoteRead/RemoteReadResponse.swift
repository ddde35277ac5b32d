public import MetricModel

/// What a remote reader gets: the message `prometheus.ReadResponse`, written while the series are at hand.
public struct RemoteReadResponse: Sendable {
    /// The bytes of the message so far, not packed.
    public private(set) var bytes: [UInt8] = []

    /// An answer to no selection.
    public init() {}

    /// Adds the answer to one selection: its series with all their samples, stale markers among them.
    /// - Parameter outer: labels that every series gets that has none of that name, sorted by name.
    public mutating func append(_ series: [SeriesColumns], outer: [Label] = []) {
        WireWriter.message(1, to: &bytes) { output in
            for columns in series {
                WireWriter.message(1, to: &output) { Self.write(columns, outer, to: &$0) }
            }
        }
    }

    private static func write(_ series: SeriesColumns, _ outer: [Label], to output: inout [UInt8]) {
        for label in merged(series.labels, outer) {
            WireWriter.message(1, to: &output) { output in
                WireWriter.text(1, label.name, to: &output)
                WireWriter.text(2, label.value, to: &output)
            }
        }
        for (time, value) in zip(series.timestamps, series.values) {
            // What is zero (all bits) is left out, as Go does it.
            WireWriter.message(2, to: &output) { output in
                if value.bitPattern != 0 { WireWriter.double(1, value, to: &output) }
                if time != 0 { WireWriter.signed(2, time, to: &output) }
            }
        }
        for (time, histogram) in zip(series.histogramTimestamps, series.histograms) {
            WireWriter.message(4, to: &output) { output in
                RemoteWriteWire.append(.init(timestamp: time, histogram: histogram), to: &output)
            }
        }
    }

    private static func merged(_ labels: Labels, _ outer: [Label]) -> [Label] {
        let added = outer.filter { labels[$0.name] == nil }
        if added.isEmpty { return Array(labels) }
        return (Array(labels) + added).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}

extension RemoteReadResponse {
    /// Reads a message back: for each selection its series. Given up where the task's limit is over.
    public static func decode(_ message: [UInt8]) throws(ExpositionError) -> [RemoteWriteRequest] {
        try message.withUnsafeBufferPointer { bytes throws(ExpositionError) in
            var reader = WireReader(bytes)
            var results: [RemoteWriteRequest] = []
            var room = MessageRoom.answer
            while let tag = try reader.nextTag(of: "ReadResponse") {
                guard tag.field == 1 else {
                    try room.take(1)
                    try reader.skip(tag)
                    continue
                }
                // A QueryResult has its series under the same number as a write request.
                let range = try reader.delimited(tag, "Results")
                try room.take(2 * MemoryLayout<RemoteWriteRequest>.stride)
                results.append(try RemoteWriteDecoder1(reader.slice(range)).decode(in: &room))
            }
            return results
        }
    }
}
