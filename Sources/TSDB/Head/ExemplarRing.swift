import MetricModel

/// The newest exemplars, up to a number.
struct ExemplarRing: Sendable {
    /// The most that are kept.
    let capacity: Int
    private var entries: [(series: UInt32, exemplar: Exemplar)] = []
    private var oldest = 0
    private var newest: [UInt32: Exemplar] = [:]
    /// The most characters that names and values of an exemplar's labels may have together.
    static let labelLimit = 128

    init(capacity: Int) { self.capacity = capacity }

    var isEmpty: Bool { entries.isEmpty }

    /// All of them, oldest first.
    var all: [(series: UInt32, exemplar: Exemplar)] { Array(entries[oldest...] + entries[..<oldest]) }

    /// What becomes of an exemplar.
    enum Verdict {
        /// It is kept.
        case new
        /// It repeats the newest of its series.
        case known
        case refused
    }

    /// What becomes of an exemplar that has a time; `staged` is the newest of its series that is not among these yet.
    func judge(_ series: UInt32, _ exemplar: Exemplar, after staged: Exemplar? = nil, window: Int64) -> Verdict {
        guard capacity > 0 else { return .refused }
        let length = exemplar.labels.reduce(0) { $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count }
        guard length <= ExemplarRing.labelLimit else { return .refused }
        let time = exemplar.timestamp ?? 0
        if let last = staged ?? newest[series], let lastTime = last.timestamp {
            if last.labels == exemplar.labels, lastTime == time, last.value.bitPattern == exemplar.value.bitPattern {
                return .known
            }
            if time < lastTime, time <= lastTime - window { return .refused }
            if time == lastTime, exemplar.value < last.value { return .refused }
        }
        return .new
    }

    /// Adds an exemplar that has a time, if it is new.
    mutating func add(_ series: UInt32, _ exemplar: Exemplar, window: Int64) {
        switch judge(series, exemplar, window: window) {
        case .new: break
        case .known, .refused: return
        }
        let time = exemplar.timestamp ?? 0
        if entries.count < capacity {
            entries.append((series, exemplar))
        } else {
            entries[oldest] = (series, exemplar)
            oldest = (oldest + 1) % capacity
        }
        if time >= newest[series]?.timestamp ?? .min { newest[series] = exemplar }
    }

    /// The exemplars in the span by series, by rising time.
    func select(_ isWanted: (UInt32) -> Bool, start: Timestamp, end: Timestamp) -> [UInt32: [Exemplar]] {
        var result: [UInt32: [Exemplar]] = [:]
        for (series, exemplar) in all {
            let time = exemplar.timestamp ?? 0
            if time >= start, time <= end, isWanted(series) { result[series, default: []].append(exemplar) }
        }
        return result.mapValues { list in
            list.enumerated().sorted {
                ($0.element.timestamp ?? 0, $0.offset) < ($1.element.timestamp ?? 0, $1.offset)
            }.map(\.element)
        }
    }

    /// Drops the exemplars of series that are not known any more.
    mutating func remove(where isGone: (UInt32) -> Bool) {
        entries = all.filter { !isGone($0.series) }
        oldest = 0
        newest = newest.filter { !isGone($0.key) }
    }
}
