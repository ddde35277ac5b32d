import Exposition
import MetricModel
import NIOCore
import Synchronization

/// Undoes the compression of a body.
enum BodyDecoder {
    /// The body as text.
    /// - Parameter limit: how large it may become.
    static func decode(_ body: ByteBuffer, isCompressed: Bool, limit: Int) throws(TransportError) -> [UInt8] {
        let space = BodySpace()
        try space.decode(body, isCompressed: isCompressed, limit: limit)
        return space.withUnsafeBytes { Array($0) }
    }
}

extension TransportError {
    /// There is no memory for one more long body.
    package static let noRoom = TransportError(CompressionError.noRoom.message, code: .noRoom)
}

/// A place for one decompressed body, with what decompressing needs; used again and again.
final class BodySpace {
    /// The size of the text.
    private(set) var count = 0
    /// The text and, behind it, what is left of earlier ones: it only grows, as clearing it would cost as much as reading it.
    private var storage: [UInt8] = []
    private lazy var gunzip = WholeGunzip()
    private lazy var decoder = GzipDecoder()

    /// Calls with the text.
    func withUnsafeBytes<Result>(_ read: (UnsafeRawBufferPointer) -> Result) -> Result {
        storage.withUnsafeBytes { read(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// Takes the text from a body.
    func decode(_ body: ByteBuffer, isCompressed: Bool, limit: Int) throws(TransportError) {
        let result = body.withUnsafeReadableBytes { input in
            Swift.Result<Void, CompressionError> { () throws(CompressionError) in
                if try !takeAtOnce(input, isCompressed: isCompressed, limit: limit) {
                    try unpackPiecewise(input, limit: limit)
                }
            }
        }
        if case .failure(let error) = result { throw failure(error) }
    }

    /// Takes the text from the body of an answer, as far as there is room for it; where it is long, others run meanwhile.
    /// - Parameter stops: asked now and then whether to give up.
    func decode(
        _ response: TargetResponse,
        limit: Int,
        stops: () -> Bool
    ) async throws(TransportError) {
        let body = response.body
        let room = response.hasRoom(unpacked:)
        let taken = body.withUnsafeReadableBytes { input in
            Swift.Result<Bool, CompressionError> { () throws(CompressionError) in
                try takeAtOnce(input, isCompressed: response.isCompressed, limit: limit, room: room)
            }
        }
        do throws(CompressionError) {
            if try taken.get() { return }
        } catch {
            throw failure(error)
        }
        storage.removeAll(keepingCapacity: true)
        decoder.reset()
        // Its own while it is written to: an array that two hold would be copied.
        var text: [UInt8] = []
        swap(&text, &storage)
        do throws(CompressionError) {
            try await decoder.decode(
                count: body.readableBytes,
                limit: limit,
                room: room,
                into: &text,
                stops: stops,
                body: { range, read in
                    body.withUnsafeReadableBytes { read(UnsafeRawBufferPointer(rebasing: $0[range])) }
                }
            )
        } catch {
            throw failure(error)
        }
        swap(&text, &storage)
        count = storage.count
    }

    private func failure(_ error: CompressionError) -> TransportError {
        count = 0
        return switch error.code {
        case .tooLarge: .bodyTooLarge
        case .noRoom: .noRoom
        case .cancelled: Task.isCancelled ? .cancelled() : .late()
        default: TransportError(error.message, code: .malformed)
        }
    }

    private func takeAtOnce(
        _ input: UnsafeRawBufferPointer,
        isCompressed: Bool,
        limit: Int,
        room: (Int) -> Bool = { _ in true }
    ) throws(CompressionError) -> Bool {
        if isCompressed { return try unpackAtOnce(input, limit: limit, room) }
        guard room(input.count) else { throw .noRoom }
        copy(input)
        return true
    }

    private func copy(_ input: UnsafeRawBufferPointer) {
        makeRoom(input.count)
        storage.withUnsafeMutableBytes { $0.copyMemory(from: input) }
        count = input.count
    }

    private func unpackAtOnce(
        _ input: UnsafeRawBufferPointer,
        limit: Int,
        _ room: (Int) -> Bool
    ) throws(CompressionError) -> Bool {
        guard let size = WholeGunzip.size(of: input), size <= limit, size <= Self.mostAtOnce else { return false }
        guard room(size) else { throw .noRoom }
        makeRoom(size + WholeGunzip.slack)
        guard storage.withUnsafeMutableBytes({ gunzip.unpack(input, size: size, into: $0) }) else { return false }
        count = size
        return true
    }

    private func unpackPiecewise(_ input: UnsafeRawBufferPointer, limit: Int) throws(CompressionError) {
        storage.removeAll(keepingCapacity: true)
        decoder.reset()
        try decoder.feed(input, limit: limit, into: &storage)
        try decoder.finish()
        count = storage.count
    }

    private func makeRoom(_ size: Int) {
        if storage.count < size { storage.append(contentsOf: repeatElement(0, count: size - storage.count)) }
    }

    /// The largest text for which room is made because the body says how large it is.
    private static let mostAtOnce = 64 << 20

    /// Whether the space may be kept for the next body.
    var isWorthKeeping: Bool { storage.capacity <= 8 << 20 }
}

/// Spaces that are free. Fresh memory for each body would cost more than reading it.
final class BodySpaces: Sendable {
    /// The memory for bodies that come and are read.
    let budget = BodyBudget(alwaysHoldsOne: true)
    /// The memory for those that are kept to be looked at, each besides its first MiB.
    let kept = BodyBudget(limit: BodySpaces.keptBytes, alwaysHoldsOne: true)
    private static let keptBytes = 256 << 20

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
