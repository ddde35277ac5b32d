public import MetricModel

/// Metric families as delimited protobuf messages (`io.prometheus.client.MetricFamily`).
public enum FamilyProtobuf {
    /// Reads a sequence of messages, each after its length.
    /// - Parameter metricLimit: the most metrics.
    public static func decode(_ body: [UInt8], metricLimit: Int = .max) throws(ExpositionError) -> [MetricFamily] {
        try body.withUnsafeBufferPointer { bytes throws(ExpositionError) in
            var families: [MetricFamily] = []
            var reader = WireReader(bytes)
            var room = MessageRoom()
            var count = 0
            while reader.position < reader.end {
                let length = try reader.varint()
                guard length <= UInt64(reader.end - reader.position) else { throw WireReader.truncated }
                var message = WireReader(bytes, reader.position..<reader.position + Int(length))
                reader.position += Int(length)
                try room.take(2 * MemoryLayout<MetricFamily>.stride)
                families.append(try family(&message, &room, metricLimit, count))
                count += families[families.count - 1].metrics.count
            }
            return families
        }
    }

    private static func family(
        _ reader: inout WireReader,
        _ room: inout MessageRoom,
        _ limit: Int,
        _ count: Int
    ) throws(ExpositionError) -> MetricFamily {
        var family = MetricFamily(name: "", type: .counter)
        var metrics: [ClientMetric] = []
        while let tag = try reader.nextTag(of: "MetricFamily") {
            switch tag.field {
            case 1: family.name = reader.text(try reader.delimited(tag, "Name"))
            case 2: family.help = reader.text(try reader.delimited(tag, "Help"))
            case 3:
                let number = try reader.unsigned(tag, "Type")
                guard number < typesByNumber.count else { throw ExpositionError("unknown metric type \(number)") }
                family.type = typesByNumber[Int(number)]
            case 4:
                if count + metrics.count >= limit { throw MessageRoom.tooMany(limit) }
                var message = try reader.message(tag, "Metric")
                metrics.append(try ClientMetric(&message, &room))
            case 5: family.unit = reader.text(try reader.delimited(tag, "Unit"))
            default: try reader.skip(tag)
            }
        }
        family.metrics = metrics.map { metric in
            MetricFamily.Metric(
                labels: metric.labels.map { Label(name: reader.text($0.name), value: reader.text($0.value)) },
                value: value(metric, family.type, reader),
                timestamp: metric.timestamp
            )
        }
        return family
    }

    static let typesByNumber: [MetricType] = [.counter, .gauge, .summary, .unknown, .histogram, .gaugehistogram]

    /// The value that belongs to the family's type or else the one that is there: a contradiction is for the reader to judge.
    private static func value(_ metric: ClientMetric, _ type: MetricType, _ reader: WireReader) -> MetricFamily.Value {
        switch type {
        case .counter: if let counter = metric.counter { return value(counter, reader) }
        case .gauge: if let gauge = metric.gauge { return .gauge(gauge) }
        case .summary: if let summary = metric.summary { return value(summary) }
        case .histogram, .gaugehistogram:
            if let histogram = metric.histogram { return value(histogram, type, reader) }
        case .info, .stateset, .unknown: if let untyped = metric.untyped { return .untyped(untyped) }
        }
        if let counter = metric.counter { return value(counter, reader) }
        if let gauge = metric.gauge { return .gauge(gauge) }
        if let summary = metric.summary { return value(summary) }
        if let histogram = metric.histogram { return value(histogram, type, reader) }
        return .untyped(metric.untyped ?? 0)
    }

    private static func value(_ counter: ClientMetric.Counter, _ reader: WireReader) -> MetricFamily.Value {
        .counter(
            counter.value,
            exemplar: counter.exemplar.map { exemplar($0, reader) },
            created: counter.start?.milliseconds
        )
    }

    private static func value(_ summary: ClientMetric.Summary) -> MetricFamily.Value {
        .summary(
            MetricFamily.Summary(
                quantiles: summary.quantiles.map { .init(quantile: $0.quantile, value: $0.value) },
                sum: summary.sum,
                count: summary.count,
                created: summary.start?.milliseconds
            )
        )
    }

    private static func value(
        _ histogram: ClientMetric.Histogram,
        _ type: MetricType,
        _ reader: WireReader
    ) -> MetricFamily.Value {
        .histogram(
            MetricFamily.Histogram(
                buckets: histogram.buckets.map { bucket in
                    .init(
                        upperBound: bucket.bound,
                        cumulativeCount: bucket.effectiveCount,
                        exemplar: bucket.exemplar.map { exemplar($0, reader) }
                    )
                },
                sum: histogram.sum,
                count: histogram.effectiveCount,
                native: histogram.isNative && histogram.inconsistency == nil
                    ? histogram.native(isGauge: type == .gaugehistogram) : nil,
                exemplars: histogram.exemplars.map { exemplar($0, reader) },
                created: histogram.start?.milliseconds
            )
        )
    }

    static func exemplar(_ message: ClientMetric.ExemplarMessage, _ reader: WireReader) -> Exemplar {
        var builder = LabelBytesBuilder()
        for label in message.labels {
            builder.add(name: Array(reader.slice(label.name)), value: Array(reader.slice(label.value)))
        }
        return Exemplar(labels: builder.build(), value: message.value, timestamp: message.time?.milliseconds)
    }
}
