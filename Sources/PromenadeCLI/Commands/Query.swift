import ArgumentParser
import ConfigTree
import HTTPCalling
import MetricModel
import NIOCore
import Promenade

/// `query EXPR`: asks a running server.
struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ask a running server; the answer as it comes, in JSON.")

    @Option(help: "The server's URL.")
    var url = "http://localhost:9090"

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The time to ask for, now without one: \(TimeArgument.instantForms).", valueName: "time")
    )
    var time: String?

    @Argument(help: "The expression.")
    var expression: String

    func validate() throws {
        guard let time, TimeArgument.instant(time, now: 0) == nil else { return }
        throw ValidationError(
            TimeText.noTime(time, of: "--time", like: "1795362116, 2026-11-28T10:30:05Z or -1h").message
        )
    }

    func run() async throws {
        var form = "query=\(URLText.query(expression))"
        let answer: HTTPAnswer
        do throws(TransportError) {
            let server = try ServerAddress(url)
            if let time, let moment = await Self.moment(time, at: server) { form += "&time=\(Double(moment) / 1000)" }
            var call = HTTPCall(server + "/api/v1/query", timeoutMilliseconds: 130_000)
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

    /// The moment that a time means, in milliseconds since 1970. What counts from now counts from the now of the server: in a test
    /// fixture or a played scenario that is another one than ours.
    private static func moment(_ time: String, at server: ServerAddress) async -> Timestamp? {
        let moment = TimeArgument.instant(time, now: 0)
        if moment == TimeArgument.instant(time, now: 1) { return moment }
        let now = await clock(of: server) ?? SystemClock().now
        return TimeArgument.instant(time, now: now)
    }

    /// The time of a server in milliseconds since 1970; `nil` where it does not tell it, as Prometheus does not.
    private static func clock(of server: ServerAddress) async -> Timestamp? {
        let call = HTTPCall(server + "/api/v1/clock", timeoutMilliseconds: 5000)
        guard let answer = try? await HTTPCaller.shared.send(call), answer.status == 200 else { return nil }
        let told = try? JSONReader.parse(Array(answer.body.readableBytesView), file: "clock")
        return ToldTime.milliseconds(told?["data"]?["now"]?.text)
    }
}
