import Exposition
public import MetricModel
public import TSDB

/// Reads a file of old samples and hands them to an importer.
public struct OpenMetricsLoader: ~Copyable {
    private let bytes: UnsafeRawBufferPointer
    private var parser: ScrapeParser
    private let name: String
    private var importer: Importer
    private var known: [Labels: SeriesRef] = [:]
    private var current = SeriesRef(rawValue: 0)
    private var lead = UnsafeRawBufferPointer(start: nil, count: 0)
    /// What the file says of its families.
    public private(set) var families: [String: MetricMetadata] = [:]

    // Samples of one series, read in a row.
    private var times = [Timestamp](repeating: 0, count: OpenMetricsLoader.runLength)
    private var values = [Double](repeating: 0, count: OpenMetricsLoader.runLength)
    private static let runLength = 2048

    /// A loader of a file in memory, which has to outlive it.
    public init(_ bytes: UnsafeRawBufferPointer, name: String, importer: consuming Importer) {
        self.bytes = bytes
        parser = ScrapeParser(bytes, format: .openMetrics)
        self.name = name
        self.importer = importer
    }

    /// The share of the file that has been read, up to the last change of series.
    public var progress: Double {
        guard let start = bytes.baseAddress, let here = lead.baseAddress, !bytes.isEmpty else { return 0 }
        return Double(here - start) / Double(bytes.count)
    }

    /// Reads on; whether there is more.
    /// - Throws: ``ImportFailed``, or what the store says.
    public mutating func step() async throws -> Bool {
        if importer.isFull { try await importer.flush() }
        // Most samples belong to the series of the one before.
        if lead.count > 0, try readRun() { return true }
        let next: ScrapeParser.Entry?
        do {
            next = try parser.next()
        } catch {
            throw failed(error.message)
        }
        guard let entry = next else { return false }
        switch entry {
        case .series:
            let labels = parser.labels()
            guard let time = parser.timestamp else {
                throw failed("expected timestamp for series \(labels), got none")
            }
            guard Importer.times.contains(time) else { throw outOfBounds(time) }
            if let reference = known[labels] {
                current = reference
            } else {
                if let repeated = labels.repeatedName {
                    throw failed("label name \(GoText.quoted(repeated)) is not unique: invalid sample \(labels)")
                }
                current = try await importer.resolve([labels])[0]
                known[labels] = current
            }
            lead = parser.leadBytes
            importer.append(current, time, parser.value)
        case .type: families[parser.familyName, default: MetricMetadata()].type = parser.familyType
        case .help: families[parser.familyName, default: MetricMetadata()].help = parser.familyText
        case .unit: families[parser.familyName, default: MetricMetadata()].unit = parser.familyText
        case .comment, .histogram: break
        }
        return true
    }

    /// Reads samples that follow with the same labels. Whether there were any.
    private mutating func readRun() throws -> Bool {
        let count = times.withUnsafeMutableBufferPointer { times in
            values.withUnsafeMutableBufferPointer { values in
                parser.advance(over: lead, times, values)
            }
        }
        if count == 0 { return false }
        if let index = times[..<count].firstIndex(where: { !Importer.times.contains($0) }) {
            throw outOfBounds(times[index], linesBefore: count - 1 - index)
        }
        times.withUnsafeBufferPointer { times in
            values.withUnsafeBufferPointer { values in
                importer.append(
                    current,
                    timestamps: UnsafeBufferPointer(rebasing: times[..<count]),
                    values: UnsafeBufferPointer(rebasing: values[..<count])
                )
            }
        }
        return true
    }

    private func outOfBounds(_ time: Timestamp, linesBefore: Int = 0) -> ImportFailed {
        failed("the time \(time) (in milliseconds) of a sample is in no year from 1 to 9999", linesBefore: linesBefore)
    }

    /// A failure in the line that was read last, or in which the parser stopped, or so many before it.
    private func failed(_ problem: String, linesBefore: Int = 0) -> ImportFailed {
        let read = bytes[..<min(max(0, parser.position - 1), bytes.count)]
        let line = read.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        return ImportFailed(file: name, line: line - linesBefore, problem: problem)
    }

    /// Writes the rest; what was imported in all.
    public consuming func finish() async throws -> Importer.Summary { try await importer.finish() }
}

/// A file that cannot be imported.
public struct ImportFailed: Error, CustomStringConvertible {
    var file: String
    var line: Int
    var problem: String
    /// What was wrong, and where.
    public var description: String { "\(file):\(line): \(problem)" }
}
