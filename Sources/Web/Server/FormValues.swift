import Exposition
import MetricModel

/// The parameters of a request: those of the query and, for a form, those of its body, which come first.
public struct FormValues: Sendable {
    /// Names and values, in order.
    public private(set) var pairs: [(name: String, value: String)] = []
    /// So many of them were in the URL or in an encoded body; what comes after them was in the parts of one.
    private var encoded: Int?
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
            do throws(ExpositionError) {
                if !type.isEmpty { _ = try MediaType(parsing: type) }
            } catch {
                self.error = error.message
            }
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
        encoded = pairs.count
        pairs += MultipartForm.values(request.body, contentType: type) ?? []
    }

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
