/// The parameters of a request: those of the query and, for a form, those of its body, which come first.
public struct FormValues: Sendable {
    /// Names and values, in order.
    public private(set) var pairs: [(name: String, value: String)] = []
    /// What is malformed, in Go's words; the well-formed pairs are kept all the same.
    public private(set) var error: String?

    /// No parameters.
    public init() {}

    /// Parameters of an encoded text such as `a=1&b=%20`.
    public init(parsing text: String) { append(text) }

    /// The parameters of a request, as Go's `Request.ParseForm` collects them.
    public init(_ request: WebRequest) {
        switch request.method {
        case .post, .put:
            let type = request.headers["Content-Type"] ?? ""
            let essence = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
            if essence == "application/x-www-form-urlencoded" {
                append(String(decoding: request.body, as: UTF8.self))
            }
        default: break
        }
        append(request.rawQuery)
    }

    /// The parameters of a request, as Go's `Request.FormValue` collects them: those of a `multipart/form-data` body too, which come
    /// last. A body that claims to be one and is not brings none, without a word.
    init(withParts request: WebRequest) {
        self.init(request)
        let type = request.headers["Content-Type"] ?? ""
        guard !request.body.isEmpty, type.utf8.count >= "multipart/".utf8.count else { return }
        pairs += MultipartForm.values(request.body, contentType: type) ?? []
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

    private mutating func append(_ text: String) {
        guard !text.isEmpty else { return }
        for part in text.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
            if part.contains(UInt8(ascii: ";")) {
                error = error ?? "invalid semicolon separator in query"
                continue
            }
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let rawName = part[..<(equals ?? part.endIndex)]
            let rawValue = equals.map { part[part.index(after: $0)...] } ?? part[part.endIndex...]
            guard let name = decode(rawName), let value = decode(rawValue) else { continue }
            pairs.append((name, value))
        }
    }

    private mutating func decode(_ bytes: Substring.UTF8View) -> String? {
        switch PercentCoding.decodeQuery(Array(bytes)) {
        case .success(let text): return text
        case .failure(let failure):
            error = error ?? failure.message
            return nil
        }
    }
}

/// Percent escapes as Go's `net/url` reads them.
public enum PercentCoding {
    /// A malformed escape.
    struct Malformed: Error {
        var message: String
    }

    /// Decodes a part of a query: `+` is a blank.
    static func decodeQuery(_ bytes: [UInt8]) -> Result<String, Malformed> {
        if !bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) {
            return .success(String(decoding: bytes, as: UTF8.self))
        }
        return decode(bytes, plusIsBlank: true)
    }

    /// Decodes a path; `nil` where an escape is malformed.
    public static func decodedPath(_ path: String) -> String? {
        decodedPathBytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Decodes a path to bytes, which need not be UTF-8; `nil` where an escape is malformed.
    static func decodedPathBytes(_ path: String) -> [UInt8]? {
        try? bytes(Array(path.utf8), plusIsBlank: false).get()
    }

    private static func decode(_ bytes: [UInt8], plusIsBlank: Bool) -> Result<String, Malformed> {
        self.bytes(bytes, plusIsBlank: plusIsBlank).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func bytes(_ bytes: [UInt8], plusIsBlank: Bool) -> Result<[UInt8], Malformed> {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.count, let high = hex(bytes[index + 1]), let low = hex(bytes[index + 2]) else {
                    let rest = String(decoding: bytes[index..<min(index + 3, bytes.count)], as: UTF8.self)
                    return .failure(Malformed(message: "invalid URL escape \"\(rest)\""))
                }
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(plusIsBlank && byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        return .success(result)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
