import CZlib
import Foundation

/// A file of recorded answers: packed lines of JSON, of which the first says what was recorded and how.
struct Recording<Row: Decodable & Sendable>: Sendable {
    /// What stands in the first line.
    struct Header: Decodable, Sendable {
        /// Name and version of the program that answered.
        var program: String
        /// The flags it was started with.
        var flags: [String]?
        /// The data set that it held.
        var data: String?
    }

    let header: Header
    let rows: [Row]

    /// Reads `Tests/Conformance/recorded/NAME.jsonl.gz`.
    init(_ name: String) throws {
        let packed = try Data(contentsOf: Conformance.folder.appending(path: "recorded/\(name).jsonl.gz"))
        let lines = try Packed.inflated([UInt8](packed)).split(separator: UInt8(ascii: "\n"))
        let decoder = JSONDecoder()
        header = try decoder.decode(Header.self, from: Data(lines.first ?? []))
        rows = try lines.dropFirst().map { try decoder.decode(Row.self, from: Data($0)) }
    }
}

/// Where the recordings and the list of differences are.
enum Conformance {
    static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Conformance")
}

/// What was packed by gzip or by deflate.
enum Packed {
    struct Damaged: Error {}

    static func inflated(_ bytes: [UInt8]) throws -> [UInt8] {
        var stream = z_stream()
        // 32 more than the window: whichever of the two headers is there.
        guard inflateInit2_(&stream, 47, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw Damaged()
        }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        return try input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            while true {
                let (status, count) = piece.withUnsafeMutableBufferPointer { room in
                    stream.next_out = room.baseAddress
                    stream.avail_out = UInt32(room.count)
                    let status = inflate(&stream, Z_NO_FLUSH)
                    return (status, room.count - Int(stream.avail_out))
                }
                output += piece[..<count]
                if status == Z_STREAM_END { return output }
                guard status == Z_OK else { throw Damaged() }
            }
        }
    }
}
