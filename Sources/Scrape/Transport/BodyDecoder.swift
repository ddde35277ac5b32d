import Exposition
import NIOCore
import Synchronization

/// Undoes the compression of a body.
enum BodyDecoder {
    /// The body as text.
    /// - Parameter limit: how large it may become.
    static func decode(_ body: ByteBuffer, isCompressed: Bool, limit: Int) throws(TransportError) -> [UInt8] {
        let space = BodySpace()
        try space.decode(body, isCompressed: isCompressed, limit: limit)
        return space.bytes
    }
}

/// A place for one decompressed body, with what decompressing needs; used again and again.
final class BodySpace {
    private(set) var bytes: [UInt8] = []
    private lazy var decoder = GzipDecoder()

    /// Puts the body's text into ``bytes``.
    func decode(_ body: ByteBuffer, isCompressed: Bool, limit: Int) throws(TransportError) {
        bytes.removeAll(keepingCapacity: true)
        guard isCompressed else {
            bytes.append(contentsOf: body.readableBytesView)
            return
        }
        var failure: CompressionError?
        decoder.reset()
        body.withUnsafeReadableBytes { input in
            do throws(CompressionError) {
                try decoder.feed(input, limit: limit, into: &bytes)
                try decoder.finish()
            } catch {
                failure = error
            }
        }
        if let failure { throw failure.code == .tooLarge ? .bodyTooLarge : TransportError(failure.message) }
    }

    /// Whether the space may be kept for the next body.
    var isWorthKeeping: Bool { bytes.capacity <= 8 << 20 }
}

/// Spaces that are free. Fresh memory for each body would cost more than reading it.
final class BodySpaces: Sendable {
    /// What lies in the pool belongs to nobody else.
    private struct Free: @unchecked Sendable {
        var spaces: [BodySpace] = []
    }

    /// The free spaces.
    private let free = Mutex(Free())
    private static let most = 4

    /// A space for one body; give it back.
    func take() -> BodySpace { free.withLock { $0.spaces.popLast() } ?? BodySpace() }

    /// Gives a space back.
    func give(_ space: BodySpace) {
        guard space.isWorthKeeping else { return }
        free.withLock { if $0.spaces.count < Self.most { $0.spaces.append(space) } }
    }
}
