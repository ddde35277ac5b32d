import MetricModel

extension SeriesDescriptionParser {
    /// A histogram in double braces, and whether its counter reset hint was given.
    mutating func histogram() throws(ParsingStopped) -> (NativeHistogram, hintIsGiven: Bool) {
        guard take("{{") else { throw unexpected("histogram description", "\"{{\"") }
        var literal = HistogramLiteral()
        skipSpaces()
        while !take("}}") {
            let start = position
            let key = descriptor()
            if key.isEmpty { throw incomplete() }
            guard HistogramLiteral.keys.contains(key.lowercased()) else {
                throw fail("bad histogram descriptor found: \(GoText.quoted(key))", at: start)
            }
            if !literal.seen.insert(key.lowercased()).inserted {
                throw fail("duplicate key \"\(key)\" in histogram", at: start)
            }
            guard take(":") else { throw fail("missing `:` for histogram descriptor", at: start) }
            if key.lowercased() != "counter_reset_hint" { try refuseWord() }
            try value(of: key.lowercased(), in: &literal)
            let isSeparated = skipSpaces()
            if !isSeparated, !isAt("}}") {
                guard let byte = current, Lexer.isAlphaNumeric(Int(byte)) else { throw incomplete() }
                throw unexpected("histogram description", "histogram description key, e.g. buckets:[5 10 7]")
            }
        }
        return (literal.histogram, literal.seen.contains("counter_reset_hint"))
    }

    /// The name of a part of a histogram: letters and underscores.
    private mutating func descriptor() -> String {
        let start = position
        while let byte = current, Lexer.isAlpha(Int(byte)) { position += 1 }
        return text(from: start)
    }

    /// Where neither a part nor the end follows.
    private mutating func incomplete() -> ParsingStopped {
        let start = position
        let found = current == nil ? "'\u{FFFD}'" : Self.quoted(metric.lexer.nextScalar(at: &position))
        return fail("histogram description incomplete unexpected: \(found)", at: start)
    }

    /// A word in the place of a number is taken for the name of a part.
    private mutating func refuseWord() throws(ParsingStopped) {
        guard let byte = current, Lexer.isAlpha(Int(byte)) else { return }
        let start = position
        let word = descriptor()
        if ["nan", "inf"].contains(word.lowercased()) {
            position = start
            return
        }
        throw fail("bad histogram descriptor found: \(GoText.quoted(word))", at: start)
    }

    private mutating func value(of key: String, in literal: inout HistogramLiteral) throws(ParsingStopped) {
        switch key {
        case "schema": literal.histogram.schema = try integer()
        case "sum": literal.histogram.sum = try number()
        case "count": literal.histogram.count = try number()
        case "z_bucket": literal.histogram.zeroCount = try number()
        case "z_bucket_w": literal.histogram.zeroThreshold = try number()
        case "custom_values": literal.histogram.customValues = try list()
        case "buckets": literal.histogram.positiveBuckets = try list()
        case "n_buckets": literal.histogram.negativeBuckets = try list()
        case "offset": literal.offset = try integer()
        case "n_offset": literal.negativeOffset = try integer()
        default:
            let start = position
            let hint = word()
            guard let value = HistogramLiteral.hints[hint.lowercased()] else {
                throw fail("bad histogram descriptor found: \(GoText.quoted(hint))", at: start)
            }
            literal.histogram.counterResetHint = value
        }
        literal.layOut()
    }

    private mutating func integer() throws(ParsingStopped) -> Int32 {
        let start = position
        let value = try number()
        guard let integer = Int32(exactly: value) else {
            throw fail("not a whole number: \(GoNumber.text(value, .shortest))", at: start)
        }
        return integer
    }

    /// Numbers in brackets, separated by spaces.
    private mutating func list() throws(ParsingStopped) -> [Double] {
        guard take("[") else { throw unexpected("histogram description", "\"[\"") }
        var values: [Double] = []
        skipSpaces()
        while !take("]") {
            values.append(try number())
            if !skipSpaces(), !isAt("]"), let byte = current, !Lexer.isDigit(Int(byte)) {
                let start = position
                let found = Self.quoted(metric.lexer.nextScalar(at: &position))
                throw fail("invalid character in buckets description: \(found)", at: start)
            }
        }
        return values
    }
}

/// A histogram in the making.
private struct HistogramLiteral {
    var histogram = NativeHistogram()
    var offset: Int32 = 0
    var negativeOffset: Int32 = 0
    var seen: Set<String> = []

    static let keys: Set<String> = [
        "schema", "sum", "count", "z_bucket", "z_bucket_w", "custom_values", "buckets", "n_buckets", "offset",
        "n_offset", "counter_reset_hint",
    ]
    static let hints: [String: NativeHistogram.CounterResetHint] = [
        "unknown": .unknown, "reset": .reset, "not_reset": .notReset, "gauge": .gauge,
    ]

    /// Puts the buckets into one span for each side.
    mutating func layOut() {
        func spans(_ offset: Int32, _ buckets: [Double]) -> [NativeHistogram.Span] {
            buckets.isEmpty ? [] : [NativeHistogram.Span(offset: offset, length: UInt32(buckets.count))]
        }
        histogram.positiveSpans = spans(offset, histogram.positiveBuckets)
        histogram.negativeSpans = spans(negativeOffset, histogram.negativeBuckets)
    }
}

extension NativeHistogram {
    /// The histogram as tests write it: `{{count:5 sum:3 buckets:[2 3]}}`. Gaps between buckets are filled with zeros.
    package var testDescription: String {
        var parts: [String] = []
        func number(_ value: Double) -> String { GoNumber.text(value, .shortest) }
        func list(_ values: [Double]) -> String { "[" + values.map(number).joined(separator: " ") + "]" }
        if schema != 0 { parts.append("schema:\(schema)") }
        if count != 0 { parts.append("count:\(number(count))") }
        if sum != 0 { parts.append("sum:\(number(sum))") }
        if zeroCount != 0 { parts.append("z_bucket:\(number(zeroCount))") }
        if zeroThreshold != 0 { parts.append("z_bucket_w:\(number(zeroThreshold))") }
        if schema == NativeHistogram.customBoundsSchema { parts.append("custom_values:\(list(customValues))") }
        switch counterResetHint {
        case .unknown: break
        case .reset: parts.append("counter_reset_hint:reset")
        case .notReset: parts.append("counter_reset_hint:not_reset")
        case .gauge: parts.append("counter_reset_hint:gauge")
        }
        func add(_ counts: [(index: Int, count: Double)], _ offsetKey: String, _ key: String) {
            guard let first = counts.first, let last = counts.last else { return }
            if first.index != 0 { parts.append("\(offsetKey):\(first.index)") }
            let known = Dictionary(counts.map { ($0.index, $0.count) }) { $1 }
            // Absurd offsets would make absurd lists.
            let end = max(first.index, min(last.index, first.index + 1000))
            parts.append("\(key):" + list((first.index...end).map { known[$0] ?? 0 }))
        }
        add(occupiedPositive, "offset", "buckets")
        add(occupiedNegative, "n_offset", "n_buckets")
        return "{{" + parts.joined(separator: " ") + "}}"
    }

    /// The positive buckets that are not empty, with their indices.
    package var occupiedPositive: [(index: Int, count: Double)] {
        Self.occupied(positiveSpans, positiveBuckets)
    }

    /// The negative buckets that are not empty, with their indices.
    package var occupiedNegative: [(index: Int, count: Double)] {
        Self.occupied(negativeSpans, negativeBuckets)
    }

    private static func occupied(_ spans: [Span], _ buckets: [Double]) -> [(index: Int, count: Double)] {
        var result: [(index: Int, count: Double)] = []
        var index = 0
        var next = 0
        for span in spans {
            index += Int(span.offset)
            for _ in 0..<span.length where next < buckets.count {
                if buckets[next] != 0 { result.append((index, buckets[next])) }
                next += 1
                index += 1
            }
        }
        return result
    }
}
