import MetricModel
import Promenade
import PromenadeTesting
import Scrape
import Synchronization
import Testing
import Web

/// What batches tell of what became of them.
@Suite(.timeLimit(.minutes(5))) struct BatchTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test func `PUT and POST to one group tell what they did to it`() async throws {
        try await withStack { stack in
            let told = Lines()
            let batches = Batches(url: stack.pushgatewayURL, clock: stack.stack.clock, print: { _ in }) { told.add($0) }
            for step in 0..<3 {
                // Each push at a time of its own, as in life: by that the renewed are told from the kept.
                await stack.advance(by: .seconds(1))
                let isDone = try await step == 1 ? batches.push(database: "x") : batches.add(database: "x")
                #expect(isDone)
            }
            let (completion, duration) = ("db_backup_last_completion_timestamp_seconds", "db_backup_duration_seconds")
            let (success, records) = ("db_backup_last_success_timestamp_seconds", "db_backup_records_processed")
            let group = "{db=\"x\", job=\"db_backup\"}"
            #expect(
                told.all == [
                    "POST added to \(group): 4 new (\(duration), \(completion), \(success), \(records))",
                    "PUT replaced \(group): 3 gone (\(duration), \(success), \(records)), 1 renewed (\(completion))",
                    "POST added to \(group): 3 new (\(duration), \(success), \(records)), 1 renewed (\(completion))",
                ]
            )
        }
    }

    @Test func `a refused push tells only that`() async throws {
        try await withStack { stack in
            stack.faultPushes(.status(503))
            let told = Lines()
            let batches = Batches(
                url: stack.pushgatewayURL,
                clock: stack.stack.clock,
                print: { told.add("printed " + $0) },
                remark: { told.add($0) }
            )
            let isDone = try await batches.push(database: "x")
            #expect(!isDone)
            #expect(told.all.count == 1)
            #expect(told.all.first?.hasPrefix("printed Could not push completion time to Pushgateway:") == true)
        }
    }

    @Test func `a push to what is no Pushgateway, or none, is told as a failure`() async throws {
        try await withStack { stack in
            for (url, words) in [
                (stack.demoURL, "took the push, but it is no Pushgateway"),
                ("http://127.0.0.1:1", "connection refused"),
                ("http://127.0.0.1:99999", "port 99999 is beyond the last one"), ("", "it is empty"),
            ] {
                let told = Lines()
                let batches = Batches(url: url, clock: stack.stack.clock, print: { told.add($0) }) { told.add($0) }
                let isDone = try await batches.push(database: "x")
                #expect(!isDone)
                #expect(told.all.count == 1)
                #expect(told.all.first?.contains(words) == true, "\(told.all)")
            }
        }
    }

    @Test func `a batch that is exposed tells whether a scrape saw it`() async throws {
        try await withStack(clock: SystemClock()) { stack in
            let told = Lines()
            let exposed = Batches(
                url: "",
                clock: stack.stack.clock,
                exposure: BatchExposure(address: ListenAddress(host: "127.0.0.1", port: 0), milliseconds: 0),
                print: { _ in },
                remark: { told.add($0) }
            )
            let isDone = try await exposed.add()
            #expect(isDone)
            #expect(told.all.first?.hasPrefix("working, and serving http://127.0.0.1:") == true)
            #expect(
                told.all.last?.contains("and no scrape saw it: a batch that is over before the next scrape") == true
            )
        }
    }
}

@Suite(.timeLimit(.minutes(5))) struct TimeTextTests {
    @Test(
        arguments: [
            ("1700000000123", 1_700_000_000_123), ("1700000000.5", 1_700_000_000_500), ("now", 1000), ("-1s", 0),
            ("1970-01-02", 86_400_000), ("2026-11-28", 1_795_824_000_000), ("2024-02-29", 1_709_164_800_000),
            ("1970-01-01 01:02", 3_720_000), ("1970-01-01T01:02:03Z", 3_723_000),
            ("1970-01-01T01:02:03.25Z", 3_723_250), ("1970-01-01T02:00:00+02:00", 0),
            ("1969-12-31T23:00:00-01:00", 0), ("-5", -5),
        ] as [(String, Timestamp)]
    )
    func `times as people type them`(text: String, expected: Timestamp) {
        #expect(TimeText.parse(text, now: 1000) == expected)
    }

    @Test func `an option whose span cannot be read is told with what would be right`() throws {
        #expect(try TimeText.span("1m30s", of: "--for", like: "5m", least: 1).milliseconds == 90_000)
        #expect(try TimeText.span("0s", of: "--within", like: "10s").milliseconds == 0)
        for text in ["5", "", "-5s", "soon", "0s"] {
            let error = #expect(throws: FlagError.self) {
                _ = try TimeText.span(text, of: "--for", like: "5m", least: 1)
            }
            #expect(error?.message == "--for: \"\(text)\" is not a time such as 5m")
        }
    }

    @Test(
        arguments: [
            "", "soon", "2026-02-29", "2026-13-01", "2026-1-1", "2026-11-28T", "2026-11-28T24:00", "2026-11-28T10:60",
            "2026-11-28T10:00:00X", "2026-11-28T10:00:00+2", "-", "-x", "2026-11-28 10:00:00.", "1e300.0", "nan",
        ]
    )
    func `what is no time`(text: String) {
        #expect(TimeText.parse(text, now: 1000) == nil)
    }
}
