import MetricModel

/// Paths as Go's HTTP server treats them before any handler sees them.
package enum GoPath {
    private static let slash = UInt8(ascii: "/")

    /// Whether ``cleaned(_:)`` would leave the path as it is.
    package static func isClean(_ path: [UInt8]) -> Bool {
        guard path.first == slash else { return false }
        return path.withUnsafeBufferPointer { bytes in
            var index = 0
            while index < bytes.count {
                if bytes[index] == slash {
                    let next = index + 1
                    if next < bytes.count, bytes[next] == slash { return false }
                    if next < bytes.count, bytes[next] == UInt8(ascii: ".") {
                        let after = bytes[next...].prefix { $0 != slash }
                        if after.count == 1 || (after.count == 2 && after.last == UInt8(ascii: ".")) { return false }
                    }
                }
                index += 1
            }
            return true
        }
    }

    /// Without empty parts, `.` and `..`; a slash at the end stays.
    package static func cleaned(_ path: [UInt8]) -> [UInt8] {
        var parts: [ArraySlice<UInt8>] = []
        for part in path.split(separator: slash) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        var result: [UInt8] = []
        for part in parts {
            result.append(slash)
            result.append(contentsOf: part)
        }
        if parts.isEmpty || path.last == slash { result.append(slash) }
        return result
    }

    /// Whether two texts are the same but for the case of ASCII letters.
    static func equalIgnoringCase(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
        return left.count == right.count && zip(left, right).allSatisfy { lower($0) == lower($1) }
    }
}
