import MetricModel

/// Delimited protobuf as a sequence of entries, as Prometheus's parser makes it: for each family help, unit and type, then its
/// samples, classic histograms and summaries taken apart into series.
final class ProtobufSource: EntrySource {
    /// What was handed out last.
    private enum Stage {
        case family, help, unit, type, series, histogram
    }

    /// Which series of a summary or classic histogram: its count, its sum, then quantiles or buckets.
    private static let countField = -2
    private static let sumField = -1

    private let bytes: UnsafeBufferPointer<UInt8>
    private let options: ScrapeOptions
    private var position = 0
    private var stage = Stage.family

    private var name = 0..<0
    private var help = 0..<0
    private var unit = 0..<0
    private var typeNumber: UInt64 = 0
    private var metrics: [Range<Int>] = []
    private var nextMetricIndex = 0

    private var metric = ClientMetric()
    private var field = ProtobufSource.countField
    private var fieldsAreDone = false
    /// Whether the native histogram handed out last has to come again as a classic one.
    private var comesAgainClassic = false
    private var converted: NativeHistogram?
    private var exemplarPosition = 0
    private var exemplarWasRead = false

    /// What the labels of all series take.
    private var room = MessageRoom()
    private let key = SeriesKey()
    private var currentLabels = Labels()
    private(set) var histogram = NativeHistogram()

    init(_ body: UnsafeRawBufferPointer, options: ScrapeOptions) {
        bytes = body.assumingMemoryBound(to: UInt8.self)
        self.options = options
    }

    // MARK: What the entry holds

    var seriesBytes: UnsafeRawBufferPointer { key.bytes }
    func labels() -> Labels { currentLabels }
    var timestamp: Timestamp? { metric.timestamp == 0 ? nil : metric.timestamp }
    var familyName: String { text(name) }
    var familyText: String { text(stage == .unit ? unit : help) }

    var familyType: MetricType {
        typeNumber < UInt64(FamilyProtobuf.typesByNumber.count)
            ? FamilyProtobuf.typesByNumber[Int(typeNumber)] : .unknown
    }

    private var isHistogram: Bool { familyType == .histogram || familyType == .gaugehistogram }
    private var isNative: Bool { !options.ignoresNativeHistograms && metric.histogram?.isNative == true }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    var value: Double {
        switch familyType {
        case .counter: return metric.counter?.value ?? 0
        case .gauge: return metric.gauge ?? 0
        case .summary:
            let summary = metric.summary ?? ClientMetric.Summary()
            if field == Self.countField { return Double(summary.count) }
            if field == Self.sumField { return summary.sum }
            return field < summary.quantiles.count ? summary.quantiles[field].value : 0
        case .histogram, .gaugehistogram:
            let histogram = metric.histogram ?? ClientMetric.Histogram()
            if field == Self.sumField { return histogram.sum }
            return field >= 0 && field < histogram.buckets.count
                ? histogram.buckets[field].effectiveCount : histogram.effectiveCount
        case .info, .stateset, .unknown: return metric.untyped ?? 0
        }
    }

    // MARK: Moving on

    func next() throws(ExpositionError) -> ScrapeParser.Entry? {
        exemplarWasRead = false
        converted = nil
        while true {
            switch stage {
            case .family:
                guard try nextFamily() else { return nil }
                // Families without metrics are passed over.
                guard try nextMetric() else { continue }
                try checkFamily()
                exemplarPosition = 0
                field = Self.countField
                stage = .help
                key.removeAll()
                key.append(bytes[name])
                return .help
            case .help:
                stage = unit.isEmpty ? .type : .unit
                return unit.isEmpty ? .type : .unit
            case .unit:
                stage = .type
                return .type
            case .type:
                if isHistogram, !isNative {
                    stage = .series
                    field = Self.countField - 1
                    continue
                }
                if isHistogram { try checkConsistency() }
                stage = isHistogram ? .histogram : .series
                return try update()
            case .series: if let entry = try afterSeries() { return entry }
            case .histogram: if let entry = try afterHistogram() { return entry }
            }
        }
    }

    private func afterSeries() throws(ExpositionError) -> ScrapeParser.Entry? {
        var movesOn = true
        if familyType == .summary || isHistogram {
            let isClassic = isHistogram && !isNative
            let isSkipped = options.convertsClassicHistograms && isClassic && !options.keepsClassicHistograms
            if !fieldsAreDone, !isSkipped {
                field += 1
                return try update()
            }
            field = Self.countField
            fieldsAreDone = false
            exemplarPosition = 0
            if isHistogram, !isClassic {
                try checkConsistency()
                stage = .histogram
            } else if isHistogram, options.convertsClassicHistograms {
                converted = try convert()
                stage = .histogram
                movesOn = false
            }
        }
        if movesOn, try !nextMetric() {
            stage = .family
            return nil
        }
        return try update()
    }

    private func afterHistogram() throws(ExpositionError) -> ScrapeParser.Entry? {
        if !comesAgainClassic {
            guard try nextMetric() else {
                stage = .family
                return nil
            }
        }
        // A native histogram that is classic too, or a classic one among converted ones.
        if comesAgainClassic || !isNative {
            comesAgainClassic = false
            field = Self.countField - 1
            fieldsAreDone = false
            stage = .series
            return nil
        }
        try checkConsistency()
        return try update()
    }

    private func checkConsistency() throws(ExpositionError) {
        if let problem = metric.histogram?.inconsistency {
            throw ExpositionError("histogram \(ByteText.quoted(bytes[name])): \(problem)")
        }
    }

    private func checkFamily() throws(ExpositionError) {
        let reader = WireReader(bytes)
        if name.isEmpty || !reader.isValidUTF8(name) { throw ExpositionError("invalid metric name: \(text(name))") }
        if !reader.isValidUTF8(help) {
            throw ExpositionError("invalid help for metric \(ByteText.quoted(bytes[name])): \(text(help))")
        }
        if typeNumber >= UInt64(FamilyProtobuf.typesByNumber.count) {
            let number = Int32(truncatingIfNeeded: typeNumber)
            throw ExpositionError("unknown metric type for metric \(ByteText.quoted(bytes[name])): \(number)")
        }
    }

    private func nextFamily() throws(ExpositionError) -> Bool {
        let rest = bytes.count - position
        if rest == 0 { return false }
        var reader = WireReader(bytes, position..<bytes.count)
        let invalid = ExpositionError("clientpb: invalid varint encountered")
        guard let length = try? reader.varint(), reader.position - position <= 5 else { throw invalid }
        let total = reader.position - position + Int(truncatingIfNeeded: length)
        if total > rest {
            throw ExpositionError(
                "clientpb: insufficient length of buffer, expected at least \(total) bytes, got \(rest) bytes"
            )
        }
        var message = WireReader(bytes, reader.position..<position + total)
        position += total
        name = 0..<0
        help = 0..<0
        unit = 0..<0
        typeNumber = 0
        metrics.removeAll(keepingCapacity: true)
        nextMetricIndex = 0
        var room = MessageRoom()
        while let tag = try message.nextTag(of: "MetricFamily") {
            switch tag.field {
            case 1: name = try message.delimited(tag, "Name")
            case 2: help = try message.delimited(tag, "Help")
            case 3: typeNumber = try message.unsigned(tag, "Type")
            case 4:
                try room.take(MemoryLayout<Range<Int>>.stride)
                metrics.append(try message.delimited(tag, "Metric"))
            case 5: unit = try message.delimited(tag, "Unit")
            default: try message.skip(tag)
            }
        }
        return true
    }

    private func nextMetric() throws(ExpositionError) -> Bool {
        guard nextMetricIndex < metrics.count else { return false }
        var reader = WireReader(bytes, metrics[nextMetricIndex])
        // Only one at a time is held.
        var room = MessageRoom()
        metric = try ClientMetric(&reader, &room)
        nextMetricIndex += 1
        return true
    }

    private func convert() throws(ExpositionError) -> NativeHistogram {
        let histogram = metric.histogram ?? ClientMetric.Histogram()
        var collector = ClassicHistogramCollector()
        collector.setCount(histogram.effectiveCount)
        collector.setSum(histogram.sum)
        for bucket in histogram.buckets { collector.setBucket(bucket.bound, bucket.effectiveCount) }
        var result = try collector.convert()
        if familyType == .gaugehistogram { result.counterResetHint = .gauge }
        return result
    }

    // MARK: The series at hand

    private func update() throws(ExpositionError) -> ScrapeParser.Entry {
        var builder = LabelBytesBuilder()
        builder.add(name: Array("__name__".utf8), value: Array(bytes[name]) + suffix)
        let hasType = options.addsTypeAndUnitLabels && familyType != .unknown
        let hasUnit = options.addsTypeAndUnitLabels && !unit.isEmpty
        if hasType { builder.add(name: LabelText.type, value: Array(familyType.rawValue.utf8)) }
        if hasUnit { builder.add(name: LabelText.unit, value: Array(bytes[unit])) }
        for label in metric.labels {
            let name = Array(bytes[label.name])
            let isOverridden =
                options.addsTypeAndUnitLabels
                && (name.elementsEqual("__name__".utf8) || (hasType && name == LabelText.type)
                    || (hasUnit && name == LabelText.unit))
            if !isOverridden { builder.add(name: name, value: Array(bytes[label.value])) }
        }
        if let magic = magicLabel() { builder.add(name: magic.name, value: magic.value) }
        currentLabels = builder.build()
        writeKey()
        // A name or a label stands once for all series that have it; a series has it here and in what knows it by its bytes.
        try room.take(currentLabels.encoded.count + key.bytes.count)
        guard stage == .histogram else { return .series }
        if let converted {
            histogram = converted
        } else if let message = metric.histogram {
            comesAgainClassic = options.keepsClassicHistograms && !message.buckets.isEmpty
            histogram = message.native(isGauge: familyType == .gaugehistogram).compacted(maxEmptyBuckets: 0)
        }
        return .histogram
    }

    private func writeKey() {
        key.removeAll()
        key.append(bytes[name])
        key.append(suffix)
        key.append(currentLabels.encoded)
        // Labels without a value are no part of the series, but the exposition is another one with them.
        for label in metric.labels where label.value.isEmpty {
            key.append([0xff])
            key.append(bytes[label.name])
        }
    }

    private var suffix: [UInt8] {
        guard stage != .histogram, isHistogram || familyType == .summary else { return [] }
        if field == Self.countField { return Array("_count".utf8) }
        if field == Self.sumField { return Array("_sum".utf8) }
        return isHistogram ? Array("_bucket".utf8) : []
    }

    /// `le` or `quantile` of the series at hand; notes whether it is the last of its metric.
    private func magicLabel() -> (name: [UInt8], value: [UInt8])? {
        guard stage != .histogram, isHistogram || familyType == .summary else { return nil }
        let count = isHistogram ? (metric.histogram?.buckets.count ?? 0) : (metric.summary?.quantiles.count ?? 0)
        if field < 0 {
            // A summary without quantiles ends with its sum.
            if familyType == .summary, field == Self.sumField, count == 0 { fieldsAreDone = true }
            return nil
        }
        var text: [UInt8] = []
        if isHistogram {
            let bound = field < count ? (metric.histogram?.buckets[field].bound ?? .infinity) : .infinity
            fieldsAreDone = bound == .infinity
            LabelText.appendOpenMetricsNumber(bound, to: &text)
            return (Array("le".utf8), text)
        }
        fieldsAreDone = field >= count - 1
        guard field < count, let quantile = metric.summary?.quantiles[field].quantile else { return nil }
        LabelText.appendOpenMetricsNumber(quantile, to: &text)
        return (Array("quantile".utf8), text)
    }

    // MARK: Exemplars and start times

    func nextExemplar() -> Exemplar? {
        let isClassic = stage == .series
        if exemplarWasRead, isClassic { return nil }
        guard let found = findExemplar(isClassic: isClassic) else { return nil }
        exemplarWasRead = true
        return FamilyProtobuf.exemplar(found, WireReader(bytes))
    }

    private func findExemplar(isClassic: Bool) -> ClientMetric.ExemplarMessage? {
        if familyType == .counter { return metric.counter?.exemplar }
        guard isHistogram, let histogram = metric.histogram else { return nil }
        if isClassic {
            return field >= 0 && field < histogram.buckets.count ? histogram.buckets[field].exemplar : nil
        }
        // Native histograms take exemplars with a time only: their own, or else those of the classic buckets.
        if !histogram.exemplars.isEmpty {
            while exemplarPosition < histogram.exemplars.count {
                let exemplar = histogram.exemplars[exemplarPosition]
                exemplarPosition += 1
                if exemplar.time != nil { return exemplar }
            }
            return nil
        }
        field = max(field, 0)
        while field < histogram.buckets.count {
            let exemplar = histogram.buckets[field].exemplar
            field += 1
            if let exemplar, exemplar.time != nil { return exemplar }
        }
        return nil
    }

    func startTimestamp() -> Timestamp {
        switch familyType {
        case .counter: metric.counter?.start?.milliseconds ?? 0
        case .summary: metric.summary?.start?.milliseconds ?? 0
        case .histogram, .gaugehistogram: metric.histogram?.start?.milliseconds ?? 0
        case .gauge, .info, .stateset, .unknown: 0
        }
    }
}

extension ClientMetric {
    /// A metric without anything.
    init() {}
}
