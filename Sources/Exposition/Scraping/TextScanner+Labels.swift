import MetricModel

/// What of a sample is worked out only when asked for.
extension TextScanner {
    /// The offsets of the current series; a sample that was read the fast way is read again for them.
    mutating func ensureOffsets() {
        if hasOffsets { return }
        var reader = self
        reader.position = series.lowerBound
        reader.state = .start
        reader.offsets.removeAll(keepingCapacity: true)
        reader.entryStart = series.lowerBound
        _ = reader.nextToken()
        var found = [series.lowerBound, reader.position]
        if reader.position < series.upperBound {
            _ = reader.nextToken()
            try? reader.readLabels(&found, isExemplar: false)
        }
        offsets = found
        hasOffsets = true
    }

    mutating func labels() -> Labels {
        ensureOffsets()
        var builder = LabelBytesBuilder()
        let name = LabelText.unescaped(slice(offsets[0], offsets[1])[...], quotes: true)
        builder.add(name: Array("__name__".utf8), value: name)
        if options.addsTypeAndUnitLabels {
            if metricType != .unknown { builder.add(name: LabelText.type, value: Array(metricType.rawValue.utf8)) }
            if !unit.isEmpty { builder.add(name: LabelText.unit, value: unit) }
        }
        var index = 2
        while index + 3 < offsets.count {
            let label = LabelText.unescaped(slice(offsets[index], offsets[index + 1])[...], quotes: true)
            let raw = LabelText.unescaped(slice(offsets[index + 2], offsets[index + 3])[...], quotes: true)
            index += 4
            if options.addsTypeAndUnitLabels, isOverridden(label, name) { continue }
            builder.add(name: label, value: LabelText.normalized(raw, label: label, type: metricType))
        }
        return builder.build()
    }

    private func isOverridden(_ label: [UInt8], _ name: [UInt8]) -> Bool {
        (label == LabelText.type && metricType != .unknown) || (label == LabelText.unit && !unit.isEmpty)
            || (label.elementsEqual("__name__".utf8) && !name.isEmpty)
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
