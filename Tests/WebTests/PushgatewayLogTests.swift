import Logging
import MetricModel
import Pushgateway
import Scrape
import Synchronization
import Testing
import Web

/// What the log says of pushes, and by which name the program's hints call it.
@Suite(.timeLimit(.minutes(5))) struct PushgatewayLogTests {
    /// Keeps lines.
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.all.withLock { $0.append((["\(event.level)", "\(event.message)"] + fields).joined(separator: "|")) }
        }
    }

    private func server() -> (PushgatewayResponderTests.Server, Lines) {
        let lines = Lines()
        var settings = PushgatewaySettings()
        settings.logger = Logger(label: "test") { _ in Handler(lines: lines) }
        return (PushgatewayResponderTests.Server(PushgatewayOptions(), settings), lines)
    }

    @Test(arguments: [
        (
            WebRequest.Method.put, "/metrics/job/n", "rows many\n",
            #"debug|failed to parse text|err=text format parsing error in line 1: expected float as value, got "many"|source="#
        ),
        (
            .post, "/metrics/job/n/a", "rows 1\n",
            #"debug|failed to parse URL|err=odd number of components in label string "/a"|source=|url=/metrics/job/n/a"#
        ),
        (
            .delete, "/metrics/job/n/a", "",
            #"debug|failed to parse URL|err=odd number of components in label string "/a"|source=|url=/metrics/job/n/a"#
        ),
        (
            .put, "/metrics/job/n", "rows 1 12345\n",
            "error|pushed metrics are invalid or inconsistent with existing metrics|err=pushed metrics must not have timestamps"
                + "|method=PUT|source="
        ),
    ])
    func `a refused change is logged as by the original`(
        _ method: WebRequest.Method,
        _ path: String,
        _ body: String,
        _ line: String
    ) async {
        let (server, lines) = server()
        #expect(await server.ask(method, path, body).status == 400)
        #expect(lines.all.withLock { $0 } == [line])
    }

    @Test func `what was done, and what was only tried, is not logged`() async {
        let (server, lines) = server()
        #expect(await server.ask(.put, "/metrics/job/n", "rows 1\n").status == 200)
        #expect(await server.ask(.put, "/metrics/job/n?dry_run=true", "rows many\n").status == 400)
        #expect(await server.ask(.delete, "/metrics/job/n").status == 202)
        #expect(lines.all.withLock { $0 }.isEmpty)
    }

    @Test func `a push that goes wrong on purpose is logged`() async {
        let lines = Lines()
        var settings = PushgatewaySettings()
        settings.logger = Logger(label: "test") { _ in Handler(lines: lines) }
        let faults = FaultBoard()
        faults.setPushes(Fault(.status(503)))
        settings.faults = faults
        let server = PushgatewayResponderTests.Server(PushgatewayOptions(), settings)
        #expect(await server.ask(.put, "/metrics/job/n", "rows 1\n").status == 503)
        #expect(
            lines.all.withLock { $0 } == [
                "debug|push refused|err=injected fault: HTTP status 503 Service Unavailable|source="
            ]
        )
    }

    @Test(arguments: [
        ("/opt/environment/bin/promenade-stack", "promenade-stack"), ("promenade-stack", "promenade-stack"),
        ("/usr/bin/promenade", "promenade"), ("/src/promenade-stack/tests.xctest", "promenade"), ("", "promenade"),
    ])
    func `hints have the name that people type`(_ path: String, _ name: String) {
        #expect(ProgramName.name(of: path) == name)
    }
}
