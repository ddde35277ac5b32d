import CZlib

/// What a client can decompress, as far as the servers use it.
enum ContentCoding: Sendable {
    /// RFC 1952.
    case gzip
    /// RFC 1950.
    case deflate

    /// The first of the two that `Accept-Encoding` names, exactly as Prometheus looks for it: weights are not read.
    static func negotiated(_ accepted: String?) -> ContentCoding? {
        guard let accepted else { return nil }
        for name in accepted.utf8.split(separator: UInt8(ascii: ",")) {
            switch String(Substring(name)).trimmed {
            case "gzip": return .gzip
            case "deflate": return .deflate
            default: continue
            }
        }
        return nil
    }

    var name: String {
        switch self {
        case .gzip: "gzip"
        case .deflate: "deflate"
        }
    }
}

/// Compresses a stream of bytes.
final class Deflater {
    private var stream = z_stream()
    private let isReady: Bool

    /// - Parameters:
    ///   - level: 1 (fast) … 9 (small).
    ///   - length: how much there will be, if that is known: little needs little memory, whose making takes longest.
    init(_ coding: ContentCoding, level: Int32 = 1, length: Int = .max) {
        let isShort = length <= 4096
        let windowBits: Int32 = (isShort ? 12 : 15) + (coding == .gzip ? 16 : 0)
        isReady =
            deflateInit2_(
                &stream,
                level,
                Z_DEFLATED,
                windowBits,
                isShort ? 5 : 8,
                Z_DEFAULT_STRATEGY,
                ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)
            ) == Z_OK
    }

    deinit { if isReady { deflateEnd(&stream) } }

    /// Compresses a piece; what comes out may lag behind until the last one.
    func compress(_ input: [UInt8], isLast: Bool) -> [UInt8] {
        guard isReady else { return [] }
        var output: [UInt8] = []
        var input = input
        let flush = isLast ? Z_FINISH : Z_NO_FLUSH
        input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            var status = Z_OK
            repeat {
                let room = max(1024, min(1 << 18, Int(stream.avail_in) / 4 + 64))
                let written = output.count
                output.append(contentsOf: repeatElement(0, count: room))
                output.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress.map { $0 + written }
                    stream.avail_out = UInt32(room)
                    status = deflate(&stream, flush)
                }
                output.removeLast(Int(stream.avail_out))
            } while stream.avail_out == 0 && status != Z_STREAM_END
        }
        return output
    }
}
