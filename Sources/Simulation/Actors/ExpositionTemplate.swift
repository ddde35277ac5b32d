import Exposition
package import MetricModel

/// The text of an exposition without its values: as long as the series stay the same only the values are written anew.
package struct ExpositionTemplate {
    /// What stands before each value, one after the other; the rest at the end.
    private var bytes: [UInt8] = []
    /// Where what stands before a value ends.
    private var ends: [Int] = []

    /// No lines.
    package init() {}

    /// How many values there are.
    var count: Int { ends.count }

    /// Begins a family.
    package mutating func family(_ name: String, _ help: String, _ type: MetricSpec.Kind) {
        if !help.isEmpty {
            bytes += "# HELP \(name) \(help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))\n".utf8
        }
        bytes += "# TYPE \(name) \(type == .info ? "gauge" : type.rawValue)\n".utf8
    }

    /// A line, up to its value.
    package mutating func line(_ name: String, _ labels: [Label], _ extra: Label? = nil) {
        bytes += name.utf8
        var separator = "{"
        for label in labels + (extra.map { [$0] } ?? []) {
            bytes += "\(separator)\(label.name)=\"".utf8
            for byte in label.value.utf8 {
                switch byte {
                case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
                case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), byte]
                case _: bytes.append(byte)
                }
            }
            bytes.append(UInt8(ascii: "\""))
            separator = ","
        }
        bytes += (separator == "," ? "} " : " ").utf8
        ends.append(bytes.count)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The lines of one part of a metric, up to their values: those of a histogram's buckets or a summary's quantiles, the sum, the count.
    mutating func lines(_ spec: MetricSpec, _ labels: [Label]) {
        func parts(_ name: String, _ label: String, _ values: [Double]) {
            for value in values { line(name, labels, Label(name: label, value: GoNumber.text(value, .shortest))) }
        }
        switch spec.kind {
        case .counter, .gauge, .info: return line(spec.name, labels)
        case .histogram: if !spec.isNative { parts(spec.name + "_bucket", "le", spec.buckets + [.infinity]) }
        case .summary: parts(spec.name, "quantile", spec.quantiles)
        }
        line(spec.name + "_sum", labels)
        line(spec.name + "_count", labels)
    }

    /// The whole with its values.
    /// - Parameter timestamp: what stands behind each value; `nil` for nothing.
    package func write(_ values: [Double], timestamp: Timestamp?, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + bytes.count + values.count * 12)
        var start = 0
        bytes.withUnsafeBufferPointer { bytes in
            for (end, value) in zip(ends, values) {
                output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end]))
                GoNumber.append(value, .shortest, to: &output)
                if let timestamp {
                    output.append(UInt8(ascii: " "))
                    GoNumber.append(timestamp, to: &output)
                }
                start = end
            }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
        }
    }
}
