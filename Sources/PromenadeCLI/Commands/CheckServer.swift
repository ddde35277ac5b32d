import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Scrape

/// Asks a server how it is, with the output and the exit codes of `promtool check healthy` and `ready`.
enum ServerCheck {
    static func run(_ path: String, _ url: String) async throws {
        let base = url.contains("://") ? url : "http://" + url
        let target = (base.hasSuffix("/") ? String(base.dropLast()) : base) + path
        let status: Int
        let body: String
        do {
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: target), timeout: .seconds(10))
            status = Int(response.status.code)
            body = String(decoding: (try await response.body.collect(upTo: 1 << 20)).readableBytesView, as: UTF8.self)
        } catch {
            Complaint.write(TransportFailure.text(error, url: target))
            throw ExitCode.failure
        }
        guard status == 200 else {
            Complaint.write("check failed: URL=\(base), status=\(status)")
            throw ExitCode.failure
        }
        var line = "  SUCCESS:  \(body)\n"
        line.withUTF8 { bytes in _ = Console.write(2, bytes) }
    }
}

extension Check {
    /// `check healthy`
    struct Healthy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check whether a Prometheus server is healthy.")
        @Option(help: "The server's URL.")
        var url = "http://localhost:9090"

        func run() async throws { try await ServerCheck.run("/-/healthy", url) }
    }

    /// `check ready`
    struct Ready: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check whether a Prometheus server is ready.")
        @Option(help: "The server's URL.")
        var url = "http://localhost:9090"

        func run() async throws { try await ServerCheck.run("/-/ready", url) }
    }
}
