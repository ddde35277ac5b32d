public import MetricModel

/// Adds up points that count from the one before, so that they count from the start: what the feature
/// `otlp-deltatocumulative` does. Kept in memory only: after a restart counting begins anew.
public struct OTLPDelta: Sendable {
    /// Which points belong together.
    private struct Stream: Hashable {
        var resource: [Label]
        var scope: [String]
        var metric: [String]
        var attributes: [Label]

        /// How many bytes its texts have.
        var size: Int {
            var size = 0
            for label in resource { size += label.byteCount }
            for label in attributes { size += label.byteCount }
            for text in scope { size += text.utf8.count }
            for text in metric { size += text.utf8.count }
            return size
        }
    }

    /// What was counted so far.
    private enum Total {
        case number(OTLPMetrics.NumberPoint)
        case histogram(OTLPMetrics.HistogramPoint)
        case exponential(OTLPMetrics.ExponentialPoint)

        var frame: OTLPMetrics.Frame {
            switch self {
            case .number(let point): point.frame
            case .histogram(let point): point.frame
            case .exponential(let point): point.frame
            }
        }

        /// How many numbers and examples it has.
        var count: Int {
            switch self {
            case .number(let point): point.examples.count
            case .histogram(let point): point.bucketCounts.count + point.bounds.count + point.examples.count
            case .exponential(let point):
                point.positive.counts.count + point.negative.counts.count + point.examples.count
            }
        }

        /// The same without what is not added up.
        var bare: Total {
            switch self {
            case .number(var point):
                point.examples = []
                return .number(point)
            case .histogram(var point):
                point.examples = []
                return .histogram(point)
            case .exponential(var point):
                point.examples = []
                return .exponential(point)
            }
        }

        var number: OTLPMetrics.NumberPoint? { if case .number(let point) = self { point } else { nil } }
        var histogram: OTLPMetrics.HistogramPoint? { if case .histogram(let point) = self { point } else { nil } }
        var exponential: OTLPMetrics.ExponentialPoint? { if case .exponential(let point) = self { point } else { nil } }
    }

    private struct Entry {
        var total: Total
        /// When it was added to last, in milliseconds.
        var used: Timestamp
        /// How many bytes it takes with its stream, about.
        var size: Int
    }

    private var entries: [Stream: Entry] = [:]
    /// How many bytes they take, about.
    private var size = 0
    private var lastCleaning: Timestamp = 0
    /// How many points were left out because they came late or do not fit to those before.
    public private(set) var dropped = 0
    /// A stream that nothing is added to is forgotten after this time, in milliseconds.
    private static let patience: Int64 = 300_000
    /// So many streams are kept.
    private static let limit = 1_000_000
    /// So many bytes of them are kept.
    private static let byteLimit = 512 << 20

    /// Nothing counted yet.
    public init() {}

    /// Makes points that count from the one before ones that count from the start; others stay.
    public mutating func accumulate(_ metrics: inout OTLPMetrics, now: Timestamp) {
        if now - lastCleaning > 60_000 {
            lastCleaning = now
            entries = entries.filter { now - $0.value.used <= Self.patience }
            size = entries.values.reduce(0) { $0 + $1.size }
        }
        for r in metrics.resources.indices {
            let resource = Self.sorted(metrics.resources[r].attributes)
            for s in metrics.resources[r].scopes.indices {
                let scope = metrics.resources[r].scopes[s]
                let place =
                    [scope.name, scope.version] + Self.sorted(scope.attributes).flatMap { [$0.name, $0.value] }
                for m in metrics.resources[r].scopes[s].metrics.indices {
                    accumulate(&metrics.resources[r].scopes[s].metrics[m], resource, place, now)
                }
            }
        }
    }

    private static func sorted(_ attributes: [Label]) -> [Label] {
        attributes.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
    }

    private mutating func accumulate(
        _ metric: inout OTLPMetrics.Metric,
        _ resource: [Label],
        _ scope: [String],
        _ now: Timestamp
    ) {
        guard metric.temporality == .delta else { return }
        let identity = [metric.name, metric.unit, metric.kind]
        func stream(_ frame: OTLPMetrics.Frame) -> Stream {
            Stream(resource: resource, scope: scope, metric: identity, attributes: Self.sorted(frame.attributes))
        }
        switch metric.content {
        case .none, .gauge, .summary: break
        case .sum(let points, _, let isMonotonic):
            let totals = points.compactMap { add(.number($0), to: stream($0.frame), now)?.number }
            metric.content = .sum(totals, .cumulative, isMonotonic: isMonotonic)
        case .histogram(let points, _):
            let totals = points.compactMap { add(.histogram($0), to: stream($0.frame), now)?.histogram }
            metric.content = .histogram(totals, .cumulative)
        case .exponential(let points, _):
            let totals = points.compactMap { add(.exponential($0), to: stream($0.frame), now)?.exponential }
            metric.content = .exponential(totals, .cumulative)
        }
    }

    /// The total with a point; `nil` where the point is left out.
    private mutating func add(_ new: Total, to stream: Stream, _ now: Timestamp) -> Total? {
        if new.frame.hasNoValue { return new }
        // Refused when it is translated: nothing is added to it.
        if let scale = new.exponential?.scale, scale < NativeHistogram.minimumSchema { return new }
        guard let known = entries[stream] else {
            guard entries.count < Self.limit, size < Self.byteLimit else {
                dropped += 1
                return nil
            }
            keep(new, of: stream, now)
            return new
        }
        let last = known.total.frame
        guard new.frame.start >= last.start, new.frame.time > last.time, let sum = Self.sum(known.total, new) else {
            dropped += 1
            return nil
        }
        keep(sum, of: stream, now)
        return sum
    }

    private mutating func keep(_ total: Total, of stream: Stream, _ now: Timestamp) {
        let total = total.bare
        let entry = Entry(total: total, used: now, size: 256 + stream.size + 8 * total.count)
        size += entry.size - (entries.updateValue(entry, forKey: stream)?.size ?? 0)
    }

    private static func sum(_ total: Total, _ new: Total) -> Total? {
        switch (total, new) {
        case (.number(let total), .number(var point)):
            point.frame.start = total.frame.start
            point.value += total.value
            return .number(point)
        case (.histogram(let total), .histogram(var point)):
            point.frame.start = total.frame.start
            // With other bounds counting begins anew.
            guard total.bounds == point.bounds, total.bucketCounts.count == point.bucketCounts.count else {
                point.frame.start = new.frame.start
                return .histogram(point)
            }
            point.count &+= total.count
            point.sum = point.sum.flatMap { sum in total.sum.map { sum + $0 } }
            for index in point.bucketCounts.indices { point.bucketCounts[index] &+= total.bucketCounts[index] }
            return .histogram(point)
        case (.exponential(var total), .exponential(var point)):
            point.frame.start = total.frame.start
            let scale = min(total.scale, point.scale)
            let (known, added) = (Int64(total.scale) - Int64(scale), Int64(point.scale) - Int64(scale))
            guard known < 32, added < 32 else { return nil }
            for side in [\OTLPMetrics.ExponentialPoint.positive, \.negative] {
                total[keyPath: side] = total[keyPath: side].scaled(down: Int32(known))
                guard let sum = point[keyPath: side].scaled(down: Int32(added)).adding(total[keyPath: side])
                else { return nil }
                point[keyPath: side] = sum
            }
            point.scale = scale
            point.count &+= total.count
            point.zeroCount &+= total.zeroCount
            point.sum = point.sum.flatMap { sum in total.sum.map { sum + $0 } }
            return .exponential(point)
        case (.number, _), (.histogram, _), (.exponential, _): return nil
        }
    }
}

extension OTLPMetrics.Buckets {
    /// More buckets than this make no sense in one series.
    private static let limit: Int64 = 100_000

    /// The buckets, 2^`steps` merged into one.
    fileprivate func scaled(down steps: Int32) -> Self {
        if steps == 0 || counts.isEmpty { return self }
        var result = Self()
        result.offset = offset >> steps
        for (index, count) in counts.enumerated() {
            let place = Int((Int64(offset) + Int64(index)) >> Int64(steps) - Int64(result.offset))
            while result.counts.count <= place { result.counts.append(0) }
            result.counts[place] &+= count
        }
        return result
    }

    /// Both together; `nil` where that would be too many.
    fileprivate func adding(_ other: Self) -> Self? {
        if other.counts.isEmpty { return self }
        if counts.isEmpty { return other }
        let start = min(Int64(offset), Int64(other.offset))
        let end = max(Int64(offset) + Int64(counts.count), Int64(other.offset) + Int64(other.counts.count))
        guard end - start <= Self.limit else { return nil }
        var result = Self()
        result.offset = Int32(truncatingIfNeeded: start)
        result.counts = [UInt64](repeating: 0, count: Int(end - start))
        for part in [self, other] {
            for (index, count) in part.counts.enumerated() {
                result.counts[Int(Int64(part.offset) - start) + index] &+= count
            }
        }
        return result
    }
}
