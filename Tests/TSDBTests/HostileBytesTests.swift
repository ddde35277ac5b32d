import TSDB
import Testing

/// Bytes that somebody made, with right checksums: what has to be refused so that reading neither traps nor takes for ever.
@Suite(.timeLimit(.minutes(5))) struct HostileBytesTests {
    /// A page whose entries each refer to the one before: a constant, then differences from it.
    private static func chain(_ count: Int) -> [UInt8] {
        var values = ByteWriter()
        for number in 0..<count {
            [Double(number)].withUnsafeBufferPointer { value in
                if number == 0 {
                    ValueCodec.encode(value, into: &values)
                } else {
                    [Int64(1)].withUnsafeBufferPointer { IntegerCodec.encode($0, into: &values) }
                }
            }
        }
        let lengths = [0, 1].map { number -> Int in
            var one = ByteWriter()
            if number == 0 {
                [0.0].withUnsafeBufferPointer { ValueCodec.encode($0, into: &one) }
            } else {
                [Int64(1)].withUnsafeBufferPointer { IntegerCodec.encode($0, into: &one) }
            }
            return one.bytes.count
        }
        var page = ByteWriter()
        page.byte(2)
        page.count(0)
        page.count(count)
        page.count(values.bytes.count)
        for field in [1, 0, 0, 0, 1, count] { page.count(field) }
        for number in 0..<count {
            page.count(lengths[min(number, 1)] << 1 | (number == 0 ? 0 : 1))
            if number > 0 { page.count(1) }
        }
        page.bytes.append(contentsOf: values.bytes)
        return page.bytes
    }

    @Test(arguments: [(33, 33), (65, 65), (66, nil), (100_000, nil)])
    func differencesOfDifferencesEnd(_ count: Int, _ decoded: Int?) {
        let most = decoded.map { $0 + 1 }  // The first one is decoded whole and by half.
        let found = StoredBytes.page(Self.chain(count), limit: 1 << 16)
        #expect(found.map { $0 >= count && $0 <= most ?? 0 } == decoded.map { _ in true })
    }

    @Test(arguments: [(0, true), (2, true), (1, false), (3, false)])
    func aRowHasStartsForAllOfItsSeriesOrForNone(_ starts: Int, _ isSound: Bool) {
        var row = ByteWriter()
        row.byte(1)
        row.varint(1)
        row.zigzag(1000)
        row.count(2)
        for _ in 0..<2 { row.zigzag(1) }
        for value in [5, 6] { row.varint(ZigZag.encode(Int64(value)) << 2 | 1) }
        row.byte(1)
        row.count(starts)
        for _ in 0..<starts { row.zigzag(7) }
        #expect(StoredBytes.journal([row.bytes]) == (isSound ? 2 : nil))
    }

    /// Names, then what follows a group's first series.
    @Test(arguments: ["a step that wraps", "no step", "many without pairs"])
    func stepsOfAGroupRise(_ what: String) {
        var group = ByteWriter()
        for field in [5, 1, 1, 0] { group.count(field) }
        switch what {
        case "a step that wraps":
            group.varint(.max)
            for field in [1, 1, 0] { group.count(field) }
        case "no step": for field in [0, 1, 1, 0] { group.count(field) }
        default: for field in [1, 0, 200] { group.count(field) }
        }
        #expect(StoredBytes.groupCount(group.bytes) == nil)
        #expect(StoredBytes.groupCount(Array(group.bytes.prefix(4))) == 1)
    }

    /// A long value, and pairs of three bytes that share all of it.
    @Test(arguments: [(1, 100_000_000, true), (600, 100_000, true), (4096, 100_000, false)])
    func pairsThatShareMuchTakeNoEndlessRoom(_ count: Int, _ length: Int, _ isSound: Bool) {
        var pairs = ByteWriter()
        for field in [0, count, 0, 1, 97, 0] { pairs.count(field) }
        pairs.field([UInt8](repeating: 98, count: length))
        for _ in 1..<max(1, count) { for field in [0, length, 0] { pairs.count(field) } }
        #expect(StoredBytes.pairCount(pairs.bytes) == (isSound ? count : nil))
    }
}
