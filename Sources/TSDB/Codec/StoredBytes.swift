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
        for entry in page.entries where entry.count <= limit {
            page.bytes.withUnsafeBufferPointer { bytes in
                let values = UnsafeBufferPointer(rebasing: bytes[entry.values])
                let starts = UnsafeBufferPointer(rebasing: bytes[entry.starts])
                if entry.kind.contains(.histograms) {
                    decoded += HistogramCodec.decode(values, count: entry.count)?.count ?? 0
                } else if entry.reference > 0 {
                    decoded += integers(values, entry.count)
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

    private static func integers(_ bytes: UnsafeBufferPointer<UInt8>, _ count: Int) -> Int {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { column in
            guard let base = column.baseAddress else { return 0 }
            return IntegerCodec.decode(bytes, total: count, count: count, into: base) ? count : 0
        }
    }

    /// What is wrong with the write-ahead log beside a database; `nil` where it is sound.
    package static func logDamage(ofDatabase path: String) -> String? { LogCheck.damage(path) }
}
