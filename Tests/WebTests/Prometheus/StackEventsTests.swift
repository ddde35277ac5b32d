import MetricModel
import Pushgateway
import TSDB
import Testing

import Web

/// What happens in the stack, for those who ask and those who listen.
@Suite(.timeLimit(.minutes(5))) struct StackEventsTests {
    private let clock = ManualClock()

    private func push(_ job: String) -> StackEvent.Kind {
        let record = PushRecord(
            time: 0,
            client: "127.0.0.1",
            method: "PUT",
            group: GroupingKey([Label(name: "job", value: job)]),
            path: "/metrics/job/\(job)",
            size: 0,
            status: 200,
            duration: 0
        )
        return .push(StackEvent.Push(record, number: 0))
    }

    private func server(_ events: StackEvents?) -> PrometheusServer {
        var environment = PrometheusEnvironment.still(configuration: "", reload: nil)
        environment.events = events
        return PrometheusServer.still(TimeSeriesDatabase.inMemory(clock: clock), clock: clock, environment: environment)
    }

    private func ask(_ server: PrometheusServer, _ target: String) async -> (status: Int, body: String) {
        let response = await server.makeRouter().respond(
            to: WebRequest(method: .get, target: target, headers: WebHeaders())
        )
        guard case .bytes(let bytes) = response.body else { return (response.status, "stream") }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    @Test func `events are kept in order, the oldest go first, and whoever comes too late is told how many he missed`()
    {
        let events = StackEvents(clock: clock)
        for number in 0..<StackEvents.capacity + 10 { events.tell(push("job\(number)")) }
        let all = events.since(0)
        #expect(all.missed == 10)
        #expect(all.events.map(\.number) == Array(11...UInt64(StackEvents.capacity + 10)))
        #expect(events.since(all.end).events.isEmpty)
        #expect(events.since(all.end - 3).events.map(\.number) == Array(all.end - 2...all.end))
        #expect(events.since(all.end + 99).events.isEmpty)
        events.tell(.demo("slow"))
        #expect(events.since(all.end - 3, kinds: ["demo"]).events.map(\.kindName) == ["demo"])
    }

    @Test func `a place of an earlier run is the beginning, and no place is none`() {
        let events = StackEvents(clock: clock)
        #expect(events.place(of: events.id(of: 7)) == 7)
        #expect(events.place(of: "5-7") == 0)
        for text in ["", "7", "-", "a-7", "5-", "5-x", "5-7-9", "5--7"] { #expect(events.place(of: text) == nil) }
    }

    @Test(arguments: [
        ("/api/v1/events", 200, #"{"status":"success","data":{"events":[{"id":"1700000000000-1","kind":"push""#),
        (
            "/api/v1/events?since=1700000000000-1&kind=reload", 200,
            #"data":{"events":[{"id":"1700000000000-2","kind":"reload""#
        ),
        ("/api/v1/events?since=1700000000000-2", 200, #"{"events":[],"last":"1700000000000-2","missed":0}"#),
        ("/api/v1/events?limit=1", 200, #"{"events":[{"id":"1700000000000-2","#),
        // Whoever goes on from a place is told everything after it, in pieces.
        ("/api/v1/events?since=1700000000000-0&limit=1", 200, #"{"events":[{"id":"1700000000000-1","#),
        ("/api/v1/events?since=1700000000000-0&limit=1", 200, #""last":"1700000000000-1","missed":0}"#),
        ("/api/v1/events?kind=pull", 400, "there is no kind of event \\\"pull\\\"; there are push, scrape,"),
        ("/api/v1/events?since=yesterday", 400, "since has to be the id of an event"),
        ("/api/v1/events/live?since=yesterday", 400, "since has to be the id of an event"),
        ("/api/v1/events/live", 200, "stream"),
    ])
    func `events are answered`(target: String, status: Int, part: String) async {
        let events = StackEvents(clock: clock)
        events.tell(push("a"))
        events.tell(.reload(file: "stack.yml", error: "stack.yml:3:1: oh"))
        let answer = await ask(server(events), target)
        #expect(answer.status == status)
        #expect(answer.body.contains(part), "\(answer.body)")
    }

    @Test func `who is alone tells nothing`() async {
        for target in ["/api/v1/events", "/api/v1/events/live", "/api/v1/stack"] {
            #expect(await ask(server(nil), target).status == 404, "\(target)")
        }
    }

    /// Listens; each piece that is written comes as an element.
    private func listen(
        _ events: StackEvents,
        after last: String? = nil
    ) async throws -> (pieces: AsyncStream<String>, task: Task<Void, any Error>) {
        let headers = WebHeaders(last.map { [(name: "Last-Event-ID", value: $0)] } ?? [])
        let request = WebRequest(method: .get, target: "/api/v1/events/live", headers: headers)
        let response = await server(events).makeRouter().respond(to: request)
        #expect(response.header("Content-Type") == "text/event-stream")
        guard case .stream(let produce) = response.body else {
            throw APIFailure(.internal, "no stream")
        }
        let (pieces, written) = AsyncStream.makeStream(of: String.self)
        let task = Task {
            defer { written.finish() }
            try await produce(WebBodyWriter { written.yield(String(decoding: $0, as: UTF8.self)) })
        }
        return (pieces, task)
    }

    @Test func `a listener hears events as they happen, a heartbeat in between, and the end`() async throws {
        let events = StackEvents(clock: clock)
        events.tell(push("before"))
        let (pieces, task) = try await listen(events)
        var heard = pieces.makeAsyncIterator()
        #expect(await heard.next() == "retry: 2000\nid: 1700000000000-1\n\n")
        #expect(await heard.next() == "id: 1700000000000-1\n\n")
        events.tell(push("a"))
        let event = await heard.next()
        #expect(event?.hasPrefix("id: 1700000000000-2\ndata: {\"id\":\"1700000000000-2\",\"kind\":\"push\"") == true)
        #expect(event?.hasSuffix("}\n\n") == true)
        while clock.sleeperCount == 0, !Task.isCancelled { await Task.yield() }
        clock.advance(milliseconds: PrometheusServer.heartbeat)
        #expect(await heard.next() == "id: 1700000000000-2\n\n")
        events.end()
        #expect(await heard.next() == nil)
        try await task.value
        #expect(events.listenerCount == 0)
    }

    @Test func `who comes back hears what he missed`() async throws {
        let events = StackEvents(clock: clock)
        for job in ["a", "b", "c"] { events.tell(push(job)) }
        let (pieces, task) = try await listen(events, after: events.id(of: 1))
        var heard = pieces.makeAsyncIterator()
        _ = await heard.next()
        let missed = await heard.next() ?? ""
        #expect(!missed.contains("\"a\"") && missed.contains("\"b\"") && missed.contains("\"c\""))
        task.cancel()
        while await heard.next() != nil {}
        #expect(events.listenerCount == 0)
    }

    @Test func `only so many may listen, and none after the end`() async {
        let events = StackEvents(clock: clock)
        var listeners = (0..<StackEvents.listenerLimit).compactMap { _ in events.listen() }
        #expect(listeners.count == StackEvents.listenerLimit)
        let refusal = await ask(server(events), "/api/v1/events/live")
        #expect(refusal.status == 503)
        #expect(refusal.body.contains("64 listen already"))
        listeners = []
        #expect(events.listenerCount == 0)
        #expect(events.listen() != nil)
        events.end()
        #expect(events.listen() == nil)
    }

    @Test(arguments: [
        ("http://localhost:9091/metrics", "localhost", 9091, "/metrics"),
        ("http://[::1]:9091", "::1", 9091, "/"),
        ("https://Example.org/a?b=c:1", "example.org", 443, "/a"),
        ("http://u:p@h:1/m#f", "h", 1, "/m"),
        ("http://h?x=1", "h", 80, "/"),
    ])
    func `targets' places are read`(url: String, host: String, port: Int, path: String) {
        let place = TargetPlace(url: url)
        #expect(place?.host == host)
        #expect(place?.port == port)
        #expect(place?.path == path)
    }

    @Test func `the lines of a job of the Pushgateway name what is not usual`() {
        let usual = StackServerAddress(listening: ListenAddress(host: "", port: 9091))
        #expect(
            StackSurvey.job(for: usual, path: "/metrics") == """
                  - job_name: pushgateway
                    honor_labels: true
                    static_configs:
                      - targets: ["localhost:9091"]
                """
        )
        let other = StackServerAddress(listening: ListenAddress(host: "::1", port: 1, scheme: "https"), prefix: "/p")
        #expect(
            StackSurvey.job(for: other, path: "/p/metrics") == """
                  - job_name: pushgateway
                    honor_labels: true
                    scheme: https
                    metrics_path: /p/metrics
                    static_configs:
                      - targets: ["[::1]:1"]
                """
        )
    }
}
