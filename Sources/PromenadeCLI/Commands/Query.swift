import ArgumentParser
import HTTPCalling
import MetricModel

/// `query EXPR`: asks a running server.
struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ask a running server; the answer as it comes, in JSON.")

    @Option(help: "The server's URL.")
    var url = "http://localhost:9090"

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The time to ask for, now without one: \(TimeArgument.instantForms).", valueName: "time"),
        transform: TimeArgument.instant
    )
    var time: TimeArgument?

    @Argument(help: "The expression.")
    var expression: String

    func run() async throws {
        var form = "query=\(URLText.query(expression))"
        if let time { form += "&time=\(Double(time.milliseconds) / 1000)" }
        let answer: HTTPAnswer
        do throws(TransportError) {
            var call = HTTPCall(try ServerAddress(url) + "/api/v1/query", timeoutMilliseconds: 130_000)
            call.post(form: form)
            call.bodyLimit = 1 << 30
            answer = try await HTTPCaller.shared.send(call)
        } catch {
            Complaint.write(error.code == .url ? error.message : "no answer from \(url): \(error.message)")
            throw ExitCode.failure
        }
        Console.print(answer.text + "\n")
        if answer.status != 200 { throw ExitCode.failure }
    }
}
