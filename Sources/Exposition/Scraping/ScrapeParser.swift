public import MetricModel

/// Reads a scraped body entry by entry, as tolerant and as strict as Prometheus's own parsers, with its errors.
///
/// The parser does not copy the body: it reads the memory it was given, which has to outlive it. Typical use:
///
///     try body.withUnsafeBytes { bytes in
///         var parser = try ScrapeParser(bytes, format: format)
///         while let entry = try parser.next() { … }
///     }
///
/// **Repeated scrapes.** A target exposes the same series in the same order time and again. After each `.series` entry,
/// ``leadBytes`` is the text from the end of the previous series' line to this value (comments and line breaks included).
/// Whoever keeps these leads in order can try ``advance(over:)`` with the expected one first: a comparison of memory and a
/// number to read, nothing else. Where it answers `false`, nothing has happened and ``next()`` takes over.
public struct ScrapeParser {
    /// What was read.
    public enum Entry: Sendable, Hashable {
        /// A TYPE line: ``familyName`` and ``familyType``.
        case type
        /// A HELP line: ``familyName`` and ``familyText``.
        case help
        /// A UNIT line: ``familyName`` and ``familyText``.
        case unit
        /// Another comment.
        case comment
        /// A float sample: ``seriesBytes``, ``value``, ``timestamp``, ``labels()``.
        case series
        /// A native histogram: ``seriesBytes``, ``histogram``, ``timestamp``, ``labels()``.
        case histogram
    }

    var text: TextScanner
    /// The reader of formats whose series are not stretches of the body; `nil` for plain text.
    private let source: (any EntrySource)?

    /// A parser of a body in a known format.
    public init(_ body: UnsafeRawBufferPointer, format: ScrapeFormat, options: ScrapeOptions = ScrapeOptions()) {
        text = TextScanner(body, format: format, options: options)
        switch format {
        case .text, .openMetrics:
            source = options.convertsClassicHistograms ? ConvertingSource(text, options: options) : nil
        case .protobuf: source = ProtobufSource(body, options: options)
        }
    }

    /// Whether series are stretches of the body.
    var isPlainText: Bool { source == nil }

    /// Reads every line the exact way, for comparison.
    package mutating func readExactly() { text.usesFastWay = false }

    /// Moves to the next entry; `nil` at the end of the body.
    /// - Throws: an error in Prometheus's words. Nothing may be read after it.
    public mutating func next() throws(ExpositionError) -> Entry? {
        if let source {
            let entry = try source.next()
            value = source.value
            timestamp = source.timestamp
            return entry
        }
        let entry = try text.next()
        value = text.value
        timestamp = text.hasTimestamp ? text.timestamp : nil
        return entry
    }

    /// Reads the next float sample if the text up to its value is exactly `lead` (an earlier ``leadBytes``).
    ///
    /// On success ``value`` and ``timestamp`` are those of the sample, and its series is the one that the lead belonged to. On
    /// `false` nothing was read. Samples with exemplars always answer `false`, so that the exemplar is not lost.
    @inline(__always)
    public mutating func advance(over lead: UnsafeRawBufferPointer) -> Bool {
        if source != nil { return false }
        guard text.advance(over: lead) else { return false }
        value = text.value
        timestamp = text.hasTimestamp ? text.timestamp : nil
        return true
    }

    /// How far the body was read; 0 where its form has no lines. After an error that is in the line that is wrong, or at its end.
    package var position: Int { source == nil ? text.position : 0 }

    /// The value of the `.series` entry read last.
    public private(set) var value = 0.0
    /// The timestamp that the sample carried, if any.
    public private(set) var timestamp: Timestamp?

    /// The raw text that identifies the series (name and labels as exposed): a key for caches. Valid until the next move.
    public var seriesBytes: UnsafeRawBufferPointer {
        source?.seriesBytes ?? text.seriesBytes
    }

    /// What stood between the end of the previous series' line and this value; see the type's description. Empty where the
    /// format has no such thing, and for samples that cannot be read by ``advance(over:)``. Points into the body.
    public var leadBytes: UnsafeRawBufferPointer {
        source == nil ? text.leadBytes : UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// The labels of the sample read last by ``next()``, sorted; `le` and `quantile` of classic histograms and summaries
    /// in OpenMetrics form. Labels without a value are left out. A name that occurs twice stays twice; ask
    /// ``MetricModel/Labels/repeatedName``.
    public mutating func labels() -> Labels {
        source?.labels() ?? text.labels()
    }

    /// The native histogram of a `.histogram` entry.
    public var histogram: NativeHistogram { source?.histogram ?? NativeHistogram() }

    /// The next exemplar of the sample; `nil` once there is none (left).
    public mutating func nextExemplar() -> Exemplar? {
        if let source { return source.nextExemplar() }
        return text.nextExemplar()
    }

    /// When the sample's counter started; `nil` where the exposition does not tell. In OpenMetrics this looks ahead for the
    /// `_created` line, so ask only where the answer is wanted.
    public mutating func startTimestamp() -> Timestamp? {
        let start = source?.startTimestamp() ?? text.startTimestamp()
        return start == 0 ? nil : start
    }

    /// The name in a `.type`, `.help` or `.unit` entry.
    public var familyName: String {
        source?.familyName ?? text.familyName
    }

    /// The kind in a `.type` entry.
    public var familyType: MetricType { source?.familyType ?? text.metricType }

    /// The text of a `.help` or `.unit` entry.
    public var familyText: String { source?.familyText ?? text.familyText }
}

/// What a scrape configuration asks of the parsers.
public struct ScrapeOptions: Sendable, Hashable {
    /// Turn classic histograms into native ones with custom bounds (`convert_classic_histograms_to_nhcb`).
    public var convertsClassicHistograms = false
    /// Keep the classic series of histograms that are native too (`always_scrape_classic_histograms`).
    public var keepsClassicHistograms = false
    /// Ignore native histograms in protobuf (`scrape_native_histograms: false`).
    public var ignoresNativeHistograms = false
    /// Leave out `_created` series of OpenMetrics, because start timestamps are asked for.
    public var skipsCreatedSeries = false
    /// Add `__type__` and `__unit__` labels.
    public var addsTypeAndUnitLabels = false

    /// The defaults.
    public init() {}
}

/// A reader of entries that keeps its own series text.
protocol EntrySource: AnyObject {
    func next() throws(ExpositionError) -> ScrapeParser.Entry?
    var value: Double { get }
    var timestamp: Timestamp? { get }
    var seriesBytes: UnsafeRawBufferPointer { get }
    var histogram: NativeHistogram { get }
    var familyName: String { get }
    var familyType: MetricType { get }
    var familyText: String { get }
    func labels() -> Labels
    func nextExemplar() -> Exemplar?
    func startTimestamp() -> Timestamp
}
