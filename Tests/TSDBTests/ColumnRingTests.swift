import MetricModel
import TSDB
import Testing

/// Which decoded chunks are kept.
@Suite(.timeLimit(.minutes(5))) struct ColumnRingTests {
    /// Whatever is found is what was put there, nothing takes more than the limit, and what is used stays longest.
    @Test func findsWhatWasPutAndKeepsToItsLimit() {
        var random = SeededGenerator(seed: 7)
        var ring = ColumnRing(limit: 50_000)
        var found = 0
        for round in 0..<50_000 {
            let (row, entry) = (Int64.random(in: 0..<20, using: &random), Int.random(in: 0..<40, using: &random))
            let key = ColumnRing.Key(row: row, entry: entry)
            // Some fit into half of the bytes, others do not.
            let value = Double(row * 1000) + Double(entry) / (row % 3 == 0 ? 2 : 1)
            let values = [Double](repeating: value, count: entry % 7 + 1)
            let isHeld = ring.holds(key)
            if let known = ring.find(key) {
                #expect(isHeld && known.values == values)
                found += 1
            } else {
                #expect(!isHeld)
                ring.add(KeptColumn(values), key)
            }
            #expect(ring.bytes <= 50_000, "\(round)")
        }
        #expect(found > 10_000)
        let hot = ColumnRing.Key(row: 100, entry: 1)
        ring.add(.doubles([1]), hot)
        for entry in 0..<2000 {
            #expect(ring.find(hot)?.values == [1])
            ring.add(KeptColumn([2, 3]), ColumnRing.Key(row: 200, entry: entry))
        }
    }

    /// What is kept in fewer bytes is the same to the bit.
    @Test(arguments: [
        [], [0], [1, -1, 2_147_483_647, -2_147_483_647], [2_147_483_648], [-2_147_483_648], [-0.0], [0.5], [.nan],
        [.infinity],
        [1, 2, 1e300], [1e15, 1e15 + 7, 9e15], [0.5, 3.5, -7.5], [0.1, 1.1], [-0.0, 0], [1e300, 1e300], [.infinity, 0],
        [Double(bitPattern: 0x7ff0_0000_0000_0002), 3],
    ])
    func keepsEachBit(_ values: [Double]) {
        #expect(KeptColumn(values).values.map(\.bitPattern) == values.map(\.bitPattern))
    }
}
