import CZlib
public import MetricModel

/// Unpacks gzip, piece by piece as it arrives, into a buffer of limited size. Reusable; not for several threads at once.
public final class GzipDecoder {
    private var stream = z_stream()
    private var isOpen = false
    /// Whether the bytes so far end with a whole member.
    private var isAtMemberEnd = false
    private var hasInput = false
    /// Bytes that came since the member began.
    private var memberBytes = 0
    /// Where zlib writes to. Never cleared: a member costs what it holds, and there may be millions of empty ones.
    private let space = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 16)

    /// So many bytes are unpacked before others get their turn.
    private static let piece = 1 << 15

    /// A decoder, ready for a first body.
    public init() {
        isOpen =
            inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit {
        if isOpen { inflateEnd(&stream) }
        space.deallocate()
    }

    /// Makes the decoder ready for another body.
    public func reset() {
        inflateReset(&stream)
        isAtMemberEnd = false
        hasInput = false
        memberBytes = 0
    }

    /// Unpacks the next piece and appends the result.
    /// - Parameters:
    ///   - limit: the size that `output` may not exceed.
    ///   - room: asked before `output` is made larger, whether it may have so many bytes: ``CompressionErrorCode/noRoom``.
    public func feed(
        _ input: UnsafeRawBufferPointer,
        limit: Int = .max,
        room: (Int) -> Bool = { _ in true },
        into output: inout [UInt8]
    ) throws(CompressionError) {
        guard isOpen else { throw CompressionError(.unsupported, "gzip: out of memory") }
        var consumed = 0
        if !isAtMemberEnd { memberBytes += input.count }
        while consumed < input.count {
            hasInput = true
            if isAtMemberEnd {
                // Members may follow each other; their contents belong together.
                inflateReset(&stream)
                isAtMemberEnd = false
                memberBytes = input.count - consumed
            }
            let left = min(space.count, limit - output.count)
            if left <= 0 {
                try checkForMore(input, &consumed)
                continue
            }
            let (status, produced) = run(input, &consumed, UnsafeMutableBufferPointer(rebasing: space[..<left]))
            let size = output.count + produced
            // Not a hair more than is needed, and a bomb would be copied once for each piece of it.
            try output.reserve(size, limit: limit, room: room)
            output.append(contentsOf: UnsafeBufferPointer(rebasing: space[..<produced]))
            try check(status)
        }
    }

    /// Unpacks a whole body that may be long, and lets others run meanwhile.
    /// - Parameters:
    ///   - body: reads bytes of the body, of which there are `count`.
    ///   - room: asked before `output` is made larger, whether it may have so many bytes: ``CompressionErrorCode/noRoom``.
    ///   - stops: asked now and then whether to give up: ``CompressionErrorCode/cancelled``.
    public func decode(
        count: Int,
        limit: Int,
        room: @escaping (Int) -> Bool = { _ in true },
        into output: inout [UInt8],
        stops: () -> Bool,
        body: (Range<Int>, (UnsafeRawBufferPointer) -> Void) -> Void
    ) async throws(CompressionError) {
        var start = 0
        while start < count {
            if start > 0 {
                await Task.yield()
                if stops() { throw CompressionError(.cancelled, "context canceled") }
            }
            let end = min(count, start + Self.piece)
            var result: Result<Void, CompressionError> = .success(())
            body(start..<end) { bytes in
                result = Result { () throws(CompressionError) in
                    try feed(bytes, limit: limit, room: room, into: &output)
                }
            }
            try result.get()
            start = end
        }
        try finish()
    }

    /// With the limit reached only the end of the body may follow.
    private func checkForMore(_ input: UnsafeRawBufferPointer, _ consumed: inout Int) throws(CompressionError) {
        let (status, produced) = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            run(input, &consumed, buffer)
        }
        if produced > 0 { throw CompressionError(.tooLarge, "body size limit exceeded") }
        try check(status)
    }

    private func run(
        _ input: UnsafeRawBufferPointer,
        _ consumed: inout Int,
        _ output: UnsafeMutableBufferPointer<UInt8>
    ) -> (Int32, Int) {
        let available = min(input.count - consumed, Int(UInt32.max))
        let bytes = input.assumingMemoryBound(to: UInt8.self)
        guard let base = bytes.baseAddress else { return (Z_OK, 0) }
        stream.next_in = UnsafeMutablePointer(mutating: base + consumed)
        stream.avail_in = UInt32(available)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        let status = inflate(&stream, Z_NO_FLUSH)
        consumed += available - Int(stream.avail_in)
        let produced = output.count - Int(stream.avail_out)
        stream.next_in = nil
        stream.next_out = nil
        return (status, produced)
    }

    private func check(_ status: Int32) throws(CompressionError) {
        switch status {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: isAtMemberEnd = true
        default:
            let detail = stream.msg.map { String(cString: $0) } ?? ""
            if detail.hasPrefix("incorrect header") || detail.hasPrefix("unknown") {
                // As Go, which reads the ten bytes of a header before it looks at them.
                if memberBytes < 10 { throw CompressionError(.truncated, "unexpected EOF") }
                throw CompressionError(.corrupt, "gzip: invalid header")
            }
            if detail.hasPrefix("incorrect data") || detail.hasPrefix("incorrect length") {
                throw CompressionError(.corrupt, "gzip: invalid checksum")
            }
            throw CompressionError(.corrupt, "flate: corrupt input before offset \(stream.total_in)")
        }
    }

    /// Tells that no more bytes come.
    /// - Throws: where the body ends in the middle.
    public func finish() throws(CompressionError) {
        if !hasInput { throw CompressionError(.truncated, "EOF") }
        if !isAtMemberEnd { throw CompressionError(.truncated, "unexpected EOF") }
    }

    /// Unpacks a whole body that may be long: others run meanwhile, and the task's cancellation ends it.
    public static func decodeInPieces(
        _ body: [UInt8],
        limit: Int = .max,
        room: @escaping (Int) -> Bool = { _ in true }
    ) async throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        try await GzipDecoder().decode(
            count: body.count,
            limit: limit,
            room: room,
            into: &output,
            stops: { Task.isCancelled },
            body: { range, read in body.withUnsafeBytes { read(UnsafeRawBufferPointer(rebasing: $0[range])) } }
        )
        return output
    }

    /// Unpacks a whole body.
    public static func decode(_ body: [UInt8], limit: Int = .max) throws(CompressionError) -> [UInt8] {
        let decoder = GzipDecoder()
        var output: [UInt8] = []
        var result: Result<Void, CompressionError> = .success(())
        body.withUnsafeBytes { bytes in
            result = Result { () throws(CompressionError) in
                try decoder.feed(bytes, limit: limit, into: &output)
            }
        }
        try result.get()
        try decoder.finish()
        return output
    }
}
