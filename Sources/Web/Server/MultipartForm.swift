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
        let delimiter = Array("\r\n--\(boundary)".utf8)
        // Before the first delimiter there need not be a line.
        var rest = (Array("\r\n".utf8) + body)[...]
        var values: [(name: String, value: String)] = []
        guard let first = rest.firstRange(of: delimiter) else { return nil }
        rest = rest[first.upperBound...]
        for _ in 0...partLimit {
            if rest.starts(with: "--".utf8) { return values }
            guard let line = rest.firstRange(of: "\r\n".utf8),
                rest[..<line.lowerBound].allSatisfy({ $0 == 0x20 || $0 == 0x09 }),
                let end = rest.firstRange(of: delimiter)
            else { return nil }
            // The line's end belongs to the headers, which may be none.
            let bytes = rest[line.lowerBound..<end.lowerBound]
            guard let blank = bytes.firstRange(of: "\r\n\r\n".utf8) else { return nil }
            if let name = name(in: bytes[..<blank.lowerBound]) {
                values.append((name, String(decoding: bytes[blank.upperBound...], as: UTF8.self)))
            }
            rest = rest[end.upperBound...]
        }
        return nil
    }

    /// The name of a part by its headers; `nil` where it is a file or has no name.
    private static func name(in headers: ArraySlice<UInt8>) -> String? {
        for line in String(decoding: headers, as: UTF8.self).split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == "content-disposition",
                let disposition = try? MediaType(parsing: String(line[line.index(after: colon)...]).trimmed)
            else { continue }
            let name = disposition.parameters["name"] ?? ""
            let isValue = disposition.essence == "form-data" && disposition.parameters["filename"] == nil
            return isValue && !name.isEmpty ? name : nil
        }
        return nil
    }
}
