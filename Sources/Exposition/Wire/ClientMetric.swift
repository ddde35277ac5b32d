import MetricModel

/// A metric of the client data model as it stands on the wire; texts are stretches of the message.
struct ClientMetric {
    struct Time {
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0

        /// Whole milliseconds.
        var milliseconds: Timestamp { seconds &* 1000 &+ nanoseconds / 1_000_000 }
    }

    struct ExemplarMessage {
        var labels: [(name: Range<Int>, value: Range<Int>)] = []
        var value = 0.0
        var time: Time?
    }

    struct Counter {
        var value = 0.0
        var exemplar: ExemplarMessage?
        var start: Time?
    }

    struct Summary {
        var count: UInt64 = 0
        var sum = 0.0
        var quantiles: [(quantile: Double, value: Double)] = []
        var start: Time?
    }

    struct Bucket {
        var count: UInt64 = 0
        var floatCount = 0.0
        var bound = 0.0
        var exemplar: ExemplarMessage?

        var effectiveCount: Double { floatCount == 0 ? Double(count) : floatCount }
    }

    struct Histogram {
        var count: UInt64 = 0
        var floatCount = 0.0
        var sum = 0.0
        var buckets: [Bucket] = []
        var start: Time?
        var schema: Int32 = 0
        var zeroThreshold = 0.0
        var zeroCount: UInt64 = 0
        var floatZeroCount = 0.0
        var negativeSpans: [NativeHistogram.Span] = []
        var negativeDeltas: [UInt64] = []
        var negativeCounts: [Double] = []
        var positiveSpans: [NativeHistogram.Span] = []
        var positiveDeltas: [UInt64] = []
        var positiveCounts: [Double] = []
        var exemplars: [ExemplarMessage] = []

        var effectiveCount: Double { floatCount == 0 ? Double(count) : floatCount }
        /// Whether the native part's counts are floats.
        var isFloat: Bool { floatCount > 0 || floatZeroCount > 0 }
        /// Whether there is a native part at all.
        var isNative: Bool { !positiveSpans.isEmpty || !negativeSpans.isEmpty || zeroThreshold > 0 || zeroCount > 0 }
    }

    var labels: [(name: Range<Int>, value: Range<Int>)] = []
    var gauge: Double?
    var counter: Counter?
    var summary: Summary?
    var untyped: Double?
    var histogram: Histogram?
    var timestamp: Timestamp?

    /// Decodes a metric. Labels are checked only as to their form.
    init(_ reader: inout WireReader, _ room: inout MessageRoom) throws(ExpositionError) {
        // What it becomes, itself and as the metric of a family.
        try room.take(2 * MemoryLayout<ClientMetric>.stride)
        while let tag = try reader.nextTag(of: "Metric") {
            switch tag.field {
            case 1:
                var label = try reader.message(tag, "Label")
                try MessageRoom.checkLabels(labels.count, "Label")
                try room.take(64)
                labels.append(try ClientMetric.label(&label))
            case 2:
                var message = try reader.message(tag, "Gauge")
                gauge = try ClientMetric.value(&message, "Gauge", gauge ?? 0)
            case 3:
                var message = try reader.message(tag, "Counter")
                // Taken out, here and below: a message may come in very many pieces, and each would copy what came before.
                var value = counter ?? Counter()
                counter = nil
                try ClientMetric.read(&message, into: &value, &room)
                counter = value
            case 4:
                var message = try reader.message(tag, "Summary")
                var value = summary ?? Summary()
                summary = nil
                try ClientMetric.read(&message, into: &value, &room)
                summary = value
            case 5:
                var message = try reader.message(tag, "Untyped")
                untyped = try ClientMetric.value(&message, "Untyped", untyped ?? 0)
            case 6: timestamp = try reader.signed(tag, "TimestampMs")
            case 7:
                var message = try reader.message(tag, "Histogram")
                var value = histogram ?? Histogram()
                histogram = nil
                try value.merge(&message, &room)
                histogram = value
            default: try reader.skip(tag)
            }
        }
    }

    static func label(
        _ reader: inout WireReader
    ) throws(ExpositionError) -> (name: Range<Int>, value: Range<Int>) {
        var name = 0..<0
        var value = 0..<0
        while let tag = try reader.nextTag(of: "LabelPair") {
            switch tag.field {
            case 1:
                name = try reader.delimited(tag, "Name")
                if name.isEmpty || !reader.isValidUTF8(name) {
                    throw ExpositionError("invalid label name: \(reader.text(name))")
                }
            case 2:
                value = try reader.delimited(tag, "Value")
                if !reader.isValidUTF8(value) {
                    throw ExpositionError("invalid label value: \(reader.text(value))")
                }
            default: try reader.skip(tag)
            }
        }
        return (name, value)
    }

    private static func value(
        _ reader: inout WireReader,
        _ message: StaticString,
        _ start: Double
    ) throws(ExpositionError) -> Double {
        var value = start
        while let tag = try reader.nextTag(of: message) {
            if tag.field == 1 { value = try reader.double(tag, "Value") } else { try reader.skip(tag) }
        }
        return value
    }

    private static func read(
        _ reader: inout WireReader,
        into counter: inout Counter,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        while let tag = try reader.nextTag(of: "Counter") {
            switch tag.field {
            case 1: counter.value = try reader.double(tag, "Value")
            case 2:
                var message = try reader.message(tag, "Exemplar")
                try read(&message, into: &counter.exemplar, &room)
            case 3:
                var message = try reader.message(tag, "StartTimestamp")
                counter.start = try time(&message, counter.start)
            default: try reader.skip(tag)
            }
        }
    }

    private static func read(
        _ reader: inout WireReader,
        into summary: inout Summary,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        while let tag = try reader.nextTag(of: "Summary") {
            switch tag.field {
            case 1: summary.count = try reader.unsigned(tag, "SampleCount")
            case 2: summary.sum = try reader.double(tag, "SampleSum")
            case 3:
                var message = try reader.message(tag, "Quantile")
                try room.take(32)
                summary.quantiles.append(try message.quantile(of: "Quantile"))
            case 4:
                var message = try reader.message(tag, "StartTimestamp")
                summary.start = try time(&message, summary.start)
            default: try reader.skip(tag)
            }
        }
    }

    static func time(_ reader: inout WireReader, _ start: Time?) throws(ExpositionError) -> Time {
        var time = start ?? Time()
        while let tag = try reader.nextTag(of: "Timestamp") {
            switch tag.field {
            case 1: time.seconds = try reader.signed(tag, "Seconds")
            case 2: time.nanoseconds = Int64(Int32(truncatingIfNeeded: try reader.signed(tag, "Nanos")))
            default: try reader.skip(tag)
            }
        }
        return time
    }

    static func read(
        _ reader: inout WireReader,
        into known: inout ExemplarMessage?,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        var exemplar = known ?? ExemplarMessage()
        known = nil
        while let tag = try reader.nextTag(of: "Exemplar") {
            switch tag.field {
            case 1:
                var message = try reader.message(tag, "Label")
                try MessageRoom.checkLabels(exemplar.labels.count, "Label")
                try room.take(64)
                exemplar.labels.append(try plainLabel(&message))
            case 2: exemplar.value = try reader.double(tag, "Value")
            case 3:
                var message = try reader.message(tag, "Timestamp")
                exemplar.time = try time(&message, exemplar.time)
            default: try reader.skip(tag)
            }
        }
        known = exemplar
    }

    /// A label whose text is not judged.
    private static func plainLabel(
        _ reader: inout WireReader
    ) throws(ExpositionError) -> (name: Range<Int>, value: Range<Int>) {
        var label = (name: 0..<0, value: 0..<0)
        while let tag = try reader.nextTag(of: "LabelPair") {
            switch tag.field {
            case 1: label.name = try reader.delimited(tag, "Name")
            case 2: label.value = try reader.delimited(tag, "Value")
            default: try reader.skip(tag)
            }
        }
        return label
    }
}

extension ClientMetric.Histogram {
    /// Adds the fields of a message.
    mutating func merge(_ reader: inout WireReader, _ room: inout MessageRoom) throws(ExpositionError) {
        let before = size
        while let tag = try reader.nextTag(of: "Histogram") {
            switch tag.field {
            case 1: count = try reader.unsigned(tag, "SampleCount")
            case 2: sum = try reader.double(tag, "SampleSum")
            case 3:
                var message = try reader.message(tag, "Bucket")
                if buckets.count >= NativeHistogram.bucketLimit {
                    throw WireReader.tooMany("Bucket", NativeHistogram.bucketLimit)
                }
                try room.take(2 * MemoryLayout<ClientMetric.Bucket>.stride)
                buckets.append(try ClientMetric.Bucket(&message, &room))
            case 4: floatCount = try reader.double(tag, "SampleCountFloat")
            case 5: schema = Int32(truncatingIfNeeded: try reader.zigzag(tag, "Schema"))
            case 6: zeroThreshold = try reader.double(tag, "ZeroThreshold")
            case 7: zeroCount = try reader.unsigned(tag, "ZeroCount")
            case 8: floatZeroCount = try reader.double(tag, "ZeroCountFloat")
            case 9: try NativeHistogram.Span.add(tag, "NegativeSpan", of: &reader, to: &negativeSpans)
            case 10:
                try reader.varints(tag, "NegativeDelta", into: &negativeDeltas, upTo: NativeHistogram.bucketLimit)
            case 11: try reader.doubles(tag, "NegativeCount", into: &negativeCounts)
            case 12: try NativeHistogram.Span.add(tag, "PositiveSpan", of: &reader, to: &positiveSpans)
            case 13:
                try reader.varints(tag, "PositiveDelta", into: &positiveDeltas, upTo: NativeHistogram.bucketLimit)
            case 14: try reader.doubles(tag, "PositiveCount", into: &positiveCounts)
            case 15:
                var message = try reader.message(tag, "StartTimestamp")
                start = try ClientMetric.time(&message, start)
            case 16:
                var message = try reader.message(tag, "Exemplars")
                try room.take(2 * MemoryLayout<ClientMetric.ExemplarMessage>.stride)
                var exemplar: ClientMetric.ExemplarMessage?
                try ClientMetric.read(&message, into: &exemplar, &room)
                if let exemplar { exemplars.append(exemplar) }
            default: try reader.skip(tag)
            }
        }
        try room.take(size - before)
    }

    /// What the native part takes: each bucket twice, as it came and as a number.
    private var size: Int {
        let buckets = negativeDeltas.count + positiveDeltas.count + negativeCounts.count + positiveCounts.count
        return 16 * (buckets + negativeSpans.count + positiveSpans.count)
    }

    /// Why the native part contradicts itself; `nil` where it does not.
    var inconsistency: String? {
        let positive = isFloat ? positiveCounts.count : positiveDeltas.count
        let negative = isFloat ? negativeCounts.count : negativeDeltas.count
        for (side, spans, buckets) in [("positive", positiveSpans, positive), ("negative", negativeSpans, negative)] {
            let total = spans.reduce(0) { $0 + Int($1.length) }
            if total != buckets { return "\(side) side: spans require \(total) buckets, have \(buckets)" }
        }
        return nil
    }

    /// The native part.
    func native(isGauge: Bool) -> NativeHistogram {
        var result = NativeHistogram()
        result.isInteger = !isFloat
        result.schema = schema
        result.sum = sum
        result.zeroThreshold = zeroThreshold
        result.positiveSpans = positiveSpans
        result.negativeSpans = negativeSpans
        if isFloat {
            result.count = floatCount
            result.zeroCount = floatZeroCount
            result.positiveBuckets = positiveCounts
            result.negativeBuckets = negativeCounts
        } else {
            result.count = Double(count)
            result.zeroCount = Double(zeroCount)
            result.positiveBuckets = NativeHistogram.absolute(zigzagDeltas: positiveDeltas)
            result.negativeBuckets = NativeHistogram.absolute(zigzagDeltas: negativeDeltas)
        }
        if isGauge { result.counterResetHint = .gauge }
        return result
    }
}

extension ClientMetric.Bucket {
    init(_ reader: inout WireReader, _ room: inout MessageRoom) throws(ExpositionError) {
        while let tag = try reader.nextTag(of: "Bucket") {
            switch tag.field {
            case 1: count = try reader.unsigned(tag, "CumulativeCount")
            case 2: bound = try reader.double(tag, "UpperBound")
            case 3:
                var message = try reader.message(tag, "Exemplar")
                try ClientMetric.read(&message, into: &exemplar, &room)
            case 4: floatCount = try reader.double(tag, "CumulativeCountFloat")
            default: try reader.skip(tag)
            }
        }
    }
}
