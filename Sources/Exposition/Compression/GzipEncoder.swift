import CZlib

/// Packs with gzip, piece by piece. Reusable; not for several threads at once.
public final class GzipEncoder {
    private var stream = z_stream()
    private var isOpen = false

    /// An encoder.
    /// - Parameter level: 1 (fast) to 9 (small).
    public init(level: Int = 6) {
        isOpen =
            deflateInit2_(
                &stream,
                Int32(min(max(level, 1), 9)),
                Z_DEFLATED,
                15 + 16,
                8,
                Z_DEFAULT_STRATEGY,
                ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)
            ) == Z_OK
    }

    deinit {
        if isOpen { deflateEnd(&stream) }
    }

    /// Makes the encoder ready for another body.
    public func reset() {
        deflateReset(&stream)
    }

    /// Packs the next piece; what comes out is appended, possibly later.
    public func feed(_ input: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        run(input, Z_NO_FLUSH, into: &output)
    }

    /// Ends the body.
    public func finish(into output: inout [UInt8]) {
        run(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH, into: &output)
    }

    private func run(_ input: UnsafeRawBufferPointer, _ flush: Int32, into output: inout [UInt8]) {
        guard isOpen else { return }
        var position = 0
        let bytes = input.assumingMemoryBound(to: UInt8.self)
        repeat {
            let piece = min(input.count - position, 1 << 30)
            stream.next_in = bytes.baseAddress.map { UnsafeMutablePointer(mutating: $0 + position) }
            stream.avail_in = UInt32(piece)
            position += piece
            var isFull = true
            while isFull {
                let capacity = 32 * 1024
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(capacity)
                    deflate(&stream, flush)
                    let produced = capacity - Int(stream.avail_out)
                    isFull = produced == capacity
                    output.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[..<produced]))
                }
            }
        } while position < input.count
        stream.next_in = nil
        stream.next_out = nil
    }

    /// Packs a whole body.
    public static func encode(_ body: [UInt8], level: Int = 6) -> [UInt8] {
        let encoder = GzipEncoder(level: level)
        var output: [UInt8] = []
        body.withUnsafeBytes { encoder.feed($0, into: &output) }
        encoder.finish(into: &output)
        return output
    }
}
