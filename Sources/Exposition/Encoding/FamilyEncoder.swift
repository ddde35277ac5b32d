public import MetricModel

/// Writes metric families into a buffer of bytes, as the Go client library's `expfmt` does.
///
///     var encoder = FamilyEncoder(format)
///     for family in families { encoder.append(family) }
///     let body = encoder.finish()
public struct FamilyEncoder: Sendable {
    /// What is written.
    public let format: ExpositionFormat
    /// Whether OpenMetrics gets `_created` lines.
    public var writesCreatedLines = false
    /// What was written so far. May be taken away in between to stream it.
    public var output: [UInt8] = []

    /// An encoder.
    public init(_ format: ExpositionFormat) {
        self.format = format
    }

    /// Writes a family. One without metrics leaves no trace in the Prometheus text format and in protobuf.
    public mutating func append(_ family: MetricFamily) {
        let family = family.escaped(format.escaping)
        switch format.kind {
        case .text, .text1: if !family.metrics.isEmpty { appendText(family) }
        case .openMetrics0, .openMetrics1: appendOpenMetrics(family)
        case .protobuf: FamilyProtobuf.append(family, to: &output)
        }
    }

    /// Writes more metrics of the family that was written last, in the text formats: a family of protobuf is one message.
    public mutating func appendMore(of family: MetricFamily) {
        precondition(format.kind != .protobuf, "a family of protobuf is one message")
        let family = family.escaped(format.escaping)
        appendMetrics(family, base: isOpenMetrics ? Self.openMetricsBase(of: family) : family.name)
    }

    /// Ends the exposition and hands it over.
    public mutating func finish() -> [UInt8] {
        if isOpenMetrics { write("# EOF\n") }
        let result = output
        output = []
        return result
    }

    /// A whole exposition.
    public static func encode(_ families: some Sequence<MetricFamily>, as format: ExpositionFormat) -> [UInt8] {
        var encoder = FamilyEncoder(format)
        for family in families { encoder.append(family) }
        return encoder.finish()
    }
}

extension FamilyEncoder {
    var isOpenMetrics: Bool { format.kind == .openMetrics0 || format.kind == .openMetrics1 }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes a text with `\`, line breaks and, if asked, double quotes escaped.
    mutating func writeEscaped(_ text: String, quotes: Bool) {
        var text = text
        text.withUTF8 { bytes in
            var isPlain = true
            for byte in bytes
            where byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\"") {
                isPlain = false
            }
            if isPlain {
                output.append(contentsOf: bytes)
                return
            }
            for byte in bytes {
                switch byte {
                case UInt8(ascii: "\\"): write("\\\\")
                case UInt8(ascii: "\n"): write("\\n")
                case UInt8(ascii: "\"") where quotes: write("\\\"")
                default: output.append(byte)
                }
            }
        }
    }

    /// Writes a name, in quotes where it needs them. Labels are judged as metrics are, colons allowed.
    mutating func writeName(_ name: String, _ suffix: StaticString = "") {
        if ByteClass.isPlainName(name) {
            var name = name
            name.withUTF8 { output.append(contentsOf: $0) }
            write(suffix)
            return
        }
        write("\"")
        writeEscaped(name, quotes: true)
        write(suffix)
        write("\"")
    }

    /// Writes `name{labels}` as far as there is something to write. Only an exemplar has no name.
    mutating func writeSeries(
        _ name: String?,
        _ suffix: StaticString,
        _ labels: some Sequence<Label>,
        extra: (name: StaticString, value: Double)?
    ) {
        // Escapes at most double a text, and quotes, braces and separators take what is added.
        var room = 2 * (name?.utf8.count ?? 0) + suffix.utf8CodeUnitCount + 32
        for label in labels { room += 2 * label.byteCount + 8 }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { buffer in
            var text = SeriesTextWriter(buffer: buffer)
            if let name { text.writeMetricName(name, suffix) }
            for label in labels { text.writeLabel(label) }
            if let extra { text.beginLabel(extra.name) }
            if extra == nil { text.close() }
            output.append(contentsOf: text.written)
        }
        if let extra {
            writeNumber(extra.value)
            write("\"}")
        }
    }

    /// Writes a number in the format's own way.
    mutating func writeNumber(_ value: Double) {
        if isOpenMetrics {
            LabelText.appendOpenMetricsNumber(value, to: &output)
        } else {
            GoNumber.append(value == 0 ? 0 : value, .shortest, to: &output)
        }
    }
}
