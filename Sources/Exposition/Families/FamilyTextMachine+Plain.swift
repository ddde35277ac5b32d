import MetricModel

/// What reading plain lines keeps from one to the next.
struct PlainLineMemory {
    /// A label's name and value in the text.
    struct Span {
        var name: Range<Int>
        var value: Range<Int>
        var isEscaped: Bool
    }

    /// The labels of the line at hand.
    var spans: [Span] = []
    /// The metric name of the last line, and the family and part that it stands for.
    var name: [UInt8] = []
    var family: PendingFamily?
    var part = FamilyTextMachine.Part.plain
    /// The key of the summary or histogram at hand, and the last one with its metric.
    var key: [UInt8] = []
    var lastKey: [UInt8] = []
    var metric: PendingMetric?

    /// Makes the key at hand the last one.
    mutating func keepKey() { swap(&key, &lastKey) }

    /// To be called whenever a name may come to mean something else.
    mutating func forgetName() {
        name = []
        family = nil
        metric = nil
    }
}

/// The quick way for a well-formed line `name{label="value",…} value [timestamp]`; all else is left to the exact one.
extension FamilyTextMachine {
    /// Reads the line at ``position`` if it is a plain sample; otherwise nothing has happened.
    func readPlainLine() -> Bool {
        guard let base = bytes.baseAddress, let nameEnd = plainNameEnd(base) else { return false }
        let start = position
        var index = nameEnd
        plain.spans.removeAll(keepingCapacity: true)
        if index < bytes.count, base[index] == UInt8(ascii: "{") {
            guard let end = plainLabelsEnd(base, index + 1) else { return false }
            index = end
        }
        guard index < bytes.count, ByteClass.isBlank(base[index]) else { return false }
        while index < bytes.count, ByteClass.isBlank(base[index]) { index += 1 }
        guard let number = plainValue(base, &index) else { return false }
        var timestamp: Timestamp?
        if index < bytes.count, base[index] == UInt8(ascii: " ") {
            index += 1
            let first = index
            var time: Int64 = 0
            while index < bytes.count, ByteClass.isDigit(base[index]) {
                time = time &* 10 &+ Int64(base[index] &- UInt8(ascii: "0"))
                index += 1
            }
            if index == first || index - first > 18 { return false }
            timestamp = time
        }
        guard index < bytes.count, base[index] == UInt8(ascii: "\n") else { return false }
        guard takePlainSample(base, start..<nameEnd, number, timestamp) else { return false }
        position = index + 1
        return true
    }

    private func plainNameEnd(_ base: UnsafePointer<UInt8>) -> Int? {
        var index = position
        guard index < bytes.count, ByteClass.isNameStart(base[index]) else { return nil }
        while index < bytes.count, ByteClass.isNameByte(base[index]) { index += 1 }
        return index
    }

    /// The index behind the closing brace; the labels are noted.
    private func plainLabelsEnd(_ base: UnsafePointer<UInt8>, _ start: Int) -> Int? {
        var index = start
        let count = bytes.count
        while index < count {
            if base[index] == UInt8(ascii: "}") { return index + 1 }
            let name = index
            guard ByteClass.isLabelStart(base[index]) else { return nil }
            while index < count, ByteClass.isLabelByte(base[index]) { index += 1 }
            guard index + 1 < count, base[index] == UInt8(ascii: "="), base[index + 1] == UInt8(ascii: "\"") else {
                return nil
            }
            let nameEnd = index
            index += 2
            let value = index
            var high: UInt8 = 0
            var isEscaped = false
            while index < count, base[index] != UInt8(ascii: "\"") {
                if base[index] == UInt8(ascii: "\n") { return nil }
                if base[index] == UInt8(ascii: "\\") {
                    isEscaped = true
                    index += 1
                    let isKnown =
                        index < count
                        && (base[index] == UInt8(ascii: "n") || base[index] == UInt8(ascii: "\\")
                            || base[index] == UInt8(ascii: "\""))
                    if !isKnown { return nil }
                }
                high |= base[index]
                index += 1
            }
            guard index + 1 < count, plain.spans.count < 16, isNew(base, name..<nameEnd) else { return nil }
            if high & 0x80 != 0, !ByteText.isValidUTF8(base + value, index - value) { return nil }
            plain.spans.append(.init(name: name..<nameEnd, value: value..<index, isEscaped: isEscaped))
            index += 1
            if base[index] == UInt8(ascii: ",") {
                index += 1
            } else if base[index] != UInt8(ascii: "}") {
                return nil
            }
        }
        return nil
    }

    /// Whether the name is neither reserved nor repeated.
    private func isNew(_ base: UnsafePointer<UInt8>, _ name: Range<Int>) -> Bool {
        if isText(base, name, "__name__") { return false }
        for span in plain.spans where span.name.count == name.count {
            if slice(base, span.name).elementsEqual(slice(base, name)) { return false }
        }
        return true
    }

    @inline(__always)
    private func slice(_ base: UnsafePointer<UInt8>, _ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    private func isText(_ base: UnsafePointer<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
        range.count == text.utf8CodeUnitCount
            && slice(base, range).elementsEqual(
                UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            )
    }

    private func plainValue(_ base: UnsafePointer<UInt8>, _ index: inout Int) -> Double? {
        if let number = GoFloat.scan(base, &index, bytes.count) { return number }
        var end = index
        while end < bytes.count, base[end] > UInt8(ascii: " ") { end += 1 }
        let text = Array(slice(base, index..<end))
        index = end
        return parseFloat(text)
    }

    /// Takes a line over whose form is known to be right; `false` where its contents need the exact way.
    private func takePlainSample(
        _ base: UnsafePointer<UInt8>,
        _ name: Range<Int>,
        _ number: Double,
        _ timestamp: Timestamp?
    ) -> Bool {
        let nameBytes = slice(base, name)
        if plain.family == nil || !plain.name.elementsEqual(nameBytes) {
            token = Array(nameBytes)
            // The name cannot be refused: whoever accepts anything accepts a plain one.
            guard (try? selectFamily()) != nil, let family else { return false }
            plain.name = token
            plain.family = family
            plain.part = part
            plain.metric = nil
        }
        guard let known = plain.family else { return false }
        family = known
        part = plain.part
        if known.type == nil { known.type = .unknown }
        guard known.isHistogram || known.type == .summary else {
            let pending = PendingMetric(line: line)
            pending.number = number
            pending.timestamp = timestamp
            pending.labels = plain.spans.map { plainLabel(base, $0) }
            append(pending, to: known)
            metric = pending
            return true
        }
        if number < 0 || number.isNaN { return false }
        return takePlainPart(base, known, number, timestamp)
    }

    private func plainLabel(_ base: UnsafePointer<UInt8>, _ span: PlainLineMemory.Span) -> Label {
        let name = String(decoding: slice(base, span.name), as: UTF8.self)
        guard span.isEscaped else {
            return Label(name: name, value: String(decoding: slice(base, span.value), as: UTF8.self))
        }
        let value = LabelText.unescaped(Array(slice(base, span.value))[...], quotes: true)
        return Label(name: name, value: String(decoding: value, as: UTF8.self))
    }

    /// A line of a summary or histogram.
    private func takePlainPart(
        _ base: UnsafePointer<UInt8>,
        _ family: PendingFamily,
        _ number: Double,
        _ timestamp: Timestamp?
    ) -> Bool {
        quantile = .nan
        bucket = .nan
        let magic: StaticString = family.isHistogram ? "le" : "quantile"
        if let place = plain.spans.firstIndex(where: { isText(base, $0.name, magic) }) {
            let span = plain.spans[place]
            var index = span.value.lowerBound
            guard let bound = GoFloat.scan(base, &index, span.value.upperBound) ?? plainBound(base, span.value, &index),
                index == span.value.upperBound
            else { return false }
            if family.isHistogram { bucket = bound } else { quantile = bound }
            plain.spans.remove(at: place)
        }
        writeKey(base, family)
        if let known = plain.metric, plain.key == plain.lastKey {
            metric = known
        } else {
            let pending = PendingMetric(line: line)
            pending.labels = plain.spans.map { plainLabel(base, $0) }
            metric = pending
            attachMetric(plain.key)
            plain.metric = metric
            plain.keepKey()
        }
        if let timestamp { metric?.timestamp = timestamp }
        // A part that is negative was left to the exact way above.
        return (try? setValue(number)) != nil
    }

    private func plainBound(_ base: UnsafePointer<UInt8>, _ range: Range<Int>, _ index: inout Int) -> Double? {
        index = range.upperBound
        if isText(base, range, "+Inf") { return .infinity }
        return parseFloat(Array(slice(base, range)))
    }

    /// Writes what makes the summary or histogram the same one, as ``attachMetric()`` has it: sorted names and values.
    private func writeKey(_ base: UnsafePointer<UInt8>, _ family: PendingFamily) {
        plain.key.removeAll(keepingCapacity: true)
        var order = plain.spans
        if order.count > 1 {
            order.sort { slice(base, $0.name).lexicographicallyPrecedes(slice(base, $1.name)) }
        }
        var hasName = false
        for span in order {
            if !hasName, "__name__".utf8.lexicographicallyPrecedes(slice(base, span.name)) {
                appendName(family)
                hasName = true
            }
            plain.key.append(contentsOf: slice(base, span.name))
            plain.key.append(0xff)
            if span.isEscaped {
                plain.key += LabelText.unescaped(Array(slice(base, span.value))[...], quotes: true)
            } else {
                plain.key.append(contentsOf: slice(base, span.value))
            }
            plain.key.append(0xff)
        }
        if !hasName { appendName(family) }
    }

    private func appendName(_ family: PendingFamily) {
        plain.key.append(contentsOf: "__name__".utf8)
        plain.key.append(0xff)
        plain.key += family.name
        plain.key.append(0xff)
    }
}
