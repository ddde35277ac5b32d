import Logging
import MetricModel
import NIOCore
import NIOPosix
import Synchronization
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A server on a real socket, and clients that send whatever bytes they like.
struct LiveServer: Sendable {
    let port: Int

    /// Serves these routes while the body runs.
    static func with(
        _ routes: [Route],
        access: AccessPolicy = AccessPolicy(),
        host: String = "127.0.0.1",
        slots: Int? = nil,
        bodyBytes: Int = 1 << 30,
        limits: ConnectionLimits = ConnectionLimits(),
        clock: any StackClock = SystemClock(),
        _ body: (LiveServer) async throws -> Void
    ) async throws {
        let server = try WebServer(
            address: ListenAddress(host: host, port: 0),
            router: WebRouter(serving: routes),
            access: access,
            limits: limits,
            slots: ConnectionSlots(capacity: slots, bodyBytes: bodyBytes, clock: clock),
            clock: clock,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let serving = Task { try await server.run() }
        defer { serving.cancel() }
        try await body(LiveServer(port: server.listening().port))
    }

    /// Sends bytes and reads until the server closes the connection, or five seconds pass.
    func exchange(_ bytes: [UInt8], endsInput: Bool = false) async -> [UInt8] {
        let port = port
        return await onThread {
            guard let client = RawClient(port: port) else { return [] }
            client.send(bytes)
            if endsInput { client.endInput() }
            return client.readAll()
        }
    }

    func exchange(_ text: String, endsInput: Bool = false) async -> String {
        String(decoding: await exchange(Array(text.utf8), endsInput: endsInput), as: UTF8.self)
    }

    /// Runs what blocks on a thread that may be blocked.
    func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        (try? await NIOThreadPool.singleton.runIfActive(work)).unsafelyUnwrapped
    }
}

/// A connection without any notion of HTTP. Nothing it does takes longer than its patience.
final class RawClient: Sendable {
    private let descriptor: Int32

    init?(port: Int, patience: Int = 5) {
        #if canImport(Darwin)
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        // What is sent apart comes apart.
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let descriptor = descriptor
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if status != 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Sends bytes; returns how many the system took before the server stopped reading.
    @discardableResult
    func send(_ bytes: [UInt8], waits: Bool = true) -> Int {
        var sent = 0
        while sent < bytes.count {
            let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
            if count <= 0 { break }
            sent += count
        }
        return sent
    }

    func endInput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What comes next; empty where the connection is closed or nothing comes.
    func read(upTo count: Int = 65536) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let read = recv(descriptor, &buffer, count, 0)
        return read > 0 ? Array(buffer[..<read]) : []
    }

    func readAll() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece = read()
            if piece.isEmpty { return all }
            all += piece
        }
    }
}
