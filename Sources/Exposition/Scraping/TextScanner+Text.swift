import MetricModel

/// The Prometheus text format.
extension TextScanner {
    /// The next token, white space included.
    mutating func lexText(_ current: UInt8) -> ScannerToken {
        switch state {
        case .start: return lexTextStart(current)
        case .comment: return lexTextComment(current)
        case .metaName:
            if current == UInt8(ascii: "\"") {
                return matchQuoted(allowsLineBreak: true) ? accept(.name, then: .metaText) : .invalid
            }
            if ByteClass.isNameStart(current) {
                _ = stepWhile(ByteClass.isNameByte)
                return accept(.name, then: .metaText)
            }
        case .metaText: return lexTextMeta(current)
        case .labels:
            switch current {
            case UInt8(ascii: "\""): return matchQuoted(allowsLineBreak: true) ? .quotedString : .invalid
            case UInt8(ascii: ","): return acceptByte(.comma)
            case UInt8(ascii: "="): return acceptByte(.equal, then: .labelValue)
            case UInt8(ascii: "}"): return acceptByte(.braceClose, then: .value)
            default:
                if ByteClass.isLabelStart(current) {
                    _ = stepWhile(ByteClass.isLabelByte)
                    return .labelName
                }
            }
        case .labelValue:
            if current == UInt8(ascii: "\"") {
                return matchQuoted(allowsLineBreak: true) ? accept(.labelValue, then: .labels) : .invalid
            }
        case .value:
            if current == UInt8(ascii: "{") { return acceptByte(.braceOpen, then: .labels) }
            if !TextScanner.endsTextValue(current) {
                _ = stepWhile { !TextScanner.endsTextValue($0) }
                return accept(.value, then: .timestamp)
            }
        case .timestamp:
            if current == UInt8(ascii: "\n") { return acceptByte(.lineBreak, then: .start) }
            if ByteClass.isDigit(current) {
                _ = stepWhile(ByteClass.isDigit)
                return .timestamp
            }
        case .exemplar, .exemplarValue, .exemplarTimestamp: return .invalid
        }
        return lexTextBlank(current)
    }

    private mutating func lexTextBlank(_ current: UInt8) -> ScannerToken {
        guard ByteClass.isBlank(current) else { return .invalid }
        _ = stepWhile(ByteClass.isBlank)
        return .whitespace
    }

    @inline(__always)
    static func endsTextValue(_ byte: UInt8) -> Bool {
        byte == 0 || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "{") || ByteClass.isBlank(byte)
    }

    private mutating func lexTextStart(_ current: UInt8) -> ScannerToken {
        switch current {
        case 0: return acceptByte(.end)
        case UInt8(ascii: "\n"): return acceptByte(.lineBreak, then: .start)
        case UInt8(ascii: "{"): return acceptByte(.braceOpen, then: .labels)
        case UInt8(ascii: "#"):
            var next = step()
            guard ByteClass.isBlank(next) else { return consumeComment() }
            while ByteClass.isBlank(next) { next = step() }
            state = .comment
            return lexTextComment(next)
        default:
            if ByteClass.isNameStart(current) {
                _ = stepWhile(ByteClass.isNameByte)
                return accept(.name, then: .value)
            }
            return lexTextBlank(current)
        }
    }

    private mutating func lexTextComment(_ current: UInt8) -> ScannerToken {
        if current == UInt8(ascii: "H"), matchRest("ELP"), ByteClass.isBlank(step()) {
            _ = stepWhile(ByteClass.isBlank)
            return accept(.help, then: .metaName)
        }
        if current == UInt8(ascii: "T"), matchRest("YPE"), ByteClass.isBlank(step()) {
            _ = stepWhile(ByteClass.isBlank)
            return accept(.type, then: .metaName)
        }
        if ByteClass.isBlank(current) { return lexTextBlank(current) }
        return consumeComment()
    }

    private mutating func lexTextMeta(_ first: UInt8) -> ScannerToken {
        var current = first
        if ByteClass.isBlank(current) {
            current = stepWhile(ByteClass.isBlank)
            if current == 0 || current == UInt8(ascii: "\n") { return .whitespace }
        }
        while current != 0, current != UInt8(ascii: "\n") { current = step() }
        return accept(.text, then: .start)
    }

    /// Runs to the end of the line.
    private mutating func consumeComment() -> ScannerToken {
        var current = position < length ? byte(position) : 0
        while true {
            if current == 0 { return .end }
            if current == UInt8(ascii: "\n") { return accept(.comment, then: .start) }
            current = step()
        }
    }

    /// The exact way to the next entry.
    mutating func nextTextEntry() throws(ExpositionError) -> ScrapeParser.Entry? {
        while true {
            entryStart = position
            offsets.removeAll(keepingCapacity: true)
            let token = nextToken()
            switch token {
            case .end: return nil
            case .lineBreak: continue
            case .help, .type: return try readTextMetadata(token)
            case .comment:
                textRange = tokenStart..<position
                let next = nextToken()
                if next != .lineBreak { throw unexpected("linebreak expected after comment", next) }
                return .comment
            case .braceOpen:
                offsets.append(-1)
                offsets.append(-1)
                return try readTextSeries(braceIsOpen: true)
            case .name:
                offsets.append(entryStart)
                offsets.append(position)
                return try readTextSeries(braceIsOpen: false)
            default: throw unexpected("expected a valid start token", token)
            }
        }
    }

    /// The name of a family, after a keyword.
    /// - Returns: the token behind it.
    mutating func readFamilyName(_ keyword: ScannerToken) throws(ExpositionError) -> ScannerToken {
        let token = nextToken()
        guard token == .name else { throw unexpected("expected metric name after \(keyword.rawValue)", token) }
        takeFamilyName()
        return nextToken()
    }

    private mutating func readTextMetadata(_ keyword: ScannerToken) throws(ExpositionError) -> ScrapeParser.Entry {
        var token = try readFamilyName(keyword)
        guard token == .text else {
            throw ExpositionError("expected text in \(keyword.rawValue), got \(token.rawValue)")
        }
        textRange = min(tokenStart + 1, position)..<position
        let text = slice(textRange.lowerBound, textRange.upperBound)
        if keyword == .type {
            switch String(decoding: text, as: UTF8.self) {
            case "counter": metricType = .counter
            case "gauge": metricType = .gauge
            case "histogram": metricType = .histogram
            case "summary": metricType = .summary
            case "untyped": metricType = .unknown
            default: throw ExpositionError("invalid metric type \(ByteText.quoted(text))")
            }
        } else if !ByteText.isValidUTF8(text) {
            throw ExpositionError("help text \(ByteText.quoted(text)) is not a valid utf8 string")
        }
        token = nextToken()
        if token != .lineBreak { throw unexpected("linebreak expected after metadata", token) }
        return keyword == .type ? .type : .help
    }

    /// The labels of a series, whose name was read already, or stands among them.
    /// - Returns: the token behind them.
    @inline(__always)
    mutating func readLabelSet(_ braceIsOpen: Bool) throws(ExpositionError) -> ScannerToken {
        series = entryStart..<position
        hasOffsets = true
        var token = ScannerToken.braceOpen
        if !braceIsOpen { token = nextToken() }
        if token == .braceOpen {
            var found = offsets
            offsets = []
            try readLabels(&found, isExemplar: false)
            offsets = found
            series = entryStart..<position
            token = nextToken()
        }
        if offsets[0] == -1 { throw whileParsing("metric name not set") }
        return token
    }

    private mutating func readTextSeries(braceIsOpen: Bool) throws(ExpositionError) -> ScrapeParser.Entry {
        var token = try readLabelSet(braceIsOpen)
        guard token == .value else { throw unexpected("expected value after metric", token) }
        leadOrigin = leadStart
        valueStart = tokenStart
        value = try parseSampleValue(tokenBytes)
        hasTimestamp = false
        token = nextToken()
        switch token {
        case .lineBreak: break
        case .timestamp:
            hasTimestamp = true
            do {
                timestamp = try GoFloat.parseInteger(tokenBytes)
            } catch {
                throw whileParsing("strconv.ParseInt: parsing \(ByteText.quoted(tokenBytes)): \(error.message)")
            }
            token = nextToken()
            if token != .lineBreak { throw unexpected("expected next entry after timestamp", token) }
        default: throw unexpected("expected timestamp or new record", token)
        }
        return .series
    }

    /// The fast way: a whole well-formed sample line, or nothing.
    mutating func scanTextSample() -> Bool {
        let start = position
        guard var index = scanName(start) else { return false }
        if index < count, base[index] == UInt8(ascii: "{") {
            guard let end = scanTextLabels(index + 1) else { return false }
            index = end
        }
        let end = index
        guard index < count, ByteClass.isBlank(base[index]) else { return false }
        while index < count, ByteClass.isBlank(base[index]) { index += 1 }
        return finishSample(series: start..<end, valueAt: index)
    }

    /// Reads what follows the series of a well-formed sample line: its value, perhaps a time, and the end of the line.
    @inline(__always)
    mutating func finishSample(series: Range<Int>, valueAt valueBegin: Int) -> Bool {
        var index = valueBegin
        guard let number = scanValue(&index) else { return false }
        var hasTime = false
        if index < count, base[index] == UInt8(ascii: " ") {
            guard let time = scanTimestamp(&index) else { return false }
            timestamp = time
            hasTime = true
        }
        guard index < count, base[index] == UInt8(ascii: "\n") else { return false }
        self.series = series
        entryStart = series.lowerBound
        hasOffsets = false
        value = number
        valueStart = valueBegin
        hasTimestamp = hasTime
        leadOrigin = leadStart
        position = index + 1
        leadStart = position
        return true
    }

    /// The end of the metric name that starts at an index.
    @inline(__always)
    func scanName(_ start: Int) -> Int? {
        var index = start
        guard index < count, ByteClass.isNameStart(base[index]) else { return nil }
        index += 1
        while index < count, ByteClass.isNameByte(base[index]) { index += 1 }
        return index
    }

    /// The index after the closing brace of plain labels that start at an index.
    private func scanTextLabels(_ start: Int) -> Int? {
        var index = start
        while index < count {
            if base[index] == UInt8(ascii: "}") { return index + 1 }
            guard let end = scanLabel(index, allowsLineBreak: true) else { return nil }
            index = end
            guard index < count else { return nil }
            if base[index] == UInt8(ascii: ",") { index += 1 } else if base[index] != UInt8(ascii: "}") { return nil }
        }
        return nil
    }

    /// The index after the closing quote of `name="value"` that starts at an index.
    @inline(__always)
    func scanLabel(_ start: Int, allowsLineBreak: Bool) -> Int? {
        var index = start
        guard ByteClass.isLabelStart(base[index]) else { return nil }
        index += 1
        while index < count, ByteClass.isLabelByte(base[index]) { index += 1 }
        guard index + 1 < count, base[index] == UInt8(ascii: "="), base[index + 1] == UInt8(ascii: "\"") else {
            return nil
        }
        index += 2
        let begin = index
        var high: UInt8 = 0
        while index < count {
            let current = base[index]
            if current == UInt8(ascii: "\"") {
                if high & 0x80 != 0, !isValidUTF8(begin..<index) { return nil }
                return index + 1
            }
            if current == UInt8(ascii: "\\") {
                index += 1
                guard index < count, base[index] != UInt8(ascii: "\n") else { return nil }
            } else if current == UInt8(ascii: "\n"), !allowsLineBreak {
                return nil
            }
            if base[index] == 0 { return nil }
            high |= base[index]
            index += 1
        }
        return nil
    }
}
