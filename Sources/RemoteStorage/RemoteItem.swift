import MetricModel

/// Where something stands in the order in which it was stored: the entry, and how far in it.
struct FeedPlace: Sendable, Hashable, Comparable {
    var row: Int64
    /// The position in the entry; `Int32.max` for its end.
    var index: Int32 = .max

    static func < (left: Self, right: Self) -> Bool {
        left.row == right.row ? left.index < right.index : left.row < right.row
    }

    /// The last entry of which nothing is left.
    var wholeRow: Int64 { index == .max ? row : row - 1 }
}

/// Something to be sent.
struct RemoteItem: Sendable {
    /// What it is.
    enum Payload: Sendable {
        case float(Double)
        indirect case histogram(NativeHistogram)
        indirect case exemplar(Exemplar)
    }

    var series: UInt32
    /// The place of the series in the table of what the receiver gets.
    var known: UInt32
    var place: FeedPlace
    var timestamp: Timestamp
    var start: Timestamp
    var payload: Payload

    /// Whether it is an exemplar of the series of another one.
    func isExemplar(of other: Self) -> Bool {
        guard series == other.series, case .exemplar = payload else { return false }
        return true
    }
}

/// How many of each kind.
struct RemoteCounts: Sendable, Hashable {
    var samples = 0
    var histograms = 0
    var exemplars = 0

    init() {}

    init(_ items: some Sequence<RemoteItem>) {
        for item in items { add(item) }
    }

    mutating func add(_ item: RemoteItem) {
        switch item.payload {
        case .float: samples += 1
        case .histogram: histograms += 1
        case .exemplar: exemplars += 1
        }
    }

    static func += (left: inout Self, right: Self) {
        left.samples += right.samples
        left.histograms += right.histograms
        left.exemplars += right.exemplars
    }

    /// What is left where some of it was taken.
    func without(_ taken: Self) -> Self {
        var rest = Self()
        rest.samples = max(0, samples - taken.samples)
        rest.histograms = max(0, histograms - taken.histograms)
        rest.exemplars = max(0, exemplars - taken.exemplars)
        return rest
    }

    var all: Int { samples + histograms + exemplars }
}
