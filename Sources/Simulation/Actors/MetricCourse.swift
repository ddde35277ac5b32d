import MetricModel

/// The course of a metric of one instance: what it counts or shows at each moment of the scenario. It follows from the seed and
/// the time alone, not from when it is asked, so that the same world can be seen by scrapers with other intervals.
///
/// Chance is drawn once in each cell of time; counters run straight through a cell, gauges keep their value.
struct MetricCourse {
    /// The length of a cell in nanoseconds.
    static let cell: Int64 = 5_000_000_000

    /// What the metric is like now.
    private(set) var spec: MetricSpec
    /// What it is like but for what is set for a while.
    private var own: MetricSpec
    /// What is set for a while, and when that was.
    private var held: [MetricChange.Field: HeldValue] = [:]
    /// The values of a gauge before they were set for a while.
    private var covered: [Double]?
    /// Which number the chance of each part begins with.
    private let seed: UInt64
    private let startOfDay: Int64
    /// Cells that are over.
    private var cells: Int64 = 0
    /// Counts at the beginning and at the end of the present cell, part after part. Of gauges, the value without noise.
    private var before: [Double]
    private var after: [Double]
    /// Counts when the instance began, or the label's value came.
    private var bases: [Double]
    /// How many buckets a histogram has, with the one for the rest.
    private let width: Int
    /// How observations are shared out to the buckets.
    private var split = BucketSplit([])
    /// What each part had observed when the distribution changed last: how many, their sum, and of histograms how many in each bucket.
    private var settled: [Settled] = []
    /// How many values of the label that grows have come and count.
    private var born = 1
    /// How many parts there were at the last look, where they grow.
    private(set) var partCount: Int

    /// What an event set for a while.
    struct HeldValue: Sendable, Hashable {
        var value: Double
        /// When it was set, in nanoseconds from the start of the scenario.
        var since: Int64
    }

    /// Observations whose distribution is another one by now.
    private struct Settled {
        var count = 0.0
        var sum = 0.0
        var buckets: [Double] = []
    }

    /// The most that is counted: above it not every whole number is one of its own.
    private static let most = 0x1p53

    /// - Parameter start: the start of the scenario in nanoseconds since 1970.
    init(_ spec: MetricSpec, seed: UInt64, start: Int64) {
        self.spec = spec
        own = spec
        self.seed = seed
        let day: Int64 = 86_400_000_000_000
        startOfDay = ((start % day) + day) % day
        switch spec.kind {
        case .histogram: width = spec.isNative ? Self.nativeBuckets + 1 : spec.buckets.count + 1
        case .counter, .gauge, .summary, .info: width = 1
        }
        partCount = spec.growth == nil ? spec.parts.count : 0
        let count = spec.parts.count * (spec.growth?.most ?? 1)
        var first = 0.0
        if spec.kind == .gauge, case .number(let number) = spec.value { first = number }
        before = [Double](repeating: first, count: count)
        after = before
        bases = [Double](repeating: 0, count: count)
        setSplit()
        fill(cell: 0)
    }

    /// How many label combinations there can be.
    var partLimit: Int { spec.parts.count * (spec.growth?.most ?? 1) }

    /// The labels of a combination.
    func labels(of part: Int) -> [Label] {
        guard let growth = spec.growth else { return spec.parts[part].labels }
        let own = spec.parts[part % spec.parts.count].labels
        return own + [Label(name: growth.label, value: "\(growth.label)-\(part / spec.parts.count + 1)")]
    }

    private func share(of part: Int) -> Double { spec.parts[part % spec.parts.count].share }

    // MARK: Time

    /// Goes on to a time.
    mutating func advance(to time: Int64) {
        let cell = max(0, time) / Self.cell
        while cells < cell {
            bear(until: (cells + 1) * Self.cell - 1)
            cells += 1
            // Of gauges it is the end that counts.
            swap(&before, &after)
            fill(cell: cells)
        }
        bear(until: time)
        if let growth = spec.growth {
            let grown = 1 + Int(min(Double(growth.most - 1), growth.rate * Double(max(0, time)) / 1e9))
            partCount = spec.parts.count * grown
        }
    }

    /// Label values that come count from then on.
    private mutating func bear(until time: Int64) {
        guard let growth = spec.growth else { return }
        while born < growth.most {
            let birth = (Double(born) / growth.rate * 1e9).rounded(.up)
            if birth > Double(time) { return }
            for part in born * spec.parts.count..<(born + 1) * spec.parts.count {
                bases[part] = count(part, at: Int64(birth))
            }
            born += 1
        }
    }

    /// Makes ``after`` the end of a cell that begins with ``before``.
    private mutating func fill(cell: Int64) {
        let time = cell * Self.cell
        let seconds = Double(Self.cell) / 1e9
        switch spec.kind {
        case .counter, .summary, .histogram:
            let amount = rate(at: time) * seconds
            for part in 0..<before.count {
                after[part] = before[part] + noisy(amount * share(of: part), part, cell)
            }
        case .gauge:
            // A walk's steps in a cell: a twelfth of a minute's variance.
            let step = spec.walk * 0.288_675_134_594_812_9
            let drift = spec.leak * seconds
            for part in 0..<before.count {
                var value = before[part] + drift
                if step > 0 { value += step * RandomStream.normal(number(part, cell)) }
                after[part] = min(max(value, spec.least), spec.most)
            }
        case .info: break
        }
    }

    @inline(__always)
    private func number(_ part: Int, _ cell: Int64) -> UInt64 {
        RandomStream.mixed(seed &+ UInt64(part) &* 0x2545_f491_4f6c_dd1d, UInt64(bitPattern: cell))
    }

    @inline(__always)
    private func noisy(_ amount: Double, _ part: Int, _ cell: Int64) -> Double {
        if spec.noise == 0 { return amount }
        return amount * max(0, 1 + spec.noise * RandomStream.normal(number(part, cell)))
    }

    /// The rate at a time, with the day's shape and the steps.
    private func rate(at time: Int64) -> Double {
        min(stepped(spec.rate, time), MetricSpec.rateLimit) * shape(at: time)
    }

    private func stepped(_ value: Double, _ time: Int64) -> Double {
        var value = value
        for step in spec.steps where step.at <= time { value = step.to ?? value * step.by }
        return value
    }

    /// 1 on the average; highest at 15:00 and lowest at 3:00 UTC.
    private func shape(at time: Int64) -> Double {
        if spec.daily == 0 { return 1 }
        let hours = Double(startOfDay + time) / 3.6e12
        return 1 + spec.daily * GoMath.cos((hours - 15) / 12 * Double.pi)
    }

    // MARK: What is asked for

    /// The instance begins: it counts from here on.
    mutating func begin(at time: Int64) {
        advance(to: time)
        for index in bases.indices { bases[index] = count(index, at: time) }
        settled = []
        // What leaks begins anew with the process.
        if spec.kind == .gauge, spec.leak != 0, time > 0, case .number(let number) = spec.value {
            for index in before.indices { before[index] = number }
            if covered != nil, case .number(let number) = own.value { covered = before.map { _ in number } }
            fill(cell: cells)
        }
    }

    /// Another distribution from a moment on.
    mutating func distribute(_ latency: LatencyDistribution, at time: Int64) {
        advance(to: time)
        if latency == spec.latency { return }
        settle(at: time)
        spec.latency = latency
        setSplit()
    }

    /// Another rate or value from a moment on; of a distribution ``distribute(_:at:)`` tells.
    /// - Parameters:
    ///   - since: when it was said, where this metric came only later.
    ///   - isForGood: whether it is not undone; what was set for a while is then over.
    mutating func change(_ change: MetricChange, at time: Int64, since: Int64, isForGood: Bool) {
        advance(to: time)
        guard isForGood else {
            for field in MetricChange.Field.allCases {
                guard let value = change[field] else { continue }
                hold(field, HeldValue(value: value, since: since), at: time)
            }
            return
        }
        for field in MetricChange.Field.allCases where change[field] != nil { held[field] = nil }
        // The latest word is what counts; steps that come later are words, too.
        if change.rate != nil || change.value != nil { own.steps.removeAll { $0.at <= since } }
        if let rate = change.rate { own.rate = rate }
        if let value = change.value {
            own.value = .number(value)
            covered = nil
            show(value)
        }
        goByWhatIsSet(at: time)
    }

    /// Something is set for a while, or not any more.
    /// - Parameter value: `nil` for what the metric is like by itself.
    mutating func hold(_ field: MetricChange.Field, _ value: HeldValue?, at time: Int64) {
        advance(to: time)
        held[field] = value
        switch field {
        case .rate, .median, .p99: break
        case .value:
            if let value {
                covered = covered ?? before
                show(value.value)
            } else if let values = covered {
                (before, after, covered) = (values, values, nil)
            }
        }
        goByWhatIsSet(at: time)
    }

    private mutating func show(_ value: Double) {
        for index in before.indices {
            before[index] = value
            after[index] = value
        }
    }

    private mutating func goByWhatIsSet(at time: Int64) {
        spec.rate = held[.rate]?.value ?? own.rate
        spec.value = held[.value].map { .number($0.value) } ?? own.value
        let since = max(held[.rate]?.since ?? -1, held[.value]?.since ?? -1)
        spec.steps = own.steps.filter { $0.at > since }
        // In the middle of a cell what counts goes on as it was: it must not fall.
        if spec.kind != .gauge, time == cells * Self.cell { fill(cell: cells) }
    }

    /// What was counted at a time since the beginning of the scenario.
    private func count(_ index: Int, at time: Int64) -> Double {
        let share = Double(time - cells * Self.cell) / Double(Self.cell)
        return before[index] + (after[index] - before[index]) * min(1, max(0, share))
    }

    /// What a counter shows: whole events.
    @inline(__always)
    func counted(_ part: Int, at time: Int64) -> Double {
        // A hair more, as sums of shares may fall short of the whole number that they stand for.
        min(Self.most, max(0, (count(part, at: time) - bases[part] + 1e-6).rounded(.down)))
    }

    /// What a gauge shows.
    func shown(_ part: Int, at time: Int64) -> Double {
        var value = stepped(before[part], time) * shape(at: time)
        if spec.noise > 0 {
            value *= 1 + spec.noise * RandomStream.normal(number(part, cells ^ 0x5a5a_0000_0000))
        }
        value = min(max(value, spec.least), spec.most)
        return Self.rounded(value, spec.decimals)
    }

    /// A value with so many decimals.
    static func rounded(_ value: Double, _ decimals: Int) -> Double {
        let scale = scales[min(decimals, scales.count - 1)]
        // Beyond that a number has no decimals.
        if abs(value) >= 0x1p53 { return value }
        return (value * scale).rounded() / scale
    }

    private static let scales: [Double] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

    /// How many observations a part has in each bucket, those beyond the last bound at the end; none of them ever falls.
    /// - Returns: how many there are in all.
    func observed(_ part: Int, at time: Int64, into counts: inout [Double]) -> Double {
        let all = counted(part, at: time)
        counts.removeAll(keepingCapacity: true)
        if part < settled.count {
            counts.append(contentsOf: settled[part].buckets)
            split.add(max(0, all - settled[part].count), to: &counts)
        } else {
            for _ in 0..<width { counts.append(0) }
            split.add(all, to: &counts)
        }
        return all
    }

    /// The sum of what a part has observed.
    func sum(_ part: Int, _ count: Double) -> Double {
        let before = part < settled.count ? settled[part] : Settled()
        return before.sum + max(0, count - before.count) * spec.latency.mean
    }

    /// The distribution is about to change: what was observed until now stays as it is.
    private mutating func settle(at time: Int64) {
        guard spec.kind == .histogram || spec.kind == .summary else { return }
        settled = (0..<partLimit).map { part in
            var now = Settled()
            now.count = spec.kind == .histogram ? observed(part, at: time, into: &now.buckets) : counted(part, at: time)
            now.sum = sum(part, now.count)
            return now
        }
    }

    // MARK: Distributions

    /// Native histograms have schema 3 and these buckets, from 2^-10 to 2^10 seconds, and one more for the rest.
    static let nativeSchema: Int32 = 3
    static let nativeFirst = -79
    static let nativeBuckets = 160

    private mutating func setSplit() {
        guard spec.kind == .histogram else { return }
        var last = 0.0
        split = BucketSplit(
            (0..<width).map { bucket in
                let upTo = bucket == width - 1 ? 1 : spec.latency.share(upTo: bound(bucket))
                defer { last = max(last, upTo) }
                return max(0, upTo - last)
            }
        )
    }

    private func bound(_ bucket: Int) -> Double {
        spec.isNative ? GoMath.exp2(Double(Self.nativeFirst + bucket) / 8) : spec.buckets[bucket]
    }

    /// A chance observation at a time, for an exemplar.
    func observation(_ part: Int, at time: Int64) -> (value: Double, trace: UInt64) {
        let bits = number(part, time ^ 0x0ec5_e3d1_0000_0000)
        let value = spec.latency.median * GoMath.exp(spec.latency.sigma * RandomStream.normal(bits))
        return ((value * 1e6).rounded() / 1e6, RandomStream.mixed(bits, 1))
    }
}
