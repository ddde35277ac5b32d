import MetricModel

/// Text with its classic histograms turned into native ones with custom bounds (`convert_classic_histograms_to_nhcb`).
///
/// Lines of a histogram are collected until another metric begins; then the native histogram comes first, and after it the
/// entry that ended it.
final class ConvertingSource: EntrySource {
    private enum Stage {
        case idle, collecting, emitting
    }

    private var text: TextScanner
    private let keepsClassic: Bool
    private let wantsStartTimes: Bool
    private var stage = Stage.idle

    /// The entry that was read last, which waits while a histogram is handed out.
    private var entry: ScrapeParser.Entry?
    private var failure: ExpositionError?
    private var currentLabels = Labels()
    private var typeName = ""
    private(set) var familyType = MetricType.unknown

    private var collector = ClassicHistogramCollector()
    private var collectedName = ""
    private var collectedGroup = Labels()
    private var collectedLabels = Labels()
    private var collectedExemplars: [Exemplar] = []
    private var collectedStart: Timestamp = 0

    private(set) var histogram = NativeHistogram()
    private var histogramLabels = Labels()
    private var histogramExemplars: [Exemplar] = []
    private var histogramStart: Timestamp = 0
    private let histogramKey = SeriesKey()

    init(_ text: TextScanner, options: ScrapeOptions) {
        self.text = text
        keepsClassic = options.keepsClassicHistograms
        wantsStartTimes = options.skipsCreatedSeries
    }

    var value: Double { text.value }
    var timestamp: Timestamp? { text.hasTimestamp ? text.timestamp : nil }
    var seriesBytes: UnsafeRawBufferPointer { stage == .emitting ? histogramKey.bytes : text.seriesBytes }
    var familyName: String { entry == .type ? typeName : text.familyName }
    var familyText: String { text.familyText }
    func labels() -> Labels { stage == .emitting ? histogramLabels : currentLabels }

    func nextExemplar() -> Exemplar? {
        guard stage == .emitting else { return text.nextExemplar() }
        return histogramExemplars.popLast()
    }

    func startTimestamp() -> Timestamp {
        switch stage {
        case .idle: entry == .series ? text.startTimestamp() : 0
        case .collecting: collectedStart
        case .emitting: histogramStart
        }
    }

    func next() throws(ExpositionError) -> ScrapeParser.Entry? {
        if stage == .emitting {
            stage = .idle
            if entry == .series, collect(), !keepsClassic { return try readOn() }
            if let failure { throw failure }
            return entry
        }
        return try readOn()
    }

    private func readOn() throws(ExpositionError) -> ScrapeParser.Entry? {
        while true {
            do {
                entry = try text.next()
            } catch {
                failure = error
                throw error
            }
            switch entry {
            case .series:
                currentLabels = text.labels()
                if stage == .collecting, belongsToAnother(), emit() { return .histogram }
                if collect(), !keepsClassic { continue }
                return .series
            case .type:
                typeName = text.familyName
                familyType = text.metricType
            case .help, .unit, .comment, .histogram, nil: break
            }
            return emit() ? .histogram : entry
        }
    }

    /// The labels that a classic histogram's series have in common.
    private func group(_ labels: Labels) -> Labels {
        var builder = LabelsBuilder(labels)
        builder.remove("le")
        builder.remove(Labels.metricName)
        return builder.build()
    }

    private static func split(_ name: String) -> (base: String, suffix: String) {
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            return (String(name.dropLast(suffix.count)), suffix)
        }
        return (name, "")
    }

    private func belongsToAnother() -> Bool {
        familyType != .histogram || ConvertingSource.split(currentLabels.name).base != collectedName
            || group(currentLabels) != collectedGroup
    }

    /// Takes the current series into the histogram; `false` where it is none of a histogram's.
    private func collect() -> Bool {
        guard familyType == .histogram else { return false }
        let (base, suffix) = ConvertingSource.split(currentLabels.name)
        guard base == typeName else { return false }
        switch suffix {
        case "_bucket":
            guard let text = currentLabels["le"], let bound = try? GoFloat.parse(Array(text.utf8)), !bound.isNaN else {
                return false
            }
            begin(base)
            collector.setBucket(bound, value)
        case "_count":
            begin(base)
            collector.setCount(value)
        case "_sum":
            begin(base)
            collector.setSum(value)
        default: return false
        }
        return true
    }

    private func begin(_ base: String) {
        if stage != .collecting {
            collectedName = base
            collectedGroup = group(currentLabels)
            collectedStart = wantsStartTimes ? text.startTimestamp() : 0
            stage = .collecting
            var builder = LabelsBuilder(collectedGroup)
            builder.set(Labels.metricName, base)
            collectedLabels = builder.build()
        }
        while let exemplar = text.nextExemplar() { collectedExemplars.append(exemplar) }
    }

    /// Hands the collected histogram out, if there is one that makes sense.
    private func emit() -> Bool {
        guard stage == .collecting else { return false }
        defer {
            collector = ClassicHistogramCollector()
            collectedExemplars = []
            collectedStart = 0
        }
        guard let converted = try? collector.convert() else {
            stage = .idle
            return false
        }
        guard ClassicHistogramCollector.isValid(converted) else {
            stage = .idle
            return false
        }
        histogram = converted
        histogramLabels = collectedLabels
        histogramExemplars = collectedExemplars.reversed()
        histogramStart = collectedStart
        histogramKey.removeAll()
        histogramKey.append(collectedName.utf8)
        let inner = collectedGroup.map { label in
            let name = Label.isLegacyName(label.name) ? label.name : GoText.quoted(label.name)
            return "\(name)=\(GoText.quoted(label.value))"
        }
        if !inner.isEmpty { histogramKey.append("{\(inner.joined(separator: ","))}".utf8) }
        stage = .emitting
        return true
    }
}
