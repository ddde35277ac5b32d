import Exposition
import NIOCore

/// Undoes the compression of a body.
enum BodyDecoder {
    /// The body as text.
    static func decode(_ body: ByteBuffer, isCompressed: Bool, limit: Int) throws(TransportError) -> [UInt8] {
        Array(body.readableBytesView)
    }
}
