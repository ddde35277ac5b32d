import MetricModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The state of reading a text body, shared by the two text formats.
///
/// Each format has a fast way for well-formed sample lines and an exact one, which reads token by token as Prometheus's
/// lexers do and finds the same errors. The fast way gives up without a trace on anything unusual.
struct TextScanner {
    /// The lexer's start conditions.
    enum State {
        case start, comment, metaName, metaText, labels, labelValue, value, timestamp
        case exemplar, exemplarValue, exemplarTimestamp
    }

    let base: UnsafePointer<UInt8>
    /// The bytes of the body.
    let count: Int
    /// The bytes that the exact reader sees: in the text format one more, a line break.
    let length: Int
    let format: ScrapeFormat
    let options: ScrapeOptions

    /// Where the lexer stands, and where its current token began.
    var position = 0
    var tokenStart = 0
    var state = State.start
    /// Where the current entry began.
    var entryStart = 0
    /// Where the previous sample's line ended.
    var leadStart = 0
    /// Where the current value begins; -1 where ``advance(over:)`` may not repeat it.
    var valueStart = -1

    var value = 0.0
    var timestamp: Timestamp = 0
    var hasTimestamp = false
    /// The series text.
    var series = 0..<0
    /// Whether ``offsets`` belongs to the current series.
    var hasOffsets = false
    /// Start and end of the metric's name, then of each label's name and value.
    var offsets: [Int] = []
    var exemplarOffsets: [Int] = []
    var hasExemplar = false
    var exemplarValue = 0.0
    var exemplarTimestamp: Timestamp?
    var keepsExemplar = false

    var metricType = MetricType.unknown
    var unit: [UInt8] = []
    var familyNameRange = 0..<0
    var textRange = 0..<0
    /// From where on TYPE lines were passed over by ``advance(over:)`` without being read.
    var unreadTypesStart = -1

    var startTimes = StartTimeMemory()
    /// Whether well-formed lines are read the fast way; tests compare both.
    var usesFastWay = true
    /// Reused for each set of labels.
    var builder = LabelBytesBuilder()
    var skipsCreatedSeries: Bool

    init(_ body: UnsafeRawBufferPointer, format: ScrapeFormat, options: ScrapeOptions) {
        let bytes = body.assumingMemoryBound(to: UInt8.self)
        base = bytes.baseAddress ?? TextScanner.nothing
        count = bytes.count
        length = format == .text ? bytes.count + 1 : bytes.count
        self.format = format
        self.options = options
        skipsCreatedSeries = options.skipsCreatedSeries
    }

    /// Something to point at where the body is empty.
    private nonisolated(unsafe) static let nothing: UnsafePointer<UInt8> = {
        let pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: 8)
        pointer.initialize(repeating: 0, count: 8)
        return UnsafePointer(pointer)
    }()

    mutating func next() throws(ExpositionError) -> ScrapeParser.Entry? {
        hasTimestamp = false
        // Comments do not ask for the type, nor does the end, before which all of the last family would be looked through.
        if unreadTypesStart >= 0, position < count, base[position] != UInt8(ascii: "#") { catchUpOnTypes() }
        if !keepsExemplar { hasExemplar = false }
        let entry: ScrapeParser.Entry?
        if format == .text {
            if usesFastWay, state == .start, scanTextSample() { return .series }
            entry = try nextTextEntry()
        } else {
            if usesFastWay, state == .start, scanOpenMetricsSample() { return .series }
            entry = try nextOpenMetricsEntry()
        }
        switch entry {
        case .series: leadStart = position
        case .type: unreadTypesStart = -1
        case _: break
        }
        return entry
    }

    /// See ``ScrapeParser/advance(over:)``.
    @inline(__always)
    mutating func advance(over lead: UnsafeRawBufferPointer) -> Bool {
        let size = lead.count
        guard let expected = lead.baseAddress, position == leadStart, state == .start, count - position > size,
            memcmp(base + position, expected, size) == 0
        else { return false }
        var index = position + size
        guard let number = scanValue(&index) else { return false }
        var hasTime = false
        var time: Timestamp = 0
        if index < count, base[index] == UInt8(ascii: " ") {
            guard let read = scanTimestamp(&index) else { return false }
            time = read
            hasTime = true
        }
        guard index < count, base[index] == UInt8(ascii: "\n") else { return false }
        if unreadTypesStart < 0, TextScanner.mayHoldComment(lead) { unreadTypesStart = position }
        value = number
        hasTimestamp = hasTime
        timestamp = time
        position = index + 1
        leadStart = position
        valueStart = -1
        return true
    }

    /// Reads a plain value at `index` and moves past it; `nil` for anything unusual.
    @inline(__always)
    func scanValue(_ index: inout Int) -> Double? {
        if let number = GoFloat.scan(base, &index, count) { return number }
        return scanRareValue(&index)
    }

    @inline(never)
    private func scanRareValue(_ index: inout Int) -> Double? {
        var end = index
        while end < count, base[end] > UInt8(ascii: " "), base[end] != UInt8(ascii: "{") { end += 1 }
        guard end > index, end < count,
            let number = try? parseFloat(Array(UnsafeBufferPointer(start: base + index, count: end - index)))
        else { return nil }
        index = end
        return number.isNaN ? SpecialValue.nan : number
    }

    /// Reads a plain timestamp after one blank: whole milliseconds in text, seconds in OpenMetrics.
    @inline(__always)
    func scanTimestamp(_ index: inout Int) -> Timestamp? {
        var end = index + 1
        if format == .openMetrics {
            guard let seconds = GoFloat.scan(base, &end, count) else { return nil }
            index = end
            return GoFloat.truncated(seconds * 1000)
        }
        var time: Int64 = 0
        let first = end
        while end < count, ByteClass.isDigit(base[end]) {
            time = time &* 10 &+ Int64(base[end] &- UInt8(ascii: "0"))
            end += 1
        }
        guard end > first, end - first <= 18 else { return nil }
        index = end
        return time
    }

    /// Reads the TYPE lines that ``advance(over:)`` stepped over: the last of them counts.
    @inline(never)
    private mutating func catchUpOnTypes() {
        let from = unreadTypesStart
        unreadTypesStart = -1
        var lineEnd = leadStart - 1
        while lineEnd > from {
            var lineStart = lineEnd
            while lineStart > from, base[lineStart - 1] != UInt8(ascii: "\n") { lineStart -= 1 }
            if base[lineStart] == UInt8(ascii: "#") {
                // Reading the line again leaves the type behind; errors are impossible, it was read before.
                var reader = self
                reader.position = lineStart
                reader.state = .start
                if let entry = try? reader.next(), entry == .type {
                    metricType = reader.metricType
                    return
                }
            }
            lineEnd = lineStart - 1
        }
    }

    var seriesBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + series.lowerBound, count: series.count)
    }

    var leadBytes: UnsafeRawBufferPointer {
        guard valueStart >= 0, leadOrigin >= 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + leadOrigin, count: valueStart - leadOrigin)
    }

    /// Where the current sample's lead began.
    var leadOrigin = -1
}
