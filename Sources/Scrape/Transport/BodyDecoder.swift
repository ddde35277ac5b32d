import Exposition
import NIOCore

/// Undoes the compression of a body.
enum BodyDecoder {
    /// The body as text.
    /// - Parameter limit: how large it may become.
    static func decode(_ body: ByteBuffer, isCompressed: Bool, limit: Int) throws(TransportError) -> [UInt8] {
        guard isCompressed else { return Array(body.readableBytesView) }
        do throws(CompressionError) {
            let decoder = GzipDecoder()
            var output: [UInt8] = []
            var failure: CompressionError?
            body.withUnsafeReadableBytes { bytes in
                do throws(CompressionError) {
                    try decoder.feed(bytes, limit: limit, into: &output)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            try decoder.finish()
            return output
        } catch {
            throw error.code == .tooLarge ? .bodyTooLarge : TransportError(error.message)
        }
    }
}
