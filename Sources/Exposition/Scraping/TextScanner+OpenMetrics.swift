import MetricModel

/// The OpenMetrics text format, as Prometheus reads it.
extension TextScanner {
    mutating func lexOpenMetrics(_ current: UInt8) -> ScannerToken {
        switch state {
        case .start:
            switch current {
            case UInt8(ascii: "#"):
                guard step() == UInt8(ascii: " ") else { return .invalid }
                let next = step()
                state = .comment
                return lexOpenMetricsComment(next)
            case UInt8(ascii: "{"): return acceptByte(.braceOpen, then: .labels)
            default:
                guard ByteClass.isNameStart(current) else { return .invalid }
                _ = stepWhile(ByteClass.isNameByte)
                return accept(.name, then: .value)
            }
        case .comment: return lexOpenMetricsComment(current)
        case .metaName:
            if current == UInt8(ascii: "\"") {
                return matchQuoted(allowsLineBreak: true) ? accept(.name, then: .metaText) : .invalid
            }
            guard ByteClass.isNameStart(current) else { return .invalid }
            _ = stepWhile(ByteClass.isNameByte)
            return accept(.name, then: .metaText)
        case .metaText:
            guard current == UInt8(ascii: " ") else { return .invalid }
            while true {
                let next = step()
                if next == 0 { return .invalid }
                if next == UInt8(ascii: "\n") { return acceptByte(.text, then: .start) }
            }
        case .labels: return lexOpenMetricsLabels(current, value: .labelValue, after: .value, allowsLineBreak: true)
        case .labelValue:
            guard current == UInt8(ascii: "\""), matchQuoted(allowsLineBreak: false) else { return .invalid }
            return accept(.labelValue, then: .labels)
        case .value:
            if current == UInt8(ascii: "{") { return acceptByte(.braceOpen, then: .labels) }
            return lexOpenMetricsNumber(current, .value, then: .timestamp)
        case .timestamp: return lexOpenMetricsTimestamp(current)
        case .exemplar:
            return lexOpenMetricsLabels(current, value: .exemplarValue, after: .exemplarValue, allowsLineBreak: false)
        case .exemplarValue:
            if current == UInt8(ascii: "\"") {
                return matchQuoted(allowsLineBreak: false) ? accept(.labelValue, then: .exemplar) : .invalid
            }
            return lexOpenMetricsNumber(current, .value, then: .exemplarTimestamp)
        case .exemplarTimestamp:
            if current == UInt8(ascii: "\n") { return acceptByte(.lineBreak, then: .start) }
            return lexOpenMetricsNumber(current, .timestamp, then: nil)
        }
    }

    private mutating func lexOpenMetricsComment(_ current: UInt8) -> ScannerToken {
        switch current {
        case UInt8(ascii: "E"):
            guard matchRest("OF") else { return .invalid }
            if step() == UInt8(ascii: "\n") { _ = step() }
            return accept(.endWord, then: .start)
        case UInt8(ascii: "H"): return matchRest("ELP ") ? acceptByte(.help, then: .metaName) : .invalid
        case UInt8(ascii: "T"): return matchRest("YPE ") ? acceptByte(.type, then: .metaName) : .invalid
        case UInt8(ascii: "U"): return matchRest("NIT ") ? acceptByte(.unit, then: .metaName) : .invalid
        default: return .invalid
        }
    }

    private mutating func lexOpenMetricsLabels(
        _ current: UInt8,
        value: State,
        after: State,
        allowsLineBreak: Bool
    ) -> ScannerToken {
        switch current {
        case UInt8(ascii: "\""): return matchQuoted(allowsLineBreak: allowsLineBreak) ? .quotedString : .invalid
        case UInt8(ascii: ","): return acceptByte(.comma)
        case UInt8(ascii: "="): return acceptByte(.equal, then: value)
        case UInt8(ascii: "}"): return acceptByte(.braceClose, then: after)
        default:
            guard ByteClass.isLabelStart(current) else { return .invalid }
            _ = stepWhile(ByteClass.isLabelByte)
            return .labelName
        }
    }

    private static func endsNumber(_ byte: UInt8) -> Bool {
        byte == 0 || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: " ")
    }

    /// A blank and whatever follows it up to the next one.
    private mutating func lexOpenMetricsNumber(_ current: UInt8, _ token: ScannerToken, then next: State?)
        -> ScannerToken
    {
        guard current == UInt8(ascii: " "), !TextScanner.endsNumber(step()) else { return .invalid }
        _ = stepWhile { !TextScanner.endsNumber($0) }
        return accept(token, then: next)
    }

    private mutating func lexOpenMetricsTimestamp(_ current: UInt8) -> ScannerToken {
        if current == UInt8(ascii: "\n") { return acceptByte(.lineBreak, then: .start) }
        guard current == UInt8(ascii: " ") else { return .invalid }
        let first = step()
        if TextScanner.endsNumber(first) { return .invalid }
        if first == UInt8(ascii: "#") {
            let second = step()
            if second == UInt8(ascii: " ") {
                return step() == UInt8(ascii: "{") ? acceptByte(.comment, then: .exemplar) : .invalid
            }
            if TextScanner.endsNumber(second) { return .timestamp }
        }
        _ = stepWhile { !TextScanner.endsNumber($0) }
        return .timestamp
    }

    /// The exact way to the next entry.
    mutating func nextOpenMetricsEntry() throws(ExpositionError) -> ScrapeParser.Entry? {
        while true {
            entryStart = position
            offsets.removeAll(keepingCapacity: true)
            let token = nextToken()
            switch token {
            case .endWord:
                if nextToken() != .end { throw ExpositionError("unexpected data after # EOF") }
                return nil
            case .end: throw ExpositionError("data does not end with # EOF")
            case .help, .type, .unit: return try readOpenMetricsMetadata(token)
            case .braceOpen, .name:
                if token == .name {
                    offsets.append(entryStart)
                    offsets.append(position)
                } else {
                    offsets.append(-1)
                    offsets.append(-1)
                }
                try readOpenMetricsSeries(braceIsOpen: token == .braceOpen)
                if skipsCreatedSeries, isCreatedSeries { continue }
                return .series
            default: throw unexpected("expected a valid start token", token)
            }
        }
    }

    private mutating func readOpenMetricsMetadata(_ keyword: ScannerToken) throws(ExpositionError) -> ScrapeParser.Entry
    {
        let token = try readFamilyName(keyword)
        guard token == .text else { throw ExpositionError("expected text in \(keyword.rawValue)") }
        textRange = position - tokenStart > 1 ? tokenStart + 1..<position - 1 : position..<position
        let text = slice(textRange.lowerBound, textRange.upperBound)
        switch keyword {
        case .type:
            let word = String(decoding: text, as: UTF8.self)
            guard let type = MetricType(rawValue: word) else {
                throw ExpositionError("invalid metric type \(ByteText.quoted(text))")
            }
            metricType = type
            return .type
        case .unit:
            unit = text
            let name = slice(familyNameRange.lowerBound, familyNameRange.upperBound)
            let hasSuffix =
                name.count > text.count && name.suffix(text.count).elementsEqual(text)
                && name[name.count - text.count - 1] == UInt8(ascii: "_")
            if !text.isEmpty, !hasSuffix {
                throw ExpositionError(
                    "unit \(ByteText.quoted(text)) not a suffix of metric \(ByteText.quoted(name))"
                )
            }
            return .unit
        default:
            if !ByteText.isValidUTF8(text) {
                throw ExpositionError("help text \(ByteText.quoted(text)) is not a valid utf8 string")
            }
            return .help
        }
    }

    private mutating func readOpenMetricsSeries(braceIsOpen: Bool) throws(ExpositionError) {
        leadOrigin = leadStart
        valueStart = -1
        var token = try readLabelSet(braceIsOpen)
        if token == .value { valueStart = tokenStart + 1 }
        value = try readNumber(token, after: "metric")
        hasTimestamp = false
        token = nextToken()
        switch token {
        case .end: throw ExpositionError("data does not end with # EOF")
        case .comment: try readExemplar()
        case .timestamp:
            hasTimestamp = true
            timestamp = try readTime("timestamp")
            token = nextToken()
            switch token {
            case .lineBreak: break
            case .comment: try readExemplar()
            default: throw unexpected("expected next entry after timestamp", token)
            }
        default: break
        }
    }

    private func readNumber(_ token: ScannerToken, after: String) throws(ExpositionError) -> Double {
        guard token == .value else { throw unexpected("expected value after \(after)", token) }
        return try parseSampleValue(slice(tokenStart + 1, position))
    }

    private func readTime(_ what: String) throws(ExpositionError) -> Timestamp {
        let seconds: Double
        do {
            seconds = try parseFloat(slice(tokenStart + 1, position))
        } catch {
            throw whileParsing(error.message)
        }
        guard seconds.isFinite else {
            // Go's %f writes these as it writes all special values.
            throw ExpositionError("invalid \(what) \(GoNumber.text(seconds, .shortest))")
        }
        return GoFloat.truncated(seconds * 1000)
    }

    private mutating func readExemplar() throws(ExpositionError) {
        if keepsExemplar {
            while true {
                let token = nextToken()
                if token == .lineBreak { return }
                if token == .end { throw ExpositionError("data does not end with # EOF") }
                // An invalid token would never end; its line is read again, with an error, when it is its turn.
                if token == .invalid { throw ExpositionError("invalid exemplar") }
            }
        }
        var found = exemplarOffsets
        exemplarOffsets = []
        found.removeAll(keepingCapacity: true)
        try readLabels(&found, isExemplar: true)
        exemplarOffsets = found
        var token = nextToken()
        exemplarValue = try readNumber(token, after: "exemplar labels")
        exemplarTimestamp = nil
        token = nextToken()
        switch token {
        case .end: throw ExpositionError("data does not end with # EOF")
        case .lineBreak: break
        case .timestamp:
            exemplarTimestamp = try readTime("exemplar timestamp")
            token = nextToken()
            if token != .lineBreak { throw unexpected("expected next entry after exemplar timestamp", token) }
        default: throw unexpected("expected timestamp or comment", token)
        }
        hasExemplar = true
    }

    /// The fast way: a whole well-formed sample line without an exemplar, or nothing.
    mutating func scanOpenMetricsSample() -> Bool {
        let start = position
        guard var index = scanName(start) else { return false }
        let nameEnd = index
        if index < count, base[index] == UInt8(ascii: "{") {
            index += 1
            while index < count, base[index] != UInt8(ascii: "}") {
                guard let end = scanLabel(index, allowsLineBreak: false), end < count else { return false }
                index = end
                if base[index] == UInt8(ascii: ",") {
                    index += 1
                } else if base[index] != UInt8(ascii: "}") {
                    return false
                }
            }
            index += 1
        }
        let end = index
        guard index < count, base[index] == UInt8(ascii: " ") else { return false }
        index += 1
        // Created series may have to be left out, which the exact way does.
        if skipsCreatedSeries, nameEnd - start >= 8, isCreatedName(start..<nameEnd) { return false }
        return finishSample(series: start..<end, valueAt: index)
    }

    func isCreatedName(_ range: Range<Int>) -> Bool {
        guard range.count >= 8 else { return false }
        var index = range.upperBound - 8
        for letter in "_created".utf8 {
            if byte(index) != letter { return false }
            index += 1
        }
        return true
    }

    private var isCreatedSeries: Bool {
        metricType.hasStartTimestamp && isCreatedName(offsets[0]..<max(offsets[0], offsets[1]))
    }
}

extension MetricType {
    /// Whether OpenMetrics has `_created` lines for it.
    var hasStartTimestamp: Bool { self == .counter || self == .summary || self == .histogram }
}
