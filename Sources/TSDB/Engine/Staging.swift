import MetricModel

/// A sample outside of rows.
typealias SingleSample = (series: UInt32, time: Timestamp, value: Double, start: Timestamp)

/// What was taken of a batch: it becomes part of the head once its journal row is committed.
struct StagedBatch {
    /// A row of a stream, if it has one.
    var stream: StreamRef?
    var time: Timestamp = 0
    var row = JournalCodec.StreamMemory()
    var hasAbsentBits = false
    /// The number of its row in the journal; 0 for none.
    var journalRow: Int64 = 0
    /// What goes into columns of its own.
    var singles: [SingleSample] = []
    var histograms: [SampleBatch.HistogramSample] = []
    var exemplars: [(series: UInt32, exemplar: Exemplar)] = []
    /// Its newest sample.
    var newest = Timestamp.min
    /// Whether late samples are refused whatever the window.
    var refusesLate = false
    /// Whether late stale markers are refused.
    var refusesLateMarkers = false
    /// For the statistics.
    var appended = 0
    var outOfOrder = 0
    var tooOld = 0
    var duplicates = 0

    /// What its row in the journal says.
    var journalParts: [JournalCodec.Part] {
        var parts: [JournalCodec.Part] = []
        if let stream = stream?.rawValue, !row.series.isEmpty { parts.append(.stream(stream, time, row)) }
        if !singles.isEmpty || !histograms.isEmpty || !exemplars.isEmpty {
            parts.append(.singles(singles, histograms, exemplars))
        }
        return parts
    }

    /// About how many bytes it takes, what its arrays need besides what is in them included.
    var bytes: Int {
        MemoryLayout<Self>.size + 8 * 32 + row.series.count * 12 + row.starts.count * 8
            + singles.count * MemoryLayout<SingleSample>.stride + (histograms.count + exemplars.count) * 256
    }
}

/// Batches between their judgement and their commit, and what is needed to take them back.
struct Staging {
    /// A series and a time.
    struct Place: Hashable {
        var series: UInt32
        var time: Timestamp
    }

    private(set) var batches: [StagedBatch] = []
    /// Rows of the journal that they have.
    private(set) var rows: Int64 = 0
    /// What the newest samples were before, in the order in which they were replaced.
    private var replaced: [(index: UInt32, time: Timestamp, bits: UInt64)] = []
    private var replacedHistograms: [(series: UInt32, histogram: NativeHistogram?)] = []
    private var maxTimeBefore: Timestamp?
    /// Where the staged samples are and their bits; made when the first late sample asks. Histograms have none.
    private var places: [Place: UInt64]?
    private var histogramPlaces = Set<Place>()
    /// The newest staged exemplar of each series.
    var newestExemplars: [UInt32: Exemplar] = [:]

    /// Above this the room for what was replaced is given back.
    private static let keptCapacity = 1 << 16

    /// Calls `body` with each staged series.
    func forEachSeries(_ body: (UInt32) -> Void) {
        for batch in batches {
            for series in batch.row.series { body(series.rawValue) }
            for sample in batch.singles { body(sample.series) }
            for sample in batch.histograms { body(sample.series.rawValue) }
        }
    }

    /// Remembers what the newest sample of a series was before it is replaced.
    @inline(__always)
    mutating func replace(_ index: Int, _ time: Timestamp, _ bits: UInt64) {
        replaced.append((UInt32(truncatingIfNeeded: index), time, bits))
    }

    mutating func replaceHistogram(_ series: UInt32, _ histogram: NativeHistogram?) {
        replacedHistograms.append((series, histogram))
    }

    /// Adds a judged batch.
    mutating func add(_ batch: StagedBatch, hasRow: Bool, maxTimeBefore: Timestamp) {
        if self.maxTimeBefore == nil { self.maxTimeBefore = maxTimeBefore }
        if hasRow { rows += 1 }
        if places != nil { note(batch, includesSingles: false) }
        batches.append(batch)
    }

    /// The bits of a staged sample at just that time; `current` is the batch that is being judged.
    mutating func bits(_ place: Place, _ current: borrowing StagedBatch) -> UInt64? {
        if places == nil {
            places = [:]
            for batch in batches { note(batch, includesSingles: true) }
            note(current, includesSingles: true)
        }
        return places?[place]
    }

    /// Remembers a single sample of the batch that is being judged.
    @inline(__always)
    mutating func note(_ sample: SingleSample) {
        if places == nil { return }
        note(Place(series: sample.series, time: sample.time), sample.value.bitPattern)
    }

    private mutating func note(_ place: Place, _ bits: UInt64) {
        if places?[place] == nil { places?[place] = bits }
    }

    private mutating func note(_ batch: borrowing StagedBatch, includesSingles: Bool) {
        for (series, value) in zip(batch.row.series, batch.row.values) {
            note(Place(series: series.rawValue, time: batch.time), value.bitPattern)
        }
        if !includesSingles { return }
        for sample in batch.singles {
            note(Place(series: sample.series, time: sample.time), sample.value.bitPattern)
        }
    }

    /// Remembers a histogram of the batch that is being judged.
    mutating func noteHistogram(_ place: Place) { histogramPlaces.insert(place) }

    /// Whether a histogram is staged at just that time.
    func hasHistogram(_ place: Place) -> Bool { !histogramPlaces.isEmpty && histogramPlaces.contains(place) }

    /// Hands over the batches; nothing is staged then.
    mutating func take() -> [StagedBatch] {
        let taken = batches
        clear()
        return taken
    }

    /// Hands over what was replaced, the last one first, and the newest time before; nothing is staged then.
    mutating func takeReplaced() -> (
        samples: [(index: UInt32, time: Timestamp, bits: UInt64)],
        histograms: [(series: UInt32, histogram: NativeHistogram?)], maxTime: Timestamp?, rows: Int64
    ) {
        defer { clear() }
        return (replaced.reversed(), replacedHistograms.reversed(), maxTimeBefore, rows)
    }

    private mutating func clear() {
        batches.removeAll(keepingCapacity: true)
        rows = 0
        replaced.removeAll(keepingCapacity: replaced.capacity <= Staging.keptCapacity)
        if !replacedHistograms.isEmpty { replacedHistograms = [] }
        if !histogramPlaces.isEmpty { histogramPlaces = [] }
        if !newestExemplars.isEmpty { newestExemplars = [:] }
        places = nil
        maxTimeBefore = nil
    }
}
