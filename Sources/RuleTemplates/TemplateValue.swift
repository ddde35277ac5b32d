public import MetricModel

/// A series with its value at one time, as templates see it.
public struct TemplateSample: Sendable, Hashable {
    /// The labels, the metric's name included.
    public var labels: Labels
    /// The value; does not count where there is a histogram.
    public var value: Double
    /// A native histogram; `nil` for a plain number.
    public var histogram: NativeHistogram?

    /// A sample.
    public init(labels: Labels, value: Double, histogram: NativeHistogram? = nil) {
        self.labels = labels
        self.value = value
        self.histogram = histogram
    }
}

/// A value while a template is expanded, by Go's type.
enum TemplateValue {
    /// What a query answers; sorting changes it for everybody who holds it.
    final class Samples {
        var items: [TemplateSample]
        init(_ items: [TemplateSample]) { self.items = items }
    }

    /// A named value of `args`.
    struct Entry {
        var name: String
        var value: TemplateValue
    }

    /// What `args` makes. It may hold others of its kind, so it knows how long it is printed and how deep it goes: both grow much
    /// faster than the work of making it.
    struct Arguments {
        /// Deeper ones are refused.
        static let maximumDepth = 100

        let entries: [Entry]
        /// About how many bytes it has as a text.
        let length: Int
        let depth: Int

        init(_ values: [TemplateValue]) {
            entries = values.enumerated().map { Entry(name: "arg\($0.offset)", value: $0.element) }
            length = values.reduce(8) { sum, value in
                let (length, isOver) = sum.addingReportingOverflow(8 + value.printedLength)
                return isOver ? .max / 2 : min(length, .max / 2)
            }
            depth = 1 + (values.map(\.depth).max() ?? 0)
        }
    }

    /// No value, or `nil`.
    case nothing
    case bool(Bool)
    case int(Int64)
    /// Another type of whole numbers, such as `int64`, `uint8` or `time.Month`, with its name and how it prints.
    case named(String, Int64, text: String?)
    case float(Double)
    case complex(Double, Double)
    case string(String)
    /// `template.HTML`
    case html(String)
    /// `map[string]string`
    case labels(Labels)
    /// `map[string]interface {}`
    case arguments(Arguments)
    /// `template.queryResult`
    case samples(Samples)
    /// `*template.sample`, `nil` for none.
    case sample(TemplateSample?)
    /// What the whole template is about.
    case data(TemplateData)
    /// `*histogram.FloatHistogram`
    case histogram(NativeHistogram)
    /// `*time.Time` in UTC, nanoseconds since 1970.
    case time(Int64)
    /// `*time.Duration` (or without the star), nanoseconds.
    case duration(Int64, isPointer: Bool)

    init(_ sample: TemplateSample) {
        self = sample.histogram.map { .histogram($0) } ?? .float(sample.value)
    }

    /// Go's name for its type.
    var type: String {
        switch self {
        case .nothing: "nil"
        case .bool: "bool"
        case .int: "int"
        case .named(let name, _, _): name
        case .float: "float64"
        case .complex: "complex128"
        case .string: "string"
        case .html: "template.HTML"
        case .labels: "map[string]string"
        case .arguments: "map[string]interface {}"
        case .samples: "template.queryResult"
        case .sample: "*template.sample"
        case .data:
            "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
        case .histogram: "*histogram.FloatHistogram"
        case .time: "*time.Time"
        case .duration(_, let isPointer): isPointer ? "*time.Duration" : "time.Duration"
        }
    }

    /// Whether `if` takes it for true.
    var isTrue: Bool {
        switch self {
        case .nothing: false
        case .bool(let value): value
        case .int(let value), .named(_, let value, _): value != 0
        case .float(let value): value != 0
        case .complex(let real, let imaginary): real != 0 || imaginary != 0
        case .string(let text), .html(let text): !text.isEmpty
        case .labels(let labels): !labels.isEmpty
        case .arguments(let arguments): !arguments.entries.isEmpty
        case .samples(let samples): !samples.items.isEmpty
        case .sample(let sample): sample != nil
        case .data, .histogram, .time: true
        case .duration(let value, let isPointer): isPointer || value != 0
        }
    }

    /// How many bytes a text has, or what holds texts; 0 for anything else.
    var length: Int {
        switch self {
        case .string(let text), .html(let text): text.utf8.count
        case .arguments(let arguments): arguments.length
        case .nothing, .bool, .int, .named, .float, .complex, .labels, .samples, .sample, .data, .histogram, .time,
            .duration:
            0
        }
    }

    /// About how many bytes it takes to print it.
    fileprivate var printedLength: Int {
        switch self {
        case .string, .html, .arguments: length
        case .labels(let labels): 8 + labels.encoded.count
        case .samples(let samples): 16 * samples.items.count
        case .nothing, .bool, .int, .named, .float, .complex, .sample, .data, .histogram, .time, .duration: 32
        }
    }

    /// How many values of `args` are inside each other here.
    fileprivate var depth: Int {
        if case .arguments(let arguments) = self { return arguments.depth }
        return 0
    }

    /// How much a function has to look through, in bytes of text.
    var size: Int {
        if case .samples(let samples) = self { return samples.items.count * TemplateExecution.bytesOfStep }
        return length
    }

    /// As an action prints it.
    var printed: String {
        if case .nothing = self { return "<no value>" }
        if case .sample(let sample?) = self { return "{\(Self.text(sample))}" }
        return text
    }

    /// As `%v` prints it.
    var text: String {
        switch self {
        case .nothing: "<nil>"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .named(_, let value, let text): text ?? String(value)
        case .float(let value): GoNumber.text(value, .shortest)
        case .complex(let real, let imaginary):
            "(\(GoNumber.text(real, .shortest))\(imaginary.sign == .minus ? "" : "+")\(GoNumber.text(imaginary, .shortest))i)"
        case .string(let text), .html(let text): text
        case .histogram(let histogram): histogram.description
        case .labels(let labels): Self.text(labels)
        case .arguments(let arguments):
            "map[" + arguments.entries.map { "\($0.name):\($0.value.text)" }.joined(separator: " ") + "]"
        // Go prints where they are in memory.
        case .samples(let samples): "[" + samples.items.map { _ in "0xc000000000" }.joined(separator: " ") + "]"
        case .sample(let sample): sample.map { "&{\(Self.text($0))}" } ?? "<nil>"
        case .data(let data):
            "{\(Self.text(data.labels)) \(Self.text(data.externalLabels)) \(data.externalURL) "
                + "\(TemplateValue(data.sample).text)}"
        case .time(let nanoseconds): TemplateTime(nanoseconds: nanoseconds).description
        case .duration(let nanoseconds, _): TemplateTime.durationText(nanoseconds)
        }
    }

    private static func text(_ labels: Labels) -> String {
        "map[" + labels.map { "\($0.name):\($0.value)" }.joined(separator: " ") + "]"
    }

    private static func text(_ sample: TemplateSample) -> String {
        "\(text(sample.labels)) \(TemplateValue(sample).text)"
    }

    /// Whether it is a text, for `print`, which puts spaces only between others.
    var isText: Bool {
        switch self {
        case .string, .html: true
        case .nothing, .bool, .int, .named, .float, .complex, .labels, .arguments, .samples, .sample, .data, .histogram,
            .time, .duration:
            false
        }
    }
}

/// What a template of an alert is about.
public struct TemplateData: Sendable {
    /// The labels of the element that the rule's expression found.
    public var labels: Labels
    /// The server's external labels.
    public var externalLabels: Labels
    /// The server's address from outside.
    public var externalURL: String
    /// The path of that address; `nil` where there is no server, as in promtool: asking for it fails there.
    public var pathPrefix: String?
    /// The element's value.
    public var value: Double
    /// The element's value where it is a native histogram.
    public var histogram: NativeHistogram?
    /// The time of the evaluation, in milliseconds since 1970.
    public var time: Timestamp

    /// The data of one element.
    public init(
        labels: Labels,
        externalLabels: Labels = Labels(),
        externalURL: String = "",
        pathPrefix: String? = "",
        value: Double,
        histogram: NativeHistogram? = nil,
        time: Timestamp
    ) {
        self.labels = labels
        self.externalLabels = externalLabels
        self.externalURL = externalURL
        self.pathPrefix = pathPrefix
        self.value = value
        self.histogram = histogram
        self.time = time
    }

    var sample: TemplateSample { TemplateSample(labels: labels, value: value, histogram: histogram) }
}

extension TemplateValue {
    /// A field of a native histogram that is a number; `nil` for those that templates cannot use as one.
    init?(field name: String, of histogram: NativeHistogram) {
        switch name {
        case "CounterResetHint":
            self = .named("histogram.CounterResetHint", Int64(histogram.counterResetHint.rawValue), text: nil)
        case "Schema": self = .named("int32", Int64(histogram.schema), text: nil)
        case "ZeroThreshold": self = .float(histogram.zeroThreshold)
        case "ZeroCount": self = .float(histogram.zeroCount)
        case "Count": self = .float(histogram.count)
        case "Sum": self = .float(histogram.sum)
        default: return nil
        }
    }
}
