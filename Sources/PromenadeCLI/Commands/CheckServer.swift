import ArgumentParser
import HTTPCalling

/// Asks a server how it is, with the output and the exit codes of `promtool check healthy` and `ready`.
enum ServerCheck {
    static func run(_ path: String, _ url: String) async throws {
        let base: String
        let answer: HTTPAnswer
        do throws(TransportError) {
            base = try ServerAddress(url).url
            answer = try await HTTPCaller.shared.send(HTTPCall(base + path, timeoutMilliseconds: 10_000))
        } catch {
            Complaint.write(error.message)
            throw ExitCode.failure
        }
        guard answer.status == 200 else {
            Complaint.write("check failed: URL=\(base), status=\(answer.status)")
            throw ExitCode.failure
        }
        var line = "  SUCCESS:  \(answer.text)\n"
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
