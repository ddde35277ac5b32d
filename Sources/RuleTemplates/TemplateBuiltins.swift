import MetricModel

/// Go's own functions.
package enum TemplateBuiltins {
    private enum Kind { case other, bool, complex, int, float, string, unsigned }

    private static func kind(_ value: TemplateValue) -> Kind {
        switch value {
        case .bool: .bool
        case .int: .int
        case .named(let name, _, _): name.hasPrefix("uint") ? .unsigned : .int
        case .duration(_, let isPointer): isPointer ? .other : .int
        case .float: .float
        case .complex: .complex
        case .string, .html: .string
        case .nothing, .labels, .arguments, .samples, .sample, .data, .histogram, .time: .other
        }
    }

    private static func integer(_ value: TemplateValue) -> Int64 {
        switch value {
        case .int(let number), .named(_, let number, _), .duration(let number, _): number
        case .nothing, .bool, .float, .complex, .string, .html, .labels, .arguments, .samples, .sample, .data,
            .histogram, .time:
            0
        }
    }

    private static func text(_ value: TemplateValue) -> String {
        switch value {
        case .string(let text), .html(let text): text
        case .nothing, .bool, .int, .named, .float, .complex, .labels, .arguments, .samples, .sample, .data, .histogram,
            .time, .duration:
            ""
        }
    }

    private static func isNil(_ value: TemplateValue) -> Bool {
        if case .sample(nil) = value { return true }
        return isInvalid(value)
    }

    private static func typeName(_ value: TemplateValue) -> String {
        if case .nothing = value { return "<nil>" }
        return value.type
    }

    private static func badTypes(_ left: TemplateValue, _ right: TemplateValue) -> TemplateCallFailure {
        TemplateCallFailure("incompatible types for comparison: \(typeName(left)) and \(typeName(right))")
    }

    static func equal(
        _ first: TemplateValue,
        _ others: some Sequence<TemplateValue>
    ) throws(TemplateCallFailure) -> Bool {
        let left = kind(first)
        var isAny = false
        for other in others {
            isAny = true
            let right = kind(other)
            if left != right {
                if (left == .int && right == .unsigned) || (left == .unsigned && right == .int) {
                    if integer(first) == integer(other) { return true }
                } else if !isInvalid(first), !isInvalid(other) {
                    throw badTypes(first, other)
                }
                continue
            }
            switch left {
            case .bool: if first.isTrue == other.isTrue { return true }
            case .int, .unsigned: if integer(first) == integer(other) { return true }
            case .string: if text(first).hasSameBytes(as: text(other)) { return true }
            case .float:
                if case .float(let a) = first, case .float(let b) = other, a == b { return true }
            case .complex:
                if case .complex(let a, let b) = first, case .complex(let c, let d) = other, a == c, b == d {
                    return true
                }
            case .other:
                if isNil(first) || isNil(other) {
                    if isNil(first) == isNil(other) { return true }
                    continue
                }
                switch first {
                case .labels, .arguments, .samples, .data:
                    throw TemplateCallFailure("non-comparable type \(other.text): \(other.type)")
                case .nothing, .bool, .int, .named, .float, .complex, .string, .html, .sample, .histogram, .time,
                    .duration:
                    // Pointers: never the same unless they point to the same.
                    continue
                }
            }
        }
        if !isAny { throw TemplateCallFailure("missing argument for comparison") }
        return false
    }

    private static func isInvalid(_ value: TemplateValue) -> Bool {
        if case .nothing = value { return true }
        return false
    }

    static func less(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateCallFailure) -> Bool {
        let (first, second) = (kind(left), kind(right))
        for kind in [first, second] where kind == .other {
            throw TemplateCallFailure("invalid type for comparison")
        }
        if first != second {
            if (first == .int && second == .unsigned) || (first == .unsigned && second == .int) {
                return integer(left) < integer(right)
            }
            throw badTypes(left, right)
        }
        switch first {
        case .bool, .complex, .other: throw TemplateCallFailure("invalid type for comparison")
        case .int, .unsigned: return integer(left) < integer(right)
        case .string: return text(left).utf8.lexicographicallyPrecedes(text(right).utf8)
        case .float:
            guard case .float(let a) = left, case .float(let b) = right else { return false }
            return a < b
        }
    }

    /// `<=` as Go has it: less or equal, so that NaN is neither.
    static func lessOrEqual(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateCallFailure) -> Bool {
        if try less(left, right) { return true }
        return try equal(left, [right])
    }

    static func length(_ value: TemplateValue) throws(TemplateCallFailure) -> Int64 {
        switch value {
        case .string(let text), .html(let text): return Int64(text.utf8.count)
        case .labels(let labels): return Int64(labels.count)
        case .arguments(let arguments): return Int64(arguments.entries.count)
        case .samples(let samples): return Int64(samples.items.count)
        case .sample(nil): throw TemplateCallFailure("len of nil pointer")
        case .nothing: throw TemplateCallFailure("reflect: call of reflect.Value.Type on zero Value")
        case .sample, .time, .histogram, .duration(_, isPointer: true):
            throw TemplateCallFailure("len of type \(value.type.dropFirst())")
        case .bool, .int, .named, .float, .complex, .data, .duration:
            throw TemplateCallFailure("len of type \(value.type)")
        }
    }

    private static func position(_ index: TemplateValue, _ count: Int) throws(TemplateCallFailure) -> Int {
        switch index {
        case .int(let value), .named(_, let value, _), .duration(let value, isPointer: false):
            guard value >= 0, value <= count else { throw TemplateCallFailure("index out of range: \(value)") }
            return Int(value)
        case .nothing: throw TemplateCallFailure("cannot index slice/array with nil")
        case .bool, .float, .complex, .string, .html, .labels, .arguments, .samples, .sample, .data, .histogram, .time,
            .duration:
            throw TemplateCallFailure("cannot index slice/array with type \(index.type)")
        }
    }

    private static func key(_ index: TemplateValue) throws(TemplateCallFailure) -> String {
        if case .string(let text) = index { return text }
        if case .nothing = index { throw TemplateCallFailure("value is nil; should be of type string") }
        throw TemplateCallFailure("value has type \(index.type); should be string")
    }

    static func index(
        _ item: TemplateValue,
        _ indexes: some Sequence<TemplateValue>
    ) throws(TemplateCallFailure) -> TemplateValue {
        if case .nothing = item { throw TemplateCallFailure("index of untyped nil") }
        var item = item
        for index in indexes {
            switch item {
            case .string(let text), .html(let text):
                let place = try position(index, text.utf8.count)
                guard place < text.utf8.count else {
                    throw TemplateCallFailure("reflect: string index out of range")
                }
                item = .named("uint8", Int64(text.utf8[text.utf8.index(text.startIndex, offsetBy: place)]), text: nil)
            case .samples(let samples):
                let place = try position(index, samples.items.count)
                guard place < samples.items.count else {
                    throw TemplateCallFailure("reflect: slice index out of range")
                }
                item = .sample(samples.items[place])
            case .labels(let labels): item = .string(labels[try key(index)] ?? "")
            case .arguments(let arguments):
                let name = try key(index)
                item = arguments.entries.first { $0.name == name }?.value ?? .nothing
            case .nothing, .sample(nil): throw TemplateCallFailure("index of nil pointer")
            case .sample, .time, .histogram, .duration(_, isPointer: true):
                throw TemplateCallFailure("can't index item of type \(item.type.dropFirst())")
            case .bool, .int, .named, .float, .complex, .data, .duration:
                throw TemplateCallFailure("can't index item of type \(item.type)")
            }
        }
        return item
    }

    static func slice(_ item: TemplateValue, _ indexes: [TemplateValue]) throws(TemplateCallFailure) -> TemplateValue {
        if case .nothing = item { throw TemplateCallFailure("slice of untyped nil") }
        if indexes.count > 3 { throw TemplateCallFailure("too many slice indexes: \(indexes.count)") }
        func range(of count: Int) throws(TemplateCallFailure) -> Range<Int> {
            var bounds = [0, count, count]
            for (number, index) in indexes.enumerated() { bounds[number] = try position(index, count) }
            for number in 0..<(indexes.count == 3 ? 2 : 1) where bounds[number] > bounds[number + 1] {
                throw TemplateCallFailure("invalid slice index: \(bounds[number]) > \(bounds[number + 1])")
            }
            return bounds[0]..<bounds[1]
        }
        func cut(_ text: String) throws(TemplateCallFailure) -> String {
            if indexes.count == 3 { throw TemplateCallFailure("cannot 3-index slice a string") }
            let bytes = Array(text.utf8)
            return String(decoding: bytes[try range(of: bytes.count)], as: UTF8.self)
        }
        switch item {
        case .string(let text): return .string(try cut(text))
        case .html(let text): return .html(try cut(text))
        case .samples(let samples):
            return .samples(TemplateValue.Samples(Array(samples.items[try range(of: samples.items.count)])))
        case .nothing, .bool, .int, .named, .float, .complex, .labels, .arguments, .sample, .data, .histogram, .time,
            .duration:
            throw TemplateCallFailure("can't slice item of type \(item.type)")
        }
    }

    /// `fmt.Sprint`: a space between two that are no texts.
    static func print(_ values: [TemplateValue]) -> String { joined(values, \.text) }

    /// `fmt.Sprintln`: a space between all.
    static func printLine(_ values: [TemplateValue]) -> String {
        var result = ""
        for (index, value) in values.enumerated() {
            result += (index > 0 ? " " : "") + value.text
            if result.utf8.count > TemplateExecution.maximumLength { break }
        }
        return result + "\n"
    }

    /// What `html`, `js` and `urlquery` work on.
    static func joined(_ values: [TemplateValue]) -> String { joined(values, \.printed) }

    private static func joined(_ values: [TemplateValue], _ text: KeyPath<TemplateValue, String>) -> String {
        var result = ""
        for (index, value) in values.enumerated() {
            if index > 0, !value.isText, !values[index - 1].isText { result += " " }
            result += value[keyPath: text]
            // Whoever asked refuses what is longer than that.
            if result.utf8.count > TemplateExecution.maximumLength { break }
        }
        return result
    }

    private static let htmlEscaping = Escaping([
        "\"": "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\u{FFFD}",
    ])

    private static let javaScriptEscaping = Escaping(["\\": "\\\\", "'": "\\'", "\"": "\\\""]) { scalar in
        let isPlain = scalar == "\u{7f}" || GoText.isPrintable(scalar) && !["<", ">", "&", "="].contains(scalar)
        return isPlain ? nil : "\\u" + Escaping.hexadecimal(scalar, width: 4, uppercase: true)
    }

    static func html(_ text: String) -> String { htmlEscaping.escaped(text) }

    static func javaScript(_ text: String) -> String { javaScriptEscaping.escaped(text) }
}
