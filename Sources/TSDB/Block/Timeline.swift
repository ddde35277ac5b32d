import MetricModel

/// A column of timestamps that many series share. Its identity stands for its contents.
final class Timeline: Sendable {
    /// The times, rising.
    let times: [Timestamp]

    /// A timeline.
    init(_ times: [Timestamp]) { self.times = times }

    /// The coded form: count, then the codec's bytes.
    static func encode(_ times: [Timestamp]) -> [UInt8] {
        var writer = ByteWriter()
        writer.count(times.count)
        times.withUnsafeBufferPointer { IntegerCodec.encode($0, triesLine: true, into: &writer) }
        return writer.bytes
    }

    /// Decodes; `nil` where the bytes make no sense. 16 readable bytes have to follow.
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>) -> Timeline? {
        var reader = ByteReader(bytes)
        let count = reader.count(limit: 1 << 28)
        guard !reader.isTruncated else { return nil }
        var isSound = true
        let rest = reader.slice(reader.remaining)
        let times = [Timestamp](unsafeUninitializedCapacity: count) { buffer, filled in
            if let base = buffer.baseAddress, count > 0 {
                isSound = IntegerCodec.decode(rest, total: count, count: count, into: base)
            }
            filled = isSound ? count : 0
        }
        return isSound ? Timeline(times) : nil
    }

    /// The index of the first time at or after `time`.
    func lowerBound(_ time: Timestamp) -> Int { Self.lowerBound(of: time, in: times) }

    /// The index of the first time at or after `time` in rising times.
    static func lowerBound(of time: Timestamp, in times: [Timestamp]) -> Int {
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The indices of the times from `start` to `end`, both included.
    func range(_ start: Timestamp, _ end: Timestamp) -> Range<Int> {
        let lower = lowerBound(start)
        let upper = end == .max ? times.count : lowerBound(end + 1)
        return lower..<max(lower, upper)
    }
}
