import MetricModel

/// Decodes `ExportMetricsServiceRequest` of opentelemetry/proto/collector/metrics/v1.
enum OTLPDecoder {
    /// How deep lists and maps may be nested in the value of an attribute.
    static let deepestValue = 100

    static func decode(_ bytes: UnsafeBufferPointer<UInt8>) throws(ExpositionError) -> OTLPMetrics {
        var reader = WireReader(bytes)
        var metrics = OTLPMetrics()
        var room = MessageRoom()
        while let tag = try reader.nextTag(of: "ExportMetricsServiceRequest") {
            switch tag.field {
            case 1:
                var message = try reader.message(tag, "ResourceMetrics")
                metrics.resources.append(try resource(&message, &room))
            default: try reader.skip(tag)
            }
        }
        return metrics
    }

    static func resource(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.Resource {
        try room.take(2 * MemoryLayout<OTLPMetrics.Resource>.stride)
        var resource = OTLPMetrics.Resource()
        while let tag = try message.nextTag(of: "ResourceMetrics") {
            switch tag.field {
            case 1:
                var inner = try message.message(tag, "Resource")
                try attributes(&inner, into: &resource, &room)
            case 2:
                var inner = try message.message(tag, "ScopeMetrics")
                resource.scopes.append(try scope(&inner, &room))
            default: try message.skip(tag)
            }
        }
        return resource
    }

    /// What is said of the entity itself.
    static func attributes(
        _ message: inout WireReader,
        into resource: inout OTLPMetrics.Resource,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        while let tag = try message.nextTag(of: "Resource") {
            if tag.field == 1 {
                try attribute(&message, tag, into: &resource.attributes, &room)
            } else {
                try message.skip(tag)
            }
        }
    }

    static func scope(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.Scope {
        try room.take(2 * MemoryLayout<OTLPMetrics.Scope>.stride)
        var scope = OTLPMetrics.Scope()
        while let tag = try message.nextTag(of: "ScopeMetrics") {
            switch tag.field {
            case 1:
                var inner = try message.message(tag, "Scope")
                try head(&inner, into: &scope, &room)
            case 2:
                var inner = try message.message(tag, "Metrics")
                scope.metrics.append(try metric(&inner, &room))
            case 3: scope.schemaURL = message.text(try message.delimited(tag, "SchemaUrl"))
            default: try message.skip(tag)
            }
        }
        return scope
    }

    /// What is said of the library itself.
    static func head(
        _ message: inout WireReader,
        into scope: inout OTLPMetrics.Scope,
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        while let tag = try message.nextTag(of: "InstrumentationScope") {
            switch tag.field {
            case 1: scope.name = message.text(try message.delimited(tag, "Name"))
            case 2: scope.version = message.text(try message.delimited(tag, "Version"))
            case 3: try attribute(&message, tag, into: &scope.attributes, &room)
            default: try message.skip(tag)
            }
        }
    }

    static func metric(
        _ message: inout WireReader,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPMetrics.Metric {
        try room.take(2 * MemoryLayout<OTLPMetrics.Metric>.stride)
        var metric = OTLPMetrics.Metric()
        while let tag = try message.nextTag(of: "Metric") {
            switch tag.field {
            case 1: metric.name = message.text(try message.delimited(tag, "Name"))
            case 2: metric.description = message.text(try message.delimited(tag, "Description"))
            case 3: metric.unit = message.text(try message.delimited(tag, "Unit"))
            case 5:
                var inner = try message.message(tag, "Gauge")
                metric.content = .gauge(try content(&inner, &room, OTLPPointDecoder.number).points)
            case 7:
                var inner = try message.message(tag, "Sum")
                let found = try content(&inner, &room, OTLPPointDecoder.number)
                metric.content = .sum(found.points, found.temporality, isMonotonic: found.isMonotonic)
            case 9:
                var inner = try message.message(tag, "Histogram")
                let found = try content(&inner, &room, OTLPPointDecoder.histogram)
                metric.content = .histogram(found.points, found.temporality)
            case 10:
                var inner = try message.message(tag, "ExponentialHistogram")
                let found = try content(&inner, &room, OTLPPointDecoder.exponential)
                metric.content = .exponential(found.points, found.temporality)
            case 11:
                var inner = try message.message(tag, "Summary")
                metric.content = .summary(try content(&inner, &room, OTLPPointDecoder.summary).points)
            default: try message.skip(tag)
            }
        }
        return metric
    }

    private struct Points<Point> {
        var points: [Point] = []
        var temporality = OTLPMetrics.Temporality.unspecified
        var isMonotonic = false
    }

    /// The points of a metric, and what is said of all of them.
    private static func content<Point>(
        _ message: inout WireReader,
        _ room: inout MessageRoom,
        _ read: (inout WireReader, inout MessageRoom) throws(ExpositionError) -> Point
    ) throws(ExpositionError) -> Points<Point> {
        var found = Points<Point>()
        while let tag = try message.nextTag(of: "Metric_Data") {
            switch tag.field {
            case 1:
                try room.take(2 * MemoryLayout<Point>.stride)
                var inner = try message.message(tag, "DataPoints")
                found.points.append(try read(&inner, &room))
            case 2: found.temporality = .init(number: try message.signed(tag, "AggregationTemporality"))
            case 3: found.isMonotonic = try message.unsigned(tag, "IsMonotonic") != 0
            default: try message.skip(tag)
            }
        }
        return found
    }

    // MARK: Attributes

    /// Reads one more attribute.
    static func attribute(
        _ message: inout WireReader,
        _ tag: WireReader.Tag,
        into attributes: inout [Label],
        _ room: inout MessageRoom
    ) throws(ExpositionError) {
        try MessageRoom.checkLabels(attributes.count, "Attributes")
        try room.take(2 * MemoryLayout<Label>.stride)
        var inner = try message.message(tag, "Attributes")
        let (key, value) = try pair(&inner, depth: 0, &room)
        attributes.append(Label(name: key, value: value.text))
    }

    private static func pair(
        _ message: inout WireReader,
        depth: Int,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> (key: String, value: OTLPValue) {
        var key = ""
        var value = OTLPValue.empty
        while let tag = try message.nextTag(of: "KeyValue") {
            switch tag.field {
            case 1: key = message.text(try message.delimited(tag, "Key"))
            case 2:
                var inner = try message.message(tag, "Value")
                value = try self.value(&inner, depth: depth, &room)
            default: try message.skip(tag)
            }
        }
        return (key, value)
    }

    private static func value(
        _ message: inout WireReader,
        depth: Int,
        _ room: inout MessageRoom
    ) throws(ExpositionError) -> OTLPValue {
        // Those of lists and maps are held, each in a box.
        if depth > 0 { try room.take(96) }
        guard depth < deepestValue else {
            throw ExpositionError("the value of an attribute is nested deeper than \(deepestValue)")
        }
        var value = OTLPValue.empty
        while let tag = try message.nextTag(of: "AnyValue") {
            switch tag.field {
            case 1: value = .string(message.text(try message.delimited(tag, "StringValue")))
            case 2: value = .bool(try message.unsigned(tag, "BoolValue") != 0)
            case 3: value = .int(try message.signed(tag, "IntValue"))
            case 4: value = .double(try message.double(tag, "DoubleValue"))
            case 5:
                var inner = try message.message(tag, "ArrayValue")
                var items: [OTLPValue] = []
                while let tag = try inner.nextTag(of: "ArrayValue") {
                    guard tag.field == 1 else {
                        try inner.skip(tag)
                        continue
                    }
                    var item = try inner.message(tag, "Values")
                    items.append(try self.value(&item, depth: depth + 1, &room))
                }
                value = .array(items)
            case 6:
                var inner = try message.message(tag, "KvlistValue")
                var entries: [(key: String, value: OTLPValue)] = []
                while let tag = try inner.nextTag(of: "KeyValueList") {
                    guard tag.field == 1 else {
                        try inner.skip(tag)
                        continue
                    }
                    var entry = try inner.message(tag, "Values")
                    try room.take(96)
                    entries.append(try pair(&entry, depth: depth + 1, &room))
                }
                value = .map(entries)
            case 7: value = .bytes(Array(message.slice(try message.delimited(tag, "BytesValue"))))
            default: try message.skip(tag)
            }
        }
        return value
    }
}
