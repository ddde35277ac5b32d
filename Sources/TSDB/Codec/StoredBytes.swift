import MetricModel

/// What the store's files hold, read from bytes alone and without their checksums: for those who try whether any bytes are survived.
package enum StoredBytes {
    /// Reads rows of the journal, one after the other.
    /// - Returns: how many samples, histograms and exemplars they hold; `nil` where one makes no sense.
    package static func journal(_ rows: [[UInt8]]) -> Int? {
        var memory: [UInt32: JournalCodec.StreamMemory] = [:]
        var count = 0
        for row in rows {
            guard let parts = row.withUnsafeBufferPointer({ JournalCodec.read($0, &memory) }) else { return nil }
            for batch in parts.map(\.batch) {
                count += batch.series.count + batch.histograms.count
                for exemplar in batch.exemplars { count += exemplar.exemplar.labels.isEmpty ? 0 : 1 }
            }
        }
        return count
    }

    /// Reads a page of a block, and the timelines and chunks in it that have no more samples than `limit`: a few bytes can stand for
    /// any number of times as far apart from each other.
    /// - Returns: how many values were decoded; `nil` where the page makes no sense.
    package static func page(_ bytes: [UInt8], limit: Int) -> Int? {
        guard let page = LoadedPage(bytes + [UInt8](repeating: 0, count: Page.padding)) else { return nil }
        var decoded = 0
        for (number, range) in page.localRanges.enumerated() {
            let count = page.bytes[range].withUnsafeBufferPointer { bytes in
                var reader = ByteReader(bytes)
                return reader.count()
            }
            if count <= limit { decoded += page.localTimeline(number)?.times.count ?? 0 }
        }
        for (number, entry) in page.entries.enumerated() where entry.count <= limit {
            page.bytes.withUnsafeBufferPointer { bytes in
                let values = UnsafeBufferPointer(rebasing: bytes[entry.values])
                let starts = UnsafeBufferPointer(rebasing: bytes[entry.starts])
                if entry.kind.contains(.histograms) {
                    decoded += HistogramCodec.decode(values, count: entry.count)?.count ?? 0
                } else if entry.reference > 0 {
                    // What it refers to is decoded as well, and again for each that does.
                    if entry.count <= limit / Int(Page.deepestReference) { decoded += referring(page, number) }
                } else {
                    withUnsafeTemporaryAllocation(of: Double.self, capacity: entry.count) { column in
                        guard let base = column.baseAddress else { return }
                        // All of them, and as many as a query that ends earlier wants.
                        for count in [entry.count, entry.count / 2]
                        where ValueCodec.decode(values, total: entry.count, count: count, into: base) {
                            decoded += count
                        }
                    }
                }
                decoded += integers(starts, entry.count)
            }
        }
        return decoded
    }

    private static func referring(_ page: LoadedPage, _ number: Int) -> Int {
        var assembler = Assembler(Capture(), source: InlinePages(), start: .min, end: .max, isCancellable: false)
        assembler.pages = [page]
        let count = page.entries[number].count
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { column in
            guard let base = column.baseAddress else { return 0 }
            let isSound = (try? assembler.decode(base, 0, number, within: 0..<count)) != nil
            return isSound ? count : 0
        }
    }

    private static func integers(_ bytes: UnsafeBufferPointer<UInt8>, _ count: Int) -> Int {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { column in
            guard let base = column.baseAddress else { return 0 }
            return IntegerCodec.decode(bytes, total: count, count: count, into: base) ? count : 0
        }
    }

    /// Reads the two lists of a group of series, and writes what they hold anew.
    /// - Returns: what is not read again as it was written; `nil` where all of it is.
    package static func group(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBufferPointer { bytes in pairs(bytes) ?? series(bytes) }
    }

    private static func pairs(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        guard let read = SeriesGroup.pairs(unsealed: bytes) else { return nil }
        var table = SeriesTable()
        for pair in read.pairs { table.restorePair(pair) }
        let again = SeriesGroup.encode(0..<table.pairs.count, of: table.pairs)
            .withUnsafeBufferPointer { SeriesGroup.pairs($0) }
        guard let again, again.pairs.count == read.pairs.count else { return "pairs cannot be read again" }
        var second = SeriesTable()
        for pair in again.pairs { second.restorePair(pair) }
        for pair in 0..<UInt32(table.pairs.count) {
            // Names that are not UTF-8 are repaired.
            let isSame = table.pairs.valueBytes(pair) == second.pairs.valueBytes(pair)
            guard isSame, table.pairs.name(pair) == second.pairs.name(pair) else { return "pair \(pair) has changed" }
        }
        return nil
    }

    /// How many series the second list of a group holds; `nil` where it makes no sense.
    package static func groupCount(_ bytes: [UInt8]) -> Int? {
        var count = 0
        let isSound = bytes.withUnsafeBufferPointer { bytes in
            SeriesGroup.forEachSeries(unsealed: bytes) { _, _ in count += 1 }
        }
        return isSound ? count : nil
    }

    /// How many pairs the first list of a group holds; `nil` where it makes no sense.
    package static func pairCount(_ bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBufferPointer { SeriesGroup.pairs(unsealed: $0)?.pairs.count }
    }

    private static func series(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        var read: [SeriesGroup.Member] = []
        guard SeriesGroup.forEachSeries(unsealed: bytes, { read.append(($0, Array($1))) }) else { return nil }
        var writer = SeriesGroup.SeriesWriter()
        for member in read { writer.add(member.series, member.pairs) }
        var again: [SeriesGroup.Member] = []
        let isRead = writer.finish().withUnsafeBufferPointer { sealed in
            SeriesGroup.forEachSeries(sealed) { again.append(($0, Array($1))) }
        }
        return isRead && again.elementsEqual(read, by: ==) ? nil : "\(read.count) series are not read again"
    }

    /// What is wrong with the write-ahead log beside a database; `nil` where it is sound.
    package static func logDamage(ofDatabase path: String) -> String? { LogCheck.damage(path) }
}
