public import MetricModel

/// The samples of a remote write request, in columns.
///
/// The body has to be unpacked (see ``Snappy``) before it is decoded. What is wrong with a single series does not fail the
/// request: it is told in ``Series/problem``, and the receiver decides.
public struct RemoteWriteRequest: Sendable {
    /// The versions of the protocol.
    public enum Version: Sendable, Hashable {
        /// `prometheus.WriteRequest`
        case version1
        /// `io.prometheus.write.v2.Request`
        case version2
    }

    /// A series with its stretches of the columns.
    public struct Series: Sendable, Hashable {
        /// Its labels, as far as they could be read; none where ``reference`` is known.
        public var labels: Labels
        /// The series of the store that it is, where a ``SeriesMemory`` knows it.
        public var reference: SeriesRef?
        /// What is wrong with it, in Prometheus's words; `nil` where it can be stored.
        public var problem: String?
        /// Its float samples.
        public var samples: Range<Int>
        /// Its histograms.
        public var histograms: Range<Int>
        /// Its exemplars.
        public var exemplars: Range<Int>
        /// What version 2 says about the metric; `nil` in version 1.
        public var metadata: MetricMetadata?
    }

    /// A native histogram with its times.
    public struct HistogramSample: Sendable, Hashable {
        /// Its time.
        public var timestamp: Timestamp
        /// When it began to count; 0 for unknown.
        public var startTimestamp: Timestamp
        /// The histogram.
        public var histogram: NativeHistogram

        /// A histogram sample.
        public init(timestamp: Timestamp, startTimestamp: Timestamp = 0, histogram: NativeHistogram) {
            self.timestamp = timestamp
            self.startTimestamp = startTimestamp
            self.histogram = histogram
        }
    }

    /// The series, in the order of the request.
    public var series: [Series] = []
    /// The times of the float samples.
    public var timestamps: [Timestamp] = []
    /// The values of the float samples, parallel to ``timestamps``.
    public var values: [Double] = []
    /// When each sample's counter began, parallel to ``timestamps``, 0 for unknown; empty where none is known.
    public var startTimestamps: [Timestamp] = []
    /// The histograms.
    public var histograms: [HistogramSample] = []
    /// The exemplars.
    public var exemplars: [Exemplar] = []
    /// What version 1 says about metric families.
    public var metadata: [(family: String, metadata: MetricMetadata)] = []
    /// What version 2 says about metric families with their sound series: of each family once, what came last.
    public internal(set) var familyMetadata: [(family: String, metadata: MetricMetadata)] = []
    /// The series that the memory did not know, by their places among ``series``.
    public internal(set) var lessons = SeriesMemory.Lessons()

    /// How many bytes of memory it takes, about.
    package internal(set) var size = 0

    /// What the pieces of a message take once it is read, here and on the way to the store.
    static let sampleSize = 48
    static let seriesSize = MemoryLayout<Series>.stride + 64
    static let exemplarSize = 2 * MemoryLayout<Exemplar>.stride + 64
    static let metadataSize = 2 * MemoryLayout<(family: String, metadata: MetricMetadata)>.stride

    /// An empty request.
    public init() {}

    /// Adds a series with its samples.
    public mutating func append(
        _ labels: Labels,
        timestamps newTimestamps: [Timestamp] = [],
        values newValues: [Double] = [],
        startTimestamps newStarts: [Timestamp] = [],
        histograms newHistograms: [HistogramSample] = [],
        exemplars newExemplars: [Exemplar] = [],
        metadata: MetricMetadata? = nil
    ) {
        let count = min(newTimestamps.count, newValues.count)
        series.append(
            Series(
                labels: labels,
                problem: nil,
                samples: timestamps.count..<timestamps.count + count,
                histograms: histograms.count..<histograms.count + newHistograms.count,
                exemplars: exemplars.count..<exemplars.count + newExemplars.count,
                metadata: metadata
            )
        )
        for index in 0..<count {
            appendSample(newValues[index], newTimestamps[index], start: index < newStarts.count ? newStarts[index] : 0)
        }
        histograms += newHistograms
        exemplars += newExemplars
    }

    /// Decodes the bytes of a message.
    public init(decoding message: [UInt8], version: Version) throws(ExpositionError) {
        var memory: SeriesMemory?
        try self.init(message, version, &memory)
    }

    /// Decodes the bytes of a message. Series that the memory knows have their ``Series/reference`` and no labels.
    public init(decoding message: [UInt8], version: Version, memory: inout SeriesMemory) throws(ExpositionError) {
        // Handed over and back, so that there is never a second copy of it.
        var own: SeriesMemory? = memory
        memory = SeriesMemory()
        defer { memory = own ?? SeriesMemory() }
        try self.init(message, version, &own)
    }

    private init(_ message: [UInt8], _ version: Version, _ memory: inout SeriesMemory?) throws(ExpositionError) {
        self = try message.withUnsafeBufferPointer { bytes throws(ExpositionError) in
            switch version {
            case .version1: try RemoteWriteDecoder1(bytes).decode(&memory)
            case .version2: try RemoteWriteDecoder2(bytes).decode(&memory)
            }
        }
    }

    /// Notes a sample whose start time may be known.
    mutating func appendSample(_ value: Double, _ timestamp: Timestamp, start: Timestamp) {
        if start != 0 || !startTimestamps.isEmpty {
            if startTimestamps.isEmpty { startTimestamps = Array(repeating: 0, count: timestamps.count) }
            startTimestamps.append(start)
        }
        timestamps.append(timestamp)
        values.append(value)
    }
}

extension RemoteWriteRequest {
    /// What every receiver checks of a series' labels.
    static func problem(of labels: Labels) -> String? {
        var isValid = true
        var hasName = false
        labels.encoded.withUnsafeBufferPointer { bytes in
            let reader = WireReader(bytes)
            labels.forEachRange { name, value in
                if !reader.isValidUTF8(name) || name.isEmpty || !reader.isValidUTF8(value) { isValid = false }
                if bytes[name].elementsEqual("__name__".utf8) { hasName = true }
            }
        }
        if !isValid || !hasName { return "invalid metric name or labels, got \(labels)" }
        if let name = labels.repeatedName {
            return "invalid labels for series, labels \(labels), duplicated label \(name)"
        }
        return nil
    }
}
