import ConfigTree
package import Exposition
import MetricModel

/// Why a request in JSON could not be read, with the field.
package struct OTLPJSONError: Error, Hashable {
    /// What is wrong where.
    package var message: String
    /// Whether the same may be taken later.
    package var isBusy = false
}

/// Reads metrics of OpenTelemetry's protocol in its JSON form: names in lower camel case (or as in the protobuf files), whole numbers
/// of 64 bits as texts or numbers, enumerations by number or name, identifiers in hexadecimal digits, bytes in Base64.
package enum OTLPJSON {
    /// How deep lists and maps may be nested in the value of an attribute.
    private static let deepestValue = 100

    /// How many bytes the tree of a body takes, about; the reader refuses what has too many nodes.
    static func size(_ body: [UInt8]) -> Int {
        var count = 0
        for byte in body {
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "{"): count += 1
            default: break
            }
        }
        return 96 * min(count, ConfigNode.countLimit)
    }

    /// Reads a body.
    package static func decode(_ body: [UInt8]) throws(OTLPJSONError) -> OTLPMetrics {
        let root: ConfigNode
        do throws(ConfigError) {
            root = try JSONReader.parse(body, file: "body")
        } catch {
            throw OTLPJSONError(message: error.problems.first?.message ?? error.description)
        }
        var metrics = OTLPMetrics()
        for node in try items(root, "resourceMetrics") {
            var resource = OTLPMetrics.Resource()
            if let inner = try object(node, "resource") { resource.attributes = try attributes(inner) }
            for node in try items(node, "scopeMetrics") { resource.scopes.append(try scope(node)) }
            metrics.resources.append(resource)
        }
        return metrics
    }

    private static func scope(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.Scope {
        var scope = OTLPMetrics.Scope()
        if let inner = try object(node, "scope") {
            scope.name = try text(inner, "name")
            scope.version = try text(inner, "version")
            scope.attributes = try attributes(inner)
        }
        scope.schemaURL = try text(node, "schemaUrl")
        for node in try items(node, "metrics") { scope.metrics.append(try metric(node)) }
        return scope
    }

    private static func metric(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.Metric {
        var metric = OTLPMetrics.Metric()
        metric.name = try text(node, "name")
        metric.description = try text(node, "description")
        metric.unit = try text(node, "unit")
        if let inner = try object(node, "gauge") { metric.content = .gauge(try points(inner, number)) }
        if let inner = try object(node, "sum") {
            let isMonotonic = try bool(inner, "isMonotonic")
            metric.content = .sum(try points(inner, number), try temporality(inner), isMonotonic: isMonotonic)
        }
        if let inner = try object(node, "histogram") {
            metric.content = .histogram(try points(inner, histogram), try temporality(inner))
        }
        if let inner = try object(node, "exponentialHistogram") {
            metric.content = .exponential(try points(inner, exponential), try temporality(inner))
        }
        if let inner = try object(node, "summary") { metric.content = .summary(try points(inner, summary)) }
        return metric
    }

    private static func points<Point>(
        _ node: ConfigNode,
        _ read: (ConfigNode) throws(OTLPJSONError) -> Point
    ) throws(OTLPJSONError) -> [Point] {
        var points: [Point] = []
        for item in try items(node, "dataPoints") { points.append(try read(item)) }
        return points
    }

    // MARK: Points

    private static func frame(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.Frame {
        var frame = OTLPMetrics.Frame()
        frame.attributes = try attributes(node)
        frame.start = try whole(node, "startTimeUnixNano") ?? 0
        frame.time = try whole(node, "timeUnixNano") ?? 0
        frame.flags = UInt32(truncatingIfNeeded: try whole(node, "flags") ?? 0)
        return frame
    }

    private static func number(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.NumberPoint {
        var point = OTLPMetrics.NumberPoint()
        point.frame = try frame(node)
        point.value = try value(node) ?? 0
        point.examples = try examples(node)
        return point
    }

    private static func histogram(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.HistogramPoint {
        var point = OTLPMetrics.HistogramPoint()
        point.frame = try frame(node)
        point.count = try whole(node, "count") ?? 0
        point.sum = try double(node, "sum")
        point.bucketCounts = try wholes(node, "bucketCounts")
        for item in try limited(node, "explicitBounds") { point.bounds.append(try double(item, at: "explicitBounds")) }
        point.examples = try examples(node)
        return point
    }

    private static func exponential(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.ExponentialPoint {
        var point = OTLPMetrics.ExponentialPoint()
        point.frame = try frame(node)
        point.count = try whole(node, "count") ?? 0
        point.sum = try double(node, "sum")
        point.scale = try small(node, "scale")
        point.zeroCount = try whole(node, "zeroCount") ?? 0
        if let inner = try object(node, "positive") { point.positive = try buckets(inner) }
        if let inner = try object(node, "negative") { point.negative = try buckets(inner) }
        point.examples = try examples(node)
        return point
    }

    private static func buckets(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.Buckets {
        var buckets = OTLPMetrics.Buckets()
        buckets.offset = try small(node, "offset")
        buckets.counts = try wholes(node, "bucketCounts")
        return buckets
    }

    private static func summary(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.SummaryPoint {
        var point = OTLPMetrics.SummaryPoint()
        point.frame = try frame(node)
        point.count = try whole(node, "count") ?? 0
        point.sum = try double(node, "sum") ?? 0
        for item in try items(node, "quantileValues") {
            point.quantiles.append((try double(item, "quantile") ?? 0, try double(item, "value") ?? 0))
        }
        return point
    }

    private static func examples(_ node: ConfigNode) throws(OTLPJSONError) -> [OTLPMetrics.Example] {
        var examples: [OTLPMetrics.Example] = []
        for item in try items(node, "exemplars") {
            var example = OTLPMetrics.Example()
            example.time = try whole(item, "timeUnixNano") ?? 0
            example.value = try value(item)
            example.traceID = try identifier(item, "traceId", bytes: 16)
            example.spanID = try identifier(item, "spanId", bytes: 8)
            example.attributes = try attributes(item, "filteredAttributes")
            examples.append(example)
        }
        return examples
    }

    private static func value(_ node: ConfigNode) throws(OTLPJSONError) -> Double? {
        if let number = try double(node, "asDouble") { return number }
        return try signed(node, "asInt").map { Double($0) }
    }

    private static func identifier(_ node: ConfigNode, _ name: String, bytes count: Int) throws(OTLPJSONError) -> String
    {
        let digits = try text(node, name)
        if digits.isEmpty { return "" }
        var bytes: [UInt8] = []
        var rest = Array(digits.utf8)[...]
        while rest.count >= 2, let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
            bytes.append(byte)
            rest.removeFirst(2)
        }
        guard rest.isEmpty, bytes.count == count else { throw wrong(name, "\(count * 2) hexadecimal digits") }
        return OTLPMetrics.hexadecimal(bytes)
    }

    private static func temporality(_ node: ConfigNode) throws(OTLPJSONError) -> OTLPMetrics.Temporality {
        guard let node = child(node, "aggregationTemporality"), !node.isNull else { return .unspecified }
        switch node.text {
        case "AGGREGATION_TEMPORALITY_UNSPECIFIED": return .unspecified
        case "AGGREGATION_TEMPORALITY_DELTA": return .delta
        case "AGGREGATION_TEMPORALITY_CUMULATIVE": return .cumulative
        case let text:
            guard let number = text.flatMap({ Int64($0) }) else {
                throw wrong("aggregationTemporality", "1, 2 or a name")
            }
            return .init(number: number)
        }
    }

    // MARK: Attributes

    private static func attributes(
        _ node: ConfigNode,
        _ name: String = "attributes"
    ) throws(OTLPJSONError) -> [Label] {
        var attributes: [Label] = []
        let items = try items(node, name)
        guard items.count <= MessageRoom.labelLimit else {
            throw wrong(name, "at most \(MessageRoom.labelLimit) entries")
        }
        for item in items {
            let value = try object(item, "value")
            let text = try value.map { node throws(OTLPJSONError) in try self.value(of: node, depth: 0).text } ?? ""
            attributes.append(Label(name: try self.text(item, "key"), value: text))
        }
        return attributes
    }

    private static func value(of node: ConfigNode, depth: Int) throws(OTLPJSONError) -> OTLPValue {
        guard depth < deepestValue else { throw wrong("value", "less than \(deepestValue) levels of nesting") }
        if child(node, "stringValue") != nil { return .string(try text(node, "stringValue")) }
        if child(node, "boolValue") != nil { return .bool(try bool(node, "boolValue")) }
        if let number = try signed(node, "intValue") { return .int(number) }
        if let number = try double(node, "doubleValue") { return .double(number) }
        if let inner = try object(node, "arrayValue") {
            var values: [OTLPValue] = []
            for item in try items(inner, "values") { values.append(try value(of: item, depth: depth + 1)) }
            return .array(values)
        }
        if let inner = try object(node, "kvlistValue") {
            var entries: [(key: String, value: OTLPValue)] = []
            for item in try items(inner, "values") {
                let value = try object(item, "value")
                let read = try value.map { node throws(OTLPJSONError) in try self.value(of: node, depth: depth + 1) }
                entries.append((try text(item, "key"), read ?? .empty))
            }
            return .map(entries)
        }
        if child(node, "bytesValue") != nil {
            guard let bytes = Base64.decode(try text(node, "bytesValue")) else { throw wrong("bytesValue", "Base64") }
            return .bytes(bytes)
        }
        return .empty
    }

    // MARK: Fields

    private static func wrong(_ name: String, _ wanted: String) -> OTLPJSONError {
        OTLPJSONError(message: "field \(name): not \(wanted)")
    }

    /// A field by its name in JSON, or by the one that the protobuf files have.
    private static func child(_ node: ConfigNode, _ name: String) -> ConfigNode? {
        guard case .mapping(let entries) = node.content, !entries.isEmpty else { return nil }
        return node[name] ?? entries.last { $0.key.text.map { isSnake($0, of: name) } ?? false }?.value
    }

    /// Whether a name is another one in lower camel case, written with underscores. Asked for each field of each of many objects.
    private static func isSnake(_ text: String, of name: String) -> Bool {
        var rest = text.utf8[...]
        for byte in name.utf8 {
            var wanted = byte
            if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") {
                guard rest.popFirst() == UInt8(ascii: "_") else { return false }
                wanted |= 0x20
            }
            if rest.popFirst() != wanted { return false }
        }
        return rest.isEmpty
    }

    private static func object(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> ConfigNode? {
        guard let found = child(node, name), !found.isNull else { return nil }
        guard case .mapping = found.content else { throw wrong(name, "an object") }
        return found
    }

    private static func items(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> [ConfigNode] {
        guard case .mapping = node.content else { throw wrong(name, "in an object") }
        guard let found = child(node, name), !found.isNull else { return [] }
        guard case .sequence(let items) = found.content else { throw wrong(name, "an array") }
        return items
    }

    private static func text(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> String {
        guard let found = child(node, name) else { return "" }
        guard let text = found.string else { throw wrong(name, "a string") }
        return text
    }

    private static func bool(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> Bool {
        guard let found = child(node, name), !found.isNull else { return false }
        switch found.text {
        case "true": return true
        case "false": return false
        default: throw wrong(name, "true or false")
        }
    }

    private static func signed(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> Int64? {
        guard let found = child(node, name), !found.isNull else { return nil }
        guard let number = found.text.flatMap({ Int64($0) }) else { throw wrong(name, "a whole number") }
        return number
    }

    private static func small(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> Int32 {
        guard let number = Int32(exactly: try signed(node, name) ?? 0) else {
            throw wrong(name, "a whole number of 32 bits")
        }
        return number
    }

    private static func whole(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> UInt64? {
        guard let found = child(node, name), !found.isNull else { return nil }
        return try whole(found, at: name)
    }

    private static func whole(_ node: ConfigNode, at name: String) throws(OTLPJSONError) -> UInt64 {
        guard let number = node.text.flatMap({ UInt64($0) }) else { throw wrong(name, "a whole number above zero") }
        return number
    }

    /// The buckets or bounds of a histogram.
    private static func limited(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> [ConfigNode] {
        let items = try items(node, name)
        guard items.count <= NativeHistogram.bucketLimit else {
            throw wrong(name, "at most \(NativeHistogram.bucketLimit) numbers")
        }
        return items
    }

    private static func wholes(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> [UInt64] {
        var numbers: [UInt64] = []
        for item in try limited(node, name) { numbers.append(try whole(item, at: name)) }
        return numbers
    }

    private static func double(_ node: ConfigNode, _ name: String) throws(OTLPJSONError) -> Double? {
        guard let found = child(node, name), !found.isNull else { return nil }
        return try double(found, at: name)
    }

    private static func double(_ node: ConfigNode, at name: String) throws(OTLPJSONError) -> Double {
        switch node.text {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        case let text:
            guard let number = text.flatMap({ Double($0) }) else { throw wrong(name, "a number") }
            return number
        }
    }
}
