import MetricModel

/// Decodes the points of metrics of opentelemetry/proto/metrics/v1.
enum OTLPPointDecoder {
    static func number(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.NumberPoint {
        let bytes = message.bytes
        var (point, stretch) = (OTLPMetrics.NumberPoint(), Stretch(message.position))
        try number(&message, into: &point, &stretch, &room)
        point.frame.attributes = try attributes(WireReader(bytes, stretch.range), &room)
        return point
    }

    /// The bytes from the first attribute of a point to its last.
    struct Stretch {
        var range: Range<Int>
        /// Whether there is nothing else among them.
        var isPlain = true

        init(_ position: Int) { range = position..<position }

        @inline(__always)
        mutating func add(_ start: Int, _ end: Int) {
            if range.isEmpty { range = start..<start }
            if range.upperBound != start { isPlain = false }
            range = range.lowerBound..<end
        }
    }

    /// Reads all of a number but its attributes.
    @inline(__always)
    static func number(
        _ message: inout WireReader,
        into point: inout OTLPMetrics.NumberPoint,
        _ attributes: inout Stretch,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        while let tag = try message.nextTag(of: "NumberDataPoint") {
            switch tag.field {
            case 2, 3: try point.frame.readTime(&message, tag)
            case 4: point.value = try message.double(tag, "AsDouble")
            case 5: point.examples.append(try example(&message, tag, &room))
            case 6: point.value = Double(Int64(bitPattern: try message.double(tag, "AsInt").bitPattern))
            case 7: attributes.add(tag.start, try message.delimited(tag, "Attributes").upperBound)
            case 8: point.frame.flags = try flags(&message, tag)
            default: try message.skip(tag)
            }
        }
    }

    /// The attributes in a stretch of a number.
    static func attributes(
        _ stretch: WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> [Label] {
        var stretch = stretch
        var attributes: [Label] = []
        while let tag = try stretch.nextTag(of: "NumberDataPoint") {
            if tag.field == 7 {
                try OTLPDecoder.attribute(&stretch, tag, into: &attributes, &room)
            } else {
                try stretch.skip(tag)
            }
        }
        return attributes
    }

    static func histogram(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.HistogramPoint {
        var point = OTLPMetrics.HistogramPoint()
        var counts: [Double] = []
        while let tag = try message.nextTag(of: "HistogramDataPoint") {
            switch tag.field {
            case 2, 3: try point.frame.readTime(&message, tag)
            case 4: point.count = try message.double(tag, "Count").bitPattern
            case 5: point.sum = try message.double(tag, "Sum")
            case 6: try message.doubles(tag, "BucketCounts", into: &counts)
            case 7: try message.doubles(tag, "ExplicitBounds", into: &point.bounds)
            case 8: point.examples.append(try example(&message, tag, &room))
            case 9: try OTLPDecoder.attribute(&message, tag, into: &point.frame.attributes, &room)
            case 10: point.frame.flags = try flags(&message, tag)
            default: try message.skip(tag)
            }
        }
        // Whole numbers of eight bytes each: only their bits were carried.
        point.bucketCounts = counts.map(\.bitPattern)
        try room.take(16 * (counts.count + point.bounds.count))
        return point
    }

    static func exponential(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.ExponentialPoint {
        var point = OTLPMetrics.ExponentialPoint()
        while let tag = try message.nextTag(of: "ExponentialHistogramDataPoint") {
            switch tag.field {
            case 1: try OTLPDecoder.attribute(&message, tag, into: &point.frame.attributes, &room)
            case 2, 3: try point.frame.readTime(&message, tag)
            case 4: point.count = try message.double(tag, "Count").bitPattern
            case 5: point.sum = try message.double(tag, "Sum")
            case 6: point.scale = Int32(truncatingIfNeeded: try message.zigzag(tag, "Scale"))
            case 7: point.zeroCount = try message.double(tag, "ZeroCount").bitPattern
            case 8, 9:
                var inner = try message.message(tag, tag.field == 8 ? "Positive" : "Negative")
                let buckets = try buckets(&inner)
                try room.take(16 * buckets.counts.count)
                if tag.field == 8 { point.positive = buckets } else { point.negative = buckets }
            case 10: point.frame.flags = try flags(&message, tag)
            case 11: point.examples.append(try example(&message, tag, &room))
            default: try message.skip(tag)
            }
        }
        return point
    }

    private static func buckets(_ message: inout WireReader) throws(ExpositionError) -> OTLPMetrics.Buckets {
        var buckets = OTLPMetrics.Buckets()
        while let tag = try message.nextTag(of: "Buckets") {
            switch tag.field {
            case 1: buckets.offset = Int32(truncatingIfNeeded: try message.zigzag(tag, "Offset"))
            case 2: try message.varints(tag, "BucketCounts", into: &buckets.counts, upTo: NativeHistogram.bucketLimit)
            default: try message.skip(tag)
            }
        }
        return buckets
    }

    static func summary(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.SummaryPoint {
        var point = OTLPMetrics.SummaryPoint()
        while let tag = try message.nextTag(of: "SummaryDataPoint") {
            switch tag.field {
            case 2, 3: try point.frame.readTime(&message, tag)
            case 4: point.count = try message.double(tag, "Count").bitPattern
            case 5: point.sum = try message.double(tag, "Sum")
            case 6:
                try room.take(2 * MemoryLayout<(Double, Double)>.stride)
                point.quantiles.append(
                    try message.message(tag, "QuantileValues") { inner throws(ExpositionError) in
                        try inner.quantile(of: "ValueAtQuantile")
                    }
                )
            case 7: try OTLPDecoder.attribute(&message, tag, into: &point.frame.attributes, &room)
            case 8: point.frame.flags = try flags(&message, tag)
            default: try message.skip(tag)
            }
        }
        return point
    }

    private static func flags(_ message: inout WireReader, _ tag: WireReader.Tag) throws(ExpositionError) -> UInt32 {
        UInt32(truncatingIfNeeded: try message.unsigned(tag, "Flags"))
    }

    private static func example(
        _ message: inout WireReader,
        _ tag: WireReader.Tag,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.Example {
        try room.take(2 * MemoryLayout<OTLPMetrics.Example>.stride)
        var inner = try message.message(tag, "Exemplars")
        var example = OTLPMetrics.Example()
        while let tag = try inner.nextTag(of: "Exemplar") {
            switch tag.field {
            case 2: example.time = try inner.double(tag, "TimeUnixNano").bitPattern
            case 3: example.value = try inner.double(tag, "AsDouble")
            case 4: example.spanID = try identifier(&inner, tag, "SpanId", bytes: 8)
            case 5: example.traceID = try identifier(&inner, tag, "TraceId", bytes: 16)
            case 6: example.value = Double(Int64(bitPattern: try inner.double(tag, "AsInt").bitPattern))
            case 7: try OTLPDecoder.attribute(&inner, tag, into: &example.attributes, &room)
            default: try inner.skip(tag)
            }
        }
        return example
    }

    private static func identifier(
        _ message: inout WireReader,
        _ tag: WireReader.Tag,
        _ name: StaticString,
        bytes count: Int
    ) throws(ExpositionError) -> String {
        let bytes = message.slice(try message.delimited(tag, name))
        guard bytes.isEmpty || bytes.count == count else {
            throw ExpositionError("invalid length for \(name): \(bytes.count) bytes, not \(count)")
        }
        return OTLPMetrics.hexadecimal(bytes)
    }
}

extension OTLPMetrics.Frame {
    /// When a point's counting started, and its time: the fields 2 and 3 of every kind of point.
    fileprivate mutating func readTime(
        _ message: inout WireReader,
        _ tag: WireReader.Tag
    ) throws(ExpositionError) {
        if tag.field == 2 {
            start = try message.double(tag, "StartTimeUnixNano").bitPattern
        } else {
            time = try message.double(tag, "TimeUnixNano").bitPattern
        }
    }
}

extension WireReader {
    /// A quantile and its value, which the formats number alike.
    mutating func quantile(of message: StaticString) throws(ExpositionError) -> (quantile: Double, value: Double) {
        var result = (quantile: 0.0, value: 0.0)
        while let tag = try nextTag(of: message) {
            switch tag.field {
            case 1: result.quantile = try double(tag, "Quantile")
            case 2: result.value = try double(tag, "Value")
            default: try skip(tag)
            }
        }
        return result
    }
}

extension OTLPMetrics {
    /// Bytes of an identifier as digits; empty for one of zeros only, which stands for none.
    public static func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
        bytes.allSatisfy { $0 == 0 } ? "" : GoText.hexadecimal(bytes)
    }
}
