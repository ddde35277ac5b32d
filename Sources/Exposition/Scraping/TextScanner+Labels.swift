import MetricModel

/// What of a sample is worked out only when asked for.
extension TextScanner {
    /// The offsets of the current series; a sample that was read the fast way is taken apart only now.
    mutating func ensureOffsets() {
        if hasOffsets { return }
        hasOffsets = true
        offsets.removeAll(keepingCapacity: true)
        // The fast way took plain `name{label="value",…}` only, so nothing else has to be expected here.
        let end = series.upperBound
        var index = series.lowerBound
        offsets.append(index)
        while index < end, base[index] != UInt8(ascii: "{") { index += 1 }
        offsets.append(index)
        index += 1
        while index < end, base[index] != UInt8(ascii: "}") {
            offsets.append(index)
            while base[index] != UInt8(ascii: "=") { index += 1 }
            offsets.append(index)
            index += 2
            offsets.append(index)
            while base[index] != UInt8(ascii: "\"") { index += base[index] == UInt8(ascii: "\\") ? 2 : 1 }
            offsets.append(index)
            index += base[index + 1] == UInt8(ascii: ",") ? 2 : 1
        }
    }

    mutating func labels() -> Labels {
        ensureOffsets()
        builder.removeAll()
        builder.begin(name: "__name__")
        appendUnescaped(offsets[0], offsets[1])
        builder.end()
        let hasName = offsets[1] > offsets[0]
        let hasType = options.addsTypeAndUnitLabels && metricType != .unknown
        let hasUnit = options.addsTypeAndUnitLabels && !unit.isEmpty
        if hasType { builder.add(name: LabelText.type, value: Array(metricType.rawValue.utf8)) }
        if hasUnit { builder.add(name: LabelText.unit, value: unit) }
        var index = 2
        while index + 3 < offsets.count {
            builder.begin()
            appendUnescaped(offsets[index], offsets[index + 1])
            builder.middle()
            let start = offsets[index + 2]
            let end = offsets[index + 3]
            index += 4
            if options.addsTypeAndUnitLabels,
                (hasName && builder.nameIs("__name__")) || (hasType && builder.nameIs("__type__"))
                    || (hasUnit && builder.nameIs("__unit__"))
            {
                builder.drop()
                continue
            }
            let isMagic =
                (metricType == .histogram && builder.nameIs("le"))
                || (metricType == .summary && builder.nameIs("quantile"))
            if isMagic {
                let raw = LabelText.unescaped(slice(start, end)[...], quotes: true)
                var number: Double?
                raw.withUnsafeBufferPointer { bytes in
                    if let base = bytes.baseAddress {
                        var position = 0
                        number = GoFloat.scan(base, &position, bytes.count)
                        if position < bytes.count { number = nil }
                    }
                }
                if let number = number ?? (try? GoFloat.parse(raw)) {
                    builder.append(openMetricsNumber: number)
                } else {
                    builder.append(raw)
                }
            } else {
                appendUnescaped(start, end)
            }
            builder.end()
        }
        return builder.build()
    }

    /// Appends a stretch of the body to the label at hand, with its escapes resolved.
    private mutating func appendUnescaped(_ start: Int, _ end: Int) {
        guard start < end, end <= count else { return }
        let text = UnsafeBufferPointer(start: base + start, count: end - start)
        if text.contains(UInt8(ascii: "\\")) {
            builder.append(LabelText.unescaped(Array(text)[...], quotes: true))
        } else {
            builder.append(text)
        }
    }

    mutating func nextExemplar() -> Exemplar? {
        guard hasExemplar else { return nil }
        hasExemplar = false
        var builder = LabelBytesBuilder()
        var index = 0
        while index + 3 < exemplarOffsets.count {
            // Prometheus leaves escapes in exemplars as they are.
            builder.add(
                name: slice(exemplarOffsets[index], exemplarOffsets[index + 1]),
                value: slice(exemplarOffsets[index + 2], exemplarOffsets[index + 3])
            )
            index += 4
        }
        return Exemplar(labels: builder.build(), value: exemplarValue, timestamp: exemplarTimestamp)
    }

    /// The start of the current series' counter, in milliseconds; 0 for none.
    mutating func startTimestamp() -> Timestamp {
        guard format == .openMetrics, metricType.hasStartTimestamp else {
            startTimes.lastKey = []
            return 0
        }
        skipsCreatedSeries = true
        ensureOffsets()
        let nameStart = offsets[0]
        let nameEnd = min(offsets[0] + familyNameRange.count, series.upperBound)
        let key = startTimeKey(nameStart..<max(nameStart, nameEnd))
        if key == startTimes.lastKey, startTimes.lastStart > 0 { return startTimes.lastStart }
        if position >= startTimes.knownUntil { findNextCreated() }
        guard let next = startTimes.nextKey, next == key else {
            startTimes.lastKey = []
            return 0
        }
        startTimes.lastKey = key
        startTimes.lastStart = startTimes.nextStart
        return startTimes.nextStart
    }

    /// Looks ahead for the next `_created` line of this family.
    private mutating func findNextCreated() {
        var reader = self
        reader.skipsCreatedSeries = false
        reader.keepsExemplar = true
        startTimes.nextKey = nil
        while let entry = try? reader.next(), entry == .series {
            reader.ensureOffsets()
            let nameStart = reader.offsets[0]
            let nameEnd = reader.offsets[1]
            guard isCreatedName(nameStart..<max(nameStart, nameEnd)) else { continue }
            startTimes.nextKey = reader.startTimeKey(nameStart..<nameEnd - 8)
            startTimes.nextStart = GoFloat.truncated(reader.value * 1000)
            break
        }
        // Until there, the answer is the same for every series of the family.
        startTimes.knownUntil = max(reader.position, position + 1)
    }

    /// What a series and its `_created` line have in common: the labels (without `le` and `quantile`) and the family's name.
    private func startTimeKey(_ name: Range<Int>) -> [UInt8] {
        var key: [UInt8] = []
        var index = 2
        while index + 3 < offsets.count {
            let label = slice(offsets[index], offsets[index + 1])
            let isMagic =
                (metricType == .summary && label.elementsEqual("quantile".utf8))
                || (metricType == .histogram && label.elementsEqual("le".utf8))
            if !isMagic {
                key += label
                key += slice(offsets[index + 2], offsets[index + 3])
            }
            index += 4
        }
        return key + slice(name.lowerBound, name.upperBound)
    }
}

/// What is known about `_created` lines ahead.
struct StartTimeMemory {
    /// The series group that was answered last.
    var lastKey: [UInt8] = []
    var lastStart: Timestamp = 0
    /// The next `_created` line's group; `nil` where the family has none any more.
    var nextKey: [UInt8]?
    var nextStart: Timestamp = 0
    /// The position up to which ``nextKey`` is the answer.
    var knownUntil = -1
}
