import MetricModel

/// A closed stretch of samples of some series: what is in it and where its pages are. Immutable.
final class Block: Sendable {
    /// The number under which its rows are stored; later blocks have higher ones.
    let id: Int64
    /// 0 as the head wrote it, then how often it was merged; ``dayLevel`` for a whole day.
    let level: Int
    /// The earliest sample.
    let minTime: Timestamp
    /// The latest sample.
    let maxTime: Timestamp
    /// How many samples there are.
    let samples: Int64
    /// Bytes of its pages and timelines.
    let bytes: Int64
    /// The series in it, ascending, as runs of consecutive numbers.
    let runs: [ClosedRange<UInt32>]
    /// First and last series of each page.
    let pages: [ClosedRange<UInt32>]
    /// How many timelines are stored apart.
    let timelineCount: Int
    /// The rows, for a block that is held in memory: pages, then timelines.
    let inline: (pages: [[UInt8]], timelines: [[UInt8]])?

    init(
        id: Int64,
        level: Int,
        minTime: Timestamp,
        maxTime: Timestamp,
        samples: Int64,
        bytes: Int64,
        runs: [ClosedRange<UInt32>],
        pages: [ClosedRange<UInt32>],
        timelineCount: Int,
        inline: (pages: [[UInt8]], timelines: [[UInt8]])? = nil
    ) {
        self.id = id
        self.level = level
        self.minTime = minTime
        self.maxTime = maxTime
        self.samples = samples
        self.bytes = bytes
        self.runs = runs
        self.pages = pages
        self.timelineCount = timelineCount
        self.inline = inline
    }

    /// The level of blocks that are not merged any more.
    static let dayLevel = 3

    /// Where a page is stored.
    func pageRow(_ number: Int) -> Int64 { id << 24 | Int64(number) }
    /// Where a timeline is stored.
    func timelineRow(_ number: Int) -> Int64 { id << 24 | 1 << 23 | Int64(number) }
    /// All rows that belong to the block.
    static func rows(_ id: Int64) -> Range<Int64> { id << 24..<(id + 1) << 24 }

    /// Puts together what was made of a block in several parts, of ascending series, and numbers the pages of all anew.
    static func joined(
        _ parts: [(block: Block?, rows: [(row: Int64, bytes: [UInt8])])]
    ) -> (block: Block?, rows: [(row: Int64, bytes: [UInt8])]) {
        var whole: Block?
        var rows: [(row: Int64, bytes: [UInt8])] = []
        for (part, partRows) in parts {
            let shift = Int64(whole?.pages.count ?? 0)
            for entry in partRows {
                rows.append((entry.row & 1 << 23 == 0 ? entry.row + shift : entry.row, entry.bytes))
            }
            guard let part else { continue }
            whole = whole.map { $0.followed(by: part) } ?? part
        }
        return (whole, rows)
    }

    private func followed(by other: Block) -> Block {
        Block(
            id: id,
            level: level,
            minTime: min(minTime, other.minTime),
            maxTime: max(maxTime, other.maxTime),
            samples: samples + other.samples,
            bytes: bytes + other.bytes,
            runs: runs + other.runs,
            pages: pages + other.pages,
            timelineCount: max(timelineCount, other.timelineCount)
        )
    }

    /// Which of the ascending series are in the block.
    func members(of series: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var run = 0
        for number in series {
            while run < runs.count, runs[run].upperBound < number { run += 1 }
            if run == runs.count { break }
            if runs[run].contains(number) { result.append(number) }
        }
        return result
    }

    /// All series in the block, ascending.
    var allSeries: [UInt32] { runs.flatMap { Array($0) } }

    /// The directory: runs and pages, for storing.
    var directory: [UInt8] {
        var writer = ByteWriter()
        writer.count(timelineCount)
        for ranges in [runs, pages] {
            writer.count(ranges.count)
            var last: UInt32 = 0
            for range in ranges {
                writer.zigzag(Int64(range.lowerBound) - Int64(last))
                writer.varint(UInt64(range.upperBound - range.lowerBound))
                last = range.upperBound
            }
        }
        return Page.seal(writer.bytes)
    }

    /// Reads a directory back; `nil` where it makes no sense.
    static func parseDirectory(
        _ sealed: UnsafeBufferPointer<UInt8>
    ) -> (timelines: Int, runs: [ClosedRange<UInt32>], pages: [ClosedRange<UInt32>])? {
        guard let bytes = Page.open(sealed) else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var reader = ByteReader(UnsafeBufferPointer(rebasing: buffer[..<(buffer.count - Page.padding)]))
            let timelines = reader.count()
            var lists: [[ClosedRange<UInt32>]] = []
            for _ in 0..<2 {
                let count = reader.count(limit: reader.remaining)
                var list: [ClosedRange<UInt32>] = []
                list.reserveCapacity(count)
                var last: Int64 = 0
                for _ in 0..<count {
                    let lower = last &+ reader.zigzag()
                    let (upper, overflow) = lower.addingReportingOverflow(Int64(truncatingIfNeeded: reader.varint()))
                    guard !overflow, lower >= 0, upper >= lower, upper <= Int64(UInt32.max) else { return nil }
                    list.append(UInt32(lower)...UInt32(upper))
                    last = upper
                }
                lists.append(list)
            }
            return reader.isTruncated ? nil : (timelines, lists[0], lists[1])
        }
    }
}
