import Exposition

/// The values of a body of the type `multipart/form-data` (RFC 7578), as Go's `ParseMultipartForm` takes them.
enum MultipartForm {
    /// So many parts there are at most, as in Go.
    private static let partLimit = 1000

    /// Names and values in order, without files; `nil` where the body is not of that type, or is not whole.
    static func values(_ body: [UInt8], contentType: String) -> [(name: String, value: String)]? {
        guard let type = try? MediaType(parsing: contentType), type.essence == "multipart/form-data",
            let boundary = type.parameters["boundary"], !boundary.isEmpty
        else { return nil }
        // Lines end as the first one does, which need not have one before it.
        let opening = Array("--\(boundary)".utf8)
        guard let start = body.firstRange(of: opening) else { return nil }
        let isBare = body[start.upperBound...].first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: "\n")
        let ending = isBare ? "\n" : "\r\n"
        let newline = Array(ending.utf8)
        let delimiter = newline + opening
        var rest = (newline + body)[...]
        var values: [(name: String, value: String)] = []
        guard let first = rest.firstRange(of: delimiter) else { return nil }
        rest = rest[first.upperBound...]
        for _ in 0...partLimit {
            if rest.starts(with: "--".utf8) { return values }
            guard let line = rest.firstRange(of: newline),
                rest[..<line.lowerBound].allSatisfy({ $0 == 0x20 || $0 == 0x09 }),
                let end = rest.firstRange(of: delimiter)
            else { return nil }
            // The line's end belongs to the headers, which may be none.
            let bytes = rest[line.lowerBound..<end.lowerBound]
            guard let blank = bytes.firstRange(of: newline + newline) else { return nil }
            let headers = String(decoding: bytes[..<blank.lowerBound], as: UTF8.self).split(separator: ending)
            if let name = name(in: headers) {
                let isQuoted = header("content-transfer-encoding", in: headers)?.lowercased() == "quoted-printable"
                let value = bytes[blank.upperBound...]
                values.append((name, String(decoding: isQuoted ? unquoted(value) : Array(value), as: UTF8.self)))
            }
            rest = rest[end.upperBound...]
        }
        return nil
    }

    /// The name of a part by its headers; `nil` where it is a file or has no name.
    private static func name(in headers: [Substring]) -> String? {
        guard let text = header("content-disposition", in: headers), let disposition = try? MediaType(parsing: text)
        else {
            return nil
        }
        let name = disposition.parameters["name"] ?? ""
        let isValue = disposition.essence == "form-data" && disposition.parameters["filename"] == nil
        return isValue && !name.isEmpty ? name : nil
    }

    private static func header(_ name: String, in headers: [Substring]) -> String? {
        for line in headers {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else { continue }
            return String(line[line.index(after: colon)...]).trimmed
        }
        return nil
    }

    /// The bytes that quoted-printable text stands for (RFC 2045, 6.7).
    private static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                result.append(byte)
                continue
            }
            if rest.starts(with: "\r\n".utf8) {
                rest = rest.dropFirst(2)
            } else if rest.first == UInt8(ascii: "\n") {
                rest = rest.dropFirst()
            } else if let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count > 1 {
                result.append(value)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
