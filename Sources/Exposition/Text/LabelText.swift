public import MetricModel

/// What happens to the text of labels between an exposition and a series.
enum LabelText {
    static let type = Array("__type__".utf8)
    static let unit = Array("__unit__".utf8)

    /// Resolves `\\`, `\n` and, if asked, `\"`; other escapes stay as they are.
    static func unescaped(_ text: ArraySlice<UInt8>, quotes: Bool) -> [UInt8] {
        guard text.contains(UInt8(ascii: "\\")) else { return Array(text) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let current = text[index]
            index += 1
            if current == UInt8(ascii: "\\"), index < text.endIndex {
                switch text[index] {
                case UInt8(ascii: "\\"):
                    result.append(current)
                    index += 1
                    continue
                case UInt8(ascii: "n"):
                    result.append(UInt8(ascii: "\n"))
                    index += 1
                    continue
                case UInt8(ascii: "\"") where quotes:
                    result.append(UInt8(ascii: "\""))
                    index += 1
                    continue
                default: break
                }
            }
            result.append(current)
        }
        return result
    }

    /// `le` of histograms and `quantile` of summaries as OpenMetrics writes numbers: `1` becomes `1.0`.
    static func normalized(_ value: [UInt8], label: [UInt8], type: MetricType) -> [UInt8] {
        let isMagic =
            (type == .summary && label.elementsEqual("quantile".utf8))
            || (type == .histogram && label.elementsEqual("le".utf8))
        guard isMagic, let number = try? GoFloat.parse(value) else { return value }
        var text: [UInt8] = []
        appendOpenMetricsNumber(number, to: &text)
        return text
    }

    /// A number as OpenMetrics writes it: with a decimal point or an exponent.
    static func appendOpenMetricsNumber(_ value: Double, to output: inout [UInt8]) {
        let start = output.count
        if value == 0 {
            // Prometheus's short cut for zero forgets its sign.
            output.append(contentsOf: "0.0".utf8)
            return
        }
        GoNumber.append(value, .shortest, to: &output)
        guard value.isFinite else { return }
        let hasMark = output[start...].contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "e") }
        if !hasMark { output.append(contentsOf: ".0".utf8) }
    }
}

extension Labels {
    /// A name that occurs more than once, which only ``ScrapeParser/labels()`` lets through: such a sample is refused.
    public var repeatedName: String? {
        var previous: Range<Int>?
        var found: Range<Int>?
        encoded.withUnsafeBufferPointer { bytes in
            forEachRange { name, _ in
                if found == nil, let last = previous, bytes[last].elementsEqual(bytes[name]) { found = name }
                previous = name
            }
        }
        return found.map { String(decoding: encoded[$0], as: UTF8.self) }
    }
}
