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
            let values = [Double](repeating: Double(row * 1000) + Double(entry), count: entry % 7 + 1)
            let isHeld = ring.holds(key)
            if let known = ring.find(key) {
                #expect(isHeld && known == values)
                found += 1
            } else {
                #expect(!isHeld)
                ring.add(values, key)
            }
            #expect(ring.bytes <= 50_000, "\(round)")
        }
        #expect(found > 10_000)
        let hot = ColumnRing.Key(row: 100, entry: 1)
        ring.add([1], hot)
        for entry in 0..<2000 {
            #expect(ring.find(hot) == [1])
            ring.add([2, 3], ColumnRing.Key(row: 200, entry: entry))
        }
    }
}
