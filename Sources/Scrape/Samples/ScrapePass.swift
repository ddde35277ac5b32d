import Exposition
import MetricModel

/// How the samples of a target are to be read.
struct SampleRules: Sendable {
    var labels: SampleLabels
    var honorTimestamps = true
    var trackTimestampsStaleness = false
    /// 0 for no limit.
    var sampleLimit = 0
    /// 0 for no limit.
    var bucketLimit = 0
    /// The finest resolution of native histograms.
    var maxSchema = HistogramResolution.finestSchema
    var options = ScrapeOptions()
    var fallback: ScrapeFormat?
    /// Whether the extra series about scrapes are written.
    var extraMetrics = false

    /// How far in the future a timestamp may lie.
    static let maxAhead: Timestamp = 600_000
}

/// What one reading of a body came to.
struct PassResult {
    /// Samples exposed.
    var total = 0
    /// Samples left after relabelling.
    var added = 0
    /// Series that were not there in the scrape before.
    var seriesAdded = 0
    /// Why the scrape failed.
    var failure: String?
    var duplicates = 0
    var outOfBounds = 0
    var hitSampleLimit = false
    var hitBucketLimit = false
    var hitLabelLimit = false
    /// Whether everything was as in the scrape before, so that the batch's series are ``ScrapeCache/orderedSeries``.
    var isRegular = false
    /// Slots of what is in the batch, unless it is regular.
    var slots = ScrapeCache.ReadSlots()
}

/// Reads one body into a batch, with the help of what earlier scrapes left in the cache.
struct ScrapePass {
    let cache: ScrapeCache
    let rules: SampleRules
    let time: Timestamp
    let maxTime: Timestamp
    var batch: SampleBatch
    var result = PassResult()

    /// The order of this scrape, once it differs from the last.
    private var order = ScrapeOrder()
    private var isSlow = false
    private var limited = 0
    /// Where each slot stood in the old order, -1 for nowhere.
    private var positions: [Int32] = []
    private var cursor = 0

    init(cache: ScrapeCache, rules: SampleRules, time: Timestamp, now: Timestamp, batch: SampleBatch) {
        self.cache = cache
        self.rules = rules
        self.time = time
        maxTime = now + SampleRules.maxAhead
        self.batch = batch
    }

    /// Reads the body. Afterwards the batch holds the samples; those of new series lack their reference.
    mutating func run(_ body: UnsafeRawBufferPointer, format: ScrapeFormat) {
        var parser = ScrapeParser(body, format: format, options: rules.options)
        let old = cache.order
        do throws(ExpositionError) {
            if cache.isGuessable, rules.sampleLimit == 0 || old.entries.count <= rules.sampleLimit {
                if try readAsBefore(&parser, old) { return finishRegular() }
            }
            if !isSlow { becomeSlow(old) }
            try readRest(&parser, old)
        } catch {
            if !isSlow { becomeSlow(old) }
            result.failure = error.message
        }
        finishSlow()
    }

    // MARK: The usual way: everything as before

    /// Reads while samples come in the order of the last scrape. Answers whether that was all.
    private mutating func readAsBefore(_ parser: inout ScrapeParser, _ old: ScrapeOrder) throws(ExpositionError) -> Bool
    {
        batch.values.reserveCapacity(old.floatCount + 8)
        while cursor < old.entries.count {
            readGuessable(&parser, old)
            guard cursor < old.entries.count else { break }
            let entry = old.entries[cursor]
            guard entry.leadStart == entry.leadEnd else { return false }
            // A sample that cannot be guessed by its bytes: read it and compare its series.
            guard let kind = try nextSample(&parser) else { return false }
            let isSame = cache.isSlot(Int(entry.slot), of: parser.seriesBytes)
            if isSame, entry.isDropped {
                result.total += 1
                cursor += 1
                continue
            }
            let hasTime = rules.honorTimestamps && parser.timestamp != nil
            guard isSame, (kind == .histogram) == entry.isHistogram, !entry.hasTime, !hasTime,
                kind != .histogram || rules.bucketLimit == 0 && parser.histogram.contradiction == nil
            else {
                becomeSlow(old)
                take(&parser, kind: kind, slot: isSame ? Int(entry.slot) : nil)
                if isSame { cursor += 1 }
                return false
            }
            result.total += 1
            result.added += 1
            let series = cache.reference(of: Int(entry.slot))
            if kind == .histogram {
                batch.histograms.append(
                    SampleBatch.HistogramSample(series: series, timestamp: time, histogram: reduced(parser.histogram))
                )
            } else {
                batch.values.append(parser.value)
            }
            takeExemplars(&parser, at: time, isHistogram: kind == .histogram, slot: Int(entry.slot), series: series)
            cursor += 1
        }
        guard let kind = try nextSample(&parser) else { return true }
        becomeSlow(old)
        take(&parser, kind: kind, slot: nil)
        return false
    }

    /// The hot loop: compares the bytes up to each value with those of the last scrape, and reads the value.
    private mutating func readGuessable(_ parser: inout ScrapeParser, _ old: ScrapeOrder) {
        var cursor = self.cursor
        var dropped = 0
        var values = batch.values
        batch.values = []
        let start = cursor
        old.leads.withUnsafeBytes { leads in
            old.entries.withUnsafeBufferPointer { entries in
                while cursor < entries.count {
                    let entry = entries[cursor]
                    let lead = UnsafeRawBufferPointer(rebasing: leads[Int(entry.leadStart)..<Int(entry.leadEnd)])
                    if lead.isEmpty || entry.hasTime || !parser.advance(over: lead) { return }
                    if entry.isDropped {
                        dropped += 1
                    } else {
                        if parser.timestamp != nil, rules.honorTimestamps { return }
                        values.append(parser.value)
                    }
                    cursor += 1
                }
            }
        }
        batch.values = values
        result.total += cursor - start
        result.added += cursor - start - dropped
        self.cursor = cursor
    }

    private mutating func finishRegular() {
        cache.readAsBefore()
        batch.series = cache.orderedSeries
        result.isRegular = true
    }

    // MARK: The unusual way: something is new

    /// Leaves the usual way: writes down what was read so far as if it had been read slowly.
    private mutating func becomeSlow(_ old: ScrapeOrder) {
        isSlow = true
        order = ScrapeOrder(prefix: cursor, of: old)
        cache.leaveOrder(after: order)
        for entry in order.entries where !entry.isDropped {
            limited += 1
            if entry.isHistogram {
                result.slots.histograms.append(Int(entry.slot))
            } else {
                result.slots.samples.append(Int(entry.slot))
            }
        }
        batch.series = Array(cache.orderedSeries.prefix(result.slots.samples.count))
        positions = cache.positions()
    }

    private mutating func readRest(_ parser: inout ScrapeParser, _ old: ScrapeOrder) throws(ExpositionError) {
        while result.failure == nil {
            if cursor < old.entries.count {
                let entry = old.entries[cursor]
                let range = Int(entry.leadStart)..<Int(entry.leadEnd)
                let isThere = old.leads.withUnsafeBytes { leads in
                    !range.isEmpty && parser.advance(over: UnsafeRawBufferPointer(rebasing: leads[range]))
                }
                if isThere {
                    let familiesStart = cursor == 0 ? 0 : Int(old.entries[cursor - 1].familiesEnd)
                    order.families.append(contentsOf: old.families[familiesStart..<Int(entry.familiesEnd)])
                    cursor += 1
                    old.leads.withUnsafeBytes { leads in
                        let lead = UnsafeRawBufferPointer(rebasing: leads[range])
                        take(&parser, kind: .series, slot: Int(entry.slot), lead: lead)
                    }
                    continue
                }
            }
            guard let kind = try nextSample(&parser) else { return }
            take(&parser, kind: kind, slot: nil)
        }
    }

    /// Reads up to the next sample, noting metadata.
    private mutating func nextSample(_ parser: inout ScrapeParser) throws(ExpositionError) -> ScrapeParser.Entry? {
        while let entry = try parser.next() {
            let family: UInt32
            switch entry {
            case .series, .histogram: return entry
            case .comment: continue
            case .type:
                let type = parser.familyType
                family = cache.note(parser.familyName) { $0.type = type }
            case .help:
                let text = parser.familyText
                family = cache.note(parser.familyName) { $0.help = text }
            case .unit:
                let text = parser.familyText
                family = cache.note(parser.familyName) { $0.unit = text }
            }
            if order.families.last != family { order.families.append(family) }
        }
        return nil
    }

    /// Takes one sample, as Prometheus decides about it.
    private mutating func take(
        _ parser: inout ScrapeParser,
        kind: ScrapeParser.Entry,
        slot guessed: Int?,
        lead: UnsafeRawBufferPointer? = nil
    ) {
        result.total += 1
        let key = guessed == nil ? parser.seriesBytes : UnsafeRawBufferPointer(start: nil, count: 0)
        let known = guessed ?? cache.slot(of: key)
        if guessed == nil, let known, known < positions.count, positions[known] >= 0 {
            cursor = Int(positions[known]) + 1
        }
        let isHistogram = kind == .histogram
        var flags = isHistogram ? ScrapeOrder.histogram : 0
        let lead = lead ?? parser.leadBytes
        let standing = cache.meet(known)
        var labels: Labels?
        switch standing {
        case .dropped:
            if let known { order.add(lead: lead, slot: known, flags: flags | ScrapeOrder.dropped) }
            return
        case .live, .repeated, .returning: break
        case .unknown:
            switch rules.labels.apply(to: parser.labels(), emptied: SampleLabels.emptied(in: parser.seriesBytes)) {
            case .labels(let final): labels = final
            case .dropped:
                order.add(lead: lead, slot: cache.drop(key, known: known), flags: flags | ScrapeOrder.dropped)
                return
            case .invalid(let reason):
                result.failure = reason
                return
            case .overLimit(let reason):
                result.hitLabelLimit = true
                result.failure = reason
                return
            }
        }
        let isRepeated = standing == .repeated
        let ownTime = rules.honorTimestamps ? parser.timestamp : nil
        let sampleTime = ownTime ?? time
        result.added += 1
        guard let histogram = admit(parser, isHistogram, isRepeat: isRepeated && ownTime == nil, at: sampleTime) else {
            order.isIrregular = true
            return
        }
        let slot: Int
        switch (standing, known) {
        case (.live, let known?), (.repeated, let known?): slot = known
        case (.live, nil), (.repeated, nil), (.unknown, _), (.returning, _), (.dropped, _):
            slot = cache.take(key, known: known, labels: labels)
            if !result.hitSampleLimit, !result.hitBucketLimit { result.seriesAdded += 1 }
        }
        if ownTime == nil || rules.trackTimestampsStaleness {
            cache.track(slot)
            flags |= ScrapeOrder.tracked
        }
        if ownTime != nil { flags |= ScrapeOrder.hasTime }
        if isRepeated { order.isIrregular = true }
        order.add(lead: lead, slot: slot, flags: flags)
        let series = cache.reference(of: slot)
        if isHistogram {
            batch.histograms.append(
                SampleBatch.HistogramSample(series: series, timestamp: sampleTime, histogram: histogram)
            )
            result.slots.histograms.append(slot)
        } else {
            if ownTime != nil, batch.timestamps.isEmpty {
                batch.timestamps = [Timestamp](repeating: time, count: batch.values.count)
            }
            if ownTime != nil || !batch.timestamps.isEmpty { batch.timestamps.append(sampleTime) }
            batch.values.append(parser.value)
            batch.series.append(series)
            result.slots.samples.append(slot)
        }
        takeExemplars(&parser, at: sampleTime, isHistogram: isHistogram, slot: slot, series: series)
    }

    /// Applies the limits; `nil` where the sample is not stored. The histogram is only of interest for histogram samples.
    private mutating func admit(
        _ parser: ScrapeParser,
        _ isHistogram: Bool,
        isRepeat: Bool,
        at sampleTime: Timestamp
    ) -> NativeHistogram? {
        if isRepeat {
            result.duplicates += 1
            return nil
        }
        var histogram = Self.none
        if isHistogram {
            histogram = reduced(parser.histogram)
            if rules.bucketLimit > 0, !HistogramResolution.fit(&histogram, into: rules.bucketLimit) {
                result.hitBucketLimit = true
                return nil
            }
        }
        limited += 1
        if rules.sampleLimit > 0, limited > rules.sampleLimit {
            result.hitSampleLimit = true
            return nil
        }
        if sampleTime > maxTime {
            result.outOfBounds += 1
            return nil
        }
        if isHistogram, let problem = histogram.contradiction {
            result.failure = problem
            result.added -= 1
            return nil
        }
        return histogram
    }

    private static let none = NativeHistogram()

    private func reduced(_ histogram: NativeHistogram) -> NativeHistogram {
        guard rules.maxSchema < HistogramResolution.finestSchema, histogram.schema > rules.maxSchema else {
            return histogram
        }
        var histogram = histogram
        HistogramResolution.reduce(&histogram, to: rules.maxSchema)
        return histogram
    }

    private mutating func takeExemplars(
        _ parser: inout ScrapeParser,
        at sampleTime: Timestamp,
        isHistogram: Bool,
        slot: Int,
        series: SeriesRef
    ) {
        guard var exemplar = parser.nextExemplar() else { return }
        var found: [(exemplar: Exemplar, hasTime: Bool)] = []
        while true {
            let hasTime = exemplar.timestamp != nil
            if !hasTime, !isHistogram { exemplar.timestamp = sampleTime }
            if exemplar.timestamp != nil { found.append((exemplar, hasTime)) }
            guard let next = parser.nextExemplar() else { break }
            exemplar = next
        }
        found.sort {
            ($0.exemplar.timestamp ?? 0, $0.exemplar.value) < ($1.exemplar.timestamp ?? 0, $1.exemplar.value)
        }
        for (exemplar, hasTime) in found where cache.isNew(exemplar, hasTime: hasTime, slot: slot) {
            batch.exemplars.append(SampleBatch.SeriesExemplar(series: series, exemplar: exemplar))
            result.slots.exemplars.append(slot)
        }
    }

    private mutating func finishSlow() {
        if result.hitSampleLimit, result.failure == nil { result.failure = "sample limit exceeded" }
        if result.hitBucketLimit, result.failure == nil { result.failure = "histogram bucket limit exceeded" }
        guard result.failure == nil else { return }
        cache.readAnew(order)
    }
}
