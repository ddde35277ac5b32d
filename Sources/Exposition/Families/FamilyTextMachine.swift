import MetricModel

/// A metric under construction. A reference, because several lines add to one summary or histogram.
final class PendingMetric {
    var labels: [Label] = []
    var timestamp: Timestamp?
    /// The value of a simple metric.
    var number = 0.0
    /// The parts of a summary or histogram.
    var sum = 0.0
    var count = 0.0
    var quantiles: [MetricFamily.Summary.Quantile] = []
    var buckets: [MetricFamily.Histogram.Bucket] = []
    /// Whether sum and count were there, and how many lines were neither these nor a quantile or bucket.
    var hasSum = false
    var hasCount = false
    var strayLines = 0
    /// Where it came up first.
    let line: Int

    init(line: Int) { self.line = line }

    /// The value as one of a family of that type.
    func value(of type: MetricType) -> MetricFamily.Value {
        switch type {
        case .counter: .counter(number)
        case .gauge: .gauge(number)
        case .summary: .summary(.init(quantiles: quantiles, sum: sum, count: GoFloat.unsigned(count)))
        case .histogram, .gaugehistogram: .histogram(.init(buckets: buckets, sum: sum, count: count))
        case .info, .stateset, .unknown: .untyped(number)
        }
    }
}

/// A family under construction.
final class PendingFamily {
    let name: [UInt8]
    var help: String?
    /// `nil` until a TYPE line or a sample fixes it.
    var type: MetricType?
    var metrics: [PendingMetric] = []
    /// Where it came up first.
    let line: Int

    init(name: [UInt8], line: Int) {
        self.name = name
        self.line = line
    }

    var isHistogram: Bool { type == .histogram || type == .gaugehistogram }
}

/// The state of ``FamilyTextParser`` while it reads.
///
/// Each step reads on from ``current``, the byte read last, and leaves the first byte that it did not use there, as the Go
/// library does: its errors and oddities depend on that.
final class FamilyTextMachine {
    /// What comes next.
    enum Step {
        case lineStart, comment, metricName, labels, labelName, labelValue, value, timestamp, help, type, done
    }

    /// Part of a histogram's or summary's name.
    enum Part {
        case plain, sum, count
    }

    let bytes: UnsafeBufferPointer<UInt8>
    let validation: NameValidation
    var position = 0
    private(set) var isAtEnd = false
    var current: UInt8 = 0
    var line = 0
    var token: [UInt8] = []

    private var families: [PendingFamily] = []
    private var familiesByName: [[UInt8]: PendingFamily] = [:]
    var family: PendingFamily?
    var metric: PendingMetric?
    var part = Part.plain
    var label: (name: [UInt8], value: [UInt8]) = ([], [])
    var labels: [Label] = []
    /// The names of ``labels``, once there are many.
    var labelNames: Set<String> = []
    /// The labels without `le` and `quantile`, and the family's name: what makes a summary or histogram the same one.
    var identity: [[UInt8]: [UInt8]] = [:]
    private var summaries: [[UInt8]: PendingMetric] = [:]
    private var histograms: [[UInt8]: PendingMetric] = [:]
    var quantile = Double.nan
    var bucket = Double.nan
    /// What the plain way to read a line remembers from one to the next.
    var plain = PlainLineMemory()
    var readsPlainLines = true
    /// How many metrics there may be, and how many there are.
    var metricLimit = Int.max
    private var metricCount = 0
    /// How many bytes of memory the families take, about.
    private var size = 0
    private var room = MessageRoom()
    var isInsideBraces = false
    var hasNameInsideBraces = false

    init(_ bytes: UnsafeBufferPointer<UInt8>, validation: NameValidation) {
        self.bytes = bytes
        self.validation = validation
    }

    /// Reads everything.
    func run() throws(ExpositionError) {
        var step = Step.lineStart
        while step != .done {
            switch step {
            case .lineStart:
                try room.take(inAll: size)
                if metricCount > metricLimit { throw MessageRoom.tooMany(metricLimit) }
                step = startLine()
            case .comment: step = try readComment()
            case .metricName: step = try readMetricName()
            case .labels: step = startLabels()
            case .labelName: step = try readLabelName()
            case .labelValue: step = try readLabelValue()
            case .value: step = try readValue()
            case .timestamp: step = try readTimestamp()
            case .help: step = try readHelp()
            case .type: step = try readType()
            case .done: break
            }
        }
    }

    func failure(_ message: String) -> ExpositionError {
        ExpositionError("text format parsing error in line \(line): \(message)")
    }

    var unexpectedEnd: ExpositionError { failure("unexpected end of input stream") }

    // MARK: Bytes and tokens

    func readByte() {
        if position < bytes.count {
            current = bytes[position]
            position += 1
        } else {
            current = 0
            isAtEnd = true
        }
    }

    private func readByteOrFail() throws(ExpositionError) {
        readByte()
        if isAtEnd { throw unexpectedEnd }
    }

    func skipBlanks() throws(ExpositionError) {
        repeat { try readByteOrFail() } while ByteClass.isBlank(current)
    }

    func skipBlanksIfAny() throws(ExpositionError) {
        if ByteClass.isBlank(current) { try skipBlanks() }
    }

    func readUntilBlank() throws(ExpositionError) {
        token.removeAll(keepingCapacity: true)
        while !ByteClass.isBlank(current), current != UInt8(ascii: "\n") {
            token.append(current)
            try readByteOrFail()
        }
    }

    func readUntilLineEnd(resolvesEscapes: Bool) throws(ExpositionError) {
        token.removeAll(keepingCapacity: true)
        var isEscaped = false
        while true {
            if isEscaped, resolvesEscapes {
                try appendEscape()
                isEscaped = false
            } else if current == UInt8(ascii: "\n") {
                return
            } else if current == UInt8(ascii: "\\") {
                // Where escapes mean nothing the backslash is dropped, as the Go library does.
                isEscaped = true
            } else {
                token.append(current)
            }
            try readByteOrFail()
        }
    }

    func appendEscape() throws(ExpositionError) {
        switch current {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): token.append(current)
        case UInt8(ascii: "n"): token.append(UInt8(ascii: "\n"))
        default: throw failure("invalid escape sequence '\\\(Character(Unicode.Scalar(current)))'")
        }
    }

    /// Reads a name, quoted or not, into ``token``. Empty where ``current`` cannot begin one.
    func readName(_ what: String, isPart: (UInt8) -> Bool) throws(ExpositionError) {
        token.removeAll(keepingCapacity: true)
        guard current == UInt8(ascii: "\"") || (isPart(current) && !ByteClass.isDigit(current)) else { return }
        var isQuoted = false
        var isEscaped = false
        while true {
            if isEscaped {
                try appendEscape()
                isEscaped = false
            } else {
                switch current {
                case UInt8(ascii: "\""):
                    isQuoted.toggle()
                    if !isQuoted {
                        try readByteOrFail()
                        return
                    }
                case UInt8(ascii: "\n"):
                    throw failure("\(what) name \(ByteText.quoted(token)) contains unescaped new-line")
                case UInt8(ascii: "\\"): isEscaped = true
                default: token.append(current)
                }
            }
            try readByteOrFail()
            if !isQuoted, current != UInt8(ascii: "\""), !isPart(current) { return }
        }
    }

    // MARK: Families

    /// Makes the family that the name in ``token`` belongs to the current one.
    func selectFamily() throws(ExpositionError) {
        part = .plain
        guard validation.acceptsMetricName(token) else {
            throw failure("invalid metric name \(ByteText.quoted(token))")
        }
        if let known = familiesByName[token] {
            family = known
            return
        }
        let isSum = token.count > 4 && token.hasSuffix("_sum")
        let isCount = token.count > 6 && token.hasSuffix("_count")
        let isBucket = token.count > 7 && token.hasSuffix("_bucket")
        let suffix = isSum ? 4 : isCount ? 6 : isBucket ? 7 : 0
        if suffix > 0, let owner = familiesByName[Array(token.dropLast(suffix))],
            owner.isHistogram || (owner.type == .summary && !isBucket)
        {
            part = isSum ? .sum : isCount ? .count : .plain
            family = owner
            return
        }
        plain.forgetName()
        let created = PendingFamily(name: token, line: line)
        take(MemoryLayout<MetricFamily>.stride + 192 + 2 * token.count)
        families.append(created)
        familiesByName[token] = created
        family = created
    }

    /// The name of the current family for messages; empty where there is none.
    var familyName: String { ByteText.quoted(family?.name ?? []) }

    /// Adds the current metric to its family, or takes up the summary or histogram that the line belongs to.
    func attachMetric() {
        guard let family, metric != nil else { return }
        var key: [UInt8] = []
        if family.type == .summary || family.isHistogram {
            for (name, value) in identity.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                key += name
                key.append(0xff)
                key += value
                key.append(0xff)
            }
        }
        attachMetric(key)
    }

    /// The same, with the labels' key for summaries and histograms at hand.
    func attachMetric(_ key: [UInt8]) {
        guard let family, let pending = metric else { return }
        if family.type == .summary {
            if let known = summaries[key] {
                metric = known
                return
            }
            summaries[key] = pending
        } else if family.isHistogram {
            if let known = histograms[key] {
                metric = known
                return
            }
            histograms[key] = pending
        }
        append(pending, to: family)
    }

    /// Adds a metric to a family.
    func append(_ metric: PendingMetric, to family: PendingFamily) {
        // Once here and once as it is handed over.
        take(MemoryLayout<MetricFamily.Metric>.stride + 192 + 2 * MemoryLayout<Label>.stride * metric.labels.count)
        family.metrics.append(metric)
        metricCount += 1
    }

    /// Notes that the families take more memory.
    func take(_ bytes: Int) { size &+= bytes }

    /// The families in the order in which they came up.
    var pendingFamilies: [PendingFamily] { families }

    /// The column of the byte read last, counted from 1.
    func column(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var start = max(position - 1, 0)
        while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        return max(position - start, 1)
    }

    /// The result.
    func takeFamilies() -> [MetricFamily] {
        families.compactMap { family in
            guard !family.metrics.isEmpty else { return nil }
            return MetricFamily(
                name: String(decoding: family.name, as: UTF8.self),
                help: family.help,
                type: family.type ?? .unknown,
                metrics: family.metrics.map { pending in
                    MetricFamily.Metric(
                        labels: pending.labels,
                        value: pending.value(of: family.type ?? .unknown),
                        timestamp: pending.timestamp
                    )
                }
            )
        }
    }
}

extension [UInt8] {
    /// Whether the bytes end like a text.
    func hasSuffix(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { suffix in
            count >= suffix.count && self[(count - suffix.count)...].elementsEqual(suffix)
        }
    }
}
