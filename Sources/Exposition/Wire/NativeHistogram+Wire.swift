import MetricModel

extension NativeHistogram.Span {
    /// Decodes a `BucketSpan`.
    init(_ reader: inout WireReader) throws(ExpositionError) {
        self.init(offset: 0, length: 0)
        while let tag = try reader.nextTag(of: "BucketSpan") {
            switch tag.field {
            case 1: offset = Int32(truncatingIfNeeded: try reader.zigzag(tag, "Offset"))
            case 2: length = UInt32(truncatingIfNeeded: try reader.unsigned(tag, "Length"))
            default: try reader.skip(tag)
            }
        }
    }

    /// Decodes one more `BucketSpan` of a histogram.
    static func add(
        _ tag: WireReader.Tag,
        _ field: StaticString,
        of message: inout WireReader,
        to spans: inout [Self]
    ) throws(ExpositionError) {
        if spans.count >= NativeHistogram.bucketLimit {
            throw WireReader.tooMany(field, NativeHistogram.bucketLimit)
        }
        spans.append(try message.message(tag, field, Self.init))
    }

    /// Encodes a `BucketSpan`.
    /// - Parameter keepsZeros: writes zeros as well, as Go does it in the messages of client libraries (proto2).
    func append(_ field: Int, keepsZeros: Bool = false, to output: inout [UInt8]) {
        WireWriter.message(field, to: &output) { output in
            if keepsZeros || offset != 0 { WireWriter.zigzag(1, Int64(offset), to: &output) }
            if keepsZeros || length != 0 { WireWriter.unsigned(2, UInt64(length), to: &output) }
        }
    }
}

extension NativeHistogram {
    /// Encodes schema, zero bucket and buckets, which messages of several protocols have in ten fields one after the other.
    /// - Parameters:
    ///   - schemaField: the first of them.
    ///   - keepsZeros: writes what is zero or empty as well, as Go does it in the messages of client libraries (proto2): without any
    ///     bucket an empty span tells that this is a native histogram all the same.
    func appendBuckets(from schemaField: Int, keepsZeros: Bool = false, to output: inout [UInt8]) {
        WireWriter.zigzag(schemaField, Int64(schema), to: &output)
        WireWriter.double(schemaField + 1, zeroThreshold, to: &output)
        if isInteger {
            WireWriter.unsigned(schemaField + 2, GoFloat.unsigned(zeroCount), to: &output)
        } else {
            WireWriter.double(schemaField + 3, zeroCount, to: &output)
        }
        func append(_ spans: [Span], _ counts: [Double], from field: Int) {
            for span in spans { span.append(field, keepsZeros: keepsZeros, to: &output) }
            if isInteger {
                WireWriter.packedVarints(field + 1, NativeHistogram.zigzagDeltas(counts), to: &output)
            } else {
                WireWriter.packedDoubles(field + 2, counts, to: &output)
            }
        }
        append(negativeSpans, negativeBuckets, from: schemaField + 4)
        let isBare = keepsZeros && positiveSpans.isEmpty && negativeSpans.isEmpty
        append(isBare ? [Span(offset: 0, length: 0)] : positiveSpans, positiveBuckets, from: schemaField + 7)
    }

    /// Absolute counts from each bucket's difference to the one before.
    static func absolute(zigzagDeltas deltas: [UInt64]) -> [Double] {
        var count: Int64 = 0
        return deltas.map { delta in
            count &+= WireReader.unzigzag(delta)
            return Double(count)
        }
    }

    /// The differences of whole counts.
    static func zigzagDeltas(_ counts: [Double]) -> [UInt64] {
        var previous: Int64 = 0
        return counts.map { count in
            let whole = GoFloat.truncated(count)
            defer { previous = whole }
            return WireWriter.zigzagged(whole &- previous)
        }
    }

    /// The same histogram without empty buckets, except for gaps of at most `maxEmptyBuckets` between others.
    func compacted(maxEmptyBuckets: Int) -> NativeHistogram {
        var result = self
        (result.positiveSpans, result.positiveBuckets) = NativeHistogram.compact(
            positiveSpans,
            positiveBuckets,
            maxEmptyBuckets
        )
        (result.negativeSpans, result.negativeBuckets) = NativeHistogram.compact(
            negativeSpans,
            negativeBuckets,
            maxEmptyBuckets
        )
        return result
    }

    private static func compact(_ spans: [Span], _ buckets: [Double], _ maxEmpty: Int) -> ([Span], [Double]) {
        var newSpans: [Span] = []
        var newBuckets: [Double] = []
        // The index of the bucket at hand, and of the first one after the last that was kept.
        var index = 0
        var next = 0
        var position = 0
        for span in spans {
            index += Int(span.offset)
            var left = span.length
            while left > 0, position < buckets.count {
                let count = buckets[position]
                if count != 0 {
                    let gap = index - next
                    if newSpans.isEmpty || gap < 0 || gap > maxEmpty {
                        newSpans.append(Span(offset: Int32(truncatingIfNeeded: gap), length: 1))
                    } else {
                        newBuckets.append(contentsOf: repeatElement(0, count: gap))
                        newSpans[newSpans.count - 1].length += UInt32(gap) + 1
                    }
                    newBuckets.append(count)
                    next = index + 1
                }
                index += 1
                position += 1
                left -= 1
            }
        }
        return (newSpans, newBuckets)
    }
}
