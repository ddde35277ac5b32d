/// Shares a number of observations out to buckets: whole numbers that add up to it, and of which none falls while it rises, as in a
/// process that counts one observation after the other.
///
/// The number is halved again and again, each time by the shares of the two halves, so that no bucket is off by more than a few.
struct BucketSplit {
    /// The left half's share of each halving, in parts of 2³², from the whole down, left before right.
    private var lefts: [UInt64] = []
    private let width: Int

    /// - Parameter shares: of each bucket, in their order; not below 0.
    init(_ shares: [Double]) {
        width = shares.count
        lefts.reserveCapacity(max(0, width - 1))
        var sums = [0.0]
        for share in shares { sums.append((sums.last ?? 0) + share) }
        divide(0, width, sums)
    }

    private mutating func divide(_ low: Int, _ high: Int, _ sums: [Double]) {
        if high - low < 2 { return }
        let middle = (low + high) / 2
        let all = sums[high] - sums[low]
        let part = all > 0 ? min(1, max(0, (sums[middle] - sums[low]) / all)) : 1
        lefts.append(UInt64((part * 0x1p32).rounded()))
        divide(low, middle, sums)
        divide(middle, high, sums)
    }

    /// Adds what each bucket has of a number.
    /// - Parameter number: whole, from 0 to 2⁵³.
    func add(_ number: Double, to counts: inout [Double]) {
        var node = 0
        add(UInt64(number), 0, width, &node, &counts)
    }

    private func add(_ number: UInt64, _ low: Int, _ high: Int, _ node: inout Int, _ counts: inout [Double]) {
        if number == 0 {
            node += max(0, high - low - 1)
            return
        }
        if high - low < 2 {
            counts[low] += Double(number)
            return
        }
        let product = number.multipliedFullWidth(by: lefts[node])
        let (low64, carry) = product.low.addingReportingOverflow(1 << 31)
        let left = (product.high + (carry ? 1 : 0)) << 32 | low64 >> 32
        node += 1
        let middle = (low + high) / 2
        add(left, low, middle, &node, &counts)
        add(number - left, middle, high, &node, &counts)
    }
}
