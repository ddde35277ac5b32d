public import MetricModel
internal import Synchronization

/// Adds up points that count from the one before, so that they count from the start: what the feature
/// `otlp-deltatocumulative` does. Kept in memory only: after a restart counting begins anew.
///
/// What was added of a request that is refused is taken back: it may come again.
public final class OTLPDelta: Sendable {
    /// Which points belong together.
    fileprivate struct Stream: Hashable {
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
    fileprivate enum Total {
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

    fileprivate struct Entry {
        var total: Total
        /// The addition that made it.
        var number: UInt64
        /// When it was added to last, in milliseconds.
        var used: Timestamp
        /// How many bytes it takes with its stream, about.
        var size: Int
    }

    /// What a request has added.
    public struct Addition: Sendable {
        /// How many points were left out because they came late or do not fit to those before.
        public fileprivate(set) var dropped = 0
        /// What the streams were before; `nil` where they were not known.
        fileprivate var before: [Stream: Entry?] = [:]
        fileprivate var number: UInt64 = 0
    }

    /// All that is known.
    fileprivate struct State {
        var entries: [Stream: Entry] = [:]
        /// How many bytes they take, about.
        var size = 0
        var lastCleaning: Timestamp = 0
        var lastNumber: UInt64 = 0
    }

    /// The totals of all; held for one point at a time, so that a long request holds up nobody.
    private let state = Mutex(State())
    /// A stream that nothing is added to is forgotten after this time, in milliseconds.
    fileprivate static let patience: Int64 = 300_000
    /// So many streams are kept.
    private static let limit = 1_000_000
    /// So many bytes of them are kept.
    private static let byteLimit = 512 << 20

    /// Nothing counted yet.
    public init() {}

    /// Makes points that count from the one before ones that count from the start; others stay.
    /// - Throws: where they would take too much memory; then nothing was added.
    public func accumulate(_ metrics: inout OTLPMetrics, now: Timestamp) throws(ExpositionError) -> Addition {
        var addition = Addition()
        addition.number = state.withLock { state in
            state.clean(now)
            state.lastNumber += 1
            return state.lastNumber
        }
        var room = MessageRoom()
        do throws(ExpositionError) {
            for r in metrics.resources.indices {
                let resource = Self.sorted(metrics.resources[r].attributes)
                for s in metrics.resources[r].scopes.indices {
                    let scope = metrics.resources[r].scopes[s]
                    let place =
                        [scope.name, scope.version] + Self.sorted(scope.attributes).flatMap { [$0.name, $0.value] }
                    for m in metrics.resources[r].scopes[s].metrics.indices {
                        let metric = Walk(resource: resource, scope: place, now: now)
                        try accumulate(&metrics.resources[r].scopes[s].metrics[m], metric, &addition, &room)
                    }
                }
            }
        } catch {
            takeBack(addition)
            throw error
        }
        return addition
    }

    /// Forgets what a request has added, but for streams that others have added to since: their totals may be stored.
    public func takeBack(_ addition: Addition) {
        state.withLock { state in
            for (stream, before) in addition.before where state.entries[stream]?.number == addition.number {
                state.put(before, stream)
            }
        }
    }

    /// Where the points of a metric are, and when.
    private struct Walk {
        var resource: [Label]
        var scope: [String]
        var now: Timestamp
    }

    private static func sorted(_ attributes: [Label]) -> [Label] {
        attributes.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
    }

    private func accumulate(
        _ metric: inout OTLPMetrics.Metric,
        _ walk: Walk,
        _ addition: inout Addition,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        guard metric.temporality == .delta else { return }
        let identity = [metric.name, metric.unit, metric.kind]
        var totals: [Total] = []
        func add(_ new: Total) throws(ExpositionError) {
            let attributes = Self.sorted(new.frame.attributes)
            let stream = Stream(resource: walk.resource, scope: walk.scope, metric: identity, attributes: attributes)
            guard let total = self.add(new, to: stream, walk.now, &addition) else { return addition.dropped += 1 }
            // A point of a few bytes gets all buckets of its stream.
            try room.take(MemoryLayout<Total>.stride + 16 * total.count)
            totals.append(total)
        }
        switch metric.content {
        case .none, .gauge, .summary: break
        case .sum(let points, _, let isMonotonic):
            for point in points { try add(.number(point)) }
            metric.content = .sum(totals.compactMap(\.number), .cumulative, isMonotonic: isMonotonic)
        case .histogram(let points, _):
            for point in points { try add(.histogram(point)) }
            metric.content = .histogram(totals.compactMap(\.histogram), .cumulative)
        case .exponential(let points, _):
            for point in points { try add(.exponential(point)) }
            metric.content = .exponential(totals.compactMap(\.exponential), .cumulative)
        }
    }

    /// The total with a point; `nil` where the point is left out.
    private func add(_ new: Total, to stream: Stream, _ now: Timestamp, _ addition: inout Addition) -> Total? {
        if new.frame.hasNoValue { return new }
        // Refused when it is translated: nothing is added to it.
        if let scale = new.exponential?.scale, scale < NativeHistogram.minimumSchema { return new }
        let number = addition.number
        let found = state.withLock { state -> (total: Total, before: Entry?)? in
            let known = state.entries[stream]
            var total = new
            if let known {
                let last = known.total.frame
                guard new.frame.start >= last.start, new.frame.time > last.time,
                    let sum = Self.sum(known.total, new)
                else { return nil }
                total = sum
            } else if state.entries.count >= Self.limit || state.size >= Self.byteLimit {
                return nil
            }
            let bare = total.bare
            let size = 256 + stream.size + 8 * bare.count
            state.put(Entry(total: bare, number: number, used: now, size: size), stream)
            return (total, known)
        }
        guard let found else { return nil }
        if addition.before[stream] == nil { addition.before[stream] = .some(found.before) }
        return found.total
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

extension OTLPDelta.State {
    /// Forgets the streams that nothing was added to for long.
    fileprivate mutating func clean(_ now: Timestamp) {
        guard now - lastCleaning > 60_000 else { return }
        lastCleaning = now
        entries = entries.filter { now - $0.value.used <= OTLPDelta.patience }
        size = entries.values.reduce(0) { $0 + $1.size }
    }

    /// What is known of a stream from now on; `nil` for nothing.
    fileprivate mutating func put(_ entry: OTLPDelta.Entry?, _ stream: OTLPDelta.Stream) {
        let old = entries[stream]?.size ?? 0
        entries[stream] = entry
        size += (entry?.size ?? 0) - old
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
