package import MetricModel

/// Compression of columns of native histograms: the layout once as long as it stays, counts as differences.
package enum HistogramCodec {
    /// Appends the coded column to `writer`. The number of histograms is not stored.
    package static func encode(_ column: ArraySlice<NativeHistogram>, into writer: inout ByteWriter) {
        var last: NativeHistogram?
        for histogram in column {
            if let last, hasSameLayout(last, histogram) {
                writer.byte(0)
            } else {
                writer.byte(1)
                encodeLayout(histogram, into: &writer)
                last = nil
            }
            encodeCounts(histogram, after: last, into: &writer)
            last = histogram
        }
    }

    /// Decodes `count` histograms; `nil` where the bytes make no sense.
    package static func decode(_ bytes: UnsafeBufferPointer<UInt8>, count: Int) -> [NativeHistogram]? {
        var reader = ByteReader(bytes)
        var result: [NativeHistogram] = []
        result.reserveCapacity(count)
        for _ in 0..<count {
            let isNew = reader.byte() == 1
            var histogram: NativeHistogram
            if isNew {
                guard let layout = decodeLayout(&reader) else { return nil }
                histogram = layout
            } else {
                guard let last = result.last else { return nil }
                histogram = last
            }
            decodeCounts(&histogram, after: isNew ? nil : result.last, &reader)
            guard !reader.isTruncated else { return nil }
            result.append(histogram)
        }
        return result
    }

    private static func hasSameLayout(_ left: NativeHistogram, _ right: NativeHistogram) -> Bool {
        left.schema == right.schema && left.counterResetHint == right.counterResetHint
            && left.isInteger == right.isInteger
            && left.zeroThreshold.bitPattern == right.zeroThreshold.bitPattern
            && left.positiveSpans == right.positiveSpans && left.negativeSpans == right.negativeSpans
            && left.positiveBuckets.count == right.positiveBuckets.count
            && left.negativeBuckets.count == right.negativeBuckets.count
            && left.customValues.count == right.customValues.count
            && zip(left.customValues, right.customValues).allSatisfy { $0.bitPattern == $1.bitPattern }
    }

    private static func encodeLayout(_ histogram: NativeHistogram, into writer: inout ByteWriter) {
        writer.byte(histogram.counterResetHint.rawValue | (histogram.isInteger ? 4 : 0))
        writer.zigzag(Int64(histogram.schema))
        writer.fixed64(histogram.zeroThreshold.bitPattern)
        for spans in [histogram.positiveSpans, histogram.negativeSpans] {
            writer.count(spans.count)
            for span in spans {
                writer.zigzag(Int64(span.offset))
                writer.varint(UInt64(span.length))
            }
        }
        writer.count(histogram.positiveBuckets.count)
        writer.count(histogram.negativeBuckets.count)
        writer.count(histogram.customValues.count)
        for value in histogram.customValues { writer.fixed64(value.bitPattern) }
    }

    private static func decodeLayout(_ reader: inout ByteReader) -> NativeHistogram? {
        var histogram = NativeHistogram()
        let flags = reader.byte()
        guard let hint = NativeHistogram.CounterResetHint(rawValue: flags & 3) else { return nil }
        histogram.counterResetHint = hint
        histogram.isInteger = flags & 4 != 0
        histogram.schema = Int32(truncatingIfNeeded: reader.zigzag())
        histogram.zeroThreshold = Double(bitPattern: reader.fixed64())
        func spans() -> [NativeHistogram.Span] {
            let count = reader.count(limit: reader.remaining)
            return (0..<count).map { _ in
                NativeHistogram.Span(
                    offset: Int32(truncatingIfNeeded: reader.zigzag()),
                    length: UInt32(truncatingIfNeeded: reader.varint())
                )
            }
        }
        histogram.positiveSpans = spans()
        histogram.negativeSpans = spans()
        histogram.positiveBuckets = [Double](repeating: 0, count: reader.count(limit: reader.remaining * 8))
        histogram.negativeBuckets = [Double](repeating: 0, count: reader.count(limit: reader.remaining * 8))
        let bounds = reader.count(limit: reader.remaining / 8)
        histogram.customValues = (0..<bounds).map { _ in Double(bitPattern: reader.fixed64()) }
        return reader.isTruncated ? nil : histogram
    }

    // A number is a zigzag varint with the lowest bit clear (the difference of two integers), or with it set: the byte
    // reversed XOR of the bits, so that trailing zeros cost nothing.
    private static func write(_ value: Double, after last: Double, into writer: inout ByteWriter) {
        if let new = Int64(exactly: value), let old = Int64(exactly: last), new.magnitude < 1 << 53,
            old.magnitude < 1 << 53,
            Double(new).bitPattern == value.bitPattern, Double(old).bitPattern == last.bitPattern
        {
            writer.varint(ZigZag.encode(new - old) << 1)
        } else {
            writer.byte(1)
            writer.fixed64(value.bitPattern)
        }
    }

    private static func read(after last: Double, _ reader: inout ByteReader) -> Double {
        let code = reader.varint()
        if code == 1 { return Double(bitPattern: reader.fixed64()) }
        guard abs(last) < 0x1p53 else { return 0 }
        return Double(Int64(last) &+ ZigZag.decode(code >> 1))
    }

    private static func encodeCounts(
        _ new: NativeHistogram,
        after last: NativeHistogram?,
        into writer: inout ByteWriter
    ) {
        write(new.zeroCount, after: last?.zeroCount ?? 0, into: &writer)
        write(new.count, after: last?.count ?? 0, into: &writer)
        write(new.sum, after: last?.sum ?? 0, into: &writer)
        for (index, value) in new.positiveBuckets.enumerated() {
            write(value, after: last?.positiveBuckets[index] ?? 0, into: &writer)
        }
        for (index, value) in new.negativeBuckets.enumerated() {
            write(value, after: last?.negativeBuckets[index] ?? 0, into: &writer)
        }
    }

    private static func decodeCounts(
        _ new: inout NativeHistogram,
        after last: NativeHistogram?,
        _ reader: inout ByteReader
    ) {
        new.zeroCount = read(after: last?.zeroCount ?? 0, &reader)
        new.count = read(after: last?.count ?? 0, &reader)
        new.sum = read(after: last?.sum ?? 0, &reader)
        for index in new.positiveBuckets.indices {
            new.positiveBuckets[index] = read(after: last?.positiveBuckets[index] ?? 0, &reader)
        }
        for index in new.negativeBuckets.indices {
            new.negativeBuckets[index] = read(after: last?.negativeBuckets[index] ?? 0, &reader)
        }
    }
}
