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

    /// Chunks of a query that fit, asked for again and again, push out those of others that were asked for often before.
    @Test(arguments: [1, 3, 7])
    func makesRoomForWhatIsAskedForNow(_ length: Int) {
        var ring = ColumnRing(limit: 40_000)
        /// How many of so many chunks were not there.
        func ask(_ row: Int64, _ count: Int, _ length: Int) -> Int {
            (0..<count).count { entry in
                let key = ColumnRing.Key(row: row, entry: entry)
                if ring.find(key) != nil { return false }
                ring.add(.doubles([Double](repeating: 1, count: length)), key)
                return true
            }
        }
        for row: Int64 in 0..<3 {
            for _ in 0..<3 { _ = ask(row, 80, 5 * length) }
        }
        for row: Int64 in 3..<6 {
            let missing = (0..<4).map { _ in ask(row, 100, length) }
            #expect(missing[0] == 100 && missing[3] == 0, "\(missing)")
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
