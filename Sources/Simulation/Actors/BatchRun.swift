import Exposition
public import MetricModel

/// Decides when a batch runs and how its runs end.
public struct BatchCourse: Sendable {
    /// What it does.
    public let spec: BatchSpec
    private var chance: RandomStream
    private let start: Timestamp
    /// When the next run is due by the schedule, without its delay.
    private var due: Int64?

    /// - Parameter start: the start of the scenario, in milliseconds since 1970.
    public init(_ spec: BatchSpec, seed: UInt64, start: Timestamp) {
        self.spec = spec
        self.start = start
        chance = RandomStream(seed: seed, name: "batch/\(spec.name)")
        switch spec.schedule {
        case .every(_, let first): due = first
        case .cron(let table): due = Self.first(table, start)
        case .never: due = nil
        }
    }

    /// The first run by a calendar from the start on.
    static func first(_ table: CronTable, _ start: Timestamp) -> Int64? { next(table, after: -1, start) }

    /// The first run by a calendar after a time.
    static func next(_ table: CronTable, after time: Int64, _ start: Timestamp) -> Int64? {
        let now = start * 1_000_000 + time
        let seconds = now >= 0 ? now / 1_000_000_000 : (now - 999_999_999) / 1_000_000_000
        return table.next(after: seconds).map { $0 * 1_000_000_000 - start * 1_000_000 }
    }

    /// The next run by the schedule: when it is due and when it begins.
    public mutating func takeNext() -> (due: Int64, begins: Int64)? {
        guard let time = due else { return nil }
        switch spec.schedule {
        case .every(let interval, _): due = time + interval
        case .cron(let table): due = Self.next(table, after: time, start)
        case .never: due = nil
        }
        return (time, time + chance.whole(spec.late))
    }

    /// A run that begins now.
    public mutating func begin(_ number: Int, at time: Int64) -> BatchRun {
        let takes = chance.whole(spec.takes)
        let fails = chance.happens(spec.failing)
        let hangs = chance.happens(spec.hanging)
        return BatchRun(
            number: number,
            begins: time,
            ends: hangs ? nil : time + takes,
            fails: fails,
            seed: chance.next()
        )
    }
}

/// One run of a batch.
public struct BatchRun: Sendable {
    /// The how manieth.
    public var number: Int
    /// When it begins.
    public var begins: Int64
    /// When it ends; `nil` where it hangs.
    public var ends: Int64?
    /// Whether it fails.
    public var fails: Bool
    /// What the chance in its figures follows from.
    var seed: UInt64

    /// What it tells at a time: of its end, or of its way as an endpoint.
    /// - Parameter start: the start of the scenario, in milliseconds since 1970.
    public func body(_ spec: BatchSpec, at time: Int64, start: Timestamp) -> [UInt8] {
        var template = ExpositionTemplate()
        var values: [Double] = []
        let isOver = ends.map { time >= $0 } ?? false
        let now = Double(start) / 1000 + Double(time / 1_000_000) / 1000
        for metric in spec.metrics {
            var number: Double
            switch metric.value {
            case .number(let value): number = value
            case .counted: number = (metric.rate * Double(time - begins) / 1e9).rounded(.down)
            case .took: number = Double((time - begins) / 1_000_000) / 1000
            case .now: number = now
            case .nowOnSuccess:
                if fails || !isOver { continue }
                number = now
            case .nowOnFailure:
                if !fails || !isOver { continue }
                number = now
            case .succeeded: number = isOver && !fails ? 1 : 0
            }
            var chance = RandomStream(seed: seed, name: metric.name)
            template.family(metric.name, metric.help, metric.kind)
            for part in metric.parts {
                template.lines(metric, part.labels)
                switch metric.kind {
                case .counter, .gauge:
                    var value = number * (metric.kind == .counter ? part.share : 1)
                    if metric.noise > 0 { value *= max(0, 1 + metric.noise * chance.normal()) }
                    if metric.walk > 0 { value += metric.walk * chance.normal() }
                    value = min(max(value, metric.least), metric.most)
                    if metric.value == .counted {
                        value.round(.down)
                    } else if metric.kind == .counter || metric.noise > 0 || metric.walk > 0 {
                        value = MetricCourse.rounded(value, metric.kind == .gauge ? metric.decimals : 3)
                    }
                    values.append(value)
                case .info: values.append(1)
                case .histogram, .summary:
                    values += observed(metric, part, seconds: Double(time - begins) / 1e9)
                }
            }
        }
        var body: [UInt8] = []
        template.write(values, timestamp: nil, to: &body)
        return body
    }

    /// What the run observed until now, at the metric's rate: up to each bound of a histogram or a summary's quantiles, the sum, the count.
    private func observed(_ metric: MetricSpec, _ part: MetricSpec.Part, seconds: Double) -> [Double] {
        let count = min(0x1p53, (metric.rate * part.share * seconds).rounded(.down))
        let sum = (count * metric.latency.mean * 1e6).rounded() / 1e6
        guard metric.kind == .histogram else {
            return metric.quantiles.map { (metric.latency.quantile($0) * 1e6).rounded() / 1e6 } + [sum, count]
        }
        let shares = (metric.buckets + [.infinity]).map(metric.latency.share)
        var counts = shares.map { _ in 0.0 }
        BucketSplit(zip(shares, [0] + shares).map { max(0, $0 - $1) }).add(count, to: &counts)
        for index in counts.indices.dropFirst() { counts[index] += counts[index - 1] }
        return counts + [sum, count]
    }
}
