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

/// Something to be sent. There is one for each sample that waits, so it refers to nothing that is counted: what is more than a number
/// stands in ``RemoteExtras``.
struct RemoteItem: Sendable, BitwiseCopyable {
    /// What it is.
    enum Kind: UInt8, Sendable {
        case float
        case histogram
        case exemplar
    }

    var timestamp: Timestamp
    var start: Timestamp
    /// A number's bits, or the number of what is more than that.
    var bits: UInt64
    var place: FeedPlace
    /// The place of the series in the table of what the receiver gets.
    var known: UInt32
    var kind = Kind.float

    var value: Double { Double(bitPattern: bits) }

    /// Whether it is an exemplar of the series of another one.
    @inline(__always)
    func isExemplar(of other: Self) -> Bool { kind == .exemplar && known == other.known }
}

/// What items have that is more than a number.
struct RemoteExtras: Sendable {
    /// One of them.
    enum Extra: Sendable {
        case histogram(NativeHistogram)
        case exemplar(Exemplar)

        var kind: RemoteItem.Kind {
            switch self {
            case .histogram: .histogram
            case .exemplar: .exemplar
            }
        }
    }

    private var all: [Extra?] = []
    private var free: [Int] = []

    /// Keeps something until nobody waits for it any more.
    /// - Returns: Its number.
    mutating func add(_ extra: Extra) -> UInt64 {
        guard let number = free.popLast() else {
            all.append(extra)
            return UInt64(all.count - 1)
        }
        all[number] = extra
        return UInt64(number)
    }

    /// What an item has; `nil` for a number.
    subscript(_ item: RemoteItem) -> Extra? { item.kind == .float ? nil : all[Int(item.bits)] }

    /// Lets go what items have.
    mutating func remove(_ items: some Sequence<RemoteItem>) {
        if free.count == all.count { return }
        for item in items where item.kind != .float {
            all[Int(item.bits)] = nil
            free.append(Int(item.bits))
        }
        if free.count == all.count { (all, free) = ([], []) }
    }
}

/// How many of each kind.
struct RemoteCounts: Sendable, Hashable {
    var samples = 0
    var histograms = 0
    var exemplars = 0

    init() {}

    init(_ items: some Sequence<RemoteItem>) {
        for item in items { add(item.kind) }
    }

    mutating func add(_ kind: RemoteItem.Kind) {
        switch kind {
        case .float: samples += 1
        case .histogram: histograms += 1
        case .exemplar: exemplars += 1
        }
    }

    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum += right
        return sum
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
