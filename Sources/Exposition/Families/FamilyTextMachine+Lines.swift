import MetricModel

/// The steps of reading a line.
extension FamilyTextMachine {
    func startLine() -> Step {
        line += 1
        isInsideBraces = false
        hasNameInsideBraces = false
        if readsPlainLines, readPlainLine() { return .lineStart }
        // The only place where the input may end.
        repeat { readByte() } while !isAtEnd && ByteClass.isBlank(current)
        if isAtEnd { return .done }
        switch current {
        case UInt8(ascii: "#"): return .comment
        case UInt8(ascii: "\n"): return .lineStart
        case UInt8(ascii: "{"):
            isInsideBraces = true
            return .labels
        default: return .metricName
        }
    }

    func readComment() throws(ExpositionError) -> Step {
        try skipBlanks()
        if current == UInt8(ascii: "\n") { return .lineStart }
        try readUntilBlank()
        if current == UInt8(ascii: "\n") { return .lineStart }
        let isHelp = token.elementsEqual("HELP".utf8)
        guard isHelp || token.elementsEqual("TYPE".utf8) else {
            while current != UInt8(ascii: "\n") {
                readByte()
                if isAtEnd { throw unexpectedEnd }
            }
            return .lineStart
        }
        try skipBlanks()
        try readName("metric", isPart: ByteClass.isNameByte)
        if current == UInt8(ascii: "\n") { return .lineStart }
        guard ByteClass.isBlank(current) else { throw failure("invalid metric name in comment") }
        try selectFamily()
        try skipBlanks()
        if current == UInt8(ascii: "\n") { return .lineStart }
        return isHelp ? .help : .type
    }

    func readHelp() throws(ExpositionError) -> Step {
        guard family?.help == nil else { throw failure("second HELP line for metric name \(familyName)") }
        try readUntilLineEnd(resolvesEscapes: true)
        family?.help = String(decoding: token, as: UTF8.self)
        return .lineStart
    }

    func readType() throws(ExpositionError) -> Step {
        guard family?.type == nil else {
            throw failure("second TYPE line for metric name \(familyName), or TYPE reported after samples")
        }
        try readUntilLineEnd(resolvesEscapes: false)
        plain.forgetName()
        switch String(decoding: token, as: UTF8.self).uppercased() {
        case "COUNTER": family?.type = .counter
        case "GAUGE": family?.type = .gauge
        case "SUMMARY": family?.type = .summary
        case "UNTYPED": family?.type = .unknown
        case "HISTOGRAM": family?.type = .histogram
        case "GAUGE_HISTOGRAM", "GAUGEHISTOGRAM": family?.type = .gaugehistogram
        default: throw failure("unknown metric type \(ByteText.quoted(token))")
        }
        return .lineStart
    }

    func readMetricName() throws(ExpositionError) -> Step {
        try readName("metric", isPart: ByteClass.isNameByte)
        if token.isEmpty { throw failure("invalid metric name") }
        try beginMetric()
        try skipBlanksIfAny()
        return .labels
    }

    private func beginMetric() throws(ExpositionError) {
        try selectFamily()
        if family?.type == nil { family?.type = .unknown }
        metric = PendingMetric(line: line)
    }

    func startLabels() -> Step {
        if let family, family.type == .summary || family.isHistogram {
            identity = [Array("__name__".utf8): family.name]
            quantile = .nan
            bucket = .nan
        }
        return current == UInt8(ascii: "{") ? .labelName : .value
    }

    private func closeLabels() throws(ExpositionError) -> Step {
        guard family != nil, let metric else { throw failure("invalid metric name") }
        metric.labels += labels
        labels = []
        if !labelNames.isEmpty { labelNames = [] }
        try skipBlanks()
        return .value
    }

    func readLabelName() throws(ExpositionError) -> Step {
        try skipBlanks()
        if current == UInt8(ascii: "}") { return try closeLabels() }
        try readName("label", isPart: ByteClass.isLabelByte)
        if token.isEmpty { throw failure("invalid label name for metric \(familyName)") }
        try skipBlanksIfAny()
        guard current == UInt8(ascii: "=") else { return try readNameInsideBraces() }
        label = (token, [])
        if token.elementsEqual("__name__".utf8) { throw failure("label name \"__name__\" is reserved") }
        guard validation.acceptsLabelName(token) else {
            throw failure("invalid label name \(ByteText.quoted(token))")
        }
        let isMagic =
            (family?.type == .summary && token.elementsEqual("quantile".utf8))
            || (family?.isHistogram == true && token.elementsEqual("le".utf8))
        if !isMagic {
            let name = String(decoding: token, as: UTF8.self)
            if labelNames.isEmpty, labels.count >= 16 { labelNames = Set(labels.map(\.name)) }
            let isRepeated =
                labels.count < 16
                ? labels.contains { $0.name == name } : !labelNames.insert(name).inserted
            if isRepeated {
                throw failure("duplicate label names for metric \(familyName)")
            }
            labels.append(Label(name: name, value: ""))
        }
        return .labelValue
    }

    /// What was read as a label's name is the metric's: `{"name", …}`.
    private func readNameInsideBraces() throws(ExpositionError) -> Step {
        let found = GoText.quotedRune(current)
        guard isInsideBraces else { throw failure("expected '=' after label name, found \(found)") }
        if hasNameInsideBraces { throw failure("multiple metric names for metric \(familyName)") }
        switch current {
        case UInt8(ascii: ","):
            try beginMetric()
            hasNameInsideBraces = true
            return .labelName
        case UInt8(ascii: "}"):
            try beginMetric()
            return try closeLabels()
        default: throw failure("unexpected end of metric name \(found)")
        }
    }

    func readLabelValue() throws(ExpositionError) -> Step {
        try skipBlanks()
        guard current == UInt8(ascii: "\"") else {
            throw failure("expected '\"' at start of label value, found \(GoText.quotedRune(current))")
        }
        try readQuotedValue()
        guard ByteText.isValidUTF8(token) else { throw failure("invalid label value \(ByteText.quoted(token))") }
        label.value = token
        try noteLabel()
        try skipBlanks()
        switch current {
        case UInt8(ascii: ","): return .labelName
        case UInt8(ascii: "}"): return try closeLabels()
        default: throw failure("unexpected end of label value \(ByteText.quoted(label.value))")
        }
    }

    private func readQuotedValue() throws(ExpositionError) {
        token.removeAll(keepingCapacity: true)
        var isEscaped = false
        while true {
            readByte()
            if isAtEnd { throw unexpectedEnd }
            if isEscaped {
                try appendEscape()
                isEscaped = false
                continue
            }
            switch current {
            case UInt8(ascii: "\""): return
            case UInt8(ascii: "\n"):
                throw failure("label value \(ByteText.quoted(token)) contains unescaped new-line")
            case UInt8(ascii: "\\"): isEscaped = true
            default: token.append(current)
            }
        }
    }

    /// Puts the label where it belongs: `le` and `quantile` aside, all others to the metric.
    private func noteLabel() throws(ExpositionError) {
        let text = String(decoding: label.value, as: UTF8.self)
        let isSummary = family?.type == .summary
        let isHistogram = family?.isHistogram == true
        if isSummary, label.name.elementsEqual("quantile".utf8) {
            quantile = try readMagicLabel("quantile")
            return
        }
        if isHistogram, label.name.elementsEqual("le".utf8) {
            bucket = try readMagicLabel("le")
            return
        }
        if isSummary || isHistogram { identity[label.name] = label.value }
        if !labels.isEmpty { labels[labels.count - 1].value = text }
    }

    private func readMagicLabel(_ name: String) throws(ExpositionError) -> Double {
        guard let number = parseFloat(label.value) else {
            throw failure("expected float as value for '\(name)' label, got \(ByteText.quoted(label.value))")
        }
        return number
    }

    func parseFloat(_ text: [UInt8]) -> Double? {
        if text.contains(where: { $0 == UInt8(ascii: "p") || $0 == UInt8(ascii: "P") || $0 == UInt8(ascii: "_") }) {
            return nil
        }
        return try? GoFloat.parse(text)
    }

    func readValue() throws(ExpositionError) -> Step {
        attachMetric()
        try readUntilBlank()
        guard let number = parseFloat(token) else {
            throw failure("expected float as value, got \(ByteText.quoted(token))")
        }
        try setValue(number)
        return current == UInt8(ascii: "\n") ? .lineStart : .timestamp
    }

    func setValue(_ number: Double) throws(ExpositionError) {
        guard let family, let metric else { return }
        let isHistogram = family.isHistogram
        guard isHistogram || family.type == .summary else {
            metric.number = number
            return
        }
        switch part {
        case .sum:
            metric.sum = number
            metric.hasSum = true
        case .count:
            if isHistogram, number < 0 { throw failure("negative count for histogram \(familyName)") }
            metric.count = number == 0 ? 0 : number
            metric.hasCount = true
        case .plain:
            if !isHistogram, !quantile.isNaN {
                take(2 * MemoryLayout<MetricFamily.Summary.Quantile>.stride)
                metric.quantiles.append(.init(quantile: quantile, value: number))
            } else if isHistogram, !bucket.isNaN {
                if number < 0 { throw failure("negative bucket population for histogram \(familyName)") }
                take(2 * MemoryLayout<MetricFamily.Histogram.Bucket>.stride)
                metric.buckets.append(.init(upperBound: bucket, cumulativeCount: number == 0 ? 0 : number))
            } else {
                metric.strayLines += 1
            }
        }
    }

    func readTimestamp() throws(ExpositionError) -> Step {
        try skipBlanks()
        try readUntilBlank()
        guard let time = try? GoFloat.parseInteger(token) else {
            throw failure("expected integer as timestamp, got \(ByteText.quoted(token))")
        }
        metric?.timestamp = time
        try readUntilLineEnd(resolvesEscapes: false)
        if !token.isEmpty { throw failure("spurious string after timestamp: \(ByteText.quoted(token))") }
        return .lineStart
    }
}

extension GoText {
    /// A byte as Go's `%q` writes it: the character of that number in single quotes.
    static func quotedRune(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "'"): return #"'\''"#
        case UInt8(ascii: "\""): return #"'"'"#
        default:
            let text = String(Character(Unicode.Scalar(byte)))
            return "'" + GoText.escaped(text) + "'"
        }
    }
}
