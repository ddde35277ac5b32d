import ConfigTree
import Foundation
import Logging
import MetricModel
import NIOHTTP1
import Promenade
import Rules
import Scrape
import Testing
import Web

/// Who is told of alerts, and what becomes of what cannot be told.
@Suite(.timeLimit(.minutes(5))) struct AlertNotifierTests {
    private static func config(_ text: String, folder: String = "") throws -> PrometheusConfig {
        let problems = ConfigProblems(file: "p.yml")
        let node = try YAMLReader.parse(Array(text.utf8), file: "p.yml")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        let config = PrometheusConfig(reading: root, context: ConfigContext(directory: folder))
        root.finish()
        try problems.throwIfAny()
        return config
    }

    private static func notice(_ labels: Labels, _ annotations: [Label] = []) -> AlertNotice {
        AlertNotice(
            labels: labels,
            annotations: annotations,
            startsAt: 1_700_000_000_123_456_789,
            endsAt: 1_700_000_240_000_000_000,
            expression: "up == 0",
            group: "f;g"
        )
    }

    private static func notices(_ numbers: Range<Int>) -> [AlertNotice] {
        numbers.map { notice(["alertname": "A", "n": String($0)]) }
    }

    /// A notifier that runs while `body` does.
    private func withNotifier(
        _ text: String,
        limits: AlertNotifier.Limits = AlertNotifier.Limits(),
        folder: String = "",
        found count: Int = 1,
        _ body: (AlertNotifier) async throws -> Void
    ) async throws {
        let clock = SystemClock()
        let notifier = AlertNotifier(
            limits: limits,
            clock: clock,
            environment: [:],
            logger: StackLogHandler.logger(format: .logfmt, level: .critical, clock: clock)
        )
        let config = try Self.config(text, folder: folder)
        await notifier.apply(
            config.alerting,
            externalLabels: config.global.externalLabels,
            externalURL: "http://h:9090/p"
        )
        let running = Task { await notifier.run() }
        try await until("found") { notifier.addresses.active.count >= count }
        #expect(notifier.addresses.active.count == count)
        do {
            try await body(notifier)
        } catch {
            Issue.record(error)
        }
        running.cancel()
        await running.value
    }

    private func figure(_ name: String, _ notifier: AlertNotifier) -> Double {
        let metrics = notifier.families.first { $0.name == name || $0.name + "_total" == name }?.metrics ?? []
        return metrics.reduce(0) { sum, metric in
            switch metric.value {
            case .counter(let value, _, _), .gauge(let value): sum + value
            case .untyped, .summary, .histogram: sum
            }
        }
    }

    private func until(_ what: String, _ condition: () -> Bool) async throws {
        let clock = SystemClock()
        for _ in 0..<500 {
            if condition() { return }
            try await clock.sleep(milliseconds: 10)
        }
        Issue.record("never: \(what)")
    }

    // MARK: What is told

    @Test func `a request is Prometheus's, byte for byte`() async throws {
        let receiver = try await AlertReceiver()
        let text = """
            global: {external_labels: {region: eu, n: external}}
            alerting:
              alertmanagers:
                - path_prefix: /am/
                  basic_auth: {username: u, password: p}
                  static_configs: [{targets: ['\(receiver.address)']}]
            """
        try await withNotifier(text) { notifier in
            #expect(notifier.addresses.active == ["http://\(receiver.address)/am/api/v2/alerts"])
            notifier.notify([
                Self.notice(["alertname": "A", "n": "1"], [Label(name: "summary", value: "\"x\" <é>\n")]),
                Self.notice(["alertname": "B"]),
            ])
            let request = try #require(await receiver.next(1).first)
            #expect(request.uri == "/am/api/v2/alerts")
            #expect(request.headers["Content-Type"] == ["application/json"])
            #expect(request.headers["Authorization"] == ["Basic dTpw"])
            #expect(request.headers.first(name: "User-Agent")?.hasPrefix("Prometheus/") == true)
            let times = #""endsAt":"2023-11-14T22:17:20.000Z","startsAt":"2023-11-14T22:13:20.123Z","#
            let link = #""generatorURL":"http://h:9090/p/graph?g0.expr=up+%3D%3D+0\u0026g0.tab=1","#
            let first =
                #"{"annotations":{"summary":"\"x\" \u003cé\u003e\n"},\#(times)\#(link)"labels":{"alertname":"A","n":"1","region":"eu"}}"#
            let second = #"{\#(times)\#(link)"labels":{"alertname":"B","n":"external","region":"eu"}}"#
            #expect(request.body == "[\(first),\(second)]")
            try await until("sent") { figure("prometheus_notifications_sent_total", notifier) == 2 }
            let delivery = try #require(notifier.deliveries["http://\(receiver.address)/am/api/v2/alerts"])
            #expect(delivery.alerts == 2 && delivery.error == nil)
            #expect(figure("prometheus_notifications_errors_total", notifier) == 0)
            #expect(figure("prometheus_notifications_alertmanagers_discovered", notifier) == 1)
        }
        await receiver.close()
    }

    @Test func `a path that comes with the address counts for more than the configured one`() async throws {
        let receiver = try await AlertReceiver()
        let text = """
            alerting:
              alertmanagers:
                - path_prefix: /am
                  static_configs: [{targets: ['\(receiver.address)'], labels: {__alerts_path__: /own/path}}]
            """
        try await withNotifier(text) { notifier in
            #expect(notifier.addresses.active == ["http://\(receiver.address)/own/path"])
            notifier.notify([Self.notice(["alertname": "A"])])
            #expect(await receiver.next(1).first?.uri == "/own/path")
        }
        await receiver.close()
    }

    @Test func `an Alertmanager of two sets is told by the rules of each`() async throws {
        let receiver = try await AlertReceiver()
        let text = """
            alerting:
              alertmanagers:
                - static_configs: [{targets: ['\(receiver.address)']}]
                  alert_relabel_configs: [{action: keep, source_labels: [alertname], regex: A}]
                - static_configs: [{targets: ['\(receiver.address)']}]
                  alert_relabel_configs: [{action: keep, source_labels: [alertname], regex: B}]
            """
        try await withNotifier(text, found: 2) { notifier in
            notifier.notify([Self.notice(["alertname": "A"]), Self.notice(["alertname": "B"])])
            let told = await receiver.next(2).map { $0.alerts.map { $0.labels["alertname"] } }
            #expect(told.contains(["A"]) && told.contains(["B"]))
        }
        await receiver.close()
    }

    @Test func `rules for all and for each set change what is told, and to whom`() async throws {
        let (first, second) = (try await AlertReceiver(), try await AlertReceiver())
        let text = """
            alerting:
              alert_relabel_configs:
                - {action: labeldrop, regex: replica}
                - {action: drop, source_labels: [alertname], regex: Silent}
              alertmanagers:
                - static_configs: [{targets: ['\(first.address)']}]
                  alert_relabel_configs: [{target_label: for, replacement: first}]
                - static_configs: [{targets: ['\(second.address)', 'other:1']}]
                  relabel_configs:
                    - {action: drop, source_labels: [__address__], regex: 'other:.*'}
                    - {source_labels: [__alerts_path__], target_label: __alerts_path__, regex: '/api/v2/(.*)', replacement: '/mine/$1'}
                  alert_relabel_configs: [{action: keep, source_labels: [severity], regex: page}]
            """
        try await withNotifier(text, found: 2) { notifier in
            #expect(notifier.addresses.dropped == ["http://other:1/api/v2/alerts"])
            notifier.notify([
                Self.notice(["alertname": "A", "severity": "page", "replica": "1"]),
                Self.notice(["alertname": "B", "replica": "2"]), Self.notice(["alertname": "Silent"]),
            ])
            let one = try #require(await first.next(1).first)
            #expect(
                one.alerts.map(\.labels) == [
                    ["alertname": "A", "severity": "page", "for": "first"], ["alertname": "B", "for": "first"],
                ]
            )
            let two = try #require(await second.next(1).first)
            #expect(two.uri == "/mine/alerts")
            #expect(two.alerts.map(\.labels) == [["alertname": "A", "severity": "page"]])
        }
        await first.close()
        await second.close()
    }

    // MARK: Who is found

    @Test func `Alertmanagers come and go with a file`() async throws {
        let (first, second) = (try await AlertReceiver(), try await AlertReceiver())
        let folder = FileManager.default.temporaryDirectory.appending(path: "notifier-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "am.json")
        try Data("[{\"targets\": [\"\(first.address)\"]}]".utf8).write(to: file, options: .atomic)
        let text = "alerting: {alertmanagers: [{file_sd_configs: [{files: [am.json], refresh_interval: 1s}]}]}"
        try await withNotifier(text, folder: folder.path) { notifier in
            notifier.notify(Self.notices(0..<1))
            #expect(await first.next(1).first?.alerts.count == 1)
            try Data("[{\"targets\": [\"\(second.address)\"]}]".utf8).write(to: file, options: .atomic)
            try await until("another one") {
                notifier.addresses.active == ["http://\(second.address)/api/v2/alerts"]
            }
            notifier.notify(Self.notices(1..<2))
            #expect(await second.next(1).first?.alerts.first?.labels["n"] == "1")
            // Who is gone has no figures any more.
            try await until("one set of figures") {
                notifier.families.first { $0.name.hasPrefix("prometheus_notifications_sent") }?.metrics.count == 1
            }
        }
        await first.close()
        await second.close()
    }

    @Test func `Alertmanagers are found by asking a server`() async throws {
        let receiver = try await AlertReceiver()
        let finder = try await AlertReceiver()
        finder.answer(.document("[{\"targets\": [\"\(receiver.address)\"]}]"))
        let text = "alerting: {alertmanagers: [{http_sd_configs: [{url: 'http://\(finder.address)/sd'}]}]}"
        try await withNotifier(text) { notifier in
            notifier.notify(Self.notices(0..<1))
            #expect(await receiver.next(1).first?.alerts.count == 1)
        }
        await receiver.close()
        await finder.close()
    }

    // MARK: What cannot be told

    @Test func `many alerts go in batches, and what was refused is not tried again`() async throws {
        let receiver = try await AlertReceiver()
        receiver.answer(.status(200), first: [.status(503)])
        var limits = AlertNotifier.Limits()
        limits.batch = 3
        let text = "alerting: {alertmanagers: [{static_configs: [{targets: ['\(receiver.address)']}]}]}"
        try await withNotifier(text, limits: limits) { notifier in
            notifier.notify(Self.notices(0..<7))
            let requests = await receiver.next(3)
            #expect(requests.map { $0.alerts.map { $0.labels["n"] } } == [["0", "1", "2"], ["3", "4", "5"], ["6"]])
            try await until("all sent") { figure("prometheus_notifications_sent_total", notifier) == 4 }
            #expect(figure("prometheus_notifications_errors_total", notifier) == 3)
            #expect(figure("prometheus_notifications_dropped_total", notifier) == 3)
        }
        await receiver.close()
    }

    @Test func `of more than can wait the oldest are dropped, and nobody waits for one that hangs`() async throws {
        let (hanging, other) = (try await AlertReceiver(), try await AlertReceiver())
        hanging.answer(.silence)
        var limits = AlertNotifier.Limits()
        (limits.capacity, limits.batch, limits.drains) = (4, 2, false)
        let text = """
            alerting:
              alertmanagers:
                - {timeout: 1h, static_configs: [{targets: ['\(hanging.address)']}]}
                - static_configs: [{targets: ['\(other.address)']}]
            """
        try await withNotifier(text, limits: limits, found: 2) { notifier in
            notifier.notify(Self.notices(0..<1))
            #expect(await hanging.next(1).count == 1)
            #expect(await other.next(1).count == 1)
            for number in 1..<8 {
                notifier.notify(Self.notices(number..<(number + 1)))
                // The other one is told as if nothing were.
                #expect(await other.next(1).first?.alerts.first?.labels["n"] == String(number))
            }
            #expect(figure("prometheus_notifications_dropped_total", notifier) == 3)
            #expect(figure("prometheus_notifications_queue_length", notifier) == 4)
            #expect(figure("prometheus_notifications_queue_capacity", notifier) == 4)
        }
        await hanging.close()
        await other.close()
    }

    @Test func `a request has an end`() async throws {
        let receiver = try await AlertReceiver()
        receiver.answer(.silence)
        let text =
            "alerting: {alertmanagers: [{timeout: 100ms, static_configs: [{targets: ['\(receiver.address)']}]}]}"
        try await withNotifier(text) { notifier in
            notifier.notify(Self.notices(0..<1))
            try await until("given up") { figure("prometheus_notifications_errors_total", notifier) == 1 }
            #expect(notifier.deliveries.values.map(\.error?.isEmpty) == [false])
            receiver.answer(.status(200))
            notifier.notify(Self.notices(1..<2))
            #expect(await receiver.next(2).last?.alerts.first?.labels["n"] == "1")
        }
        await receiver.close()
    }

    // MARK: The end

    @Test func `at the end what waits is told`() async throws {
        let receiver = try await AlertReceiver()
        var limits = AlertNotifier.Limits()
        (limits.batch, limits.drainTime) = (1, 60_000)
        let text = "alerting: {alertmanagers: [{static_configs: [{targets: ['\(receiver.address)']}]}]}"
        try await withNotifier(text, limits: limits) { $0.notify(Self.notices(0..<20)) }
        #expect(await receiver.next(20).compactMap { $0.alerts.first?.labels["n"] } == (0..<20).map(String.init))
        await receiver.close()
    }

    @Test func `at the end one that does not answer is waited for once`() async throws {
        let receiver = try await AlertReceiver()
        receiver.answer(.silence)
        var limits = AlertNotifier.Limits()
        limits.batch = 1
        let text = "alerting: {alertmanagers: [{timeout: 300ms, static_configs: [{targets: ['\(receiver.address)']}]}]}"
        let clock = SystemClock()
        var ended: Int64 = 0
        try await withNotifier(text, limits: limits) { notifier in
            notifier.notify(Self.notices(0..<1000))
            _ = await receiver.next(1)
            ended = clock.steadyNanoseconds
        }
        // A thousand times 300 ms would be five minutes.
        #expect(clock.steadyNanoseconds - ended < 30_000_000_000)
        await receiver.close()
    }

    @Test(arguments: [false, true]) func `what waits is dropped at the end, and what is under way is cut`(
        _ drains: Bool
    ) async throws {
        let receiver = try await AlertReceiver()
        receiver.answer(.silence)
        var limits = AlertNotifier.Limits()
        // With draining it has its time, which is less than the time of an answer.
        (limits.batch, limits.drains) = (1, drains)
        let text = "alerting: {alertmanagers: [{timeout: 1h, static_configs: [{targets: ['\(receiver.address)']}]}]}"
        var ended: AlertNotifier?
        let clock = SystemClock()
        var asked: Int64 = 0
        try await withNotifier(text, limits: limits) { notifier in
            ended = notifier
            notifier.notify(Self.notices(0..<5))
            _ = await receiver.next(1)
            asked = clock.steadyNanoseconds
        }
        if drains { #expect(clock.steadyNanoseconds - asked > 1_400_000_000) }
        #expect(figure("prometheus_notifications_dropped_total", try #require(ended)) == 5)
        await receiver.close()
    }
}
