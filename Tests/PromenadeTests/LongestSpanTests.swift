import GoText
import MetricModel
import Promenade
import PromenadeTesting
import Scrape
import Testing

/// Durations as long as Prometheus takes them, in every place where somebody adds one to the time of day.
@Suite(.timeLimit(.minutes(5))) struct LongestSpanTests {
    static let longest = "106751d23h47m16s"

    static let config = """
        global: {scrape_interval: LONGEST, scrape_timeout: LONGEST, evaluation_interval: LONGEST}
        demo_server: {traffic: {requests_per_second: 1e-12}}
        pushgateway: {group_ttl: LONGEST, ttl_header: true}
        alerting: {alertmanagers: [{timeout: LONGEST, static_configs: [{targets: ['127.0.0.1:1']}]}]}
        remote_write:
          - url: http://127.0.0.1:1/
            remote_timeout: LONGEST
            queue_config: {batch_send_deadline: LONGEST, min_backoff: LONGEST, max_backoff: LONGEST}
            metadata_config: {send_interval: LONGEST}
        remote_read: [{url: 'http://127.0.0.1:1/', remote_timeout: LONGEST}]
        storage: {tsdb: {out_of_order_time_window: LONGEST}}
        scrape_configs:
          - {job_name: demo, static_configs: [{targets: ['localhost:8080']}]}
          - {job_name: gone, static_configs: [{targets: ['127.0.0.1:1']}]}
          - {job_name: files, file_sd_configs: [{files: [none.yml], refresh_interval: LONGEST}]}
          - {job_name: names, dns_sd_configs: [{names: [none.invalid], port: 1, type: A, refresh_interval: LONGEST}]}
          - {job_name: servers, http_sd_configs: [{url: 'http://127.0.0.1:1/', refresh_interval: LONGEST}]}
        rules:
          groups:
            - name: g
              interval: LONGEST
              rules: [{alert: A, expr: up == 0, for: LONGEST, keep_firing_for: LONGEST}]
        """

    @Test(arguments: [true, false]) func `whatever waits for so long waits`(_ isManual: Bool) async throws {
        let config = Self.config.replacing("LONGEST", with: Self.longest)
        let flags = [
            "config.auto-reload-interval", "query.lookback-delta", "rules.alert.resend-delay",
            "rules.alert.for-grace-period",
            "rules.alert.for-outage-tolerance", "storage.remote.flush-deadline",
        ].map { "--\($0)=\(Self.longest)" }
        let clock: (any StackClock)? = isManual ? nil : SystemClock()
        try await withStack(config: config, flags: flags, clock: clock) { stack in
            stack.fault(.latency(.seconds(9_000_000_000)), job: "gone")
            if isManual { await stack.advance(by: .seconds(3600)) }
            await stack.scrape(job: "demo")
            if isManual { await stack.scrape(job: "gone") }
            try await stack.push("m 1\n", job: "batch")
            #expect(try await stack.value("count(up{job=\"demo\"})") == 1)
        }
    }

    @Test func `a moment and twice the longest span are a moment`() throws {
        let longest = try PrometheusDuration(parsing: Self.longest).nanoseconds
        #expect(!SystemClock().wallNanoseconds.addingReportingOverflow(2 * longest).overflow)
        #expect(try PrometheusDuration(parsing: "2y").nanoseconds == 2 * 365 * 86_400 * 1_000_000_000)
    }
}
