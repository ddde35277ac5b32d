import MetricModel

/// The form of journal rows: what one append brought, compared with the batch before of the same stream.
///
/// Kinds: 1 a stream's batch in full, 2 the same series again and only what changed, 3 samples one by one, then histograms and
/// exemplars. A batch can take several parts, one after the other.
enum JournalCodec {
    enum Kind: UInt8 {
        case full = 1
        case change = 2
        case single = 3
    }

    /// What is known of a stream's batch before, on the writing and on the reading side.
    struct StreamMemory: Sendable {
        var series: [SeriesRef] = []
        var values: [Double] = []
        var starts: [Timestamp] = []
    }

    @inline(__always)
    private static func writeHead(_ kind: Kind, _ stream: UInt32, _ time: Timestamp, into writer: inout ByteWriter) {
        writer.byte(kind.rawValue)
        writer.varint(UInt64(stream))
        writer.zigzag(time)
    }

    static func writeFull(
        _ stream: UInt32,
        _ time: Timestamp,
        _ memory: StreamMemory,
        into writer: inout ByteWriter
    ) {
        writeHead(.full, stream, time, into: &writer)
        writer.count(memory.series.count)
        var last: UInt32 = 0
        for series in memory.series {
            writer.zigzag(Int64(series.rawValue) - Int64(last))
            last = series.rawValue
        }
        for value in memory.values { writeValue(value, after: 0, into: &writer) }
        writeStarts(memory.starts, after: [], into: &writer)
    }

    static func writeChange(
        _ stream: UInt32,
        _ time: Timestamp,
        _ memory: StreamMemory,
        after last: StreamMemory,
        into writer: inout ByteWriter
    ) {
        writeHead(.change, stream, time, into: &writer)
        var unchanged: UInt64 = 0
        memory.values.withUnsafeBufferPointer { new in
            last.values.withUnsafeBufferPointer { old in
                for index in 0..<new.count {
                    if new[index].bitPattern == old[index].bitPattern {
                        unchanged += 1
                        continue
                    }
                    if unchanged > 0 {
                        writer.varint(unchanged << 2)
                        unchanged = 0
                    }
                    writeValue(new[index], after: old[index], into: &writer)
                }
            }
        }
        if unchanged > 0 { writer.varint(unchanged << 2) }
        writeStarts(memory.starts, after: last.starts, into: &writer)
    }

    private static let limit = 1_125_899_906_842_624.0

    /// A value: the step between integers (code 1) or hundredths (code 3), or all bits (code 2).
    @inline(__always)
    private static func writeValue(_ value: Double, after last: Double, into writer: inout ByteWriter) {
        if let new = integer(value, 1), let old = integer(last, 1) {
            writer.varint(ZigZag.encode(new - old) << 2 | 1)
        } else if let new = integer(value, 100), let old = integer(last, 100) {
            writer.varint(ZigZag.encode(new - old) << 2 | 3)
        } else {
            writer.byte(2)
            writer.fixed64(value.bitPattern)
        }
    }

    @inline(__always)
    private static func integer(_ value: Double, _ power: Double) -> Int64? {
        let product = (value * power).rounded(.toNearestOrEven)
        guard abs(product) < limit, (product / power + 0.0).bitPattern == value.bitPattern else { return nil }
        return Int64(product)
    }

    private static func writeStarts(_ starts: [Timestamp], after last: [Timestamp], into writer: inout ByteWriter) {
        if starts == last {
            writer.byte(0)
        } else {
            writer.byte(1)
            writer.count(starts.count)
            for start in starts { writer.zigzag(start) }
        }
    }

    static func writeSingles(
        _ samples: [(series: UInt32, time: Timestamp, value: Double, start: Timestamp)],
        _ histograms: [SampleBatch.HistogramSample],
        _ exemplars: [(series: UInt32, exemplar: Exemplar)],
        into writer: inout ByteWriter
    ) {
        // A sample takes a byte or two each for series, time and start, and up to nine for its value.
        writer.bytes.reserveCapacity(writer.bytes.count + samples.count * 12 + 16)
        writer.byte(Kind.single.rawValue)
        writer.count(samples.count)
        var lastSeries: Int64 = 0
        var lastTime: Timestamp = 0
        for sample in samples {
            writer.zigzag(Int64(sample.series) - lastSeries)
            writer.zigzag(sample.time &- lastTime)
            writeValue(sample.value, after: 0, into: &writer)
            writer.zigzag(sample.start)
            lastSeries = Int64(sample.series)
            lastTime = sample.time
        }
        writer.count(histograms.count)
        for sample in histograms {
            writer.varint(UInt64(sample.series.rawValue))
            writer.zigzag(sample.timestamp)
            writer.zigzag(sample.startTimestamp)
            var coded = ByteWriter()
            HistogramCodec.encode([sample.histogram][...], into: &coded)
            writer.field(coded.bytes)
        }
        writer.bytes.append(contentsOf: encode(exemplars))
    }

    /// Exemplars as they stand in journal rows and in the saved ring.
    static func encode(_ exemplars: [(series: UInt32, exemplar: Exemplar)]) -> [UInt8] {
        var writer = ByteWriter()
        writer.count(exemplars.count)
        for (series, exemplar) in exemplars {
            writer.varint(UInt64(series))
            writer.field(exemplar.labels.encoded)
            writer.fixed64(exemplar.value.bitPattern)
            writer.zigzag(exemplar.timestamp ?? 0)
        }
        return writer.bytes
    }

    /// What a part of a journal row says.
    enum Part {
        case stream(UInt32, Timestamp, StreamMemory)
        case singles(
            [(series: UInt32, time: Timestamp, value: Double, start: Timestamp)],
            [SampleBatch.HistogramSample],
            [(series: UInt32, exemplar: Exemplar)]
        )

        /// What was stored by it.
        var batch: SampleBatch {
            switch self {
            case .stream(let stream, let time, let memory):
                var batch = SampleBatch(stream: StreamRef(rawValue: stream), timestamp: time)
                batch.series = memory.series
                batch.values = memory.values
                batch.startTimestamps = memory.starts
                return batch
            case .singles(let samples, let histograms, let exemplars):
                var batch = SampleBatch(timestamp: 0)
                batch.series.reserveCapacity(samples.count)
                batch.timestamps.reserveCapacity(samples.count)
                batch.values.reserveCapacity(samples.count)
                batch.startTimestamps.reserveCapacity(samples.count)
                for sample in samples {
                    batch.series.append(SeriesRef(rawValue: sample.series))
                    batch.timestamps.append(sample.time)
                    batch.values.append(sample.value)
                    batch.startTimestamps.append(sample.start)
                }
                if batch.startTimestamps.allSatisfy({ $0 == 0 }) { batch.startTimestamps = [] }
                batch.histograms = histograms
                batch.exemplars = exemplars.map { .init(series: SeriesRef(rawValue: $0.series), exemplar: $0.exemplar) }
                return batch
            }
        }
    }

    /// Reads a row; `nil` where it makes no sense. `memory` is what the rows before left of each stream.
    static func read(_ bytes: UnsafeBufferPointer<UInt8>, _ memory: inout [UInt32: StreamMemory]) -> [Part]? {
        var reader = ByteReader(bytes)
        var parts: [Part] = []
        while reader.remaining > 0 {
            switch Kind(rawValue: reader.byte()) {
            case .full:
                let stream = UInt32(truncatingIfNeeded: reader.varint())
                let time = reader.zigzag()
                let count = reader.count(limit: reader.remaining)
                var new = StreamMemory()
                new.series.reserveCapacity(count)
                var last: Int64 = 0
                for _ in 0..<count {
                    last = last &+ reader.zigzag()
                    new.series.append(SeriesRef(rawValue: UInt32(truncatingIfNeeded: last)))
                }
                new.values = [Double](repeating: 0, count: count)
                guard readValues(&new.values, &reader), readStarts(&new.starts, of: count, &reader)
                else { return nil }
                memory[stream] = new
                parts.append(.stream(stream, time, new))
            case .change:
                let stream = UInt32(truncatingIfNeeded: reader.varint())
                let time = reader.zigzag()
                guard var new = memory.removeValue(forKey: stream), readValues(&new.values, &reader),
                    readStarts(&new.starts, of: new.values.count, &reader)
                else { return nil }
                memory[stream] = new
                parts.append(.stream(stream, time, new))
            case .single:
                guard let part = readSingles(&reader) else { return nil }
                parts.append(part)
            case nil: return nil
            }
        }
        return reader.isTruncated ? nil : parts
    }

    private static func readValues(_ values: inout [Double], _ reader: inout ByteReader) -> Bool {
        var index = 0
        let count = values.count
        return values.withUnsafeMutableBufferPointer { buffer in
            while index < count {
                let code = reader.varint()
                if reader.isTruncated { return false }
                if code & 3 == 0 {
                    let run = code >> 2
                    guard run > 0, run <= UInt64(count - index) else { return false }
                    index += Int(run)
                } else {
                    buffer[index] = value(code, after: buffer[index], &reader)
                    index += 1
                }
            }
            return !reader.isTruncated
        }
    }

    @inline(__always)
    private static func value(_ code: UInt64, after last: Double, _ reader: inout ByteReader) -> Double {
        switch code & 3 {
        case 1: Double((integer(last, 1) ?? 0) &+ ZigZag.decode(code >> 2))
        case 3: Double((integer(last, 100) ?? 0) &+ ZigZag.decode(code >> 2)) / 100
        default: Double(bitPattern: reader.fixed64())
        }
    }

    private static func readStarts(_ starts: inout [Timestamp], of values: Int, _ reader: inout ByteReader) -> Bool {
        if reader.byte() == 1 {
            let count = reader.count(limit: reader.remaining)
            guard count == 0 || count == values else { return false }
            starts = (0..<count).map { _ in reader.zigzag() }
        }
        return !reader.isTruncated
    }

    private static func readSingles(_ reader: inout ByteReader) -> Part? {
        let count = reader.count(limit: reader.remaining)
        var samples: [(series: UInt32, time: Timestamp, value: Double, start: Timestamp)] = []
        samples.reserveCapacity(count)
        var series: Int64 = 0
        var time: Timestamp = 0
        for _ in 0..<count {
            series = series &+ reader.zigzag()
            time = time &+ reader.zigzag()
            let number = value(reader.varint(), after: 0, &reader)
            samples.append((UInt32(truncatingIfNeeded: series), time, number, reader.zigzag()))
        }
        var histograms: [SampleBatch.HistogramSample] = []
        for _ in 0..<reader.count(limit: reader.remaining) {
            let series = SeriesRef(rawValue: UInt32(truncatingIfNeeded: reader.varint()))
            let time = reader.zigzag()
            let start = reader.zigzag()
            guard let histogram = HistogramCodec.decode(reader.field(), count: 1)?.first else { return nil }
            histograms.append(.init(series: series, timestamp: time, startTimestamp: start, histogram: histogram))
        }
        guard let exemplars = decodeExemplars(&reader) else { return nil }
        return reader.isTruncated ? nil : .singles(samples, histograms, exemplars)
    }

    /// Reads exemplars back; `nil` where the bytes make no sense.
    static func decodeExemplars(_ reader: inout ByteReader) -> [(series: UInt32, exemplar: Exemplar)]? {
        var exemplars: [(series: UInt32, exemplar: Exemplar)] = []
        for _ in 0..<reader.count(limit: reader.remaining) {
            let series = UInt32(truncatingIfNeeded: reader.varint())
            let labels = Labels(encoded: Array(reader.field()))
            let value = Double(bitPattern: reader.fixed64())
            exemplars.append((series, Exemplar(labels: labels, value: value, timestamp: reader.zigzag())))
        }
        return reader.isTruncated ? nil : exemplars
    }
}
