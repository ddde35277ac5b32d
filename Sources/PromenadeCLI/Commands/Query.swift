import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// `query EXPR`: asks a running server.
struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ask a running server; the answer as it comes, in JSON.")

    @Option(help: "The server's URL.")
    var url = "http://localhost:9090"

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The time to ask for, now without one: \(TimeArgument.forms).", valueName: "time")
    )
    var time: TimeArgument?

    @Argument(help: "The expression.")
    var expression: String

    func run() async throws {
        var request = HTTPClientRequest(url: url + "/api/v1/query")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        var form = "query=\(FormText.escaped(expression))"
        if let time { form += "&time=\(Double(time.milliseconds) / 1000)" }
        request.body = .bytes(Array(form.utf8))
        let response: HTTPClientResponse
        let body: ByteBuffer
        do {
            response = try await HTTPClient.shared.execute(request, timeout: .seconds(130))
            body = try await response.body.collect(upTo: 1 << 30)
        } catch {
            Complaint.write("no answer from \(url): \(error)")
            throw ExitCode.failure
        }
        Console.print(String(decoding: body.readableBytesView, as: UTF8.self) + "\n")
        if response.status.code != 200 { throw ExitCode.failure }
    }
}
