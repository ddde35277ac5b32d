import Exposition
import MetricModel
import Synchronization

/// Which series the bytes of remote write's messages mean: of each version what its messages have.
final class RemoteSeries: Sendable {
    private let version1 = Mutex(SeriesMemory())
    private let version2 = Mutex(SeriesMemory())

    /// A message of more bytes is read with a copy of what is known, so that nobody waits for the thread that reads it.
    private static let shortMessage = 256 << 10

    /// Reads a message.
    func read(
        _ body: [UInt8],
        _ version: RemoteWriteRequest.Version
    ) throws(ExpositionError) -> RemoteWriteRequest {
        if body.count > Self.shortMessage {
            var known = with(version) { $0 }
            return try RemoteWriteRequest(decoding: body, version: version, memory: &known)
        }
        return try with(version) { memory throws(ExpositionError) in
            try RemoteWriteRequest(decoding: body, version: version, memory: &memory)
        }
    }

    /// Remembers the series that were looked up for a message.
    func learn(_ message: RemoteWriteRequest, _ version: RemoteWriteRequest.Version) {
        if message.lessons.isEmpty { return }
        with(version) { memory in memory.learn(message.lessons) { message.series[$0].reference } }
    }

    /// Forgets all.
    func forget(_ version: RemoteWriteRequest.Version) { with(version) { $0.forget() } }

    private func with<Result: Sendable, Failure>(
        _ version: RemoteWriteRequest.Version,
        _ body: (inout SeriesMemory) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch version {
        case .version1: try version1.withLock { memory throws(Failure) in try body(&memory) }
        case .version2: try version2.withLock { memory throws(Failure) in try body(&memory) }
        }
    }
}
