import MetricModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

/// Formats values as Go's `fmt.Sprintf` does.
struct GoFormat {
    /// No field is wider than that, as in Go.
    private static let maximumWidth = 1_000_000

    private struct Flags {
        var minus = false, plus = false, sharp = false, space = false, zero = false
        /// `%+v` and `%#v`, which ask for the names of fields and Go's syntax and not for signs.
        var plusV = false, sharpV = false
        var width: Int?
        var precision: Int?
    }

    /// `fmt.Sprintf(format, values…)`
    static func formatted(_ format: String, _ values: [TemplateValue]) -> String {
        var result = ""
        let scalars = Array(format.unicodeScalars)
        var index = 0
        var argument = 0
        var wasReordered = false
        while index < scalars.count {
            // Whoever asked refuses what is longer than that.
            if result.utf8.count > TemplateExecution.maximumLength { return result }
            guard scalars[index] == "%" else {
                result.unicodeScalars.append(scalars[index])
                index += 1
                continue
            }
            index += 1
            var flags = Flags()
            flagLoop: while index < scalars.count {
                switch scalars[index] {
                case "-":
                    flags.minus = true
                    flags.zero = false
                case "+": flags.plus = true
                case "#": flags.sharp = true
                case " ": flags.space = true
                case "0": flags.zero = !flags.minus
                default: break flagLoop
                }
                index += 1
            }
            var badIndex = false
            /// `[3]`: the next value is the third.
            func position() {
                guard index < scalars.count, scalars[index] == "[" else { return }
                wasReordered = true
                let end = scalars[index...].firstIndex(of: "]")
                guard let end else {
                    badIndex = true
                    index += 1
                    return
                }
                let inner = String(String.UnicodeScalarView(scalars[index + 1..<end]))
                index = end + 1
                if let number = Int(inner), number >= 1, number <= values.count {
                    argument = number - 1
                } else {
                    badIndex = true
                }
            }
            func number() -> Int? {
                let start = index
                while index < scalars.count, ("0"..."9").contains(scalars[index]) { index += 1 }
                guard index > start else { return nil }
                let value = Int(String(String.UnicodeScalarView(scalars[start..<index])))
                return value.flatMap { $0 <= maximumWidth ? $0 : nil }
            }
            func star() -> Int? {
                guard argument < values.count else { return nil }
                argument += 1
                let given: Int64
                if case .int(let value) = values[argument - 1] {
                    given = value
                } else if case .named(_, let value, _) = values[argument - 1] {
                    given = value
                } else {
                    return nil
                }
                return given.magnitude <= maximumWidth ? Int(given) : nil
            }
            position()
            if index < scalars.count, scalars[index] == "*" {
                index += 1
                flags.width = star()
                if flags.width == nil { result += "%!(BADWIDTH)" }
                if let width = flags.width, width < 0 {
                    flags.width = -width
                    flags.minus = true
                    flags.zero = false
                }
            } else {
                flags.width = number()
            }
            if index < scalars.count, scalars[index] == "." {
                index += 1
                position()
                if index < scalars.count, scalars[index] == "*" {
                    index += 1
                    flags.precision = star()
                    if let precision = flags.precision, precision < 0 { flags.precision = nil }
                    if flags.precision == nil { result += "%!(BADPREC)" }
                } else {
                    flags.precision = number() ?? 0
                }
            }
            position()
            guard index < scalars.count else {
                result += "%!(NOVERB)"
                break
            }
            let verb = scalars[index]
            index += 1
            if verb == "v" {
                (flags.plusV, flags.sharpV) = (flags.plus && !flags.sharp, flags.sharp)
                (flags.plus, flags.sharp) = (false, false)
            }
            if verb == "%" {
                result += "%"
            } else if badIndex {
                result += "%!\(verb)(BADINDEX)"
            } else if argument >= values.count {
                result += "%!\(verb)(MISSING)"
            } else {
                append(values[argument], verb, flags, to: &result)
                argument += 1
            }
        }
        if !wasReordered, argument < values.count {
            let extra = values[argument...].map { value in
                if case .nothing = value { return "<nil>" }
                return "\(value.type)=\(value.text)"
            }
            result += "%!(EXTRA \(extra.joined(separator: ", ")))"
        }
        return result
    }

    // MARK: Values

    private static func append(_ value: TemplateValue, _ verb: Unicode.Scalar, _ flags: Flags, to result: inout String)
    {
        if verb == "T" {
            if case .nothing = value { return result += padded("<nil>", flags) }
            return result += padded(value.type, flags)
        }
        switch value {
        case .nothing:
            result += verb == "v" ? padded("<nil>", flags) : "%!\(verb)(<nil>)"
        case .bool(let flag):
            result += verb == "t" || verb == "v" ? padded(flag ? "true" : "false", flags) : bad(value, verb, flags)
        case .int(let number): result += integer(number, value, verb, flags)
        case .named(_, let number, let text):
            if let text, "vsqxX".unicodeScalars.contains(verb) {
                result += self.text(text, value, verb, flags)
            } else {
                result += integer(number, value, verb, flags)
            }
        case .duration(let number, _):
            if "vsqxX".unicodeScalars.contains(verb) {
                result += text(value.text, value, verb, flags)
            } else {
                result += integer(number, value, verb, flags)
            }
        case .float(let number): result += float(number, value, verb, flags)
        case .string(let text), .html(let text): result += self.text(text, value, verb, flags)
        case .time: result += text(value.text, value, verb, flags)
        case .histogram(let histogram):
            // Only verbs for texts ask for its own; others see the fields.
            if "vsqxX".unicodeScalars.contains(verb) {
                result += text(value.text, value, verb, flags)
            } else {
                result += "&{" + fields(of: histogram).map { formatted($0, verb, flags) }.joined(separator: " ") + "}"
            }
        case .labels(let labels):
            let inner = labels.map { label in
                var part = ""
                append(.string(label.name), verb, flags, to: &part)
                part += ":"
                append(.string(label.value), verb, flags, to: &part)
                return part
            }
            if flags.sharpV {
                let pairs = labels.map { "\(GoText.quoted($0.name)):\(GoText.quoted($0.value))" }
                result += "map[string]string{\(pairs.joined(separator: ", "))}"
            } else {
                result += "map[\(inner.joined(separator: " "))]"
            }
        case .arguments(let arguments):
            let inner = arguments.entries.map { entry in
                var part = ""
                append(.string(entry.name), verb, flags, to: &part)
                part += ":"
                append(entry.value, verb, flags, to: &part)
                return part
            }
            result += "map[\(inner.joined(separator: " "))]"
        case .sample(let sample):
            guard let sample else {
                return result += verb == "v" ? padded("<nil>", flags) : "%!\(verb)(*template.sample=<nil>)"
            }
            var part = ""
            append(.labels(sample.labels), verb, flags, to: &part)
            part += flags.plusV ? " Value:" : " "
            append(TemplateValue(sample), verb, flags, to: &part)
            result += "&{" + (flags.plusV ? "Labels:" : "") + part + "}"
        case .data(let data):
            let fields: [(name: String, value: TemplateValue)] = [
                ("Labels", .labels(data.labels)), ("ExternalLabels", .labels(data.externalLabels)),
                ("ExternalURL", .string(data.externalURL)), ("Value", TemplateValue(data.sample)),
            ]
            let inner = fields.map { field in
                var part = flags.plusV ? field.name + ":" : ""
                append(field.value, verb, flags, to: &part)
                return part
            }
            result += "{\(inner.joined(separator: " "))}"
        case .samples, .complex: result += padded(value.text, flags)
        }
    }

    /// A field of a structure.
    private enum Field {
        case value(TemplateValue)
        case list([Field])
        case structure([Field])
    }

    private static func fields(of histogram: NativeHistogram) -> [Field] {
        func number(_ value: some BinaryInteger, _ type: String) -> Field {
            .value(.named(type, Int64(clamping: value), text: nil))
        }
        func numbers(_ values: [Double]) -> Field { .list(values.map { .value(.float($0)) }) }
        func spans(_ spans: [NativeHistogram.Span]) -> Field {
            .list(spans.map { .structure([number($0.offset, "int32"), number($0.length, "uint32")]) })
        }
        return [
            number(histogram.counterResetHint.rawValue, "histogram.CounterResetHint"),
            number(histogram.schema, "int32"),
            .value(.float(histogram.zeroThreshold)), .value(.float(histogram.zeroCount)),
            .value(.float(histogram.count)), .value(.float(histogram.sum)), spans(histogram.positiveSpans),
            spans(histogram.negativeSpans), numbers(histogram.positiveBuckets), numbers(histogram.negativeBuckets),
            numbers(histogram.customValues),
        ]
    }

    private static func formatted(_ field: Field, _ verb: Unicode.Scalar, _ flags: Flags) -> String {
        switch field {
        case .value(let value):
            var text = ""
            append(value, verb, flags, to: &text)
            return text
        case .list(let items): return "[" + items.map { formatted($0, verb, flags) }.joined(separator: " ") + "]"
        case .structure(let items): return "{" + items.map { formatted($0, verb, flags) }.joined(separator: " ") + "}"
        }
    }

    /// A verb that the value does not have: shown as by `%v`, width and precision included.
    private static func bad(_ value: TemplateValue, _ verb: Unicode.Scalar, _ flags: Flags) -> String {
        var text = ""
        append(value, "v", flags, to: &text)
        return "%!\(verb)(\(value.type)=\(text))"
    }

    private static func padded(_ text: String, _ flags: Flags, zeros: Bool = false) -> String {
        guard let width = flags.width else { return text }
        let missing = width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        if flags.minus { return text + String(repeating: " ", count: missing) }
        guard zeros || flags.zero else { return String(repeating: " ", count: missing) + text }
        return String(repeating: "0", count: missing) + text
    }

    private static func text(
        _ text: String,
        _ value: TemplateValue,
        _ verb: Unicode.Scalar,
        _ flags: Flags
    ) -> String {
        var shown = text
        func cut() {
            if let precision = flags.precision {
                shown = String(String.UnicodeScalarView(shown.unicodeScalars.prefix(precision)))
            }
        }
        switch verb {
        case "v":
            if flags.sharpV { return padded(GoText.quoted(text), flags) }
            cut()
            return padded(shown, flags)
        case "s":
            cut()
            return padded(shown, flags)
        case "q":
            cut()
            if flags.sharp, !shown.contains("`"),
                !shown.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" })
            {
                return padded("`\(shown)`", flags)
            }
            return padded(flags.plus ? ascii(GoText.quoted(shown)) : GoText.quoted(shown), flags)
        case "x", "X":
            let bytes = flags.precision.map { Array(text.utf8.prefix($0)) } ?? Array(text.utf8)
            let digits = bytes.map { byte in
                let pair = (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: verb == "X")
                return flags.space && flags.sharp ? "0\(verb)" + pair : pair
            }
            let joined = digits.joined(separator: flags.space ? " " : "")
            return padded((flags.sharp && !flags.space && !bytes.isEmpty ? "0\(verb)" : "") + joined, flags)
        default: return bad(value, verb, flags)
        }
    }

    private static func ascii(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                let width = scalar.value < 0x10000 ? 4 : 8
                result += (width == 4 ? "\\u" : "\\U") + String(repeating: "0", count: width - digits.count) + digits
            }
        }
        return result
    }

    // MARK: Numbers

    private static func signed(_ isNegative: Bool, _ flags: Flags) -> String {
        isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : ""
    }

    private static func integer(
        _ number: Int64,
        _ value: TemplateValue,
        _ verb: Unicode.Scalar,
        _ flags: Flags
    ) -> String {
        var radix = 10
        var prefix = ""
        switch verb {
        case "v", "d": break
        case "b":
            radix = 2
            if flags.sharp { prefix = "0b" }
        case "o", "O":
            radix = 8
            if verb == "O" { prefix = "0o" } else if flags.sharp { prefix = "0" }
        case "x", "X":
            radix = 16
            if flags.sharp { prefix = "0\(verb)" }
        case "c", "q", "U":
            let scalar = Unicode.Scalar(UInt32(exactly: number) ?? 0xFFFD) ?? "\u{FFFD}"
            if verb == "c" { return padded(String(Character(scalar)), flags) }
            if verb == "q" {
                let quoted = GoText.escaped(String(Character(scalar)))
                let inner = quoted == "\\\"" ? "\"" : quoted == "'" ? "\\'" : String(quoted)
                return padded("'\(inner)'", flags)
            }
            let digits = String(number.magnitude, radix: 16, uppercase: true)
            let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            return padded(flags.sharp ? "\(code) '\(Character(scalar))'" : code, flags)
        default: return bad(value, verb, flags)
        }
        var digits = String(number.magnitude, radix: radix, uppercase: verb == "X")
        if let precision = flags.precision {
            if precision == 0, number == 0 { digits = "" }
            digits = String(repeating: "0", count: max(0, precision - digits.count)) + digits
        } else if flags.zero, let width = flags.width {
            let sign = signed(number < 0, flags).count
            digits = String(repeating: "0", count: max(0, width - digits.count - sign)) + digits
        }
        if prefix == "0", digits.hasPrefix("0") { prefix = "" }
        var spaced = flags
        spaced.zero = false
        return padded(signed(number < 0, flags) + prefix + digits, spaced)
    }

    private static func float(
        _ number: Double,
        _ value: TemplateValue,
        _ verb: Unicode.Scalar,
        _ flags: Flags
    ) -> String {
        var text: String
        switch verb {
        case "v", "g", "G":
            if let precision = flags.precision {
                text = general(number.magnitude, precision)
            } else {
                text = GoNumber.text(number.magnitude, .shortest)
            }
            if verb == "G" { text = text.uppercased() }
        case "e", "E": text = c("%.\(flags.precision ?? 6)\(verb)", number.magnitude)
        case "f", "F": text = c("%.\(flags.precision ?? 6)f", number.magnitude)
        case "x", "X": text = hexadecimal(number.magnitude, flags.precision, isUpper: verb == "X")
        case "b":
            let bits = number.bitPattern
            let exponent = Int(bits >> 52 & 0x7FF)
            let mantissa = bits & 0xF_FFFF_FFFF_FFFF | (exponent == 0 ? 0 : 1 << 52)
            let power = max(exponent, 1) - 1075
            text = "\(mantissa)p\(power < 0 ? "" : "+")\(power)"
        default: return bad(value, verb, flags)
        }
        if !number.isFinite { text = number.isNaN ? "NaN" : "Inf" }
        var sign = signed(number.sign == .minus && !number.isNaN, flags)
        if number.isInfinite, number > 0, sign.isEmpty { sign = "+" }
        if number.isNaN { sign = flags.plus ? "+" : flags.space ? " " : "" }
        guard flags.zero, number.isFinite, let width = flags.width else {
            var spaced = flags
            spaced.zero = false
            return padded(sign + text, spaced)
        }
        return sign + String(repeating: "0", count: max(0, width - text.count - sign.count)) + text
    }

    /// `%.Ng` of a magnitude.
    static func general(_ number: Double, _ precision: Int) -> String {
        number.isNaN ? "NaN" : number.isInfinite ? (number < 0 ? "-Inf" : "+Inf") : c("%.\(max(1, precision))g", number)
    }

    private static func hexadecimal(_ number: Double, _ precision: Int?, isUpper: Bool) -> String {
        // C writes the exponent without a leading zero, Go with two digits.
        var text = precision.map { c("%.\($0)a", number) } ?? c("%a", number)
        if let place = text.firstIndex(of: "p") {
            let exponent = text[text.index(after: place)...]
            if exponent.count == 2 { text = text[...place] + exponent.prefix(1) + "0" + exponent.suffix(1) }
        }
        return isUpper ? text.uppercased() : text
    }

    /// What C's `printf` writes.
    private static func c(_ format: String, _ number: Double) -> String {
        withVaList([number]) { arguments in
            let length = Int(vsnprintf(nil, 0, format, arguments))
            guard length > 0, length < 2 * maximumWidth else { return "" }
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer in
                withVaList([number]) { _ = vsnprintf(buffer.baseAddress, buffer.count, format, $0) }
                return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
    }
}
