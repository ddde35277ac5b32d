import MetricModel
import Synchronization

/// A page of a block: the chunks of a run of series, with the short timelines that they use.
///
/// Layout: version, number of local timelines, each as a field; number of entries, the entries' headers, then their payloads
/// in the same order, and eight bytes of checksum. The headers are runs of entries that differ in their lengths only; in version 1
/// each stands for itself. See `docs/storage.md`.
enum Page {
    static let version: UInt8 = 2
    /// Bytes that are kept readable behind a page in memory, for decoders that load whole words.
    static let padding = 16
    /// The size at which a page is full.
    static let targetSize = 128 << 10
    /// The number of chunks at which a page is full, however short they are: who reads one goes through the headers of all.
    static let targetEntries = 8192
    /// A chunk given as differences from another one, and that from the next, ends after so many: reading goes as deep. Builders
    /// make half as many.
    static let deepestReference: UInt8 = 64

    /// What kind of samples an entry holds, and whether start timestamps follow them.
    struct Kind: OptionSet {
        let rawValue: UInt8
        static let histograms = Kind(rawValue: 1)
        static let starts = Kind(rawValue: 2)
        /// In version 1: the values are integers, given as differences from those of an entry before, as buckets of a histogram
        /// are small. Later versions say so beside the length.
        static let reference = Kind(rawValue: 4)
    }

    /// One chunk of a page.
    struct Entry {
        var series: UInt32
        var kind: Kind
        /// The timeline's number, and whether it is a local one of the page.
        var timeline: Int
        var isLocalTimeline: Bool
        /// Whether the values are integers.
        var isOfIntegers: Bool
        /// Which stretch of the timeline the chunk covers.
        var offset: Int
        var count: Int
        /// Where in the page the values are, and the start timestamps.
        var values: Range<Int>
        var starts: Range<Int>
        /// How many entries before the one is that the values are given as differences from; 0 for none.
        var reference: Int
    }

    /// Adds the checksum that ends a page or a shared timeline.
    static func seal(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.bytes = bytes
        writer.fixed64(bytes.withUnsafeBufferPointer(Hash64.hash))
        return writer.bytes
    }

    /// The bytes without checksum, where they are; `nil` where the checksum does not agree.
    static func body(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        guard bytes.count >= 8, let base = bytes.baseAddress else { return nil }
        let body = UnsafeBufferPointer(rebasing: bytes[..<(bytes.count - 8)])
        let checksum = UnsafeRawPointer(base).loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        return Hash64.hash(body) == UInt64(littleEndian: checksum) ? body : nil
    }

    /// A copy of the bytes without checksum, padded for decoding; `nil` where the checksum does not agree.
    static func open(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard let body = body(bytes) else { return nil }
        return [UInt8](unsafeUninitializedCapacity: body.count + padding) { buffer, count in
            _ = buffer.update(fromContentsOf: body)
            for index in 0..<padding { buffer.initializeElement(at: body.count + index, to: 0) }
            count = body.count + padding
        }
    }
}

/// A page read back: its entries by series, its timelines decoded when asked for.
final class LoadedPage: Sendable {
    /// The row that it was read from; `nil` for a page that is kept in memory anyway.
    let row: Int64?
    /// The bytes, padded.
    let bytes: [UInt8]
    /// The chunks, by rising series.
    let entries: [Page.Entry]
    let localRanges: [Range<Int>]
    /// Decoded when first asked for.
    private let localTimelines: Mutex<[Timeline?]>

    /// Parses the headers; `nil` where they make no sense.
    init?(_ bytes: [UInt8], row: Int64? = nil) {
        self.bytes = bytes
        self.row = row
        var entries: [Page.Entry] = []
        var localRanges: [Range<Int>] = []
        let isSound = bytes.withUnsafeBufferPointer { buffer -> Bool in
            var reader = ByteReader(UnsafeBufferPointer(rebasing: buffer[..<(buffer.count - Page.padding)]))
            let version = reader.byte()
            guard version == 1 || version == Page.version else { return false }
            let timelineCount = reader.count(limit: reader.remaining)
            localRanges.reserveCapacity(timelineCount)
            for _ in 0..<timelineCount {
                let length = reader.count(limit: reader.remaining)
                localRanges.append(reader.position..<reader.position + length)
                _ = reader.slice(length)
            }
            let count = reader.count(limit: reader.remaining)
            let payloadLength = reader.count(limit: reader.remaining)
            var payload = reader.end - payloadLength
            entries.reserveCapacity(count)
            // How many entries have to be decoded before each; none where nothing refers to others.
            var depths: [UInt8] = []
            var series: UInt64 = 0
            while entries.count < count {
                let step = reader.varint()
                let kind = Page.Kind(rawValue: reader.byte())
                let timeline = reader.count()
                let offset = reader.count()
                let samples = reader.count()
                let run = version == 1 ? 1 : reader.count(limit: count - entries.count)
                if run == 0 || reader.isTruncated { return false }
                for place in 0..<run {
                    let (next, isBeyond) = series.addingReportingOverflow(place == 0 ? step : 1)
                    series = next
                    let code = reader.count(limit: reader.end * 2 + 1)
                    let length = version == 1 ? code : code >> 1
                    let startsLength = kind.contains(.starts) ? reader.count(limit: reader.end) : 0
                    let isReferring = version == 1 ? kind.contains(.reference) : code & 1 == 1
                    let reference = isReferring ? reader.count() : 0
                    guard !isBeyond, !reader.isTruncated, payload + length + startsLength <= reader.end,
                        series <= UInt64(UInt32.max), reference <= entries.count, reference > 0 || !isReferring
                    else { return false }
                    if isReferring || !depths.isEmpty {
                        if depths.isEmpty { depths = [UInt8](repeating: 0, count: entries.count) }
                        let depth = isReferring ? depths[entries.count - reference] + 1 : 0
                        guard depth <= Page.deepestReference else { return false }
                        depths.append(depth)
                    }
                    entries.append(
                        Page.Entry(
                            series: UInt32(series),
                            kind: kind,
                            timeline: timeline >> 1,
                            isLocalTimeline: timeline & 1 == 1,
                            isOfIntegers: isReferring || (length > 0 && ValueCodec.isOfIntegers(buffer[payload])),
                            offset: offset,
                            count: samples,
                            values: payload..<payload + length,
                            starts: payload + length..<payload + length + startsLength,
                            reference: reference
                        )
                    )
                    payload += length + startsLength
                }
            }
            return !reader.isTruncated
        }
        guard isSound else { return nil }
        self.entries = entries
        self.localRanges = localRanges
        localTimelines = Mutex([Timeline?](repeating: nil, count: localRanges.count))
    }

    /// The first entry, from `number` on, whose series is that one or a later one.
    func firstEntry(from number: Int, notBefore series: UInt32) -> Int {
        // In steps that double, then halve: near entries are found fast, and far ones too.
        var low = number
        var step = 1
        while low + step <= entries.count, entries[low + step - 1].series < series {
            low += step
            step *= 2
        }
        var high = min(low + step - 1, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].series < series { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether an entry a few places on is given as differences from this one.
    func isReferredTo(_ number: Int) -> Bool {
        for later in number + 1..<max(number + 1, min(number + 24, entries.count)) {
            if entries[later].reference == later - number { return true }
        }
        return false
    }

    /// How many timelines the page itself has.
    var localTimelineCount: Int { localRanges.count }

    /// A local timeline; `nil` where it makes no sense.
    func localTimeline(_ number: Int) -> Timeline? {
        localTimelines.withLock { timelines in
            guard number < timelines.count else { return nil }
            if let known = timelines[number] { return known }
            let timeline = bytes.withUnsafeBufferPointer {
                Timeline.decode(UnsafeBufferPointer(rebasing: $0[localRanges[number]]))
            }
            timelines[number] = timeline
            return timeline
        }
    }
}
