public import MetricModel

/// Prints series with their samples as text, one sample a line, as `promenade tsdb dump` does.
///
/// Stale markers are left out of OpenMetrics and CSV, which have no form for them, and native histograms as well.
public struct SampleDump {
    /// The form.
    public enum Format: String, Sendable, CaseIterable {
        /// What `tsdb import` and `promtool tsdb create-blocks-from openmetrics` read.
        case openmetrics
        /// RFC 4180: name, labels, time in milliseconds, value; with the names of the columns first.
        case csv
        /// What `promtool tsdb dump` prints: labels, value, time in milliseconds.
        case promtool
    }

    private let format: Format
    private let write: ([UInt8]) -> Bool
    private var text: [UInt8] = []
    /// How many samples were printed.
    public private(set) var samples = 0
    /// How many native histograms were left out.
    public private(set) var histogramsLeftOut = 0

    /// So many bytes are handed on at once.
    private static let pieceLength = 1 << 16

    /// - Parameter write: takes pieces of text; answers false where nobody reads them any more.
    public init(format: Format, write: @escaping ([UInt8]) -> Bool) {
        self.format = format
        self.write = write
        if format == .csv { text.append(contentsOf: "name,labels,ts,value\r\n".utf8) }
    }

    /// Prints a series.
    /// - Returns: whether anybody reads on.
    public mutating func series(_ columns: SeriesColumns) -> Bool {
        if format == .promtool, !columns.histograms.isEmpty { return mixed(columns) }
        histogramsLeftOut += columns.histograms.count
        let lead = lead(columns.labels)
        for (time, value) in zip(columns.timestamps, columns.values) {
            if format != .promtool, value.bitPattern == SpecialValue.stale.bitPattern { continue }
            samples += 1
            text.append(contentsOf: lead)
            switch format {
            case .openmetrics:
                GoNumber.append(value, .shortest, to: &text)
                text.append(UInt8(ascii: " "))
                appendSeconds(time)
                text.append(UInt8(ascii: "\n"))
            case .csv:
                GoNumber.append(time, to: &text)
                text.append(UInt8(ascii: ","))
                GoNumber.append(value, .shortest, to: &text)
                text.append(contentsOf: [UInt8(ascii: "\r"), UInt8(ascii: "\n")])
            case .promtool:
                GoNumber.append(value, .shortest, to: &text)
                text.append(UInt8(ascii: " "))
                GoNumber.append(time, to: &text)
                text.append(UInt8(ascii: "\n"))
            }
            if text.count >= SampleDump.pieceLength, !handOn() { return false }
        }
        return true
    }

    /// Prints a series that has native histograms, in the order of time.
    private mutating func mixed(_ columns: SeriesColumns) -> Bool {
        let lead = lead(columns.labels)
        let (times, histogramTimes) = (columns.timestamps, columns.histogramTimestamps)
        var (value, histogram) = (0, 0)
        while value < times.count || histogram < histogramTimes.count {
            let isValue =
                histogram == histogramTimes.count
                || value < times.count && times[value] < histogramTimes[histogram]
            text.append(contentsOf: lead)
            if isValue {
                GoNumber.append(columns.values[value], .shortest, to: &text)
            } else {
                text.append(contentsOf: columns.histograms[histogram].storedDescription.utf8)
            }
            text.append(UInt8(ascii: " "))
            GoNumber.append(isValue ? times[value] : histogramTimes[histogram], to: &text)
            text.append(UInt8(ascii: "\n"))
            if isValue { value += 1 } else { histogram += 1 }
            samples += 1
            if text.count >= SampleDump.pieceLength, !handOn() { return false }
        }
        return true
    }

    /// Prints the end.
    public mutating func finish() {
        if format == .openmetrics { text.append(contentsOf: "# EOF\n".utf8) }
        _ = handOn()
    }

    private mutating func handOn() -> Bool {
        defer { text.removeAll(keepingCapacity: true) }
        return write(text)
    }

    /// What stands before each sample of the series.
    private func lead(_ labels: Labels) -> [UInt8] {
        switch format {
        case .openmetrics: return Array((SampleDump.seriesText(labels) + " ").utf8)
        case .promtool: return Array((labels.description + " ").utf8)
        case .csv:
            let rest = SampleDump.seriesText(Labels(labels.filter { $0.name != Labels.metricName }))
            return Array((SampleDump.quotedForCSV(labels.name) + "," + SampleDump.quotedForCSV(rest) + ",").utf8)
        }
    }

    private static func quotedForCSV(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    /// A series as an exposition has it; names that need them in quotes.
    private static func seriesText(_ labels: Labels) -> String {
        let name = labels.name
        let isPlain = Label.isLegacyMetricName(name)
        var inner = isPlain || name.isEmpty ? [] : [quoted(name)]
        for label in labels where label.name != Labels.metricName {
            inner.append((Label.isLegacyName(label.name) ? label.name : quoted(label.name)) + "=" + quoted(label.value))
        }
        return (isPlain ? name : "") + (inner.isEmpty ? "" : "{" + inner.joined(separator: ",") + "}")
    }

    private static let escaping = Escaping(["\"": "\\\"", "\\": "\\\\", "\n": "\\n"])

    private static func quoted(_ text: String) -> String { escaping.quoted(text) }

    private mutating func appendSeconds(_ time: Timestamp) {
        let (seconds, rest) = time.quotientAndRemainder(dividingBy: 1000)
        if time < 0, seconds == 0 { text.append(UInt8(ascii: "-")) }
        GoNumber.append(seconds, to: &text)
        guard rest != 0 else { return }
        text.append(UInt8(ascii: "."))
        var digits = [UInt8](repeating: UInt8(ascii: "0"), count: 3)
        var left = rest.magnitude
        for index in (0..<3).reversed() {
            digits[index] += UInt8(left % 10)
            left /= 10
        }
        text.append(contentsOf: digits)
    }
}
