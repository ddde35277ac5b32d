import Exposition

/// The values of a body of the type `multipart/form-data` (RFC 7578), as Go's `ParseMultipartForm` takes them.
package enum MultipartForm {
    /// So many parts there are at most, as in Go.
    private static let partLimit = 1000

    /// Names and values in order, without files; `nil` where the body is not of that type, or is not whole.
    package static func values(_ body: [UInt8], contentType: String) -> [(name: String, value: String)]? {
        guard let type = try? MediaType(parsing: contentType), type.essence == "multipart/form-data",
            let boundary = type.parameters["boundary"], !boundary.isEmpty
        else { return nil }
        // Lines end as the first one does, which need not have one before it.
        let opening = Array("--\(boundary)".utf8)
        guard let start = TextFinder(opening).firstRange(in: body[...]) else { return nil }
        let isBare = body[start.upperBound...].first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: "\n")
        let ending = isBare ? "\n" : "\r\n"
        let newline = Array(ending.utf8)
        let delimiter = TextFinder(newline + opening)
        let (lineEnd, blankLine) = (TextFinder(newline), TextFinder(newline + newline))
        var rest = (newline + body)[...]
        var values: [(name: String, value: String)] = []
        guard let first = delimiter.firstRange(in: rest) else { return nil }
        rest = rest[first.upperBound...]
        for _ in 0...partLimit {
            if rest.starts(with: "--".utf8) { return values }
            guard let line = lineEnd.firstRange(in: rest),
                rest[..<line.lowerBound].allSatisfy({ $0 == 0x20 || $0 == 0x09 }),
                let end = delimiter.firstRange(in: rest)
            else { return nil }
            // The line's end belongs to the headers, which may be none.
            let bytes = rest[line.lowerBound..<end.lowerBound]
            guard let blank = blankLine.firstRange(in: bytes) else { return nil }
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

/// Finds a text in another one in a time proportional to the length of both (Knuth, Morris, Pratt): whoever sends a boundary and what
/// it is looked for in could choose them so that a search from each place on took hours.
struct TextFinder {
    private let pattern: [UInt8]
    /// For each length of what agreed, how much of its end is a beginning of the pattern.
    private let borders: [Int]

    init(_ pattern: [UInt8]) {
        self.pattern = pattern
        var borders = [0, 0]
        var length = 0
        for index in pattern.indices.dropFirst() {
            while length > 0, pattern[index] != pattern[length] { length = borders[length] }
            if pattern[index] == pattern[length] { length += 1 }
            borders.append(length)
        }
        self.borders = borders
    }

    /// Where the text is for the first time.
    func firstRange(in text: ArraySlice<UInt8>) -> Range<Int>? {
        if pattern.isEmpty { return text.startIndex..<text.startIndex }
        let end = text.withUnsafeBufferPointer { bytes -> Int? in
            pattern.withUnsafeBufferPointer { pattern in
                var length = 0
                for index in 0..<bytes.count {
                    while length > 0, bytes[index] != pattern[length] { length = borders[length] }
                    if bytes[index] == pattern[length] { length += 1 }
                    if length == pattern.count { return index + 1 }
                }
                return nil
            }
        }
        return end.map { text.startIndex + $0 - pattern.count..<text.startIndex + $0 }
    }
}
