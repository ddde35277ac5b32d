import MetricModel

/// Appending to buffers of text in the exposition format.
enum FamilyText {
    @inline(__always)
    static func append(_ text: String, to buffer: inout [UInt8]) {
        buffer.append(contentsOf: text.utf8)
    }

    /// Appends a label's value with `\`, `"` and line feeds escaped.
    static func appendEscaped(_ text: String, to buffer: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                if byte == 0x5c || byte == 0x22 || byte == 0x0a {
                    buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
                    buffer.append(0x5c)
                    buffer.append(byte == 0x0a ? UInt8(ascii: "n") : byte)
                    start = index + 1
                }
                index += 1
            }
            buffer.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<bytes.count]))
        }
    }

    /// Appends a HELP text with `\` and line feeds escaped.
    static func appendEscapedHelp(_ text: String, to buffer: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case 0x5c: buffer.append(contentsOf: [0x5c, 0x5c])
            case 0x0a: buffer.append(contentsOf: [0x5c, UInt8(ascii: "n")])
            default: buffer.append(byte)
            }
        }
    }

    /// Appends a name, in quotes where it is not one of the old form.
    static func appendName(_ name: String, isLegacy: Bool, to buffer: inout [UInt8]) {
        if isLegacy {
            append(name, to: &buffer)
        } else {
            buffer.append(0x22)
            appendEscaped(name, to: &buffer)
            buffer.append(0x22)
        }
    }

    /// Appends the HELP and TYPE lines of a family.
    static func appendHeader(name: String, isLegacy: Bool, help: String?, type: MetricType, to buffer: inout [UInt8]) {
        if let help {
            append("# HELP ", to: &buffer)
            appendName(name, isLegacy: isLegacy, to: &buffer)
            buffer.append(0x20)
            appendEscapedHelp(help, to: &buffer)
            buffer.append(0x0a)
        }
        append("# TYPE ", to: &buffer)
        appendName(name, isLegacy: isLegacy, to: &buffer)
        append(" \(type.textName)\n", to: &buffer)
    }
}

extension MetricType {
    /// The name in text format 0.0.4.
    var textName: String {
        switch self {
        case .counter: "counter"
        case .gauge, .info, .stateset: "gauge"
        case .histogram, .gaugehistogram: "histogram"
        case .summary: "summary"
        case .unknown: "untyped"
        }
    }

    /// The name in messages and in the JSON API.
    var protoName: String {
        switch self {
        case .counter: "COUNTER"
        case .gauge, .info, .stateset: "GAUGE"
        case .histogram: "HISTOGRAM"
        case .gaugehistogram: "GAUGE_HISTOGRAM"
        case .summary: "SUMMARY"
        case .unknown: "UNTYPED"
        }
    }

    /// A small number for tables and records.
    var index: Int {
        switch self {
        case .counter: 0
        case .gauge: 1
        case .histogram: 2
        case .gaugehistogram: 3
        case .summary: 4
        case .info: 5
        case .stateset: 6
        case .unknown: 7
        }
    }

    /// The type of ``index``.
    init?(index: Int) {
        guard let type = MetricType.allCases.first(where: { $0.index == index }) else { return nil }
        self = type
    }
}
