import MetricModel

/// What is wrong at a place of a line.
struct LineProblem: Error {
    var rule: LintRule
    /// The byte, counted from 0.
    var offset: Int
    var message: String

    init(_ rule: LintRule, _ offset: Int, _ message: String) {
        self.rule = rule
        self.offset = offset
        self.message = message
    }
}

/// A sample line of OpenMetrics, read strictly.
struct OpenMetricsSampleLine {
    struct LabelPair {
        var name: [UInt8]
        var value: [UInt8]
        var offset: Int
    }

    struct ExemplarPart {
        var labels: [LabelPair]
        var offset: Int
    }

    private(set) var name: [UInt8] = []
    private(set) var isQuoted = false
    private(set) var labels: [LabelPair] = []
    private(set) var value = 0.0
    private(set) var valueOffset = 0
    private(set) var timestamp: Double?
    private(set) var timestampOffset = 0
    private(set) var exemplar: ExemplarPart?

    private let line: ArraySlice<UInt8>
    private var position = 0

    init(_ line: ArraySlice<UInt8>) throws(LineProblem) {
        self.line = line
        try readName()
        try readValue()
        if position < count {
            try expectBlank("after the value")
            if current != UInt8(ascii: "#") { try readTimestamp() }
        }
        if position < count { try readExemplar() }
    }

    func label(_ name: StaticString) -> [UInt8]? {
        name.withUTF8Buffer { wanted in labels.first { $0.name.elementsEqual(wanted) }?.value }
    }

    private var count: Int { line.count }
    private var current: UInt8 { position < count ? line[line.startIndex + position] : 0 }

    private func bytes(_ start: Int) -> [UInt8] {
        Array(line[(line.startIndex + start)..<(line.startIndex + position)])
    }

    private var shown: String { position < count ? ByteText.quoted([current]) : "the end of the line" }

    private mutating func readName() throws(LineProblem) {
        let start = position
        guard ByteClass.isNameStart(current) || current == UInt8(ascii: "{") else {
            throw LineProblem(.metricName, position, "a metric name cannot begin with \(shown)")
        }
        while position < count, ByteClass.isNameByte(current) { position += 1 }
        name = bytes(start)
        if current == UInt8(ascii: "{") {
            position += 1
            labels = try readLabels(nameMayComeFirst: name.isEmpty)
        }
        if name.isEmpty { throw LineProblem(.metricName, start, "the sample has no metric name") }
        if position < count, current != UInt8(ascii: " ") {
            throw LineProblem(.metricName, position, "unexpected \(shown) after the metric name or labels")
        }
    }

    /// Reads labels up to the closing brace.
    private mutating func readLabels(nameMayComeFirst: Bool) throws(LineProblem) -> [LabelPair] {
        var found: [LabelPair] = []
        var known: Set<[UInt8]> = []
        var isFirst = true
        while true {
            if current == UInt8(ascii: "}") {
                if !isFirst { throw LineProblem(.labelForm, position, "a comma before the closing brace") }
                position += 1
                return found
            }
            let start = position
            if current == UInt8(ascii: "\"") {
                let text = try readQuoted()
                isQuoted = true
                if current != UInt8(ascii: "=") {
                    guard nameMayComeFirst, isFirst else {
                        throw LineProblem(.labelForm, start, "a quoted name that is no label")
                    }
                    name = text
                } else {
                    position += 1
                    found.append(LabelPair(name: text, value: try readQuoted(), offset: start))
                }
            } else {
                found.append(try readPlainLabel(start))
            }
            if let last = found.last, found.count > known.count, !known.insert(last.name).inserted {
                throw LineProblem(.labelRepeated, start, "label \(ByteText.quoted(last.name)) occurs twice")
            }
            isFirst = false
            if current == UInt8(ascii: ",") {
                position += 1
            } else if current == UInt8(ascii: "}") {
                position += 1
                return found
            } else {
                throw LineProblem(.labelForm, position, "expected a comma or a closing brace, found \(shown)")
            }
        }
    }

    private mutating func readPlainLabel(_ start: Int) throws(LineProblem) -> LabelPair {
        guard ByteClass.isLabelStart(current) else {
            throw LineProblem(.labelForm, position, "expected a label name, found \(shown)")
        }
        while position < count, ByteClass.isLabelByte(current) { position += 1 }
        let label = bytes(start)
        guard current == UInt8(ascii: "=") else {
            throw LineProblem(.labelForm, position, "expected = after the label name, found \(shown)")
        }
        position += 1
        return LabelPair(name: label, value: try readQuoted(), offset: start)
    }

    private mutating func readQuoted() throws(LineProblem) -> [UInt8] {
        guard current == UInt8(ascii: "\"") else {
            throw LineProblem(.labelForm, position, "expected a quote, found \(shown)")
        }
        let start = position
        position += 1
        while position < count, current != UInt8(ascii: "\"") {
            position += current == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < count else { throw LineProblem(.labelForm, start, "the closing quote is missing") }
        let inner = line[(line.startIndex + start + 1)..<(line.startIndex + position)]
        position += 1
        return LabelText.unescaped(inner, quotes: true)
    }

    private mutating func expectBlank(_ place: String) throws(LineProblem) {
        guard current == UInt8(ascii: " ") else {
            throw LineProblem(.lineForm, position, "expected a blank \(place), found \(shown)")
        }
        position += 1
    }

    /// A number up to the next blank or the end.
    private mutating func readNumber(_ rule: LintRule, _ what: String) throws(LineProblem) -> Double {
        let start = position
        while position < count, current != UInt8(ascii: " ") { position += 1 }
        let text = bytes(start)
        if text.isEmpty { throw LineProblem(rule, start, "\(what) is missing") }
        let isPlain = !text.contains {
            $0 | 0x20 == UInt8(ascii: "x") || $0 | 0x20 == UInt8(ascii: "p") || $0 == UInt8(ascii: "_")
        }
        guard isPlain else {
            throw LineProblem(rule, start, "\(what) \(ByteText.quoted(text)) is not a decimal number")
        }
        do {
            return try GoFloat.parse(text)
        } catch {
            if error == .range { return text.first == UInt8(ascii: "-") ? -.infinity : .infinity }
            throw LineProblem(rule, start, "\(what) \(ByteText.quoted(text)) is not a number")
        }
    }

    private mutating func readValue() throws(LineProblem) {
        try expectBlank("and a value")
        valueOffset = position
        value = try readNumber(.value, "the value")
    }

    private mutating func readFiniteTime() throws(LineProblem) -> Double {
        let start = position
        let time = try readNumber(.timestamp, "the timestamp")
        guard time.isFinite else { throw LineProblem(.timestamp, start, "the timestamp is not finite") }
        return time
    }

    private mutating func readTimestamp() throws(LineProblem) {
        timestampOffset = position
        timestamp = try readFiniteTime()
        if position < count { try expectBlank("after the timestamp") }
        if position == count, line.last == UInt8(ascii: " ") {
            throw LineProblem(.lineForm, position - 1, "a blank at the end of the line")
        }
    }

    private mutating func readExemplar() throws(LineProblem) {
        let start = position
        guard current == UInt8(ascii: "#") else {
            throw LineProblem(.lineForm, position, "expected the end of the line or an exemplar, found \(shown)")
        }
        position += 1
        guard current == UInt8(ascii: " ") else {
            throw LineProblem(.exemplarForm, position, "expected a blank after #, found \(shown)")
        }
        position += 1
        guard current == UInt8(ascii: "{") else {
            throw LineProblem(.exemplarForm, position, "expected the exemplar's labels in braces, found \(shown)")
        }
        position += 1
        exemplar = ExemplarPart(labels: try readLabels(nameMayComeFirst: false), offset: start)
        guard current == UInt8(ascii: " ") else {
            throw LineProblem(.exemplarForm, position, "expected a blank and the exemplar's value, found \(shown)")
        }
        position += 1
        _ = try readNumber(.exemplarForm, "the exemplar's value")
        if position < count {
            position += 1
            _ = try readFiniteTime()
        }
        if position < count { throw LineProblem(.exemplarForm, position, "unexpected \(shown) after the exemplar") }
    }
}
