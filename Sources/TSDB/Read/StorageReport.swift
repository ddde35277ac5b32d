public import MetricModel
import Synchronization

/// What takes how much space in a store, as `tsdb info` shows it.
public struct StorageReport: Sendable {
    /// Chunks of one kind.
    public struct Codec: Sendable {
        /// What the kind is called.
        public var name: String
        /// How many chunks.
        public var chunks = 0
        /// Their samples.
        public var samples: Int64 = 0
        /// Their bytes.
        public var bytes: Int64 = 0
    }

    /// The series of one metric.
    public struct Metric: Sendable {
        /// The metric's name.
        public var name: String
        /// How many series.
        public var series = 0
        /// Their samples in blocks.
        public var samples: Int64 = 0
        /// Bytes of the values of those samples.
        public var bytes: Int64 = 0
    }

    /// A closed block.
    public struct BlockInfo: Sendable {
        /// Its number.
        public var id: Int64
        /// 0 as it was closed, then how often it was merged; 3 for a whole day.
        public var level: Int
        /// The earliest sample.
        public var minTime: Timestamp
        /// The latest sample.
        public var maxTime: Timestamp
        /// How many samples.
        public var samples: Int64
        /// How many series.
        public var series: Int
        /// Bytes of its pages and timelines.
        public var bytes: Int64
    }

    /// Bytes of the files.
    public var fileBytes: Int64 = 0
    /// Known series.
    public var series = 0
    /// Samples in blocks.
    public var blockSamples: Int64 = 0
    /// Samples in the head.
    public var headSamples = 0
    /// The earliest and the latest sample.
    public var timeRange: ClosedRange<Timestamp>?
    /// Bytes of timelines.
    public var timelineBytes: Int64 = 0
    /// Bytes of the pages' headers.
    public var headerBytes: Int64 = 0
    /// By kind of chunk, largest first.
    public var codecs: [Codec] = []
    /// By metric, largest first.
    public var metrics: [Metric] = []
    /// By number.
    public var blocks: [BlockInfo] = []

    /// A report of nothing.
    init() {}
}

extension Engine {
    /// Reads through all pages and adds up. `progress` is told the share that is done.
    func report(_ progress: (Double) -> Void) throws(StorageError) -> StorageReport {
        var report = StorageReport()
        let (blocks, names) = state.withLock { state -> ([Block], [UInt32: String]) in
            report.series = state.table.aliveCount
            report.headSamples = (state.frozen + [state.open]).reduce(0) { $0 + $1.samples }
            var names: [UInt32: String] = [:]
            for series in state.table.all { names[series] = state.table.labels(series).name }
            let segments = (state.frozen + [state.open]).filter { !$0.isEmpty }
            let first = (state.blocks.map(\.minTime) + segments.map(\.minTime)).min()
            let last = (state.blocks.map(\.maxTime) + segments.map(\.maxTime)).max()
            if let first, let last { report.timeRange = first...last }
            return (state.blocks, names)
        }
        report.fileBytes = backend?.size() ?? blocks.reduce(0) { $0 + $1.bytes }
        var codecs: [String: StorageReport.Codec] = [:]
        var metrics: [String: StorageReport.Metric] = [:]
        for name in names.values { metrics[name, default: .init(name: name)].series += 1 }
        for (number, block) in blocks.enumerated() {
            report.blockSamples += block.samples
            report.blocks.append(
                .init(
                    id: block.id,
                    level: block.level,
                    minTime: block.minTime,
                    maxTime: block.maxTime,
                    samples: block.samples,
                    series: block.runs.reduce(0) { $0 + $1.count },
                    bytes: block.bytes
                )
            )
            var pageBytes: Int64 = 0
            for page in block.pages.indices {
                try source.read(block, [block.pageRow(page)]) { (_, bytes) throws(StorageError) in
                    guard let page = LoadedPage(bytes) else {
                        throw StorageError(.corrupt, "page \(page) of block \(block.id) is damaged")
                    }
                    pageBytes += Int64(bytes.count)
                    var payload = 0
                    for entry in page.entries {
                        let name = Engine.codecName(entry, bytes)
                        let size = entry.values.count + entry.starts.count
                        payload += size
                        codecs[name, default: .init(name: name)].chunks += 1
                        codecs[name]?.samples += Int64(entry.count)
                        codecs[name]?.bytes += Int64(size)
                        if let metric = names[entry.series] {
                            metrics[metric]?.samples += Int64(entry.count)
                            metrics[metric]?.bytes += Int64(size)
                        }
                    }
                    report.headerBytes += Int64(bytes.count - Page.padding - payload)
                }
            }
            report.timelineBytes += block.bytes - pageBytes + Int64(block.pages.count * (Page.padding - 8))
            progress(Double(number + 1) / Double(blocks.count))
        }
        report.codecs = codecs.values.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
        report.metrics = metrics.values.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
        return report
    }

    private static func codecName(_ entry: Page.Entry, _ bytes: [UInt8]) -> String {
        if entry.kind.contains(.histograms) { return "native histograms" }
        if entry.reference > 0 { return "differences from another series" }
        let form = bytes.withUnsafeBufferPointer { ValueCodec.form(UnsafeBufferPointer(rebasing: $0[entry.values])) }
        switch form {
        case .constant, .constantInteger: return "constant"
        case .decimal: return ValueCodec.isOfIntegers(bytes[entry.values.lowerBound]) ? "integers" : "decimals"
        case .bits: return "bit patterns"
        case nil: return "unknown"
        }
    }
}
