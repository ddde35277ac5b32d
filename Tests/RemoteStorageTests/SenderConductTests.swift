import Exposition
import MetricModel
import NIOHTTP1
import RemoteStorage
import Testing

/// What a sender does with answers, and without one: the cases of Prometheus's compliance suite for senders
/// (prometheus/compliance, `remotewrite/sender`: backoff, retry, error_handling, fallback, response).
@Suite("Sender compliance: conduct", .timeLimit(.minutes(5))) struct SenderConductTests {
    private static let samples: [(labels: Labels, value: Double)] = [
        (["__name__": "m", "i": "0"], 1), (["__name__": "m", "i": "1"], 2),
    ]

    static let final: [(status: Int, queue: [String])] = [
        (400, []), (401, []), (403, []), (404, []), (405, []), (409, []), (413, []), (415, []), (422, []), (429, []),
        (431, []),
        (400, ["retry_on_http_429: true"]),
    ]

    @Test(arguments: final) func `an answer of 4xx is final, and what comes next is sent`(status: Int, queue: [String])
        async throws
    {
        let receiver = try await CapturingReceiver([.answer(status, [], "no, not this\nsecond line")])
        try await SendingStore.run(receiver.url, SendingStore.version2, queue: queue) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
            let after = try await sending.status()
            #expect(after.failed == 2 && after.sent == 0 && after.retried == 0)
            #expect(after.lastError.hasPrefix("server returned HTTP status \(status) "))
            // Told as it was, its first line.
            #expect(after.lastError.hasSuffix(": no, not this"))
            try await sending.append(Self.samples, at: SendingStore.base + 1)
            try await sending.settle(sent: 4)
            #expect(try await sending.status().sent == 2)
        }
        #expect(receiver.requests.count == 2)
        // No other version is tried.
        #expect(receiver.requests.allSatisfy { $0.isVersion2 })
        await receiver.close()
    }

    static let passing: [(reaction: CapturingReceiver.Reaction, queue: [String])] = [
        (.answer(500), []), (.answer(502), []), (.answer(503), []), (.answer(504), []), (.answer(507), []),
        (.answer(599), []),
        (.answer(429), ["retry_on_http_429: true"]), (.hangUp, []), (.cutOff, []), (.noise, []), (.hang, []),
    ]

    @Test(arguments: passing) func `what may pass is tried again until it is taken`(
        reaction: CapturingReceiver.Reaction,
        queue: [String]
    ) async throws {
        let receiver = try await CapturingReceiver([reaction, reaction, reaction])
        var isHanging = false
        if case .hang = reaction { isHanging = true }
        let fields = SendingStore.version2 + (isHanging ? ["remote_timeout: 300ms"] : [])
        try await SendingStore.run(receiver.url, fields, queue: queue) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
            let status = try await sending.status()
            #expect(status.sent == 2 && status.failed == 0)
            // Where the machine is slow, an answer that comes too late is none.
            #expect(isHanging ? status.retried >= 6 : status.retried == 6)
            #expect(!status.lastError.isEmpty)
        }
        let requests = receiver.requests
        // The same each time.
        #expect(Set(requests.map(\.body)).count == 1)
        if !isHanging { #expect(requests.map { $0.headers["Retry-Attempt"] } == [[], ["1"], ["2"], ["3"]]) }
        await receiver.close()
    }

    @Test func `pauses grow, up to the longest`() async throws {
        let receiver = try await CapturingReceiver(Array(repeating: .answer(503), count: 5))
        let queue = ["min_backoff: 40ms", "max_backoff: 160ms"]
        try await SendingStore.run(receiver.url, queue: queue) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
        }
        let times = receiver.requests.map(\.time)
        let pauses = zip(times, times.dropFirst()).map { ($1 - $0) / 1_000_000 }
        #expect(pauses.count == 5)
        // A machine that is busy makes them longer, nothing makes them shorter.
        for (pause, least) in zip(pauses, [40, 80, 160, 160, 160]) { #expect(pause >= least - 1, "\(pauses)") }
        await receiver.close()
    }

    static let pauses: [(status: Int, queue: [String])] = [(503, []), (429, ["retry_on_http_429: true"])]

    @Test(arguments: pauses) func `a receiver may say how long to wait`(status: Int, queue: [String]) async throws {
        let receiver = try await CapturingReceiver([.answer(status, [("Retry-After", "1")])])
        try await SendingStore.run(receiver.url, queue: queue) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
        }
        let times = receiver.requests.map(\.time)
        #expect(times.count == 2)
        #expect(times.last.map { $0 - times[0] } ?? 0 >= 999_000_000)
        await receiver.close()
    }

    static let askedFor: [(header: String, pause: Int64?)] = [
        ("120", 120), ("9223372036854775807", 86_400), ("0", nil), ("-1", nil), ("soon", nil),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sun, 06 Nov 1994 08:48:00 GMT", nil),
        ("Mon, 07 Nov 1994 08:49:00 GMT", 86_400), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Sun, 06 Nov 1994 24:00:00 GMT", nil), ("Sun, 06 Nov 1994 9223372036854775807:0:0 GMT", nil),
        ("Sun, 06 Nov 1994 08:-1:00 GMT", nil),
    ]

    @Test(arguments: askedFor) func `a pause that is asked for is at most a day`(header: String, pause: Int64?) {
        // Sun, 06 Nov 1994 08:49:00 GMT.
        #expect(RemoteMessage.retryAfter(header, now: 784_111_740_000_000_000) == pause.map { $0 * 1_000_000_000 })
    }

    static let successes: [CapturingReceiver.Reaction] = [
        .answer(200), .answer(204), .answer(202, [], "whatever is said here"),
        .answer(200, [], String(repeating: "x", count: 3 << 20)),
    ]

    @Test(arguments: successes) func `every 2xx is success, whatever comes with it`(
        reaction: CapturingReceiver.Reaction
    ) async throws {
        let receiver = try await CapturingReceiver([reaction])
        try await SendingStore.run(receiver.url, SendingStore.version2) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
            let status = try await sending.status()
            #expect(status.sent == 2 && status.failed == 0 && status.lastError.isEmpty)
        }
        #expect(receiver.requests.count == 1)
        await receiver.close()
    }

    /// It was retried for ever.
    @Test func `a refusal with a long text is a refusal`() async throws {
        let receiver = try await CapturingReceiver([.answer(400, [], String(repeating: "long ", count: 600_000))])
        try await SendingStore.run(receiver.url, SendingStore.version2) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
            let status = try await sending.status()
            #expect(status.failed == 2)
            #expect(status.lastError.utf8.count < 1200)
        }
        #expect(receiver.requests.count == 1)
        await receiver.close()
    }

    static let partial: [(reaction: CapturingReceiver.Reaction, failed: Int)] = [
        (.answer(400, [("X-Prometheus-Remote-Write-Samples-Written", "1")], "one was too old"), 1),
        (.answer(400, [("X-Prometheus-Remote-Write-Exemplars-Written", "0")]), 2), (.answer(400), 2),
        (.answer(400, [("X-Prometheus-Remote-Write-Samples-Written", "\(Int.min)")]), 2),
    ]

    @Test(arguments: partial) func `of a refused request counts as failed what was not written`(
        reaction: CapturingReceiver.Reaction,
        failed: Int
    ) async throws {
        let receiver = try await CapturingReceiver([reaction])
        try await SendingStore.run(receiver.url, SendingStore.version2) { sending in
            try await sending.append(Self.samples)
            try await sending.until { $0.behind == 0 && $0.pending == 0 && $0.failed > 0 }
            #expect(try await sending.status().failed == failed)
        }
        #expect(receiver.requests.count == 1)
        await receiver.close()
    }

    /// One that knows only version 1 finds nothing in the message and says that all is well.
    @Test func `success without a word of what was written is told`() async throws {
        let receiver = try await CapturingReceiver([.silent(204)])
        try await SendingStore.run(receiver.url, SendingStore.version2) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
            let status = try await sending.status()
            #expect(status.failed == 2 && status.lastError.contains("does not know version 2"))
        }
        await receiver.close()
        let older = try await CapturingReceiver([.silent(204), .silent(204)])
        try await SendingStore.run(older.url, ["metadata_config: {send: false}"]) { sending in
            try await sending.append(Self.samples)
            try await sending.settle(sent: 2)
            #expect(try await sending.status().sent == 2)
        }
        await older.close()
    }

    @Test func `a receiver that is not there yet gets all when it is`() async throws {
        let first = try await CapturingReceiver()
        let (url, port) = (first.url, first.port)
        await first.close()
        try await SendingStore.run(url, SendingStore.version2) { sending in
            try await sending.append(Self.samples)
            try await sending.until { $0.retried > 0 }
            #expect(try await sending.status().lastError.contains("connection refused"))
            let second = try await CapturingReceiver(port: port)
            try await sending.settle(sent: 2)
            #expect(try second.messages().flatMap(\.values) == [1, 2])
            await second.close()
        }
    }

    @Test func `a name that cannot be found is no end`() async throws {
        try await SendingStore.run("http://no.such.host.invalid/write", ["remote_timeout: 200ms"]) { sending in
            try await sending.append(Self.samples)
            try await sending.until { $0.retried >= 4 }
            #expect(try await sending.status().failed == 0)
        }
    }

    @Test func `five thousand series come in batches`() async throws {
        let receiver = try await CapturingReceiver()
        try await SendingStore.run(receiver.url, SendingStore.version2, queue: ["max_samples_per_send: 500"]) {
            sending in
            try await sending.append((0..<5000).map { (["__name__": "load", "i": "\($0)"], Double($0)) })
            try await sending.settle(sent: 5000)
        }
        #expect(try receiver.messages().map(\.values.count) == Array(repeating: 500, count: 10))
        let values = Set(try receiver.messages().flatMap(\.values))
        #expect(values.count == 5000)
        await receiver.close()
    }

    @Test func `a receiver that does not answer does not hold up the end`() async throws {
        let receiver = try await CapturingReceiver([.hang])
        let start = SystemClock().steadyNanoseconds
        try await SendingStore.run(receiver.url, ["remote_timeout: 2m"], flushDeadline: 10) { sending in
            try await sending.append(Self.samples)
            while receiver.requests.isEmpty { try await SystemClock().sleep(milliseconds: 2) }
        }
        #expect(SystemClock().steadyNanoseconds - start < 60_000_000_000)
        await receiver.close()
    }
}
