import MetricModel

/// What answers are made of. For answers that are asked for now and then: each value is put into a box. Samples and whatever else
/// comes by the thousand are written straight into ``JSONText``.
protocol JSONWritable {
    /// Appends the value.
    func write(to text: inout JSONText)
}

/// An object, its fields in the order in which they are given.
struct JSONObject: JSONWritable, ExpressibleByDictionaryLiteral {
    private var fields: [(name: String, value: any JSONWritable)]

    init(dictionaryLiteral fields: (String, any JSONWritable)...) { self.fields = fields.map { ($0.0, $0.1) } }

    /// An object whose fields' names are data.
    init<Value: JSONWritable>(_ fields: some Sequence<(String, Value)>) { self.fields = fields.map { ($0.0, $0.1) } }

    /// Adds a field; none where there is no value.
    mutating func add(_ name: String, _ value: (any JSONWritable)?) {
        if let value { fields.append((name, value)) }
    }

    /// Adds the fields of another object.
    static func += (left: inout JSONObject, right: JSONObject) { left.fields += right.fields }

    func write(to text: inout JSONText) {
        text.raw("{")
        for (index, field) in fields.enumerated() {
            if index > 0 { text.raw(",") }
            text.string(field.name)
            text.raw(":")
            field.value.write(to: &text)
        }
        text.raw("}")
    }
}

/// A time in milliseconds, written in seconds.
struct JSONTime: JSONWritable {
    let milliseconds: Timestamp

    init(_ milliseconds: Timestamp) { self.milliseconds = milliseconds }

    func write(to text: inout JSONText) { text.timestamp(milliseconds) }
}

/// A sample's value: a number in quotes.
struct JSONSample: JSONWritable {
    let value: Double

    init(_ value: Double) { self.value = value }

    func write(to text: inout JSONText) { text.value(value) }
}

/// What is written by hand, within an object.
struct JSONPart: JSONWritable {
    private let body: (inout JSONText) -> Void

    init(_ body: @escaping (inout JSONText) -> Void) { self.body = body }

    func write(to text: inout JSONText) { body(&text) }
}

extension String: JSONWritable {
    func write(to text: inout JSONText) { text.string(self) }
}

extension Bool: JSONWritable {
    func write(to text: inout JSONText) { text.bool(self) }
}

extension JSONWritable where Self: BinaryInteger {
    func write(to text: inout JSONText) { text.integer(self) }
}

extension Int: JSONWritable {}
extension Int64: JSONWritable {}
extension UInt64: JSONWritable {}

extension Double: JSONWritable {
    func write(to text: inout JSONText) { text.number(self) }
}

extension Labels: JSONWritable {
    func write(to text: inout JSONText) { text.labels(self) }
}

extension Array: JSONWritable where Element: JSONWritable {
    func write(to text: inout JSONText) { text.list(self) { $0.write(to: &$1) } }
}

/// `null` where there is none.
extension Optional: JSONWritable where Wrapped: JSONWritable {
    func write(to text: inout JSONText) {
        if let self { self.write(to: &text) } else { text.raw("null") }
    }
}

extension APIAnswer {
    /// An answer with these data.
    static func json(_ data: some JSONWritable, warnings: [String] = [], infos: [String] = []) -> APIAnswer {
        json(warnings: warnings, infos: infos) { data.write(to: &$0) }
    }
}
