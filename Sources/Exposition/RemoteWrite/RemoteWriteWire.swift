import MetricModel

/// The messages that both versions of remote write share.
enum RemoteWriteWire {
    private static let types: [MetricType] = [
        .unknown, .counter, .gauge, .histogram, .gaugehistogram, .summary, .info, .stateset,
    ]

    static func type(_ number: UInt64) -> MetricType {
        number < UInt64(types.count) ? types[Int(number)] : .unknown
    }

    static func number(of type: MetricType) -> UInt64 {
        UInt64(types.firstIndex(of: type) ?? 0)
    }

    static func sample(
        _ message: inout WireReader
    ) throws(ExpositionError) -> (value: Double, timestamp: Timestamp, start: Timestamp) {
        var value = 0.0
        var timestamp: Timestamp = 0
        var start: Timestamp = 0
        while let tag = try message.nextTag(of: "Sample") {
            switch tag.field {
            case 1: value = try message.double(tag, "Value")
            case 2: timestamp = try message.signed(tag, "Timestamp")
            case 3: start = try message.signed(tag, "StartTimestamp")
            default: try message.skip(tag)
            }
        }
        return (value, timestamp, start)
    }

    static func histogram(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> RemoteWriteRequest.HistogramSample {
        var result = RemoteWriteRequest.HistogramSample(timestamp: 0, histogram: NativeHistogram())
        result.histogram.isInteger = true
        var zeroCount = (whole: UInt64(0), fraction: 0.0)
        let limit = NativeHistogram.bucketLimit
        var positiveDeltas: [UInt64] = []
        var negativeDeltas: [UInt64] = []
        var positiveCounts: [Double] = []
        var negativeCounts: [Double] = []
        while let tag = try message.nextTag(of: "Histogram") {
            switch tag.field {
            case 1:
                result.histogram.count = Double(try message.unsigned(tag, "CountInt"))
                result.histogram.isInteger = true
            case 2:
                result.histogram.count = try message.double(tag, "CountFloat")
                result.histogram.isInteger = false
            case 3: result.histogram.sum = try message.double(tag, "Sum")
            case 4: result.histogram.schema = Int32(truncatingIfNeeded: try message.zigzag(tag, "Schema"))
            case 5: result.histogram.zeroThreshold = try message.double(tag, "ZeroThreshold")
            case 6: zeroCount = (try message.unsigned(tag, "ZeroCountInt"), 0)
            case 7: zeroCount = (0, try message.double(tag, "ZeroCountFloat"))
            case 8:
                try NativeHistogram.Span.add(
                    tag,
                    "NegativeSpans",
                    of: &message,
                    to: &result.histogram.negativeSpans
                )
            case 9: try message.varints(tag, "NegativeDeltas", into: &negativeDeltas, upTo: limit)
            case 10: try message.doubles(tag, "NegativeCounts", into: &negativeCounts)
            case 11:
                try NativeHistogram.Span.add(
                    tag,
                    "PositiveSpans",
                    of: &message,
                    to: &result.histogram.positiveSpans
                )
            case 12: try message.varints(tag, "PositiveDeltas", into: &positiveDeltas, upTo: limit)
            case 13: try message.doubles(tag, "PositiveCounts", into: &positiveCounts)
            case 14:
                let hint = UInt8(truncatingIfNeeded: try message.unsigned(tag, "ResetHint"))
                result.histogram.counterResetHint = NativeHistogram.CounterResetHint(rawValue: hint) ?? .unknown
            case 15: result.timestamp = try message.signed(tag, "Timestamp")
            case 16: try message.doubles(tag, "CustomValues", into: &result.histogram.customValues)
            case 17: result.startTimestamp = try message.signed(tag, "StartTimestamp")
            default: try message.skip(tag)
            }
        }
        let spans = result.histogram.negativeSpans.count + result.histogram.positiveSpans.count
        let buckets = negativeDeltas.count + positiveDeltas.count + negativeCounts.count + positiveCounts.count
        // Once here, and once on the way to the store.
        try room.take(
            2 * MemoryLayout<RemoteWriteRequest.HistogramSample>.stride
                + 16 * (spans + buckets + result.histogram.customValues.count)
        )
        if result.histogram.isInteger {
            result.histogram.zeroCount = Double(zeroCount.whole)
            result.histogram.positiveBuckets = NativeHistogram.absolute(zigzagDeltas: positiveDeltas)
            result.histogram.negativeBuckets = NativeHistogram.absolute(zigzagDeltas: negativeDeltas)
        } else {
            result.histogram.zeroCount = zeroCount.fraction
            result.histogram.positiveBuckets = positiveCounts
            result.histogram.negativeBuckets = negativeCounts
        }
        return result
    }

    static func append(_ sample: RemoteWriteRequest.HistogramSample, to output: inout [UInt8]) {
        let histogram = sample.histogram
        if histogram.isInteger {
            WireWriter.unsigned(1, GoFloat.unsigned(histogram.count), to: &output)
        } else {
            WireWriter.double(2, histogram.count, to: &output)
        }
        WireWriter.double(3, histogram.sum, to: &output)
        histogram.appendBuckets(from: 4, to: &output)
        WireWriter.unsigned(14, UInt64(histogram.counterResetHint.rawValue), to: &output)
        WireWriter.signed(15, sample.timestamp, to: &output)
        WireWriter.packedDoubles(16, histogram.customValues, to: &output)
        if sample.startTimestamp != 0 { WireWriter.signed(17, sample.startTimestamp, to: &output) }
    }
}
