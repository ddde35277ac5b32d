import MetricModel

/// A value of an attribute on its way to text.
public indirect enum OTLPValue: Sendable {
    /// Nothing.
    case empty
    /// A text.
    case string(String)
    /// A truth value.
    case bool(Bool)
    /// A whole number.
    case int(Int64)
    /// A number.
    case double(Double)
    /// Values in a row.
    case array([OTLPValue])
    /// Values by key.
    case map([(key: String, value: OTLPValue)])
    /// Bytes.
    case bytes([UInt8])

    /// The value as a label has it: lists and maps as JSON, bytes in Base64.
    public var text: String {
        switch self {
        case .empty: return ""
        case .string(let text): return text
        case .bool(let isTrue): return isTrue ? "true" : "false"
        case .int(let number): return String(number)
        case .double(let number):
            if number.isFinite { return Self.number(number) }
            return "json: unsupported value: " + Self.infinite(number)
        case .bytes(let bytes): return Base64.encode(bytes)
        case .array, .map:
            var output: [UInt8] = []
            return writeJSON(to: &output) ? String(decoding: output, as: UTF8.self) : ""
        }
    }

    private static func infinite(_ number: Double) -> String {
        number.isNaN ? "NaN" : number > 0 ? "+Inf" : "-Inf"
    }

    private static func number(_ number: Double) -> String {
        let text = GoNumber.text(number, .json)
        // An exponent of one digit has no zero before it in JSON.
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "e")) else { return text }
        var exponent = text[text.index(after: mark)...]
        let sign = exponent.first.map(String.init) ?? ""
        exponent = exponent.dropFirst()
        if sign == "-", exponent.utf8.count == 2, exponent.hasPrefix("0") { exponent = exponent.dropFirst() }
        return text[...mark] + sign + exponent
    }

    /// Whether it could be written: JSON has no infinite numbers.
    private func writeJSON(to output: inout [UInt8]) -> Bool {
        switch self {
        case .empty: output += Array("null".utf8)
        case .string(let text): Self.quote(text, to: &output)
        case .bool(let isTrue): output += Array((isTrue ? "true" : "false").utf8)
        case .int(let number): output += Array(String(number).utf8)
        case .double(let number):
            if !number.isFinite { return false }
            output += Array(Self.number(number).utf8)
        case .bytes(let bytes): Self.quote(Base64.encode(bytes), to: &output)
        case .array(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                if !item.writeJSON(to: &output) { return false }
            }
            output.append(UInt8(ascii: "]"))
        case .map(let entries):
            var last: [ExactText: Int] = [:]
            for (index, entry) in entries.enumerated() { last[ExactText(entry.key)] = index }
            let kept = last.values.map { entries[$0] }
                .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            output.append(UInt8(ascii: "{"))
            for (index, entry) in kept.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.quote(entry.key, to: &output)
                output.append(UInt8(ascii: ":"))
                if !entry.value.writeJSON(to: &output) { return false }
            }
            output.append(UInt8(ascii: "}"))
        }
        return true
    }

    /// A text as Go's `encoding/json` writes it: safe inside HTML.
    private static func quote(_ text: String, to output: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        func escape(_ code: UInt32) {
            output += Array("\\u".utf8)
            for shift in stride(from: UInt32(12), through: 0, by: -4) { output.append(digits[Int(code >> shift & 15)]) }
        }
        output.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": output += [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: scalar.value)]
            case "\n": output += Array("\\n".utf8)
            case "\r": output += Array("\\r".utf8)
            case "\t": output += Array("\\t".utf8)
            case "\u{8}": output += Array("\\b".utf8)
            case "\u{c}": output += Array("\\f".utf8)
            case "<", ">", "&", "\u{2028}", "\u{2029}": escape(scalar.value)
            default:
                if scalar.value < 0x20 { escape(scalar.value) } else { output += Array(UTF8.encode(scalar) ?? .init()) }
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
