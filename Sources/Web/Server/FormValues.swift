import MetricModel

/// The parameters of a request: those of the query and, for a form, those of its body, which come first.
public struct FormValues: Sendable {
    /// Names and values, in order.
    public internal(set) var pairs: [(name: String, value: String)] = []
    /// So many of them were in the URL or in an encoded body; what comes after them was in the parts of one.
    var encoded: Int?
    /// What is malformed, in Go's words; the well-formed pairs are kept all the same.
    public internal(set) var error: String?

    /// No parameters.
    public init() {}

    /// Parameters of an encoded text such as `a=1&b=%20`.
    public init(parsing text: String) { append(text) }

    /// Whether the parameter was given otherwise than in a part of the body.
    func containsEncoded(_ name: String) -> Bool {
        pairs.prefix(encoded ?? pairs.count).contains { $0.name == name }
    }

    /// The first value of a parameter; empty where there is none.
    public subscript(name: String) -> String {
        pairs.first { $0.name == name }?.value ?? ""
    }

    /// Whether the parameter was given at all.
    public func contains(_ name: String) -> Bool { pairs.contains { $0.name == name } }

    /// All values of a parameter.
    public func values(_ name: String) -> [String] {
        pairs.compactMap { $0.name == name ? $0.value : nil }
    }

    /// The selectors, each once: a form has room for a million of the same, and each is work.
    package var selectors: [String] {
        var seen: Set<ExactText> = []
        return values("match[]").filter { seen.insert(ExactText($0)).inserted }
    }

    mutating func append(_ given: String) {
        var text = given
        text.withUTF8 { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = rest.prefix { $0 != UInt8(ascii: "&") }
                if !part.isEmpty { add(part) }
                rest = rest[part.endIndex...].dropFirst()
            }
        }
    }

    private mutating func add(_ part: Slice<UnsafeBufferPointer<UInt8>>) {
        if part.contains(UInt8(ascii: ";")) {
            error = error ?? "invalid semicolon separator in query"
            return
        }
        let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
        guard let name = decode(part[..<equals]), let value = decode(part[equals...].dropFirst()) else { return }
        pairs.append((name, value))
    }

    private mutating func decode(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        // Of a form of ten megabytes there may be millions.
        if !bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) {
            return String(decoding: bytes, as: UTF8.self)
        }
        switch PercentCoding.decodeQuery(Array(bytes)) {
        case .success(let text): return text
        case .failure(let failure):
            error = error ?? failure.message
            return nil
        }
    }
}
