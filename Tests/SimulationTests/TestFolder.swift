import Foundation
import Logging
import MetricModel
import NIOPosix
import Promenade
import Web

/// A folder that is there while a test needs it.
enum TestFolder {
    static func with<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let folder = NSTemporaryDirectory() + "/simulation-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(folder)
    }
}

/// A program outside of all worlds that exposes one text.
struct OneAnswerServer {
    let port: Int
    private let task: Task<Void, any Error>

    static func start(_ text: String) async throws -> OneAnswerServer {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let route = Route.get("/metrics") { _ in
            WebResponse(headers: [("Content-Type", "text/plain; version=0.0.4")], body: .bytes(Array(text.utf8)))
        }
        let server = try WebServer(
            address: ListenAddress(host: "127.0.0.1", port: 0),
            router: WebRouter(serving: [route]),
            clock: SystemClock(),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
        let task = Task { try await server.run() }
        return OneAnswerServer(port: try await server.listening().port, task: task)
    }

    func stop() async {
        task.cancel()
        _ = await task.result
    }
}
