import MetricModel

/// Label pairs and series that were new at the same time, in one row: each is given as what differs from the one before.
///
/// Pairs: the number of the first one, how many, then for each its name (a number in the row; a new one is followed by the name as
/// a field), how many bytes of the value are those of the value before of that name, and the rest of it as a field. Series: runs of
/// consecutive numbers with as many pairs; for each series a bit for each pair that is not that of the series before, and the
/// steps to those. Both are sealed with a checksum.
enum SeriesGroup {
    /// A series and its pair numbers.
    typealias Member = (series: UInt32, pairs: [UInt32])

    /// A pair's field forms, and the length of the name's.
    typealias Pair = (fields: [UInt8], nameLength: Int)

    /// So many bits stand in one varint.
    private static let maskBits = 56
    /// The most pairs, and the most series, of a row: what a damaged row takes along.
    static let size = 4096
    /// A row has no more pairs once their fields have so many bytes.
    static let pairBytes = 1 << 20
    /// What the pairs of a row may come to when they are read, however much they share; a single one may be longer.
    private static let readableBytes = 64 << 20

    // MARK: - Pairs

    /// The row's part for some pairs of the table; empty for none.
    static func encode(_ range: Range<Int>, of table: borrowing PairTable) -> [UInt8] {
        if range.isEmpty { return [] }
        var writer = ByteWriter()
        writer.count(range.lowerBound)
        writer.count(range.count)
        var names: [UInt32: (number: Int, last: [UInt8])] = [:]
        for pair in range {
            let name = table.nameOf[pair]
            let value = table.valueBytes(UInt32(pair))
            let known = names[name] ?? (names.count, [])
            writer.count(known.number)
            if known.number == names.count { writer.field(Array(table.names[Int(name)].utf8)) }
            var shared = 0
            while shared < min(known.last.count, value.count), known.last[shared] == value[shared] { shared += 1 }
            writer.count(shared)
            writer.field(Array(value[shared...]))
            names[name] = (known.number, value)
        }
        return Page.seal(writer.bytes)
    }

    /// Reads pairs back; `nil` where the bytes make no sense.
    static func pairs(_ sealed: UnsafeBufferPointer<UInt8>) -> (first: Int, pairs: [Pair])? {
        sealed.isEmpty ? (0, []) : Page.body(sealed).flatMap(pairs(unsealed:))
    }

    /// The same without a checksum.
    static func pairs(unsealed bytes: UnsafeBufferPointer<UInt8>) -> (first: Int, pairs: [Pair])? {
        var reader = ByteReader(bytes)
        let first = reader.count()
        let count = reader.count(limit: min(reader.remaining, size))
        var pairs: [Pair] = []
        pairs.reserveCapacity(count)
        var total = 0
        var names: [(field: [UInt8], last: [UInt8])] = []
        for _ in 0..<count {
            let number = reader.count(limit: names.count)
            if number == names.count {
                let name = reader.field()
                var field = ByteWriter()
                field.count(name.count)
                field.bytes.append(contentsOf: name)
                names.append((field.bytes, []))
            }
            let shared = reader.count(limit: names[number].last.count)
            let rest = reader.field()
            guard !reader.isTruncated else { return nil }
            names[number].last.removeSubrange(shared...)
            names[number].last.append(contentsOf: rest)
            total += names[number].field.count + names[number].last.count
            guard total <= readableBytes || count == 1 else { return nil }
            var pair = ByteWriter()
            pair.bytes.reserveCapacity(names[number].field.count + names[number].last.count + 2)
            pair.bytes.append(contentsOf: names[number].field)
            pair.count(names[number].last.count)
            pair.bytes.append(contentsOf: names[number].last)
            pairs.append((pair.bytes, names[number].field.count))
        }
        return reader.isTruncated ? nil : (first, pairs)
    }

    // MARK: - Series

    /// Puts the series of a row together.
    struct SeriesWriter {
        private var writer = ByteWriter()
        private var run = ByteWriter()
        private var runStep: UInt32 = 0
        private var runPairs = 0
        private var runCount = 0
        private var lastSeries: UInt32 = 0
        private var last: [UInt32] = []

        /// Adds a series; they come in rising order.
        mutating func add(_ series: UInt32, _ pairs: some RandomAccessCollection<UInt32>) {
            // What takes no bytes is not counted by the reader either.
            if runCount == 0 || pairs.isEmpty || pairs.count != runPairs || series != lastSeries + 1 {
                flush()
                runStep = series - lastSeries
                runPairs = pairs.count
            }
            runCount += 1
            lastSeries = series
            let known = last.count
            var mask: UInt64 = 0
            for (place, pair) in pairs.enumerated() {
                if place >= known { last.append(0) }
                if pair != last[place] { mask |= 1 << UInt64(place % maskBits) }
                if place % maskBits == maskBits - 1 || place == pairs.count - 1 {
                    run.varint(mask)
                    mask = 0
                }
            }
            for (place, pair) in pairs.enumerated() where pair != last[place] {
                run.zigzag(Int64(pair) - Int64(last[place]))
                last[place] = pair
            }
        }

        private mutating func flush() {
            guard runCount > 0 else { return }
            writer.varint(UInt64(runStep))
            writer.count(runPairs)
            writer.count(runCount)
            writer.bytes.append(contentsOf: run.bytes)
            run.bytes.removeAll(keepingCapacity: true)
            runCount = 0
        }

        /// The row's part; empty for no series.
        mutating func finish() -> [UInt8] {
            flush()
            return writer.bytes.isEmpty ? [] : Page.seal(writer.bytes)
        }
    }

    /// Calls `body` with each series and its pair numbers, which are there for the call only. Whether the bytes make sense.
    @inline(__always)
    static func forEachSeries(
        _ sealed: UnsafeBufferPointer<UInt8>,
        _ body: (UInt32, UnsafeBufferPointer<UInt32>) -> Void
    ) -> Bool {
        if sealed.isEmpty { return true }
        guard let bytes = Page.body(sealed) else { return false }
        return forEachSeries(unsealed: bytes, body)
    }

    /// The same without a checksum.
    @inline(__always)
    static func forEachSeries(
        unsealed bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UInt32, UnsafeBufferPointer<UInt32>) -> Void
    ) -> Bool {
        var reader = ByteReader(bytes)
        var series: UInt64 = 0
        var last: [UInt32] = []
        while reader.remaining > 0 {
            let step = reader.varint()
            // Each series takes a byte at least for so many bits of its pairs; only one can have none.
            let width = reader.count(limit: reader.remaining * maskBits)
            let masks = (width + maskBits - 1) / maskBits
            let count = reader.count(limit: masks == 0 ? 1 : reader.remaining / masks)
            guard !reader.isTruncated, step > 0, step < UInt64(UInt32.max) else { return false }
            while last.count < width { last.append(0) }
            let isSound = last.withUnsafeMutableBufferPointer { last in
                for place in 0..<count {
                    series += place == 0 ? step : 1
                    guard series < UInt64(UInt32.max), read(&reader, width, last) else { return false }
                    body(UInt32(series), UnsafeBufferPointer(rebasing: last[..<width]))
                }
                return true
            }
            if !isSound { return false }
        }
        return !reader.isTruncated
    }

    @inline(__always)
    private static func read(
        _ reader: inout ByteReader,
        _ width: Int,
        _ last: UnsafeMutableBufferPointer<UInt32>
    ) -> Bool {
        var masks = reader
        for _ in 0..<(width + maskBits - 1) / maskBits { _ = reader.varint() }
        var first = 0
        while first < width {
            var mask = masks.varint() & (1 << UInt64(min(maskBits, width - first)) - 1)
            while mask != 0 {
                let place = first + mask.trailingZeroBitCount
                last[place] = UInt32(truncatingIfNeeded: Int64(last[place]) &+ reader.zigzag())
                mask &= mask - 1
            }
            first += maskBits
        }
        return !reader.isTruncated
    }
}
